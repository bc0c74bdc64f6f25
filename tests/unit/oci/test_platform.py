"""Platforms as Docker spells them."""

from __future__ import annotations

import pytest

from wherry.oci.digest import Digest
from wherry.oci.image import OCI_MANIFEST, Descriptor, Platform
from wherry.oci.platform import (
    InvalidPlatformError,
    choose,
    format_platform,
    parse_platform,
    rank,
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("arm64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("Windows/AMD64", "windows/amd64"),
    ],
)
def test_spellings(text: str, meant: str) -> None:
    assert format_platform(parse_platform(text)) == meant


@pytest.mark.parametrize("text", ["", "linux/", "a/b/c/d", "/amd64"])
def test_refused(text: str) -> None:
    with pytest.raises(InvalidPlatformError):
        parse_platform(text)


def described(text: str | None) -> Descriptor:
    platform = parse_platform(text) if text else None
    return Descriptor(OCI_MANIFEST, Digest(f"sha256:{text}"), 1, platform=platform)


def test_the_best_fit_is_chosen() -> None:
    offered = [described(t) for t in ("linux/arm/v5", "linux/arm/v6", "linux/amd64", None)]
    assert choose(offered, parse_platform("linux/arm/v7")) is offered[1]
    assert choose(offered, parse_platform("linux/amd64")) is offered[2]
    assert choose(offered, parse_platform("linux/s390x")) is offered[3]
    assert choose(offered[:3], parse_platform("linux/s390x")) is None
    assert rank(Platform("arm", "linux", variant="v7"), parse_platform("linux/arm/v6")) is None
