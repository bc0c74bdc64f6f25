"""`build --call=outline` and `--call=targets`: what a Dockerfile offers, without building it.

Read on this side, from a Dockerfile that is here. Values of arguments are those of the flags, else
the defaults as they are written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wherry.base.values import dataclass, field
from wherry.build.dockerfile.instructions import Arg, Copy, Dockerfile, Run, Stage
from wherry.build.dockerfile.parse import parse
from wherry.cli.build.source import Source
from wherry.cli.errors import CommandError, UsageError
from wherry.cli.output import table

_TRUE = ("true", "1")


@dataclass(slots=True)
class Outline:
    """What a target takes: arguments with values, secrets and agents and whether they must be."""

    name: str
    description: str
    arguments: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, bool] = field(default_factory=dict)
    agents: dict[str, bool] = field(default_factory=dict)
    caches: list[str] = field(default_factory=list)


def read(source: Source) -> Dockerfile:
    """Parse the Dockerfile of a build; raises DockerfileError, UsageError without one here."""
    if source.text is None:
        raise UsageError("outline and targets want a Dockerfile that is here: give a directory")
    return parse(source.text, source.dockerfile)


def targets(file: Dockerfile) -> list[dict[str, Any]]:
    """Return the stages with a name, and the last one."""
    found = []
    for stage in file.stages:
        last = stage.index == len(file.stages) - 1
        if stage.name or last:
            description = file.comments.get(stage.name, "")
            found.append({"name": stage.name, "default": last, "description": description})
    return found


def outline(file: Dockerfile, target: str, given: Mapping[str, str | None]) -> Outline:
    """Return what a target takes, all that it is built on included."""
    chosen = _stage(file, target)
    found = Outline(chosen.name, file.comments.get(chosen.name, ""))
    for argument in file.arguments:
        _arguments(found, argument, given)
    for stage in sorted(_below(file, chosen), key=lambda stage: stage.index):
        for instruction in stage.instructions:
            if isinstance(instruction, Arg):
                _arguments(found, instruction, given)
            elif isinstance(instruction, Run):
                _mounts(found, instruction)
    return found


def _stage(file: Dockerfile, target: str) -> Stage:
    if not target:
        return file.stages[-1]
    for stage in file.stages:
        if stage.name == target.lower():
            return stage
    if target.isdecimal() and int(target) < len(file.stages):
        return file.stages[int(target)]
    raise CommandError(f"target stage {json.dumps(target)} could not be found")


def _below(file: Dockerfile, chosen: Stage) -> list[Stage]:
    """Return a stage and all those that it needs."""
    names = {stage.name: stage for stage in file.stages if stage.name}
    found: dict[int, Stage] = {}
    pending = [chosen]
    while pending:
        stage = pending.pop()
        if stage.index in found:
            continue
        found[stage.index] = stage
        for name in _needs(stage):
            below = names.get(name.lower())
            if below is None and name.isdecimal() and int(name) < stage.index:
                below = file.stages[int(name)]
            if below is not None:
                pending.append(below)
    return list(found.values())


def _needs(stage: Stage) -> Iterator[str]:
    yield stage.start.image
    for instruction in stage.instructions:
        if isinstance(instruction, Copy):
            yield instruction.source_stage
        elif isinstance(instruction, Run):
            yield from (mount.get("from") for mount in instruction.mounts)


def _arguments(found: Outline, instruction: Arg, given: Mapping[str, str | None]) -> None:
    for name, default in instruction.values:
        value = given.get(name)
        known = default if value is None else value
        if known is not None or name not in found.arguments:
            found.arguments[name] = known or ""


def _mounts(found: Outline, instruction: Run) -> None:
    for mount in instruction.mounts:
        kind, target = mount.get("type", default="bind"), mount.get("target", "dst", "destination")
        required = mount.get("required") in _TRUE
        if kind == "secret":
            name = mount.get("id") or target.rpartition("/")[2]
            found.secrets[name] = required or found.secrets.get(name, False)
        elif kind == "ssh":
            name = mount.get("id", default="default")
            found.agents[name] = required or found.agents.get(name, False)
        elif kind == "cache":
            found.caches.append(mount.get("id", default=target))


def target_lines(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the table of targets."""
    rows = [["TARGET", "DESCRIPTION"]]
    for one in found:
        name = one["name"]
        if one["default"]:
            name = f"{name} (default)" if name else "(default)"
        rows.append([name, one["description"]])
    return [line.rstrip() for line in table.render(rows)]


def outline_lines(found: Outline, comments: Mapping[str, str]) -> list[str]:
    """Return the tables of an outline."""
    lines = []
    if found.name or found.description:
        lines.append(f"TARGET:      {found.name or '(default)'}")
        if found.description:
            lines.append(f"DESCRIPTION: {found.description}")
        lines.append("")
    if found.arguments:
        rows = [["BUILD ARG", "VALUE", "DESCRIPTION"]]
        rows += [[name, value, comments.get(name, "")] for name, value in found.arguments.items()]
        lines += [*table.render(rows), ""]
    for title, names in (("SECRET", found.secrets), ("SSH", found.agents)):
        if names:
            rows = [[title, "REQUIRED"]]
            rows += [[name, "true" if must else ""] for name, must in names.items()]
            lines += [*table.render(rows), ""]
    return [line.rstrip() for line in lines]


def outline_json(found: Outline, comments: Mapping[str, str]) -> str:
    """Return an outline as BuildKit's JSON, without places."""
    told = {
        "name": found.name,
        "description": found.description,
        "args": [
            {"name": name, "description": comments.get(name, ""), "value": value}
            for name, value in found.arguments.items()
        ],
        "secrets": [{"name": name, "required": must} for name, must in found.secrets.items()],
        "ssh": [{"name": name, "required": must} for name, must in found.agents.items()],
        "cache": [{"ID": identity} for identity in found.caches],
    }
    return json.dumps({key: value for key, value in told.items() if value}, indent=2)
