"""Exec'd processes as inspect shows them."""

from __future__ import annotations

from typing import Any

from wherry.api.ports import ExecView


def inspect(view: ExecView) -> dict[str, Any]:
    """Render GET /exec/{id}/json."""
    config = view.config
    words = [config.cmd] if isinstance(config.cmd, str) else config.cmd or [""]
    return {
        "ID": view.id,
        "Running": view.running,
        "ExitCode": view.exit_code,
        "ProcessConfig": {
            "tty": config.tty,
            "entrypoint": words[0],
            "arguments": words[1:],
            "privileged": config.privileged,
            **({"user": config.user} if config.user else {}),
        },
        "OpenStdin": config.attach_stdin,
        "OpenStderr": config.attach_stderr,
        "OpenStdout": config.attach_stdout,
        "CanRemove": False,
        "ContainerID": view.container_id,
        "DetachKeys": config.detach_keys,
        "Pid": view.pid,
    }
