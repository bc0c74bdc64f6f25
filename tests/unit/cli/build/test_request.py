"""Flags of `build` as a request."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from wherry.cli.build.request import Call, Wanted, call, proxies_of, read
from wherry.cli.commands.builds.build import FLAGS
from wherry.cli.errors import UsageError
from wherry.cli.flags import parse


def wanted(*words: str, own: dict[str, str] | None = None, **proxies: str) -> Wanted:
    options, _ = parse(FLAGS, words)
    return read(options, own or {}, proxies)


def message(*words: str, own: dict[str, str] | None = None, **proxies: str) -> dict[str, Any]:
    """Return what is asked for, without what is empty."""
    return {
        key: value for key, value in wanted(*words, own=own, **proxies).message.items() if value
    }


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {}),
        ("-t a -t b:1", {"tags": ["a", "b:1"]}),
        ("--target x", {"target": "x"}),
        ("--label a=b --label c", {"labels": {"a": "b", "c": ""}}),
        ("--build-arg A=1=2 --build-arg B=", {"arguments": {"A": "1=2", "B": ""}}),
        ("--platform linux/arm64", {"platform": "linux/arm64"}),
        ("--no-cache --pull", {"no_cache": True, "pull": True}),
        ("--no-cache=false", {}),
        ("--no-cache-filter a,b --no-cache-filter c", {"no_cache_stages": ["a", "b", "c"]}),
        ("--cache-from r/a:1", {"cache_from": ["r/a:1"]}),
        ("--network none", {"network": "none"}),
        ("--add-host a:1.2.3.4 --add-host b=::1", {"extra_hosts": ["a:1.2.3.4", "b:::1"]}),
        ("--allow network.host,security.insecure",
         {"allow": ["network.host", "security.insecure"]}),
        ("--rm --force-rm --compress --isolation default", {}),
        ("--sbom=false --provenance 0 --attest type=sbom,disabled=true", {}),
        ("--builder default", {}),
    ],
)  # fmt: skip
def test_flags(words: str, expected: dict[str, Any]) -> None:
    assert message(*words.split()) == expected


def test_limits() -> None:
    words = (
        "-m 1g --memory-swap -1 -c 512 --cpu-period 1 --cpu-quota 2 --cpuset-cpus 0-1 "
        "--cpuset-mems 0 --cgroup-parent /x --shm-size 64m --ulimit nofile=1:2 --ulimit core=-1"
    )
    assert message(*words.split())["limits"] == {
        "memory": 1 << 30, "memory_swap": -1, "cpu_shares": 512, "cpu_period": 1, "cpu_quota": 2,
        "cpuset_cpus": "0-1", "cpuset_mems": "0", "cgroup_parent": "/x", "shm_size": 64 << 20,
        "ulimits": [["nofile", 1, 2], ["core", -1, -1]],
    }  # fmt: skip
    words = "--resource memory=2g,cpu-quota=5 --resource memory-swap=3g"
    found = message(*words.split())["limits"]
    assert found == {"memory": 2 << 30, "cpu_quota": 5, "memory_swap": 3 << 30}


def test_what_is_sent_is_what_the_engine_reads() -> None:
    import msgspec

    from wherry.wire.build import BuildMessage

    told = message(
        "-t", "a", "--memory=1g", "--ulimit=nofile=5", "--secret=id=A,env=A",
        "-o", "type=oci,dest=x", own={"A": "secret"},
    )  # fmt: skip
    found = msgspec.convert({"type": "build", **told}, BuildMessage)
    assert found.limits.ulimits == [("nofile", 5, 5)]
    assert found.secrets == {"A": b"secret"}
    assert found.outputs[0].attributes == {"dest": "x"}


def test_arguments_from_the_environment() -> None:
    own = {"A": "1", "SOURCE_DATE_EPOCH": "5"}
    assert message("--build-arg", "A", "--build-arg", "B", own=own)["arguments"] == {
        "A": "1", "SOURCE_DATE_EPOCH": "5",
    }  # fmt: skip
    given = message("--build-arg", "SOURCE_DATE_EPOCH=6", own=own)
    assert given["arguments"] == {"SOURCE_DATE_EPOCH": "6"}
    assert message("--build-arg", "X=mine", X="theirs", Y="y")["arguments"] == {
        "X": "mine", "Y": "y",
    }  # fmt: skip
    assert message(own={"DOCKER_DEFAULT_PLATFORM": "linux/arm"})["platform"] == "linux/arm"


def test_proxies_of_the_configuration() -> None:
    told = {"proxies": {
        "default": {"httpProxy": "http://p", "noProxy": "", "unknown": "x"},
        "unix:///s": {"ftpProxy": "f"},
    }}  # fmt: skip
    assert proxies_of(told, "tcp://x") == {"HTTP_PROXY": "http://p", "http_proxy": "http://p"}
    assert proxies_of(told, "unix:///s") == {"FTP_PROXY": "f", "ftp_proxy": "f"}
    assert proxies_of({}, "x") == {}


def test_named_contexts(tmp_path: Path) -> None:
    found = wanted(
        "--build-context", f"src={tmp_path}", "--build-context", "base=docker-image://alpine",
        "--build-context", "docker.io/library/debian:latest=https://x/y.git",
    )  # fmt: skip
    assert found.message["contexts"] == {
        "src": "context:src", "base": "docker-image://alpine", "debian": "https://x/y.git",
    }  # fmt: skip
    assert found.directories == {"src": str(tmp_path)}


def test_secrets_and_agents(tmp_path: Path) -> None:
    own = {"TOKEN": "t", "SSH_AUTH_SOCK": str(tmp_path)}
    found = wanted("--secret", "id=x,env=TOKEN", "--ssh", "default", own=own)
    assert found.message["secrets"] == {"x": base64.b64encode(b"t").decode()}
    assert found.message["ssh"] == ["default"]
    assert found.agents == {"default": [str(tmp_path)]}


@pytest.mark.parametrize(
    ("words", "outputs"),
    [
        ("--push -t a", [{"kind": "image", "attributes": {"push": "true"}}]),
        ("--load", [{"kind": "docker", "attributes": {}}]),
        ("--annotation a=b", [{"kind": "image", "attributes": {"annotation.a": "b"}}]),
        ("--annotation manifest:a=b --load",
         [{"kind": "docker", "attributes": {"annotation.a": "b"}}]),
    ],
)  # fmt: skip
def test_outputs(words: str, outputs: list[Any]) -> None:
    assert message(*words.split())["outputs"] == outputs


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--no-cache --no-cache-filter a", "cannot currently be used together"),
        ("--build-arg =x", 'invalid key-value pair "=x": empty key'),
        ("--label =x", "empty name"),
        ("--platform linux/amd64,linux/arm64", "multi-platform builds are not supported"),
        ("--build-context x", "invalid context value: x, expected key=value"),
        ("--build-context x=oci-layout://a", "oci-layout is not supported"),
        ("--push", "tag is needed when pushing to registry"),
        ("--iidfile x -o out", "incompatible with image ID file"),
        ("--annotation a", 'invalid annotation "a", expected key=value'),
        ("--annotation index:a=b", "annotation type 'index' is not supported"),
        ("--sbom=true", "--sbom is not supported"),
        ("--provenance mode=max", "--provenance is not supported"),
        ("--attest type=sbom", "--attest type=sbom is not supported"),
        ("--squash", "--squash is not supported"),
        ("--isolation hyperv", "invalid isolation 'hyperv'"),
        ("--builder other", "no builder 'other' found"),
        ("--policy x", "--policy is not supported"),
        ("--memory x", "invalid size: 'x'"),
        ("--ulimit nofile", "invalid ulimit argument: nofile"),
        ("--resource x=1", "unknown resource 'x'"),
        ("--resource cpu-quota=x", "invalid value in --resource"),
        ("--ssh default", "make sure SSH_AUTH_SOCK is set"),
        ("--secret id", "must be a key=value pair"),
        ("--add-host x", 'bad format for add-host: "x"'),
    ],
)
def test_refusals(words: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        wanted(*words.split())
    assert complaint in str(caught.value)


def test_what_is_without_effect_is_told() -> None:
    found = wanted("--cache-to", "type=inline", "--security-opt", "x").warnings
    assert [line.partition(" ")[0] for line in found] == ["--cache-to", "--security-opt"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", Call("build")),
        ("--check", Call("check")),
        ("--check=false", Call("build")),
        ("--call check", Call("check")),
        ("--call lint,ignorestatus=true", Call("check", ignore_status=True)),
        ("--call outline,format=json", Call("outline", as_json=True)),
        ("--call targets", Call("targets")),
    ],
)
def test_calls(words: str, expected: Call) -> None:
    assert call(parse(FLAGS, words.split())[0]) == expected


@pytest.mark.parametrize("text", ["x", "check,y", "check,format", "check,other=1"])
def test_calls_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="invalid call"):
        call(parse(FLAGS, ["--call", text])[0])
