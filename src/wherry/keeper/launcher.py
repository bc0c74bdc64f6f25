"""What the keeper needs of the runtime: the shape of `wherry.runtime.launch`, which fulfils it."""

from __future__ import annotations

from typing import Protocol

from wherry.runtime.launch import Child, Launch, LaunchExec, Report


class Launcher(Protocol):
    """Forks processes; see `wherry.runtime.launch` for what each function promises."""

    def preload(self) -> None:
        """Import and open all that a fork will need."""

    def launch(self, request: Launch, /) -> Child:
        """Fork a container's first process and return at once."""

    def launch_exec(self, request: LaunchExec, /) -> Child:
        """Fork a process into a running container and return at once."""

    def read_report(self, channel: int, /) -> Report | None:
        """Return the child's next report, None while there is none."""

    def proceed(self, channel: int, /) -> None:
        """Tell a ready child to exec."""
