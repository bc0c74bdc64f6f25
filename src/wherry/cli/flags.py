"""Flags as docker's clients read them (the grammar of spf13/pflag), from a list of declarations.

`--name=value`, `--name value`, `-n value`, `-nvalue`, `-it`, `--flag=false`, `--`. A command that
runs a program stops at its first argument. argparse costs 9 ms and knows another grammar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from wherry.cli.errors import FlagError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    Value = TypeVar("Value")

TRUE = ("1", "t", "T", "true", "TRUE", "True")
FALSE = ("0", "f", "F", "false", "FALSE", "False")


class Flag:
    """A declared flag. `kind`: bool, string, int, list, or another word, which is read as text."""

    __slots__ = ("help", "kind", "name", "short")

    def __init__(self, name: str, kind: str, text: str, short: str = "") -> None:
        self.name = name
        self.kind = kind
        self.help = text
        self.short = short


def declare(text: str) -> tuple[Flag, ...]:
    """Read declarations, one a line: `-s --name kind  What it does`; kind `bool` may be left out.

    The name and the help are separated by two spaces or more.
    """
    found = []
    for line in text.strip().splitlines():
        stripped = line.strip()
        short = "" if stripped.startswith("--") else stripped[1]
        head, _, explanation = stripped[2 if short else 0 :].strip().partition("  ")
        words = head.split()
        kind = words[1] if len(words) > 1 else "bool"
        found.append(Flag(words[0][2:], kind, explanation.strip(), short))
    return tuple(found)


class Options:
    """The values of a command's flags."""

    def __init__(self, flags: Mapping[str, Flag] | None = None) -> None:
        self._flags = flags or {}
        self._values: dict[str, list[str]] = {}

    def add(self, name: str, value: str) -> None:
        """Record a value."""
        self._values.setdefault(name, []).append(value)

    def given(self, name: str) -> bool:
        """Whether the user wrote the flag."""
        return name in self._values

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return the value of a bool flag."""
        values = self._values.get(name)
        return values[-1] in TRUE if values else default

    def text(self, name: str, default: str = "") -> str:
        """Return the last value that was given."""
        values = self._values.get(name)
        return values[-1] if values else default

    def number(self, name: str, default: int = 0) -> int:
        """Return the value of an int flag."""
        values = self._values.get(name)
        return int(values[-1], 0) if values else default

    def all(self, name: str) -> list[str]:
        """Return every value of a list flag."""
        return list(self._values.get(name, ()))

    def read(self, name: str, reader: Callable[[str], Value], default: str = "") -> Value:
        """Return the last value as `reader` understands it; raises FlagError naming the flag."""
        return self._read(name, reader, self.text(name, default))

    def read_all(self, name: str, reader: Callable[[str], Value]) -> list[Value]:
        """Return every value of a list flag as `reader` understands it."""
        return [self._read(name, reader, text) for text in self.all(name)]

    def _read(self, name: str, reader: Callable[[str], Value], text: str) -> Value:
        try:
            return reader(text)
        except FlagError:
            raise
        except UsageError as error:
            flag = self._flags.get(name) or Flag(name, "string", "")
            raise FlagError(_bad(flag, text, str(error))) from error


def parse(
    flags: Sequence[Flag], words: Sequence[str], *, interspersed: bool = True
) -> tuple[Options, list[str]]:
    """Separate flags from arguments; raises FlagError in docker's words."""
    by_name = {flag.name: flag for flag in flags}
    options = Options(by_name)
    arguments: list[str] = []
    rest = list(reversed(words))
    by_short = {flag.short: flag for flag in flags if flag.short}
    while rest:
        word = rest.pop()
        if word == "--":
            break
        if word.startswith("--"):
            _long(word, by_name, options, rest)
        elif word.startswith("-") and word != "-":
            _shorts(word, by_short, options, rest, by_name)
        else:
            arguments.append(word)
            if not interspersed:
                break
    return options, arguments + rest[::-1]


def _long(word: str, by_name: dict[str, Flag], options: Options, rest: list[str]) -> None:
    name, separator, value = word[2:].partition("=")
    flag = by_name.get(name)
    if flag is None:
        raise FlagError(f"unknown flag: --{name}{_hint(name, by_name)}")
    if flag.kind == "bool":
        value = value if separator else "true"
    elif not separator:
        if not rest:
            raise FlagError(f"flag needs an argument: --{name}")
        value = rest.pop()
    _store(flag, value, options)


def _shorts(
    word: str,
    by_short: dict[str, Flag],
    options: Options,
    rest: list[str],
    known: Iterable[str],
) -> None:
    letters = word[1:]
    while letters:
        flag = by_short.get(letters[0])
        if flag is None:
            hint = _hint(word[1:], known) if len(word) > 2 else ""
            raise FlagError(f"unknown shorthand flag: '{letters[0]}' in {word}{hint}")
        letters = letters[1:]
        if flag.kind == "bool" and not letters.startswith("="):
            _store(flag, "true", options)
            continue
        if letters:
            value = letters.removeprefix("=")
        elif rest:
            value = rest.pop()
        else:
            raise FlagError(f"flag needs an argument: '{flag.short}' in {word}")
        _store(flag, value, options)
        return


def _store(flag: Flag, value: str, options: Options) -> None:
    if flag.kind == "bool" and value not in TRUE + FALSE:
        raise FlagError(_bad(flag, value, _syntax("ParseBool", value)))
    if flag.kind == "int":
        try:
            int(value, 0)
        except ValueError as error:
            raise FlagError(_bad(flag, value, _syntax("ParseInt", value))) from error
    options.add(flag.name, value)


def _bad(flag: Flag, value: str, reason: str) -> str:
    written = f"-{flag.short}, --{flag.name}" if flag.short else f"--{flag.name}"
    return f'invalid argument "{value}" for "{written}" flag: {reason}'


def _syntax(function: str, value: str) -> str:
    return f'strconv.{function}: parsing "{value}": invalid syntax'


def _hint(name: str, known: Iterable[str]) -> str:
    from wherry.cli.suggest import closest  # noqa: PLC0415 - only for a mistyped flag

    found = closest(name, known)
    return f"\nDid you mean --{found}?" if found else ""
