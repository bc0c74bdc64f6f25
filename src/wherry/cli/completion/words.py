"""What can stand at the last word of a command line that is being typed. Pure but for `names`.

The answer is for shells: words with explanations, and cobra's directive, a sum of NO_SPACE (more
belongs behind the word), NO_FILES (names of files make no sense here) and FOLDERS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wherry.cli.completion import values
from wherry.cli.errors import CommandError
from wherry.cli.flags import Flag
from wherry.cli.lookup import find, top_level
from wherry.cli.table_of_commands import GROUP_ALIASES, GROUPS, entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.command import Command

FAILED = 1
NO_SPACE = 2
NO_FILES = 4
ONLY_FOLDERS = 16
UNFINISHED = ("=", ":", ",", "://")

Candidates = list[tuple[str, str]]
Names = Callable[[str], Candidates]
HELP = Flag("help", "bool", "Print usage", "h")


class Answer:
    """Words with explanations, and a directive."""

    __slots__ = ("candidates", "directive")

    def __init__(self, candidates: Candidates, directive: int = NO_FILES) -> None:
        self.candidates = candidates
        self.directive = directive


class Position:
    """Where the last word stands: what was read before it."""

    __slots__ = ("arguments", "ended", "flag", "given")

    def __init__(
        self, arguments: list[str], given: set[str], flag: Flag | None, *, ended: bool
    ) -> None:
        self.arguments = arguments
        self.given = given
        self.flag = flag  # whose value the word is
        self.ended = ended  # what follows are arguments, whatever they look like


def read(flags: Sequence[Flag], words: Sequence[str], *, interspersed: bool) -> Position:
    """Read the words before the last one."""
    long = {flag.name: flag for flag in flags}
    short = {flag.short: flag for flag in flags if flag.short}
    arguments: list[str] = []
    given: set[str] = set()
    pending: Flag | None = None
    ended = False
    for word in words:
        if pending is not None:
            pending = None
        elif ended or not word.startswith("-") or word == "-":
            arguments.append(word)
            ended = ended or not interspersed
        elif word == "--":
            ended = True
        elif (flag := _flag(word, long, short)) is not None:
            given.add(flag.name)
            pending = flag if _wants_value(word, flag) else None
    return Position(arguments, given, pending, ended=ended)


def _flag(word: str, long: dict[str, Flag], short: dict[str, Flag]) -> Flag | None:
    if word.startswith("--"):
        return long.get(word[2:].partition("=")[0])
    found = None
    for letter in word[1:]:
        found = short.get(letter)
        if found is None or found.kind != "bool":
            break
    return found


def _wants_value(word: str, flag: Flag) -> bool:
    if flag.kind == "bool" or "=" in word:
        return False
    return word.startswith("--") or word.endswith(flag.short)


def answer(
    words: Sequence[str], globals_: Sequence[Flag], load: Callable[[str], Command], names: Names
) -> Answer:
    """Return what can stand at the last of `words`, the command line behind the program's name.

    `load` gives the command at a place, `names` the names of a kind such as `@containers`.
    """
    *before, typed = words or [""]
    top = read(globals_, before, interspersed=False)
    if top.flag is not None:
        return _of_value("", top.flag, typed, names)
    if not top.arguments:
        if typed.startswith("-"):
            return _of_flags("", globals_, top, typed, names)
        return Answer(_matching(_first_words(), typed))
    return _of_command(_expanded(before[_start(globals_, before) :]), typed, load, names)


def _start(globals_: Sequence[Flag], words: Sequence[str]) -> int:
    """Return where the command begins behind global flags."""
    for index in range(len(words)):
        if read(globals_, words[: index + 1], interspersed=False).arguments:
            return index
    return len(words)


def _expanded(words: Sequence[str]) -> list[str]:
    """Leave out `help`, which is in front of what it explains."""
    found = [word for index, word in enumerate(words) if index or word != "help"]
    return [GROUP_ALIASES.get(found[0], found[0]), *found[1:]] if found else []


def _first_words() -> Candidates:
    commands = [(name, summary) for name, (_, summary) in top_level().items()]
    groups = [(name, summary) for name, (summary, _) in GROUPS.items()]
    return sorted([*commands, *groups, ("help", "Help about a command")])


def _of_command(
    words: list[str], typed: str, load: Callable[[str], Command], names: Names
) -> Answer:
    if not words:
        return Answer(_matching(_first_words(), typed))
    if words[0] in GROUPS and len(words) == 1:
        table = entries(GROUPS[words[0]][1])
        known = [(name, summary) for name, (_, summary) in table.items()]
        return Answer(_matching(known, typed) if not typed.startswith("-") else [])
    try:
        _, rest, place = find(words)
    except CommandError:
        return Answer([], FAILED)
    if not place:
        return Answer([])
    command = load(place)
    flags = (*command.flags, HELP)
    position = read(flags, rest, interspersed=command.interspersed)
    if position.flag is not None:
        return _of_value(place, position.flag, typed, names)
    if typed.startswith("-") and not position.ended:
        return _of_flags(place, flags, position, typed, names)
    return _of_argument(place, command, position, typed, names)


def _of_flags(
    place: str, flags: Sequence[Flag], position: Position, typed: str, names: Names
) -> Answer:
    name, separator, value = typed[2:].partition("=")
    if separator and typed.startswith("--"):
        flag = next((flag for flag in flags if flag.name == name), None)
        return _of_value(place, flag, value, names) if flag is not None else Answer([], FAILED)
    known = []
    for flag in flags:
        if flag.name in position.given and flag.kind in ("bool", "string", "int"):
            continue
        known.append((f"--{flag.name}", flag.help))
        if flag.short and not typed.startswith("--"):
            known.append((f"-{flag.short}", flag.help))
    return Answer(_matching(known, typed))


def _of_value(place: str, flag: Flag, typed: str, names: Names) -> Answer:
    if flag.kind == "bool":
        return _expand(("true", "false"), typed, names)
    found = values.of_flag(place, flag.name)
    if flag.name == "filter" and not found:
        return Answer([], FAILED)
    return _expand(found, typed, names)


def _of_argument(
    place: str, command: Command, position: Position, typed: str, names: Names
) -> Answer:
    count = len(position.arguments)
    wanted = values.of_argument(place, command.usage, count)
    if not wanted and not command.interspersed and count:
        return Answer([], 0)  # a program's own arguments: files are as good a guess as any
    found = _expand(wanted, typed, names)
    found.candidates = [c for c in found.candidates if c[0] not in position.arguments]
    return found


def _expand(wanted: tuple[str, ...], typed: str, names: Names) -> Answer:
    known: Candidates = []
    directive = NO_FILES
    for word in wanted:
        if word in values.FILES:
            directive = 0
        elif word in values.FOLDERS:
            directive = ONLY_FOLDERS
        else:
            known += _candidates(word, typed, names)
    found = _matching(known, typed)
    if found and all(word.endswith(UNFINISHED) for word, _ in found):
        directive |= NO_SPACE
    return Answer(found, directive)


def _candidates(word: str, typed: str, names: Names) -> Candidates:
    head, sign, kind = word.partition("@")
    if not sign:
        return [(word, "")]
    if head and not typed.startswith(head):
        return [(head, "")]
    tail = ":" if kind.endswith(":") else ""
    return [(f"{head}{name}{tail}", about) for name, about in names("@" + kind.rstrip(":"))]


def _matching(known: Candidates, typed: str) -> Candidates:
    found = dict(reversed([(word, about) for word, about in known if word.startswith(typed)]))
    return list(reversed(found.items()))
