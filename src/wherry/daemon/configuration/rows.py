"""The settings as rows, for the reference page and the manual."""

from __future__ import annotations

import json
from typing import Literal

from wherry.base.values import dataclass
from wherry.daemon.configuration.table import PROGRAM, TABLE


@dataclass(frozen=True, slots=True)
class Row:
    """One setting, as text.

    key: "" for a flag that is no setting. form: what its value is, "a list of addresses".
    default, example: JSON, "" for none. state: `acts`; `taken` where its values change nothing,
    or those that ask for something else are refused; `refused` where only empty ones are taken.
    help: sentences; where it does not act, why.
    """

    key: str
    flags: tuple[str, ...]
    metavar: str
    form: str
    help: str
    section: str
    default: str
    example: str
    state: Literal["acts", "taken", "refused"]
    reloads: bool
    repeatable: bool
    docker: bool


def reference() -> tuple[Row, ...]:
    """Return all settings, by section, then the flags of the program."""
    settings = [
        Row(
            one.key, one.flags, one.form.metavar, one.form.name, one.help, one.section,
            json.dumps(one.default) if one.acts and one.default != "" else "",
            json.dumps(one.example) if one.example is not None else "",
            one.state, one.reloads, one.form.several, one.docker,
        )
        for one in TABLE
    ]  # fmt: skip
    program = [
        Row(
            "", one.flags, one.metavar, "", one.help, "Program", "", "", "acts",
            reloads=False, repeatable=False, docker=True,
        )
        for one in PROGRAM
    ]  # fmt: skip
    return (*settings, *program)
