"""Mount options are sorted into what the kernel wants where."""

from __future__ import annotations

import pytest

from wherry.linux import mounts
from wherry.runtime.rootfs.options import KNOWN, Options, parse_options, split_lowers


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], Options()),
        (["defaults", "async"], Options()),
        (["ro", "nosuid"], Options(add=3)),
        (["ro", "rw"], Options(clear=mounts.MOUNT_ATTR_RDONLY)),
        (["rw", "ro"], Options(add=mounts.MOUNT_ATTR_RDONLY)),
        (["bind"], Options(bind=True)),
        (["bind", "rbind"], Options(bind=True, bind_recursive=True)),
        (["rro"], Options(add=mounts.MOUNT_ATTR_RDONLY, recursive_read_only=True)),
        (["size=64k", "mode=755"], Options(data=("size=64k", "mode=755"))),
        (["rprivate"], Options(propagation=mounts.MS_PRIVATE, propagation_recursive=True)),
        (["rshared", "slave"], Options(propagation=mounts.MS_SLAVE)),
        (["tmpcopyup"], Options(copy_up=True)),
        (
            ["noatime"],
            Options(add=mounts.MOUNT_ATTR_NOATIME, clear=mounts.MOUNT_ATTR_ATIME),
        ),
        (
            ["noatime", "strictatime"],
            Options(add=mounts.MOUNT_ATTR_STRICTATIME, clear=mounts.MOUNT_ATTR_ATIME),
        ),
        (["noatime", "relatime"], Options(clear=mounts.MOUNT_ATTR_ATIME)),
    ],
)
def test_options(words: list[str], options: Options) -> None:
    assert parse_options(words) == options


def test_what_is_known_is_never_handed_to_the_file_system() -> None:
    for word in KNOWN:
        assert parse_options([word]).data == (), word


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("/a", ["/a"]),
        ("/a:/b", ["/a", "/b"]),
        (r"/a\:b:/c", ["/a:b", "/c"]),
        (r"/a\\:/c", ["/a\\", "/c"]),
        (r"/a\,b", ["/a,b"]),
    ],
)
def test_layers_are_split_at_colons_that_are_not_escaped(text: str, paths: list[str]) -> None:
    assert split_lowers(text) == paths
