"""RUN --mount, read."""

from __future__ import annotations

import pytest

from wherry.base.errors import InvalidError
from wherry.build.dockerfile.instructions import MountFlag
from wherry.build.graph.actions import FromContext, FromImage, FromScratch, Mount
from wherry.build.graph.mounts import planned


def read(text: str) -> Mount:
    pairs = [part.partition("=") for part in text.split(",")]
    flag = MountFlag(tuple((key, value if mark else "true") for key, mark, value in pairs), text)
    return planned(flag, lambda t: t.replace("$X", "x"), FromImage, "/work")


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("target=/a", Mount("bind", "/a", FromContext(), "/", read_only=True)),
        (
            "type=bind,source=src,dst=b,rw",
            Mount("bind", "/work/b", FromContext(), "/src", read_only=False),
        ),
        (
            "type=bind,from=img,src=/$X,target=/a,ro=false",
            Mount("bind", "/a", FromImage("img"), "/x", read_only=False),
        ),
        (
            "type=cache,target=/c,sharing=locked,mode=0700,uid=5,gid=6",
            Mount("cache", "/c", FromScratch(), "/", "/c", sharing="locked", mode=0o700, uid=5,
                  gid=6),
        ),
        (
            "type=cache,id=n,target=c,ro",
            Mount("cache", "/work/c", FromScratch(), "/", "n", read_only=True, mode=0o755),
        ),
        ("type=tmpfs,target=/t,size=10m", Mount("tmpfs", "/t", size=10 << 20)),
        ("type=secret,id=key", Mount("secret", "/run/secrets/key", id="key", mode=0o400)),
        (
            "type=secret,id=key,env=KEY",
            Mount("secret", "", id="key", mode=0o400, variable="KEY"),
        ),
        (
            "type=secret,target=/etc/token,required,uid=1",
            Mount("secret", "/etc/token", id="token", mode=0o400, uid=1, required=True),
        ),
        ("type=ssh", Mount("ssh", "", id="default", mode=0o600)),
        ("type=ssh,id=git,required=true", Mount("ssh", "", id="git", mode=0o600, required=True)),
    ],
)  # fmt: skip
def test_mounts(text: str, mount: Mount) -> None:
    assert read(text) == mount


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("type=bind", "invalid mount target"),
        ("type=cache,target=/", "invalid mount target"),
        ("type=volume,target=/x", "unsupported mount type"),
        ("type=cache,target=/c,sharing=some", "sharing"),
        ("type=cache,target=/c,mode=9", "mode"),
        ("type=cache,target=/c,uid=-1", "uid"),
        ("type=tmpfs,target=/t,size=big", "size"),
        ("type=bind,target=/a,rw=maybe", "rw"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidError, match=words):
        read(text)
