"""The variables of a Dockerfile: where each has its value from, and which were never asked for.

    before the first FROM   ARGs with their defaults, and what the platform is called
    in a stage              ENV wins over ARG; an ARG without a default takes the one from before
                            the first FROM; a build argument wins over every default

Names that a client may give without any ARG are in PREDEFINED.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from wherry.base.values import dataclass, field
from wherry.build.dockerfile import words
from wherry.build.dockerfile.instructions import Arg
from wherry.oci.image import Platform

PREDEFINED = frozenset(
    name
    for upper in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (upper, upper.lower())
)
EPOCH = "SOURCE_DATE_EPOCH"
_OF_THE_FRONTEND = "BUILDKIT_"


def platform_variables(build: Platform, target: Platform, stage: str) -> dict[str, str]:
    """Return what every Dockerfile may ask for with an ARG."""
    found = {"TARGETSTAGE": stage or "default"}
    for prefix, platform in (("BUILD", build), ("TARGET", target)):
        parts = [platform.os, platform.architecture, *filter(None, [platform.variant])]
        found |= {
            f"{prefix}PLATFORM": "/".join(parts),
            f"{prefix}OS": platform.os,
            f"{prefix}OSVERSION": platform.os_version,
            f"{prefix}ARCH": platform.architecture,
            f"{prefix}VARIANT": platform.variant,
        }
    return found


@dataclass(slots=True)
class Given:
    """The arguments that the client gave. `used` are those that some ARG asked for."""

    values: Mapping[str, str | None]
    used: set[str] = field(default_factory=set)

    def take(self, name: str) -> str | None:
        """Return an argument's value and note that it was asked for."""
        if name in self.values:
            self.used.add(name)
        return self.values.get(name)

    def unused(self) -> list[str]:
        """Return the names that nobody asked for and that mean nothing by themselves."""
        return sorted(
            name
            for name in self.values
            if name not in self.used
            and name not in PREDEFINED
            and name != EPOCH
            and not name.startswith(_OF_THE_FRONTEND)
        )


@dataclass(slots=True)
class Scope:
    """The variables at one place of a stage. `environment` is in the order of the image's Env."""

    escape: str
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)

    def lookup(self, name: str) -> str | None:
        """Return a variable's value, None when it is not set."""
        return self.environment.get(name, self.arguments.get(name))

    def expand(self, text: str) -> str:
        """Put variables in and take quotes away."""
        return words.expand(text, self.lookup, self.escape).text

    def expand_words(self, text: str) -> list[str]:
        """Put variables in and split at blanks."""
        return list(words.expand_words(text, self.lookup, self.escape))

    def expand_document(self, text: str) -> str:
        """Put variables into a heredoc, whose quotes stay, and whose escapes are backslashes."""
        return words.expand_document(text, self.lookup).text

    def declare(self, arg: Arg, given: Given, outer: Callable[[str], str | None]) -> None:
        """Set the arguments of an ARG, one after the other, as BuildKit does.

        `outer` knows those from before the first FROM.
        """
        for name, default in arg.values:
            value = given.take(name)
            if value is None:
                value = outer(name) if default is None else self.expand(default)
            if value is not None:
                self.arguments[name] = value

    def visible_arguments(self) -> dict[str, str]:
        """Return the arguments that no ENV hides: what RUN sees beside the environment."""
        return {n: v for n, v in self.arguments.items() if n not in self.environment}


def outer_scope(
    arguments: Iterable[Arg], given: Given, platform: Mapping[str, str], escape: str
) -> Scope:
    """Return the scope of the FROM instructions."""
    scope = Scope(escape, arguments=dict(platform))
    for arg in arguments:
        scope.declare(arg, given, platform.get)
    return scope
