"""The configuration file: read as the engine reads it, and written by nobody but root."""

from __future__ import annotations

import os
import shlex
import stat

from wherry.doctor.finding import Finding, command, note, ok, problem
from wherry.doctor.machine import Machine


def check_file(machine: Machine) -> list[Finding]:
    """The engine accepts its flags and its configuration file."""
    # It is one of the parts that may be broken.
    from wherry.daemon.configuration import ConfigurationError, load  # noqa: PLC0415

    path = machine.settings.config_file
    if os.path.exists(path) and not os.access(path, os.R_OK):
        raise PermissionError(path)
    try:
        options = load(machine.settings.flags)
    except ConfigurationError as error:
        effect = "the engine does not start, or does not take up what was changed"
        check = command("wherryd", *machine.settings.flags, "--validate")
        commands = (f"${{EDITOR:-vi}} {shlex.quote(path)}", check)
        return [problem(str(one), effect, *commands) for one in error.problems]
    return [note(sentence) for sentence in options.notes] or ok(_describe(path))


def _describe(path: str) -> str:
    return path if os.path.exists(path) else f"{path} is not there: defaults hold"


def check_owner(machine: Machine) -> list[Finding]:
    """Only root can write the configuration file."""
    path = machine.settings.config_file
    findings = []
    for one in (os.path.dirname(path), path):
        try:
            told = os.stat(one)
        except FileNotFoundError:
            continue
        sticky = told.st_mode & stat.S_ISVTX
        mode = stat.S_IMODE(told.st_mode)
        if mode & 0o022 and not sticky:
            effect = "whoever can is root at the engine's next start"
            text = f"{one} can be written by others (mode {mode:o})"
            findings.append(problem(text, effect, command("chmod", "go-w", one)))
        if told.st_uid != 0:
            text = f"{one} belongs to user {told.st_uid}, not to root"
            findings.append(problem(text, "that user is root", command("chown", "root:root", one)))
    return findings or ok("only root can write it")
