"""`--secret`."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from wherry.cli.build.secrets import LARGEST, read
from wherry.cli.errors import UsageError

OWN = {"TOKEN": "from the environment", "BYTES": "\udcff"}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a file `key`, and be where it is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_bytes(b"from a file\n")
    return tmp_path / "key"


@pytest.mark.parametrize(
    ("text", "identity", "value"),
    [
        ("id=a,src=key", "a", b"from a file\n"),
        ("id=a,source=key,type=file", "a", b"from a file\n"),
        ("id=a,env=TOKEN", "a", b"from the environment"),
        ("type=env,id=a,src=TOKEN", "a", b"from the environment"),
        ("id=TOKEN", "TOKEN", b"from the environment"),
        ("id=key", "key", b"from a file\n"),
        ("src=key", "key", b"from a file\n"),
        ("id=a,env=BYTES", "a", b"\xff"),
    ],
)
def test_values(file: Path, text: str, identity: str, value: bytes) -> None:
    assert {k: base64.b64decode(v) for k, v in read([text, ""], OWN).items()} == {identity: value}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("id", "invalid field 'id' must be a key=value pair"),
        ("id=a,mode=1", "unexpected key 'mode' in 'mode=1'"),
        ("id=a,type=x", 'unsupported secret type "x"'),
        ("type=file", "secret ID must be set"),
        ("id=a,env=NOPE", "failed to read secret a: the variable NOPE is not set"),
        ("id=a,src=nope", "failed to read secret a: open nope: no such file or directory"),
        ("id=big", 'invalid secret size for "big"'),
    ],
)
def test_complaints(file: Path, text: str, complaint: str) -> None:
    (file.parent / "big").write_bytes(bytes(LARGEST + 1))
    with pytest.raises(UsageError, match=complaint):
        read([text], OWN)
