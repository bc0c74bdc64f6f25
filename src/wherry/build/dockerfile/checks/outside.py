"""What checks need to know and the file does not say."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from wherry.base.values import dataclass, field

# Which variables the platform gives. Their values matter to a few rules only.
_PLATFORM: Mapping[str, str] = {
    f"{prefix}{name}": value
    for prefix in ("BUILD", "TARGET")
    for name, value in {
        "PLATFORM": "linux/amd64",
        "OS": "linux",
        "OSVERSION": "",
        "ARCH": "amd64",
        "VARIANT": "",
    }.items()
} | {"TARGETSTAGE": "default"}


@dataclass(frozen=True, slots=True)
class Base:
    """The image that a stage begins with. `own_shell` is whether it sets a SHELL.

    Platforms are written as `linux/amd64`; empty ones are not compared.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    own_shell: bool = False
    platform: str = ""
    wanted: str = ""


@dataclass(frozen=True, slots=True)
class Outside:
    """Facts of a build.

    platform: the variables that every Dockerfile may ask for, by name.
    bases: what is known of base images, by the number of the stage. Where nothing is known, no
        variable is called undefined, for the image may have it.
    stages: the numbers of those that are built; None for all.
    is_reference: whether a text can name an image; without it no name is called invalid.
    """

    platform: Mapping[str, str] = field(default_factory=lambda: _PLATFORM)
    bases: Mapping[int, Base] = field(default_factory=dict)
    stages: Collection[int] | None = None
    is_reference: Callable[[str], bool] | None = None
