"""The mount table: what is wanted replaces what every container has, parents come first."""

from __future__ import annotations

from wherry.engine.containers.record import MountPoint
from wherry.engine.spec.mounts import by_depth, default_mounts, user_mount, without_overridden


def at(*paths: str) -> list[dict[str, object]]:
    return [{"destination": path} for path in paths]


def test_mounts_that_contain_others_come_first() -> None:
    ordered = by_depth(at("/a/b/c", "/z/", "/a/b", "/a"))
    assert [mount["destination"] for mount in ordered] == ["/z/", "/a", "/a/b", "/a/b/c"]


def test_a_wanted_mount_takes_the_place_of_a_default() -> None:
    defaults = default_mounts(privileged=False, shm_bytes=0, host_ipc=False)
    kept = [mount["destination"] for mount in without_overridden(defaults, at("/dev/shm/"))]
    assert "/dev/shm" not in kept
    assert "/dev/mqueue" in kept
    kept = [mount["destination"] for mount in without_overridden(defaults, at("/dev"))]
    assert not any(path.startswith("/dev") for path in kept)


def test_a_users_tmpfs_has_docker_s_options() -> None:
    point = MountPoint("tmpfs", "/t", options=["exec", "size=1m"])
    assert user_mount(point)["options"] == ["nosuid", "nodev", "size=1m"]


def test_a_bind_is_private_unless_it_says_otherwise() -> None:
    point = MountPoint("bind", "/t", source="/s", read_write=False)
    assert user_mount(point)["options"] == ["rbind", "rprivate", "ro"]
    shared = MountPoint("bind", "/t", source="/s", propagation="rshared")
    assert user_mount(shared)["options"] == ["rbind", "rshared"]
