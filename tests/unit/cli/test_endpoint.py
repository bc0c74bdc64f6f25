"""Which engine is meant: the order of flags, environment and contexts, and TLS by each of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wherry.cli.contexts import store
from wherry.cli.endpoint import DEFAULT_HOST, DEFAULT_TLS_HOST, Choice, Endpoint, at
from wherry.cli.errors import CommandError
from wherry.cli.flags import parse
from wherry.cli.main import GLOBAL_FLAGS, declare


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, host in (("one", "tcp://one:1"), ("two", "ssh://two")):
        content = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}}
        store.save(content, {})
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "two"}))
    return tmp_path


def choose(*words: str, **environment: str) -> Choice:
    options, rest = parse(declare(GLOBAL_FLAGS), words)
    assert rest == []
    return Choice(options, environment)


def found(endpoint: Endpoint) -> tuple[str, tuple[str, str, str, bool] | None]:
    who = endpoint.identity
    files = (who.authority, who.certificate, who.key, who.verify) if who else None
    return endpoint.host, files


@pytest.mark.parametrize(
    ("words", "environment", "context", "host"),
    [
        ([], {}, "two", "ssh://two"),
        ([], {"DOCKER_CONTEXT": "one"}, "one", "tcp://one:1"),
        ([], {"DOCKER_CONTEXT": "one", "DOCKER_HOST": "tcp://d"}, "default", "tcp://d"),
        ([], {"DOCKER_HOST": "tcp://d", "WHERRY_HOST": "tcp://w"}, "default", "tcp://w"),
        (["-c", "one"], {"DOCKER_HOST": "tcp://d", "DOCKER_CONTEXT": "two"}, "one", "tcp://one:1"),
        (["-H", "tcp://h"], {"DOCKER_HOST": "tcp://d", "DOCKER_CONTEXT": "two"}, "default",
         "tcp://h"),
        (["--context", "default"], {}, "default", DEFAULT_HOST),
        (["--context", "default"], {"DOCKER_HOST": "tcp://d"}, "default", "tcp://d"),
    ],
)  # fmt: skip
def test_who_wins(words: list[str], environment: dict[str, str], context: str, host: str) -> None:
    chosen = choose(*words, **environment)
    assert (chosen.context, chosen.endpoint.host) == (context, host)
    assert chosen.endpoint.identity is None


def test_without_anything_it_is_this_machine(folder: Path) -> None:
    (folder / "config.json").unlink()
    assert choose().endpoint.host == DEFAULT_HOST
    assert choose().context == "default"
    assert choose().host_for_plugins() == DEFAULT_HOST
    assert choose("-c", "one").host_for_plugins() == ""
    assert at("tcp://x").endpoint.host == "tcp://x"


def test_both_at_once_are_refused() -> None:
    with pytest.raises(CommandError, match="cannot specify both --host and --context"):
        choose("-H", "tcp://x", "-c", "one")
    with pytest.raises(CommandError, match="Specify only one -H"):
        _ = choose("-H", "tcp://x", "-H", "tcp://y").endpoint


def test_a_context_that_is_not_there_is_told_when_it_is_used() -> None:
    chosen = choose("-c", "nobody")
    assert chosen.context == "nobody"
    with pytest.raises(CommandError, match=r"open .*/meta\.json: no such file") as caught:
        _ = chosen.endpoint
    words = 'resolve docker endpoint: context "nobody": context not found: open '
    assert str(caught.value).startswith(f"Failed to initialize: unable to {words}")
    store.save({"Name": "empty", "Metadata": {}, "Endpoints": {}}, {})
    with pytest.raises(CommandError, match="cannot find docker endpoint"):
        _ = choose("-c", "empty").endpoint


def test_tls_of_the_default_context(folder: Path) -> None:
    def path(name: str) -> str:
        return str(folder / name)

    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).write_text("")
    host = ["-H", "tcp://h"]
    files = (path("ca.pem"), path("cert.pem"), path("key.pem"))
    assert found(choose(*host).endpoint) == ("tcp://h", None)
    assert found(choose(*host, "--tls").endpoint) == ("tcp://h", (*files, False))
    assert found(choose(*host, "--tlsverify").endpoint) == ("tcp://h", (*files, True))
    # Docker's: to say it at all is to ask for TLS.
    assert found(choose(*host, "--tlsverify=false").endpoint) == ("tcp://h", (*files, False))
    assert found(choose(*host, DOCKER_TLS_VERIFY="1").endpoint) == ("tcp://h", (*files, True))
    assert found(choose(*host, DOCKER_TLS="1").endpoint) == ("tcp://h", (*files, False))
    assert found(choose(*host, "--tls=false", DOCKER_TLS="1").endpoint) == ("tcp://h", None)
    assert choose("-c", "default", "--tlsverify").endpoint.host == DEFAULT_TLS_HOST
    assert found(choose("-H", "unix:///x", "--tlsverify").endpoint) == ("unix:///x", None)
    assert found(choose("-c", "one", "--tlsverify").endpoint) == ("tcp://one:1", None)


def test_files_that_are_named_and_files_that_are_missing(folder: Path) -> None:
    mine = folder / "mine.pem"
    mine.write_text("")
    (folder / "certificates").mkdir()
    (folder / "certificates" / "ca.pem").write_text("")
    host = ["-H", "tcp://h", "--tlsverify"]
    elsewhere = {"DOCKER_CERT_PATH": str(folder / "certificates")}
    authority = str(folder / "certificates" / "ca.pem")
    assert found(choose(*host, **elsewhere).endpoint)[1] == (authority, "", "", True)
    named = [*host, "--tlscert", f"'{mine}'", "--tlskey", str(mine)]
    assert found(choose(*named, **elsewhere).endpoint)[1] == (authority, str(mine), str(mine), True)
    with pytest.raises(CommandError, match=r"open .*/ca\.pem: no such file"):
        _ = choose(*host).endpoint
    with pytest.raises(CommandError, match="open /none: no such file"):
        _ = choose(*host, "--tlskey", "/none", **elsewhere).endpoint


def test_tls_of_a_context() -> None:
    def make(files: dict[str, bytes], *, skips: bool = False, host: str = "tcp://h") -> object:
        place = {"Host": host, "SkipTLSVerify": skips}
        content = {"Name": "made", "Metadata": {}, "Endpoints": {"docker": place}}
        store.save(content, {"docker": files} if files else {})
        return found(choose("-c", "made").endpoint)[1]

    top = f"{store.directory('tls', 'made')}/docker/"
    assert make({}) is None
    assert make({}, skips=True) == ("", "", "", False)
    assert make({"ca.pem": b""}) == (f"{top}ca.pem", "", "", True)
    pair = {"cert.pem": b"", "key.pem": b""}
    assert make(pair) == ("", f"{top}cert.pem", f"{top}key.pem", True)
    assert make({"cert.pem": b""}) == ("", "", "", True)
    assert make(pair, host="unix:///x") is None
    assert make(pair, host="ssh://x") is None
