"""Platforms: what an image runs on, spelled as Docker spells it, and which of several fits best."""

from __future__ import annotations

import os
from collections.abc import Sequence

from wherry.base.errors import InvalidError
from wherry.oci.image import Descriptor, ImageConfig, Platform

_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "armhf": "arm",
    "armel": "arm",
    "armv7l": "arm",
    "i386": "386",
    "i686": "386",
}
_DEFAULT_VARIANTS = {"arm": "v7", "arm64": "v8"}
_ARM_VARIANTS = ("v8", "v7", "v6", "v5")


class InvalidPlatformError(InvalidError):
    """The text is not os[/architecture[/variant]]."""


def host_platform() -> Platform:
    """Return what this machine runs."""
    name = os.uname().machine.lower()
    return normalised(Platform(architecture=_ARCHITECTURES.get(name, name), os="linux"))


def platform_of(config: ImageConfig) -> Platform:
    """Return what an image is for."""
    return Platform(config.architecture, config.os, variant=config.variant)


def parse_platform(text: str) -> Platform:
    """Parse `os/architecture/variant`, `os/architecture`, or `architecture` for Linux."""
    parts = text.strip().lower().split("/")
    if not all(parts) or len(parts) > 3:
        raise InvalidPlatformError(
            f'"{text}" is an invalid OS component or platform specifier: os[/arch[/variant]]'
        )
    if len(parts) == 1:
        if parts[0] == "linux":
            return host_platform()
        parts = ["linux", parts[0]]
    variant = parts[2] if len(parts) == 3 else ""
    name = _ARCHITECTURES.get(parts[1], parts[1])
    return normalised(Platform(architecture=name, os=parts[0], variant=variant))


def normalised(platform: Platform) -> Platform:
    """Fill in what is meant where the variant is left out, and drop what goes without saying."""
    variant = platform.variant or _DEFAULT_VARIANTS.get(platform.architecture, "")
    if platform.architecture == "arm64" and variant in ("8", "v8"):
        variant = ""
    if platform.architecture == "amd64" and variant == "v1":
        variant = ""
    return Platform(
        architecture=platform.architecture,
        os=platform.os,
        os_version=platform.os_version,
        os_features=platform.os_features,
        variant=variant,
    )


def format_platform(platform: Platform) -> str:
    """Return `os/architecture[/variant]`."""
    return "/".join(filter(None, (platform.os, platform.architecture, platform.variant)))


def choose(manifests: Sequence[Descriptor], wanted: Platform) -> Descriptor | None:
    """Return the manifest of an index that fits best, the first of equals; None if none does.

    A manifest without a platform fits everything, but worse than any that says so. ARM runs what
    older variants need.
    """
    ranked = [(rank(entry.platform, wanted), entry) for entry in manifests]
    fitting = [(value, entry) for value, entry in ranked if value is not None]
    return min(fitting, key=lambda pair: pair[0])[1] if fitting else None


def rank(offered: Platform | None, wanted: Platform) -> int | None:
    """Tell how well an image fits: 0 is exact, higher is worse, None is not at all."""
    if offered is None:
        return 100
    offered, wanted = normalised(offered), normalised(wanted)
    if offered.os != wanted.os:
        return None
    if offered.architecture == wanted.architecture:
        if offered.variant == wanted.variant:
            return 0
        return _arm_rank(offered.variant, wanted.variant) if wanted.architecture == "arm" else None
    return None


def _arm_rank(offered: str, wanted: str) -> int | None:
    if offered not in _ARM_VARIANTS or wanted not in _ARM_VARIANTS:
        return None
    distance = _ARM_VARIANTS.index(offered) - _ARM_VARIANTS.index(wanted)
    return distance if distance >= 0 else None
