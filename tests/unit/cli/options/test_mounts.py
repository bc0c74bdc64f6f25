"""`--volume`, `--mount` and `--tmpfs`."""

from __future__ import annotations

import pytest

from wherry.cli.errors import UsageError
from wherry.cli.options.mounts import mount, tmpfs, volumes


def test_volumes_become_binds_and_anonymous_ones() -> None:
    binds, anonymous = volumes(["/a:/b:ro", "data:/d", "./x:/x", "../y:/y", "/anon"], "/home/me")
    assert binds == ["/a:/b:ro", "data:/d", "/home/me/x:/x", "/home/y:/y"]
    assert anonymous == {"/anon": {}}
    assert tmpfs(["/t", "/u:size=1m,mode=700"]) == {"/t": "", "/u": "size=1m,mode=700"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "type=bind,src=./a,dst=/b,ro,bind-propagation=rslave",
            {
                "Type": "bind", "Source": "/here/a", "Target": "/b", "ReadOnly": True,
                "BindOptions": {"Propagation": "rslave"},
            },
        ),
        (
            "source=v,target=/v,volume-nocopy,volume-label=a=b=c,volume-driver=local,volume-opt=o=x",
            {
                "Type": "volume", "Source": "v", "Target": "/v",
                "VolumeOptions": {
                    "NoCopy": True, "Labels": {"a": "b=c"},
                    "DriverConfig": {"Name": "local", "Options": {"o": "x"}},
                },
            },
        ),
        (
            "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770,readonly=false",
            {
                "Type": "tmpfs", "Target": "/t", "ReadOnly": False,
                "TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 0o1770},
            },
        ),
        (
            'type=bind,"src=/a,b",dst=/c,bind-recursive=disabled',
            {
                "Type": "bind", "Source": "/a,b", "Target": "/c",
                "BindOptions": {"NonRecursive": True},
            },
        ),
    ],
)  # fmt: skip
def test_mounts(text: str, expected: dict[str, object]) -> None:
    assert mount(text, "/here") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo", "invalid field 'foo' must be a key=value pair"),
        ("type=bind", "target is required"),
        ("type=tmpfs,dst=/x,foo=bar", "unexpected key 'foo' in 'foo=bar'"),
        ("type=tmpfs,dst=/x,tmpfs-size=zz", "invalid value for tmpfs-size: zz"),
        ("type=volume,dst=/x,readonly=zz", "invalid value for readonly: zz"),
        ("bind-propagation=shared,dst=/x", "cannot mix 'bind-*' options with mount type 'volume'"),
        ("type=foo,dst=/x", 'mount type unknown: "foo"'),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        mount(text, "/")
    assert str(caught.value) == message
