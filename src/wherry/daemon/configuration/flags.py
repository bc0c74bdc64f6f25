"""The command line, as the flags of dockerd's library understand it.

`--name=value`, `--name value`, `-n value`, `-nvalue`, `-n=value`; a switch is on by being there and
takes a word only behind `=`; short switches may stand together. Flags are repeated for lists; of
others the last counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wherry.base.configuration.document import Flag
from wherry.base.configuration.problems import ConfigurationError, Problem
from wherry.base.values import dataclass, field
from wherry.daemon.configuration.setting import Setting
from wherry.daemon.configuration.table import PROGRAM, RETIRED, TABLE
from wherry.daemon.configuration.table.programs import CONFIG_FILE, ProgramFlag

Known = Setting | ProgramFlag

_KNOWN: Final[tuple[Known, ...]] = (*TABLE, *PROGRAM)
_BY_FLAG: Final = {flag: known for known in _KNOWN for flag in known.flags}
_HELP: Final = "see 'wherryd --help'"


@dataclass(slots=True)
class Arguments:
    """What a command line says.

    flags: settings with their values, as the file would have them. config_file: None for the
    default one. asked: the flags of `PROGRAM` that were given, by their long names.
    """

    flags: tuple[Flag, ...] = ()
    config_file: str | None = None
    asked: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Parser:
    words: list[str]
    settings: dict[str, tuple[Setting, str, list[str]]] = field(default_factory=dict)
    program: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def parse(self) -> None:
        while self.words:
            word = self.words.pop(0)
            if word.startswith("--") and word != "--":
                self._long(word)
            elif word.startswith("-") and word not in ("-", "--"):
                self._short(word)
            else:
                self._complain(word, f"no word is wanted here, flags only: {_HELP}")

    def _long(self, word: str) -> None:
        flag, equals, value = word.partition("=")
        self._take(flag, value if equals else None)

    def _short(self, word: str) -> None:
        flag, rest = word[:2], word[2:]
        known = _BY_FLAG.get(flag)
        if rest and not rest.startswith("=") and _is_switch(known, flag):
            self._take(flag, None)
            self._short(f"-{rest}")
        else:
            self._take(flag, rest.removeprefix("=") if rest else None)

    def _take(self, flag: str, value: str | None) -> None:
        known = _BY_FLAG.get(flag)
        if known is None and flag not in RETIRED:
            self._complain(flag, f"there is no such flag{_suggestion(flag)}: {_HELP}")
            return
        if value is None and not _is_switch(known, flag):
            if not self.words:
                self._complain(flag, "a word is wanted after it")
                return
            value = self.words.pop(0)
        if known is None:
            self.notes.append(f"{flag}: changes nothing: {RETIRED[flag]}")
        elif isinstance(known, ProgramFlag):
            self.program[known.flags[-1]] = value or ""
        else:
            _, _, words = self.settings.setdefault(known.key, (known, flag, []))
            words.append("true" if value is None else value)

    def _complain(self, flag: str, message: str) -> None:
        self.problems.append(Problem(flag, "", message))


def parse(words: Sequence[str]) -> Arguments:
    """Parse a command line; raises ConfigurationError with everything that is wrong with it."""
    parser = _Parser(list(words))
    parser.parse()
    if parser.problems:
        raise ConfigurationError(parser.problems)
    flags = [
        Flag(flag, setting.path, setting.form.from_words(words))
        for setting, flag, words in parser.settings.values()
    ]
    return Arguments(
        tuple(flags),
        parser.program.get(CONFIG_FILE),
        frozenset(parser.program),
        tuple(parser.notes),
    )


def _is_switch(known: Known | None, flag: str) -> bool:
    if known is None:
        return flag in RETIRED
    return known.form.switch if isinstance(known, Setting) else not known.metavar


def _suggestion(flag: str) -> str:
    # Only for those who mistype.
    import difflib  # noqa: PLC0415

    close = difflib.get_close_matches(flag, _BY_FLAG, 1)
    return f", did you mean {close[0]}?" if close else ""
