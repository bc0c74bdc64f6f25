"""The environment of a process, and its command line from image and container."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.base.errors import InvalidError
from wherry.oci.environment import DEFAULT_PATH


def base(hostname: str, *, tty: bool, home: str | None = None) -> list[str]:
    """Return what every process gets: path, host name, terminal, home."""
    made = [f"PATH={DEFAULT_PATH}", f"HOSTNAME={hostname}"]
    if tty:
        made.append("TERM=xterm")
    if home is not None:
        made.append(f"HOME={home}")
    return made


def with_home(environment: Sequence[str], home: str) -> list[str]:
    """Add HOME where nobody set it."""
    if any(entry.startswith("HOME=") for entry in environment):
        return list(environment)
    return [*environment, f"HOME={home}"]


def words(value: Sequence[str] | str | None) -> list[str]:
    """Return a command line that may be a list, one word, or nothing."""
    if not value:
        return []
    return [value] if isinstance(value, str) else list(value)


def command(entrypoint: Sequence[str], cmd: Sequence[str]) -> list[str]:
    """Return what is executed; raises InvalidError where there is nothing."""
    line = [*entrypoint, *cmd]
    if not line or not line[0]:
        raise InvalidError("no command specified")
    return line
