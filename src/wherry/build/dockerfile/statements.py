"""From a logical line to an instruction: one function for each keyword.

Nothing here knows lines or files: what is wrong is a `GrammarError`, in BuildKit's words.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from wherry.base.values import dataclass
from wherry.build.dockerfile import instructions as i
from wherry.build.dockerfile import lines
from wherry.build.dockerfile.arguments import (
    read_command,
    read_json,
    read_pairs,
    read_quoted,
    read_words,
)
from wherry.build.dockerfile.blanks import BLANKS, split_all, split_first
from wherry.build.dockerfile.durations import read_duration
from wherry.build.dockerfile.errors import GrammarError, quoted
from wherry.build.dockerfile.flags import Flags, Kind, Split, read_flags, split
from wherry.build.dockerfile.heredocs import opening
from wherry.build.dockerfile.mountflags import read_mount
from wherry.build.dockerfile.suggest import with_suggestion
from wherry.build.dockerfile.words import expand

_STAGE_NAME: Final = re.compile(r"[a-z][a-z0-9\-_.]*")
_MILLISECOND: Final = 1_000_000
_MOST_RETRIES: Final = 2**31 - 1
_NETWORKS: Final = ("default", "none", "host")
_SECURITY: Final = ("sandbox", "insecure")


@dataclass(frozen=True, slots=True)
class _Told:
    """A line in its parts."""

    line: lines.Line
    parts: Split
    flags: Flags
    escape: str

    @property
    def keyword(self) -> str:
        return self.parts.keyword.upper()

    @property
    def rest(self) -> str:
        return self.parts.rest

    @property
    def common(self) -> dict[str, Any]:
        """The fields that every instruction has."""
        return {"place": self.line.place, "text": self.line.shown, "keyword": self.keyword}

    def single(self) -> str:
        """Return the argument of an instruction that takes one, blanks and all."""
        if not self.rest:
            raise GrammarError(f"{self.keyword} requires exactly one argument")
        return self.rest

    def least_one(self, words: tuple[str, ...]) -> tuple[str, ...]:
        if not words:
            raise GrammarError(f"{self.keyword} requires at least one argument")
        return words


def read_instruction(line: lines.Line, escape: str) -> i.Instruction:
    """Read an instruction. Raises `GrammarError`."""
    parts = split(line.text, escape)
    keyword = parts.keyword.upper()
    # Some letters beyond ASCII have capitals within it.
    if keyword not in _READERS or not parts.keyword.isascii():
        unknown = f"unknown instruction: {parts.keyword}"
        raise GrammarError(with_suggestion(unknown, parts.keyword, _READERS, any_case=True))
    flags = read_flags(parts.flags, _FLAGS.get(keyword, {}))
    return _READERS[keyword](_Told(line, parts, flags, escape))


def _arg(told: _Told) -> i.Arg:
    words = told.least_one(tuple(read_quoted(told.rest, told.escape)))
    values: list[tuple[str, str | None]] = []
    for word in words:
        name, equals, value = word.partition("=")
        if not name:
            raise GrammarError("ARG names can not be blank")
        values.append((name, value if equals else None))
    return i.Arg(**told.common, values=tuple(values))


def _from(told: _Told) -> i.From:
    words = split_all(told.rest)
    alias = ""
    if len(words) == 3 and words[1].lower() == "as":
        alias = words[2].lower()
        if not _STAGE_NAME.fullmatch(alias):
            raise GrammarError(
                f"invalid name for build stage: {quoted(words[2])}, name can't start with a number"
                " or contain symbols"
            )
    elif len(words) != 1:
        raise GrammarError("FROM requires either one or three arguments")
    platform = told.flags.text("platform")
    return i.From(**told.common, image=words[0], platform=platform, alias=alias)


def _env(told: _Told) -> i.Env:
    pairs, legacy = read_pairs(told.rest, told.keyword, told.escape)
    return i.Env(**told.common, pairs=pairs, legacy=legacy)


def _label(told: _Told) -> i.Label:
    pairs, legacy = read_pairs(told.rest, told.keyword, told.escape)
    return i.Label(**told.common, pairs=pairs, legacy=legacy)


def _maintainer(told: _Told) -> i.Maintainer:
    return i.Maintainer(**told.common, author=told.single())


def _run(told: _Told) -> i.Run:
    if told.flags.all("device"):
        raise GrammarError("RUN --device is not supported: devices cannot be given to a build")
    network, security = told.flags.text("network"), told.flags.text("security")
    if told.flags.all("network") and network not in _NETWORKS:
        raise GrammarError(f"invalid network mode {quoted(network)}: use default, none or host")
    if told.flags.all("security") and security not in _SECURITY:
        raise GrammarError(f"security {quoted(security)} is not valid: use sandbox or insecure")
    mounts = tuple(read_mount(text) for text in told.flags.all("mount"))
    command = read_command(told.rest)
    told.least_one(command.words)
    return i.Run(
        **told.common,
        command=command,
        heredocs=told.line.heredocs,
        mounts=mounts,
        network=network,
        security=security,
    )


def _files(told: _Told) -> tuple[tuple[str, ...], str]:
    """Return sources and destination of COPY and ADD; heredocs as `<<NAME`."""
    words = read_words(told.rest)
    if len(words) < 2:
        raise GrammarError(
            f"{told.keyword} requires at least two arguments, but only one was provided. "
            "Destination could not be determined"
            if words
            else f"{told.keyword} requires at least two arguments"
        )
    *sources, destination = words
    if read_json(told.rest) is not None:
        return tuple(sources), destination
    if opening(destination):
        raise GrammarError(f"{told.keyword} cannot accept a heredoc as a destination")
    documents = [found.name for one in sources if (found := opening(one))]
    if sorted(documents) != sorted(one.name for one in told.line.heredocs):
        raise GrammarError(
            f"{told.keyword} cannot find its heredocs: write <<NAME in one word, and close quotes"
        )
    shown = (f"<<{found.name}" if (found := opening(one)) else one for one in sources)
    return tuple(shown), destination


def _copy(told: _Told) -> i.Copy:
    sources, destination = _files(told)
    stage = told.flags.text("from")
    if stage and expand(stage, lambda _: None, told.escape).text != stage:
        raise GrammarError(
            "variable expansion is not supported for --from, define a new stage with FROM using ARG"
            " from global scope as a workaround"
        )
    return i.Copy(
        **told.common,
        sources=sources,
        destination=destination,
        heredocs=told.line.heredocs,
        source_stage=stage,
        chown=told.flags.text("chown"),
        chmod=told.flags.text("chmod"),
        link=bool(told.flags.switch("link")),
        parents=bool(told.flags.switch("parents")),
        excludes=told.flags.all("exclude"),
    )


def _add(told: _Told) -> i.Add:
    sources, destination = _files(told)
    return i.Add(
        **told.common,
        sources=sources,
        destination=destination,
        heredocs=told.line.heredocs,
        chown=told.flags.text("chown"),
        chmod=told.flags.text("chmod"),
        link=bool(told.flags.switch("link")),
        excludes=told.flags.all("exclude"),
        checksum=told.flags.text("checksum"),
        keep_git_dir=told.flags.switch("keep-git-dir"),
        unpack=told.flags.switch("unpack"),
    )


def _cmd(told: _Told) -> i.Cmd:
    return i.Cmd(**told.common, command=read_command(told.rest))


def _entrypoint(told: _Told) -> i.Entrypoint:
    return i.Entrypoint(**told.common, command=read_command(told.rest))


def _shell(told: _Told) -> i.Shell:
    words = read_json(told.rest)
    if words is None and told.rest:
        raise GrammarError("SHELL requires the arguments to be in JSON form")
    return i.Shell(**told.common, words=told.least_one(words or ()))


def _healthcheck(told: _Told) -> i.Healthcheck:
    kind, rest = split_first(told.rest)
    told.least_one((kind,) if kind else ())
    if kind.upper() == "NONE":
        if rest:
            raise GrammarError("HEALTHCHECK NONE takes no arguments")
        return i.Healthcheck(**told.common, test=("NONE",))
    if kind.upper() != "CMD":
        raise GrammarError(f"Unknown type {quoted(kind.upper())} in HEALTHCHECK (try CMD)")
    command = read_command(rest)
    if not command.words:
        raise GrammarError("Missing command after HEALTHCHECK CMD")
    return i.Healthcheck(
        **told.common,
        test=("CMD-SHELL" if command.shell else "CMD", *command.words),
        interval=_interval(told.flags, "interval"),
        timeout=_interval(told.flags, "timeout"),
        start_period=_interval(told.flags, "start-period"),
        start_interval=_interval(told.flags, "start-interval"),
        retries=_retries(told.flags.text("retries")),
    )


def _interval(flags: Flags, name: str) -> int:
    text = flags.text(name)
    duration = read_duration(text) if text else 0
    if duration and duration < _MILLISECOND:
        raise GrammarError(f"Interval {quoted(name)} cannot be less than 1ms")
    return duration


def _retries(text: str) -> int:
    digits = text.removeprefix("-").removeprefix("+")
    if not text:
        return 0
    if not (digits.isascii() and digits.isdecimal()):
        raise GrammarError(f"--retries {quoted(text)} is no number: invalid syntax")
    if text.startswith("-") and digits.strip("0"):
        raise GrammarError(f"--retries cannot be negative ({text})")
    if len(digits) > 10 or int(digits) > _MOST_RETRIES:
        raise GrammarError(f"--retries {quoted(text)} is too large: value out of range")
    return int(digits)


def _onbuild(told: _Told) -> i.Onbuild:
    told.least_one((told.rest,) if told.rest else ())
    keyword = split(told.rest, told.escape).keyword.upper()
    if keyword == "ONBUILD":
        raise GrammarError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if keyword in ("FROM", "MAINTAINER"):
        raise GrammarError(f"{keyword} isn't allowed as an ONBUILD trigger")
    read_instruction(dataclasses.replace(told.line, text=told.rest), told.escape)
    documents = (f"\n{one.content}{one.name}" for one in told.line.heredocs)
    return i.Onbuild(**told.common, trigger="".join((told.rest, *documents)))


def _stopsignal(told: _Told) -> i.Stopsignal:
    return i.Stopsignal(**told.common, signal=told.single())


def _user(told: _Told) -> i.User:
    return i.User(**told.common, user=told.single())


def _volume(told: _Told) -> i.Volume:
    paths = tuple(path.strip(BLANKS) for path in told.least_one(read_words(told.rest)))
    if "" in paths:
        raise GrammarError("VOLUME specified can not be an empty string")
    return i.Volume(**told.common, paths=paths)


def _workdir(told: _Told) -> i.Workdir:
    return i.Workdir(**told.common, path=told.single())


def _expose(told: _Told) -> i.Expose:
    return i.Expose(**told.common, ports=told.least_one(tuple(split_all(told.rest))))


_OF_FILES: Final = {
    "chown": Kind.TEXT,
    "chmod": Kind.TEXT,
    "link": Kind.SWITCH,
    "exclude": Kind.TEXTS,
}
_FLAGS: Final[Mapping[str, Mapping[str, Kind]]] = {
    "ADD": {
        **_OF_FILES,
        "checksum": Kind.TEXT,
        "keep-git-dir": Kind.SWITCH,
        "unpack": Kind.SWITCH,
    },
    "COPY": {**_OF_FILES, "from": Kind.TEXT, "parents": Kind.SWITCH},
    "FROM": {"platform": Kind.TEXT},
    "HEALTHCHECK": dict.fromkeys(
        ("interval", "timeout", "start-period", "start-interval", "retries"), Kind.TEXT
    ),
    "RUN": {
        "mount": Kind.TEXTS,
        "device": Kind.TEXTS,
        "network": Kind.TEXT,
        "security": Kind.TEXT,
    },
}
_READERS: Final[Mapping[str, Callable[[_Told], i.Instruction]]] = {
    "ADD": _add,
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "FROM": _from,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "MAINTAINER": _maintainer,
    "ONBUILD": _onbuild,
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": _stopsignal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
