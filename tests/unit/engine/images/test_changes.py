"""The instructions of commit --change and import --change."""

from __future__ import annotations

import pytest

from wherry.base.errors import InvalidError
from wherry.engine.images.changes import apply
from wherry.oci.image import ImageRunConfig


def changed(*lines: str, **before: object) -> ImageRunConfig:
    return apply(ImageRunConfig(**before), lines)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('CMD ["a", "b c"]', ["a", "b c"]), ("cmd a 'b c'", ["/bin/sh", "-c", "a 'b c'"]),
        ("CMD []", []),
        ("CMD [a]", ["/bin/sh", "-c", "[a]"]),
    ],
)  # fmt: skip
def test_commands(line: str, words: list[str]) -> None:
    assert changed(line).cmd == words


def test_a_new_entrypoint_forgets_the_command_that_was_for_the_old_one() -> None:
    assert changed("ENTRYPOINT a", cmd=["old"]).cmd is None
    for lines in (["ENTRYPOINT a", "CMD b"], ["CMD b", "ENTRYPOINT a"]):  # in either order
        assert changed(*lines, cmd=["old"]).cmd == ["/bin/sh", "-c", "b"]
    assert changed("USER x", cmd=["old"]).cmd == ["old"]


def test_environment_and_labels() -> None:
    run = changed('ENV A=1 B="2 3"', "ENV C all of it", "ENV A=new", env=["A=0", "Z=9"])
    assert sorted(run.env or ()) == ["A=new", "B=2 3", "C=all of it", "Z=9"]
    assert changed("LABEL a=b c='d e'", labels={"a": "0", "x": "y"}).labels == {
        "a": "b", "c": "d e", "x": "y",
    }  # fmt: skip


def test_ports_are_expanded_and_checked() -> None:
    ports = changed("EXPOSE 80 53/udp 8000-8002/tcp", exposed_ports={"1/tcp": {}}).exposed_ports
    assert set(ports or {}) == {
        "1/tcp", "80/tcp", "53/udp", "8000/tcp", "8001/tcp", "8002/tcp",
    }  # fmt: skip
    for bad in ("0", "65536", "99999", "90-80", "x", "1-2-3", "8\u0660"):
        with pytest.raises(InvalidError, match="invalid containerPort"):
            changed(f"EXPOSE {bad}")
    with pytest.raises(InvalidError, match="invalid proto: icmp"):
        changed("EXPOSE 80/icmp")


def test_the_rest() -> None:
    run = changed(
        "WORKDIR a", "WORKDIR b", "USER 1:2", "STOPSIGNAL INT", "VOLUME /x /y", 'VOLUME ["/z"]',
        "ONBUILD RUN x", on_build=["RUN y"], working_dir="/w/",
    )  # fmt: skip
    assert (run.working_dir, run.user, run.stop_signal) == ("/w/a/b", "1:2", "INT")
    assert list(run.volumes or {}) == ["/x", "/y", "/z"]
    assert run.on_build == ["RUN y", "RUN x"]
    assert changed("ENV A=1", "ENV B=$A", "USER $B").user == "1"
    check = changed("HEALTHCHECK --retries=2 CMD true").healthcheck
    assert check is not None
    assert (check.test, check.retries) == (["CMD-SHELL", "true"], 2)
    assert changed("WORKDIR a").working_dir == "/a"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("RUN x", "RUN is not a valid change command"), ("", "is not a valid change command"),
        ("CMD a\nCMD x", "expected a single instruction"), ("ENV A=1 B", "can't find = in \"B\""),
        ("ENV A='1", "invalid change"), ('CMD ["a", 1]', "arrays must be comprised of strings"),
        ("USER", "USER requires exactly one argument"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(line: str, words: str) -> None:
    with pytest.raises(InvalidError, match=words):
        changed(line)
