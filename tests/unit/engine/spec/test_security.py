"""Security options of a container, and what the engine's settings put in their place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wherry.base.errors import InvalidError
from wherry.engine.settings import ContainerDefaults
from wherry.engine.spec.security import SecurityOptions, defaults, parse

PROFILE = {"defaultAction": "SCMP_ACT_ALLOW"}
STRICT = SecurityOptions(no_new_privileges=True, seccomp=PROFILE)


def test_without_options_the_settings_are_in_force() -> None:
    assert parse(None) == SecurityOptions()
    assert parse([], STRICT) == STRICT
    assert parse(["label=disable"], STRICT) == STRICT


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("no-new-privileges=false", SecurityOptions(False, PROFILE)),
        ("no-new-privileges:false", SecurityOptions(False, PROFILE)),
        ("seccomp=unconfined", SecurityOptions(True, {})),
        ("seccomp=builtin", SecurityOptions(True, None)),
        ('seccomp={"defaultAction":"SCMP_ACT_ERRNO"}',
         SecurityOptions(True, {"defaultAction": "SCMP_ACT_ERRNO"})),
        ("systempaths=unconfined", SecurityOptions(True, PROFILE, unmasked=True)),
    ],
)  # fmt: skip
def test_options_take_precedence(option: str, expected: SecurityOptions) -> None:
    assert parse([option], STRICT) == expected


def test_a_profile_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(PROFILE))
    chosen = ContainerDefaults(no_new_privileges=True, seccomp_profile=str(file))
    assert defaults(chosen) == STRICT
    assert defaults(ContainerDefaults()) == SecurityOptions()
    assert defaults(ContainerDefaults(seccomp_profile="unconfined")).seccomp == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "opening seccomp profile .* failed: No such file"),
        (b"{", "Decoding seccomp profile failed"),
        (b"[]", "it has no defaultAction"),
        (b"\xff", "opening seccomp profile"),
    ],
)
def test_a_profile_that_cannot_be_used_is_refused_with_its_path(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    file = tmp_path / "profile.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidError, match=words) as raised:
        defaults(ContainerDefaults(seccomp_profile=str(file)))
    assert str(file) in str(raised.value)
