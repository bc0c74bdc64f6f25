"""Hooks get the state, and their failures are told."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from wherry.runtime import hooks
from wherry.runtime.report import StepError


def shell(script: str, **more: Any) -> dict[str, Any]:
    return {"path": "/bin/sh", "args": ["sh", "-c", script], **more}


def test_the_state_is_that_of_the_specification() -> None:
    config = {"ociVersion": "1.1.0", "annotations": {"a": "b"}}
    assert hooks.state(config, "c", "created", 5, "/bundle") == {
        "ociVersion": "1.1.0", "id": "c", "status": "created", "pid": 5, "bundle": "/bundle",
        "annotations": {"a": "b"},
    }  # fmt: skip


def test_hooks_read_the_state_and_have_their_environment(tmp_path: Path) -> None:
    hook = shell(f'cat > {tmp_path}/state; echo "$A" > {tmp_path}/env', env=["A=b=c", "PATH=/bin"])
    hooks.run_all("prestart", [hook], {"id": "c"})
    assert json.loads((tmp_path / "state").read_text()) == {"id": "c"}
    assert (tmp_path / "env").read_text() == "b=c\n"


def test_the_first_failure_ends_the_row(tmp_path: Path) -> None:
    row = [shell("exit 0"), shell("echo why >&2; exit 3"), shell(f"touch {tmp_path}/later")]
    words = "running createRuntime hook #1 /bin/sh: exit status 3, stderr: why"
    with pytest.raises(StepError, match=words):
        hooks.run_all("createRuntime", row, {})
    assert not (tmp_path / "later").exists()


def test_a_hook_that_is_not_there() -> None:
    with pytest.raises(StepError, match=r"exit status 127, stderr: .*No such file"):
        hooks.run_all("poststop", [{"path": "/no/such"}], {})


def test_a_signal_is_named() -> None:
    with pytest.raises(StepError, match="signal 9"):
        hooks.run_all("poststop", [shell("kill -9 $$")], {})


def test_a_slow_hook_is_killed() -> None:
    started = time.monotonic()
    with pytest.raises(StepError, match=r"took longer than 0\.2 s"):
        hooks.run_all("prestart", [shell("exec sleep 60", timeout=0.2)], {})
    assert time.monotonic() - started < 30


def test_what_a_hook_leaves_running_is_not_waited_for() -> None:
    started = time.monotonic()
    hooks.run_all("prestart", [shell("sleep 5 & echo done")], {})
    assert time.monotonic() - started < 4


def test_much_output_is_no_trouble() -> None:
    with pytest.raises(StepError, match="end"):
        hooks.run_all("prestart", [shell("head -c 1000000 /dev/zero; echo end; exit 1")], {})
