"""Mount points that were made for a step go again, unless the step has changed them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from wherry.engine.steps import stubs
from wherry.engine.steps.stubs import Target
from wherry.store.layers.view import LayerView

OLD = 1_000_000_000


class Root:
    """A layer and an upper directory, and what the runtime and overlayfs do to them."""

    def __init__(self, root: Path) -> None:
        self.below = root / "below"
        self.upper = root / "upper"
        self.below.mkdir()
        self.upper.mkdir()

    def layer(self, *paths: str) -> None:
        """Make files, directories (with a slash at the end) and links (`path -> target`)."""
        for path in paths:
            name, _, target = path.partition(" -> ")
            place = self.below / name.rstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            if target:
                place.symlink_to(target)
            elif name.endswith("/"):
                place.mkdir(exist_ok=True)
            else:
                place.touch()
        for folder, _, _ in os.walk(self.below, topdown=False):
            os.utime(folder, ns=(OLD, OLD))

    def plan(self, *paths: str) -> stubs.Plan:
        """Plan for targets, of which those with a slash at the end are directories."""
        wanted = [Target(path.rstrip("/"), path.endswith("/")) for path in paths]
        return stubs.plan(wanted, LayerView([str(self.upper), str(self.below)]))

    def mount(self, planned: stubs.Plan) -> None:
        """Make what is missing, as the runtime does through an overlay."""
        for path in sorted(planned.touched, key=len):
            self.place(path).mkdir()
        for path in sorted(planned.made, key=len):
            if planned.made[path]:
                self.place(path).mkdir()
            else:
                self.place(path).touch(0o755)

    def place(self, path: bytes) -> Path:
        return self.upper / os.fsdecode(path)

    def left(self) -> list[str]:
        return sorted(str(path.relative_to(self.upper)) for path in self.upper.rglob("*"))

    def run(self, paths: list[str], process: Callable[[Path], object]) -> list[str]:
        """Mount, run something and clean; returns what is left."""
        planned = self.plan(*paths)
        self.mount(planned)
        notes = stubs.note(planned, str(self.upper))
        process(self.upper)
        stubs.clean(planned, notes, str(self.upper))
        return self.left()


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path)


@pytest.mark.parametrize(
    ("layer", "paths", "made", "touched"),
    [
        ([], ["/proc/"], {"proc": True}, []),
        (["proc/"], ["/proc/"], {}, []),
        ([], ["/etc/hosts"], {"etc": True, "etc/hosts": False}, []),
        (["etc/"], ["/etc/hosts"], {"etc/hosts": False}, ["etc"]),
        (["etc/hosts"], ["/etc/hosts"], {}, []),
        (["a/b/"], ["/a/b/c/d"], {"a/b/c": True, "a/b/c/d": False}, ["a", "a/b"]),
        # What lies in another mount is nothing of the root's.
        ([], ["/dev/", "/dev/shm/"], {"dev": True}, []),
        (["link -> dev", "dev/"], ["/dev/", "/link/shm/"], {}, []),
        # Links lead to other places in the root, also those that lead to nothing.
        (["run -> var/run"], ["/run/x"], {"var": True, "var/run": True, "var/run/x": False}, []),
        (
            ["etc/resolv.conf -> ../run/stub.conf"],
            ["/etc/resolv.conf"],
            {"run": True, "run/stub.conf": False},
            [],
        ),
        (["a/", "b -> /a"], ["/b/../c"], {"c": False}, []),
        (["up -> ../../etc", "etc/"], ["/up/x"], {"etc/x": False}, ["etc"]),
        # The runtime will say what is wrong with these.
        (["loop -> loop"], ["/loop/x"], {}, []),
        (["file"], ["/file/x"], {}, []),
        ([], ["/a", "/a"], {"a": False}, []),
        ([], ["/a/b", "/a/c/"], {"a": True, "a/b": False, "a/c": True}, []),
    ],
)
def test_what_will_be_made(
    root: Root, layer: list[str], paths: list[str], made: dict[str, bool], touched: list[str]
) -> None:
    root.layer(*layer)
    planned = root.plan(*paths)
    assert {os.fsdecode(path): kind for path, kind in planned.made.items()} == made
    assert sorted(map(os.fsdecode, planned.touched)) == touched


def test_targets_are_those_of_a_mount_table(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    table = [
        {"destination": "/", "type": "overlay", "source": "overlay"},
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/d", "type": "bind", "source": str(tmp_path)},
        {"destination": "/f", "type": "bind", "source": str(tmp_path / "file")},
    ]
    wanted = [Target("/proc", True), Target("/d", True), Target("/f", False)]
    assert stubs.targets(table) == wanted


def test_what_was_made_goes(root: Root) -> None:
    root.layer("etc/passwd", "opt/")
    paths = ["/proc/", "/etc/hosts", "/run/secrets/x", "/opt/a/b"]
    assert root.run(paths, lambda _: None) == []


@pytest.mark.parametrize(
    ("process", "left"),
    [
        (lambda upper: (upper / "run/pid").touch(), ["run", "run/pid"]),
        (lambda upper: (upper / "run").chmod(0o700), ["run"]),
        (lambda upper: (upper / "run/secrets").chmod(0o700), ["run", "run/secrets"]),
        (lambda upper: (upper / "run/secrets/x").write_text("y"), None),
        (lambda upper: (upper / "run/secrets/x").chmod(0o644), None),
        (lambda upper: os.link(upper / "run/secrets/x", upper / "y"), None),
        (lambda upper: os.setxattr(upper / "run", "user.a", b"b"), ["run"]),
        (lambda upper: (upper / "etc").chmod(0o700), ["etc"]),
        (lambda upper: (upper / "etc/passwd").touch(), ["etc", "etc/passwd"]),
        (lambda upper: (upper / "run").rename(upper / "moved"), None),
    ],
)
def test_what_was_changed_stays(
    root: Root, process: Callable[[Path], object], left: list[str] | None
) -> None:
    root.layer("etc/passwd")
    found = root.run(["/etc/hosts", "/run/secrets/x"], process)
    if left is None:
        assert any(path.endswith("secrets/x") for path in found)
    else:
        assert found == left


def test_what_is_gone_or_another_is_let_be(root: Root) -> None:
    def process(upper: Path) -> None:
        (upper / "a/b").unlink()
        (upper / "a/b").mkdir()
        (upper / "c").rmdir()

    assert root.run(["/a/b", "/c/"], process) == ["a", "a/b"]


def test_no_link_is_followed(root: Root, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "secrets").mkdir(parents=True)
    (outside / "secrets/x").touch(0o755)

    def process(upper: Path) -> None:
        (upper / "run").rename(upper / "moved")
        (upper / "run").symlink_to(outside)

    left = root.run(["/run/secrets/x"], process)
    assert left == ["moved", "moved/secrets", "moved/secrets/x", "run"]
    assert (outside / "secrets/x").exists()


def test_times_are_those_from_below_unless_the_process_gave_others(root: Root) -> None:
    root.layer("etc/passwd", "opt/")

    def process(upper: Path) -> None:
        # A file that is copied up leaves the directory's time alone.
        noted = (upper / "etc").stat().st_mtime_ns
        (upper / "etc/passwd").touch()
        os.utime(upper / "etc", ns=(noted, noted))
        (upper / "opt/new").touch()
        os.utime(upper / "opt", ns=(7, 7))

    assert "etc" in root.run(["/etc/hosts", "/opt/x"], process)
    assert (root.upper / "etc").stat().st_mtime_ns == OLD
    assert (root.upper / "opt").stat().st_mtime_ns == 7
