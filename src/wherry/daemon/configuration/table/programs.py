"""Flags that are no settings: what the program should do, and what dockerd once had."""

from __future__ import annotations

from typing import Final

from wherry.base.values import dataclass
from wherry.daemon.configuration.options import DEFAULT_FILE


@dataclass(frozen=True, slots=True)
class ProgramFlag:
    """A flag that says what to do; `metavar` is "" for one that takes no word."""

    flags: tuple[str, ...]
    help: str
    metavar: str = ""


CONFIG_FILE: Final = "--config-file"
VALIDATE: Final = "--validate"
HELP: Final = "--help"
VERSION: Final = "--version"

PROGRAM: Final = (
    ProgramFlag(
        (CONFIG_FILE,), f"The file of settings; {DEFAULT_FILE} is read if it is there.", "FILE"
    ),
    ProgramFlag((VALIDATE,), "Check the settings, say everything that is wrong, and end."),
    ProgramFlag(("-h", HELP), "Show this help and end."),
    ProgramFlag(("-v", VERSION), "Show the version and end."),
)
# Flags that dockerd takes for the sake of old scripts, and what became of them.
RETIRED: Final = {
    "-r": "restart policies of containers decide",
    "--restart": "restart policies of containers decide",
}
