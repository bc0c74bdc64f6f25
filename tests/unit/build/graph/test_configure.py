"""What instructions do to a configuration."""

from __future__ import annotations

import pytest

from wherry.base.errors import InvalidError
from wherry.build.dockerfile.instructions import Command
from wherry.build.graph import configure
from wherry.oci.image import ImageRunConfig


@pytest.mark.parametrize(
    ("before", "path", "after"),
    [
        ("", "app", "/app"),
        ("/a", "b", "/a/b"),
        ("/a", "/b", "/b"),
        ("/a/b", "..", "/a"),
        ("", "../..", "/"),
        ("/a", ".", "/a"),
        ("", "//x//y/", "/x/y"),
    ],
)
def test_a_working_directory_is_relative_to_the_one_before(
    before: str, path: str, after: str
) -> None:
    config = ImageRunConfig(working_dir=before)
    assert configure.with_workdir(config, path).working_dir == after


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("80", ["80/tcp"]),
        ("80/udp", ["80/udp"]),
        ("80/TCP", ["80/tcp"]),
        ("8000-8002", ["8000/tcp", "8001/tcp", "8002/tcp"]),
        ("127.0.0.1:8080:80", ["80/tcp"]),
    ],
)
def test_ports(text: str, ports: list[str]) -> None:
    assert list(configure.with_ports(ImageRunConfig(), [text]).exposed_ports or {}) == ports


@pytest.mark.parametrize("text", ["", "x", "0", "70000", "90-80", "80/xyz", "80-"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match="invalid"):
        configure.with_ports(ImageRunConfig(), [text])


def test_an_entrypoint_drops_the_arguments_of_another() -> None:
    config = ImageRunConfig(entrypoint=["/old"], cmd=["for-old"])
    command = Command(("/new", "x"), shell=False)
    assert configure.with_entrypoint(config, command, keep_cmd=False).cmd is None
    assert configure.with_entrypoint(config, command, keep_cmd=True).cmd == ["for-old"]


def test_a_shell_form_uses_the_shell_of_the_image() -> None:
    command = Command(("echo $x",), shell=True)
    assert configure.with_cmd(ImageRunConfig(), command).cmd == ["/bin/sh", "-c", "echo $x"]
    other = configure.with_shell(ImageRunConfig(), ["/bin/ash", "-ec"])
    assert configure.with_cmd(other, command).cmd == ["/bin/ash", "-ec", "echo $x"]


def test_variables_are_replaced_in_their_place() -> None:
    config = configure.with_env(ImageRunConfig(env=["A=1", "B=2"]), [("A", "3"), ("C", "4")])
    assert config.env == ["A=3", "B=2", "C=4"]


@pytest.mark.parametrize(("signal", "fine"), [("SIGTERM", True), ("9", True), ("SIGNOPE", False)])
def test_signals(signal: str, fine: bool) -> None:
    if fine:
        assert configure.with_stop_signal(ImageRunConfig(), signal).stop_signal == signal
        return
    with pytest.raises(InvalidError, match="Invalid signal"):
        configure.with_stop_signal(ImageRunConfig(), signal)
