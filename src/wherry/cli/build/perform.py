"""The command `build`: everything is read, then asked for in one connection, then written down.

What the display shows goes to standard error, so that `-q` and outputs have standard output for
themselves. Ctrl-C closes the connection, which makes the engine stop; half-made files go.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from time import monotonic
from typing import Any

from wherry.base.values import dataclass
from wherry.cli import credentials
from wherry.cli.build import agents, request, results, source
from wherry.cli.build.answers import Answers
from wherry.cli.build.display import words
from wherry.cli.build.display.board import Board, Step
from wherry.cli.build.display.live import Live
from wherry.cli.build.display.plain import Plain
from wherry.cli.build.display.raw import Raw, Silent
from wherry.cli.build.request import Call, Wanted
from wherry.cli.build.source import Source
from wherry.cli.command import Context, colours
from wherry.cli.errors import FAILED, CommandError, UsageError
from wherry.cli.flags import Options
from wherry.cli.output import width
from wherry.client.build import BuildConnection, BuildFailedError

INTERRUPTED = 130
_MODES = ("auto", "plain", "tty", "rawjson", "quiet", "none")


@dataclass(frozen=True, slots=True)
class _Build:
    """All that one build needs to be told."""

    options: Options
    call: Call
    mode: str
    wanted: Wanted
    source: Source


def perform(context: Context, options: Options, where: str) -> int:
    """Build, and return the exit status."""
    mode = _mode(options)
    call = request.call(options)
    results.remove_stale(options.text("iidfile"))
    proxies = request.proxies_of(credentials.load(), context.host)
    wanted = request.read(options, os.environ, proxies)
    for warning in wanted.warnings:
        context.warn(f"WARNING: {warning}")
    build = _Build(options, call, mode, wanted, source.find(where, options.text("file")))
    if call.name in ("outline", "targets"):
        return _describe(context, build)
    screen = _Screen()
    display = _display(build, screen)
    try:
        try:
            done = _ask(context, build, display, screen)
        finally:
            display.close()
            screen.flush()
    except KeyboardInterrupt:
        context.warn("canceled")
        return INTERRUPTED
    except BuildFailedError as error:
        if call.name == "check" and display.board.found:
            return _print_checks(context, build, display.board)
        _explain(context, build, display.board)
        raise CommandError(f"ERROR: failed to solve: {error}") from error
    return _finish(context, build, display.board, done)


def _ask(
    context: Context, build: _Build, display: Live | Plain | Silent, screen: _Screen
) -> Mapping[str, Any]:
    """Have the engine build; returns what it says in the end."""
    wanted = build.wanted
    with agents.ready(wanted.agents) as sockets:
        answers = Answers(
            build.source, display, wanted.directories, sockets, wanted.outputs, screen.flush
        )
        try:
            stream = context.engine.hijack("/wherry/build")
            connection = BuildConnection(stream, answers, display.interval)
            return connection.run(_message(context, build))
        finally:
            answers.close()


def _message(context: Context, build: _Build) -> dict[str, Any]:
    found = build.source
    return {
        "type": "build",
        "dockerfile": found.dockerfile,
        "dockerfile_text": found.text,
        "context": found.context,
        "scope": found.scope,
        "check": build.call.name == "check",
        "credentials": credentials.everything(context.warn),
        **build.wanted.message,
    }


def _mode(options: Options) -> str:
    """Return how progress is shown."""
    mode = options.text("progress", os.environ.get("BUILDKIT_PROGRESS") or "auto")
    if mode not in _MODES:
        raise UsageError(f"invalid progress type {mode!r}: use {', '.join(_MODES)}")
    if options.flag("quiet"):
        if options.given("progress") and mode not in ("auto", "quiet"):
            raise UsageError(f"progress={mode} and quiet cannot be used together")
        return "quiet"
    if mode == "tty" and not sys.stderr.isatty():
        raise UsageError("failed to get console: --progress=tty wants a terminal; use plain")
    if mode == "auto":
        dumb = os.environ.get("TERM") == "dumb"
        return "tty" if sys.stderr.isatty() and not dumb else "plain"
    return mode


def _display(build: _Build, screen: _Screen) -> Live | Plain | Silent:
    why = build.options.flag("why")
    if build.mode == "tty":
        fd = sys.stderr.fileno()
        coloured = colours(sys.stderr)
        return Live(screen.write, monotonic, lambda: width.size(fd), colours=coloured, why=why)
    if build.mode == "plain":
        return Plain(screen.write, monotonic, why=why)
    return Raw(screen.write, monotonic) if build.mode == "rawjson" else Silent(monotonic)


class _Screen:
    """Standard error; what is written together is written at once."""

    def __init__(self) -> None:
        self._held: list[str] = []

    def write(self, text: str) -> None:
        """Keep text for the next flush."""
        self._held.append(text)

    def flush(self) -> None:
        """Write what was kept."""
        if self._held:
            text = "".join(self._held)
            self._held.clear()
            sys.stderr.write(text)
            sys.stderr.flush()


def _finish(context: Context, build: _Build, board: Board, done: Mapping[str, Any]) -> int:
    """Write down what has been made."""
    options = build.options
    if build.call.name == "check":
        return _print_checks(context, build, board)
    results.write_id(options.text("iidfile"), done)
    results.write_metadata(options.text("metadata-file"), done)
    if build.mode in ("tty", "plain"):
        for line in words.warnings(board.found):
            context.warn(line)
    image = results.image_id(done)
    if build.mode == "quiet" and image:
        context.write(image)
    return 0


def _explain(context: Context, build: _Build, board: Board) -> None:
    """Show where it went wrong: the last lines of the step, and its place in the Dockerfile."""
    step = board.failed()
    if step is not None and step.tail:
        for line in words.last_lines(step):
            context.warn(line)
    if build.mode in ("tty", "plain"):
        for line in words.warnings(board.found):
            context.warn(line)
    if step is not None:
        for line in _snippet(build.source, step):
            context.warn(line)


def _snippet(found: Source, step: Step) -> Iterator[str]:
    from wherry.build.dockerfile.errors import snippet  # noqa: PLC0415 - only for failures
    from wherry.build.dockerfile.instructions import Place  # noqa: PLC0415 - as above

    if found.text is None or not step.line:
        return
    place = Place(step.line, _last_line(found, step.line))
    yield from snippet(found.text.split("\n"), place, found.dockerfile).splitlines()


def _last_line(found: Source, first: int) -> int:
    """Return where the instruction ends that begins at a line."""
    from wherry.build.dockerfile.parse import parse  # noqa: PLC0415 - only for failures

    for stage in parse(found.text or "", found.dockerfile).stages:
        for instruction in (stage.start, *stage.instructions):
            if instruction.place.first == first:
                return instruction.place.last
    return first


def _print_checks(context: Context, build: _Build, board: Board) -> int:
    from wherry.cli.build import checks  # noqa: PLC0415 - only when asked for

    if build.call.as_json:
        context.write(checks.as_json(board.found, build.source))
    else:
        for line in checks.lines(board.found, build.source):
            context.write(line)
    return FAILED if board.found and not build.call.ignore_status else 0


def _describe(context: Context, build: _Build) -> int:
    """Say what a Dockerfile offers."""
    import json  # noqa: PLC0415 - only when asked for

    from wherry.cli.build import describe  # noqa: PLC0415 - as above

    file = describe.read(build.source)
    if build.call.name == "targets":
        found = describe.targets(file)
        as_json = json.dumps({"targets": found}, indent=2)
        lines = [as_json] if build.call.as_json else describe.target_lines(found)
    else:
        arguments = build.wanted.message["arguments"]
        outline = describe.outline(file, build.options.text("target"), arguments)
        as_json = describe.outline_json(outline, file.comments)
        plain = describe.outline_lines(outline, file.comments)
        lines = [as_json] if build.call.as_json else plain
    for line in lines:
        context.write(line)
    return 0
