"""A step's mounts become entries that the runtime and the kernel understand."""

from __future__ import annotations

import pytest

from wherry.build.ports import StepMount
from wherry.engine.steps.mounts import BadMountError, overlay_options, spec_mounts
from wherry.runtime.rootfs.options import split_lowers
from wherry.store.snapshots import SELF_CONTAINED


@pytest.mark.parametrize(
    ("lowers", "upper", "options"),
    [
        (["/b", "/a"], "/u", ["lowerdir=/b:/a", "upperdir=/u", "workdir=/w", *SELF_CONTAINED]),
        ([], "/u", ["lowerdir=/empty", "upperdir=/u", "workdir=/w", *SELF_CONTAINED]),
        (["/b", "/a"], "", ["lowerdir=/b:/a"]),
        (["/a"], "", ["lowerdir=/a:/empty"]),
    ],
)
def test_an_overlay_has_as_many_directories_as_the_kernel_wants(
    lowers: list[str], upper: str, options: list[str]
) -> None:
    assert overlay_options(lowers, "/empty", upper, "/w") == options


@pytest.mark.parametrize("path", ["/plain", "/a:b", "/a,b", "/a\\b", "/a\\:b\\", "/::"])
def test_paths_are_escaped_so_that_they_come_out_as_they_were(path: str) -> None:
    value = overlay_options([path, "/other"], "/empty")[0].removeprefix("lowerdir=")
    assert split_lowers(value) == [path, "/other"]


@pytest.mark.parametrize(
    ("mount", "kind", "source", "options"),
    [
        (StepMount("bind", "/t", source="/s"), "bind", "/s", ["rbind", "rprivate"]),
        (
            StepMount("bind", "t/", source="/s", read_only=True),
            "bind",
            "/s",
            ["rbind", "rprivate", "ro"],
        ),
        (StepMount("tmpfs", "/t"), "tmpfs", "tmpfs", ["nosuid"]),
        (StepMount("tmpfs", "/t", size=9), "tmpfs", "tmpfs", ["nosuid", "size=9"]),
        (
            StepMount("overlay", "/t", lowers=["/a"], read_only=True),
            "overlay",
            "overlay",
            ["lowerdir=/a:/empty", "ro"],
        ),
    ],
)
def test_each_kind(mount: StepMount, kind: str, source: str, options: list[str]) -> None:
    wanted = {"destination": "/t", "type": kind, "source": source, "options": options}
    assert spec_mounts([mount], "/empty") == [wanted]


@pytest.mark.parametrize(
    "mount", [StepMount("tmpfs", "/"), StepMount("tmpfs", "/./"), StepMount("cache", "/t")]
)
def test_what_makes_no_sense_is_refused(mount: StepMount) -> None:
    with pytest.raises(BadMountError):
        spec_mounts([mount], "/empty")
