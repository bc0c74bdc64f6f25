"""What is told of a built image, and how two tellings, or a telling and a case, differ.

A difference has a name (a path, a key of the configuration, `build` or `prints`) and a line that
shows both sides. Everything of a case is collected before anything is reported.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from compat.build.cases.model import Case, Differs, Like, Wanted
from compat.build.harness.trees import Entry, Tree

COMPARED = (
    "Env", "Cmd", "Entrypoint", "WorkingDir", "User", "Volumes", "ExposedPorts", "Labels",
    "StopSignal", "Healthcheck", "OnBuild", "Shell",
)  # fmt: skip
BUILD = "build"
PRINTS = "prints"
WORDS_SHOWN = 600


@dataclass(frozen=True, slots=True)
class Built:
    """What came of a build: its output, and the image's configuration and tree if there is one."""

    succeeded: bool
    said: str
    config: Mapping[str, object] = field(default_factory=dict)
    tree: Tree = field(default_factory=dict)


Differences = dict[str, str]


def configuration(told: Mapping[str, object], author: object, platform: str) -> dict[str, object]:
    """Return what is compared of a configuration; what is empty is as if it was not there."""
    parts = {key: told.get(key) for key in COMPARED}
    for key in ("Volumes", "ExposedPorts"):
        parts[key] = sorted(parts[key] or {})  # type: ignore[call-overload]
    if parts["Labels"]:
        parts["Labels"] = dict(sorted(parts["Labels"].items()))  # type: ignore[attr-defined]
    parts |= {"Author": author, "Platform": platform}
    return {key: value for key, value in parts.items() if value}


def between(ours: Built, theirs: Built, apart_from: Collection[str] = ()) -> Differences:
    """Return how two results of one case differ, apart from some paths.

    Failures are compared as such, not by their words.
    """
    if ours.succeeded != theirs.succeeded:
        said = (theirs if ours.succeeded else ours).said[-WORDS_SHOWN:]
        return {BUILD: f"here {_outcome(ours)}, there {_outcome(theirs)}:\n{said}"}
    found = {
        key: f"here {ours.config.get(key)!r}, there {theirs.config.get(key)!r}"
        for key in sorted({*ours.config, *theirs.config})
        if ours.config.get(key) != theirs.config.get(key)
    }
    for path in sorted({*ours.tree, *theirs.tree}.difference(apart_from)):
        if told := _between_entries(ours.tree.get(path), theirs.tree.get(path)):
            found[path] = told
    return found


def unmet(case: Case, built: Built, words: str) -> Differences:
    """Return what of a case's expectations does not hold; `words` are those of its failure."""
    if built.succeeded == bool(case.fails):
        return {BUILD: f"it {_outcome(built)}:\n{built.said[-WORDS_SHOWN:]}"}
    if case.fails:
        told = built.said[-WORDS_SHOWN:]
        return {} if words in built.said else {BUILD: f"nothing says {words!r}:\n{told}"}
    found = {}
    if missing := [line for line in case.prints if line not in built.said]:
        found[PRINTS] = f"nothing says {missing!r}"
    for key, wanted in case.config.items():
        if built.config.get(key) != wanted:
            found[key] = f"{built.config.get(key)!r} instead of {wanted!r}"
    found |= _unmet_environment(case, built)
    for path, like in case.tree.items():
        if told := _unlike(built.tree.get(path), like):
            found[path] = told
    return found


def unexplained(found: Differences, known: tuple[Differs, ...]) -> Differences:
    """Return the differences that no reason covers, and the reasons that cover none."""
    parts = [part for one in known for part in one.parts]
    left = {
        key: told
        for key, told in found.items()
        if not any(fnmatchcase(key, part) for part in parts)
    }
    for part in parts:
        if not any(fnmatchcase(key, part) for key in found):
            left[part] = "is known to differ, but does not any more"
    return left


def shown(title: str, found: Differences) -> str:
    """Return differences as text, one for each line, below a title."""
    return "\n".join([title, *(f"  {key}: {told}" for key, told in found.items())])


def _outcome(built: Built) -> str:
    return "succeeds" if built.succeeded else "fails"


def _between_entries(ours: Entry | None, theirs: Entry | None) -> str:
    if ours is None or theirs is None:
        return f"only {'there' if ours is None else 'here'}: {_described(ours or theirs)}"
    parts = []
    for one in dataclasses.fields(Entry):
        mine, other = getattr(ours, one.name), getattr(theirs, one.name)
        # The time of a directory that a builder made or changed is its own business.
        free = one.name == "mtime" and ours.kind == "directory" and None in (mine, other)
        if mine != other and one.name != "content" and not free:
            parts.append(
                f"{one.name} here {_readable(ours, one.name)}, there {_readable(theirs, one.name)}"
            )
    return "; ".join(parts)


def _readable(entry: Entry, name: str) -> str:
    if name == "mode":
        return oct(entry.mode)
    return repr(entry.content if name == "digest" else getattr(entry, name))


def _described(entry: Entry | None) -> str:
    assert entry is not None
    what = entry.target or entry.content
    return f"{entry.kind} {oct(entry.mode)} {entry.owner[0]}:{entry.owner[1]} {what!r}"


def _unmet_environment(case: Case, built: Built) -> Differences:
    lines = built.config.get("Env") or []
    assert isinstance(lines, list)
    found = dict(line.split("=", 1) for line in lines)
    wrong = {
        name: f"{name} is {found.get(name)!r} instead of {value!r}"
        for name, value in case.env.items()
        if found.get(name) != value
    }
    return {"Env": "; ".join(wrong.values())} if wrong else {}


def _unlike(entry: Entry | None, wanted: Wanted) -> str:
    if entry is None:
        return "" if wanted is None else "is not there"
    if wanted is None:
        return f"is there: {_described(entry)}"
    like = Like("file", wanted) if isinstance(wanted, str) else wanted
    wrong = []
    for one in dataclasses.fields(Like):
        asked = getattr(like, one.name)
        if asked is not None and not _fits(entry, one.name, asked):
            wrong.append(f"{one.name} is {_readable(entry, one.name)} instead of {asked!r}")
    return "; ".join(wrong)


def _fits(entry: Entry, name: str, asked: object) -> bool:
    if name == "same":
        return asked in entry.same
    if name == "content" and isinstance(asked, str):
        return entry.content == asked.encode("utf-8", "surrogateescape")
    return bool(getattr(entry, name) == asked)
