"""Which rules are asked for: `# check=skip=A,B;error=true;experimental=C`.

At the top of the file it holds for all of it, unless the build argument BUILDKIT_DOCKERFILE_CHECK
says something else; in a comment above an instruction, for what is found in that instruction.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass
from wherry.build.dockerfile.checks.rules import RULES
from wherry.build.dockerfile.directives import read_directives
from wherry.build.dockerfile.errors import DockerfileError
from wherry.build.dockerfile.instructions import Directives, Dockerfile, Warned

ARGUMENT = "BUILDKIT_DOCKERFILE_CHECK"
ALL = "all"
_COMMENT = re.compile(r"#\s*check\s*=\s*(\S+).*", re.IGNORECASE)


class OptionsError(InvalidError):
    """The options of the checks cannot be read."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}; they are written as skip=RULE,RULE;experimental=RULE;error=true")


@dataclass(frozen=True, slots=True)
class Options:
    """Names of rules, or "all"; `fails` is whether a finding ends the build."""

    skip: frozenset[str] = frozenset()
    experimental: frozenset[str] = frozenset()
    fails: bool = False

    def wants(self, finding: Warned) -> bool:
        """Say whether a finding is to be shown. Experimental rules have to be asked for."""
        rule = RULES[finding.rule]
        if rule.experimental:
            return not self.experimental.isdisjoint((ALL, rule.name))
        return self.skip.isdisjoint((ALL, rule.name))

    def merged(self, local: Options) -> Options:
        """Return the options together with those of a comment."""
        return Options(self.skip | local.skip, self.experimental | local.experimental, self.fails)


def parse_options(text: str) -> Options:
    """Read options as a directive has them; raises OptionsError."""
    written = "".join(text.split())
    if not written:
        return Options()
    try:
        return _options(read_directives([f"# check={written}"], ARGUMENT)[0])
    except DockerfileError as error:
        raise OptionsError(error.message) from error


def _options(directives: Directives) -> Options:
    return Options(directives.skip, directives.experimental, directives.check_fails)


def effective(
    dockerfile: Dockerfile, build_arguments: Mapping[str, str | None] | None = None
) -> Options:
    """Return the options for the whole file; raises OptionsError."""
    given = (build_arguments or {}).get(ARGUMENT)
    return _options(dockerfile.directives) if given is None else parse_options(given)


def local(dockerfile: Dockerfile, first: int) -> Options:
    """Return what the comments above the instruction at a line ask for; nonsense asks nothing."""
    for comment in comments_above(dockerfile, first, over_blanks=True):
        match = _COMMENT.fullmatch(comment)
        if match:
            with contextlib.suppress(OptionsError):
                return parse_options(match[1])
            break
    return Options()


def comments_above(
    dockerfile: Dockerfile, first: int, *, over_blanks: bool = False
) -> Sequence[str]:
    """Return the comments just above a line, from top to bottom; an empty one parts them."""
    found = list[str]()
    top = read_directives(dockerfile.lines, dockerfile.name)[1]
    for line in reversed(dockerfile.lines[top : first - 1]):
        text = line.strip()
        if not text and over_blanks:
            continue
        if not text.startswith("#") or not text[1:].strip():
            break
        found.append(text)
    return found[::-1]
