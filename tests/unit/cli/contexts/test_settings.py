"""What `--docker` says, and contexts that are copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.certificates import Certificates
from wherry.cli.command import Context
from wherry.cli.contexts import settings, store
from wherry.cli.contexts.store import BadContextError
from wherry.cli.endpoint import Choice
from wherry.cli.errors import FlagError
from wherry.cli.flags import parse
from wherry.cli.main import GLOBAL_FLAGS, declare


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "configuration"))
    return tmp_path


@pytest.fixture
def certificates(folder: Path) -> Certificates:
    return Certificates(folder)


def apply(context: Context, **told: str) -> tuple[dict[str, object], store.Material]:
    content = settings.new("made")
    files = settings.apply(content, {key.replace("_", "-"): told[key] for key in told}, context)
    return content["Endpoints"]["docker"], files


def test_what_is_read() -> None:
    assert settings.read(["host=a,ca=b=c", "key="]) == {"host": "a", "ca": "b=c", "key": ""}
    assert settings.read([]) == {}
    with pytest.raises(FlagError, match="host must be formatted as key=value"):
        settings.read(["host"])


def test_an_engine_with_its_files(certificates: Certificates) -> None:
    client = certificates.client
    told = {"ca": certificates.authority, "cert": client.certificate, "key": client.key}
    place, files = apply(Context("unix:///x"), host="tcp://h:1", **told)
    assert place == {"Host": "tcp://h:1", "SkipTLSVerify": False}
    assert files == {
        "docker": {
            "ca.pem": Path(certificates.authority).read_bytes(),
            "cert.pem": Path(client.certificate).read_bytes(),
            "key.pem": Path(client.key).read_bytes(),
        }
    }
    assert apply(Context(""), skip_tls_verify="true") == ({"SkipTLSVerify": True}, {})


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"nope": "1"}, "unrecognized config key: nope"),
        ({"host": "foo://x"}, "unable to parse docker host `foo://x`"),
        ({"host": "ssh://u:p@h"}, "plain-text password is not supported"),
        ({"skip_tls_verify": "maybe"}, 'skip-tls-verify: parsing "maybe": invalid syntax'),
        ({"ca": "/none"}, "open /none: no such file or directory"),
        ({"from": "nobody"}, 'context "nobody": context not found'),
    ],
)
def test_what_cannot_be(told: dict[str, str], reason: str) -> None:
    with pytest.raises(BadContextError, match="unable to create docker endpoint") as no:
        apply(Context(""), **told)
    assert reason in str(no.value)


def test_files_that_do_not_belong_together(certificates: Certificates) -> None:
    with pytest.raises(BadContextError, match="belong together"):
        apply(Context(""), cert=certificates.client.certificate, key=certificates.server.key)
    with pytest.raises(BadContextError, match="no certificate in PEM form"):
        apply(Context(""), ca=certificates.client.key)


def test_another_is_copied_with_its_files(certificates: Certificates) -> None:
    client = certificates.client
    context = Context("")
    content = settings.new("first")
    told = {"host": "tcp://h", "cert": client.certificate, "key": client.key}
    store.save(content, settings.apply(content, told, context))
    place, files = apply(context, **{"from": "first"})
    assert place == {"Host": "tcp://h", "SkipTLSVerify": False}
    assert files == store.material("first")


def test_the_default_is_what_flags_say(certificates: Certificates) -> None:
    words = ["-H", "tcp://h", *certificates.client_flags(), "--tlsverify=false"]
    options, _ = parse(declare(GLOBAL_FLAGS), words)
    content, files = settings.copy("default", Context(Choice(options, {})))
    assert content["Endpoints"] == {"docker": {"Host": "tcp://h", "SkipTLSVerify": True}}
    assert files["docker"]["key.pem"] == Path(certificates.client.key).read_bytes()
    content, files = settings.copy("default", Context("unix:///x"))
    assert content["Endpoints"] == {"docker": {"Host": "unix:///x", "SkipTLSVerify": False}}
    assert files == {}
