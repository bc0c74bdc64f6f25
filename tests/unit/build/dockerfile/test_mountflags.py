"""`--mount` of RUN."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.build.dockerfile.errors import GrammarError
from wherry.build.dockerfile.mountflags import read_mount


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("target=/a", [("target", "/a")]),
        (
            "type=bind,dst=/a,src=b,rw",
            [("type", "bind"), ("dst", "/a"), ("src", "b"), ("rw", "true")],
        ),
        ("Type=CACHE,Target=/A", [("type", "cache"), ("target", "/A")]),
        (
            "type=cache,destination=/a,id=b,sharing=Locked,mode=0755,uid=1,gid=2,from=x,source=/y",
            [
                ("type", "cache"),
                ("destination", "/a"),
                ("id", "b"),
                ("sharing", "locked"),
                ("mode", "0755"),
                ("uid", "1"),
                ("gid", "2"),
                ("from", "x"),
                ("source", "/y"),
            ],
        ),
        ("type=tmpfs,target=/a,size=1g", [("type", "tmpfs"), ("target", "/a"), ("size", "1g")]),
        ("type=secret,id=a,required", [("type", "secret"), ("id", "a"), ("required", "true")]),
        ("type=secret,id=a,env=B", [("type", "secret"), ("id", "a"), ("env", "B")]),
        ("type=secret,src=a", [("type", "secret"), ("src", "a")]),
        ("type=ssh", [("type", "ssh")]),
        ("type=ssh,required=0,mode=600", [("type", "ssh"), ("required", "false"), ("mode", "600")]),
        (
            "target=/a,ro=False,readwrite=t",
            [("target", "/a"), ("ro", "false"), ("readwrite", "true")],
        ),
        ("target=$A,ro=$B", [("target", "$A"), ("ro", "$B")]),
        ("type=$A,mode=$B,size=1", [("type", "$A"), ("mode", "$B"), ("size", "1")]),
        ('"target=/a,b",source=c', [("target", "/a,b"), ("source", "c")]),
        ('"target=/a""b"', [("target", '/a"b')]),
        ("target=/a,from=x$", [("target", "/a"), ("from", "x$")]),
        ("target=/a=b", [("target", "/a=b")]),
    ],
)
def test_read(text: str, pairs: list[tuple[str, str]]) -> None:
    mount = read_mount(text)
    assert mount.pairs == tuple(pairs)
    assert mount.text == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "failed to parse csv mounts: EOF"),
        ('target="a"', 'failed to parse csv mounts: bare " in non-quoted field'),
        ('"target=a', 'failed to parse csv mounts: extraneous or missing " in quoted-field'),
        ('"target=a"b', 'failed to parse csv mounts: extraneous or missing " in quoted-field'),
        ("type=bnd,target=/a", 'unsupported mount type "bnd" (did you mean bind?)'),
        ("type=volume,target=/a", 'unsupported mount type "volume"'),
        ("target=/a,sharing=all", 'unsupported sharing value "all"'),
        ("target=/a,tagret=/b", "unexpected key 'tagret' in 'tagret=/b' (did you mean target?)"),
        ("target=/a,weird", "invalid field 'weird' must be a key=value pair"),
        ("target=/a,source", "invalid field 'source' must be a key=value pair"),
        ("target=/a,", "invalid field '' must be a key=value pair"),
        ("target=/a,ro=maybe", "invalid value for ro: maybe"),
        ("type=cache,target=/a,mode=9", "invalid value 9 for mode"),
        ("type=cache,target=/a,uid=-1", "invalid value -1 for uid"),
        ("type=cache,target=/a,gid=4294967296", "invalid value 4294967296 for gid"),
        ("target=/a,from=$x", "'from' doesn't support variable expansion, define alias stage"),
        ("target=/a,required", "unexpected key 'required' for mount type 'bind'"),
        ("type=cache,target=/a,size=1", "unexpected key 'size' for mount type 'cache'"),
        ("target=/a,mode=1", 'mode not allowed for "bind" type mounts'),
        ("type=tmpfs,target=/a,uid=1", 'uid not allowed for "tmpfs" type mounts'),
        ("target=/a,sharing=shared", "invalid cache sharing set for bind mount"),
        ("type=secret,id=a,from=b", "secret mount should not have a from"),
        ("type=secret,id=a,sharing=shared", "secret mount should not define sharing"),
        ("type=secret", "invalid secret mount. one of source, target required"),
        ("type=secret,id=a,src=b", "both source and id can't be set"),
        ("type=cache,id=a", 'invalid mount target "": cache mounts need target=PATH'),
        ("source=a", 'invalid mount target "": bind mounts need target=PATH'),
        ("type=tmpfs,target=", 'invalid mount target ""'),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        read_mount(text)
    assert str(caught.value).startswith(message)


@given(
    st.lists(st.sampled_from([*'",=$', "type", "target", "cache", "ro", "uid", "9"])).map("".join)
)
def test_nothing_else_is_raised(text: str) -> None:
    with contextlib.suppress(GrammarError):
        assert read_mount(text).text == text
