"""From a command line to options: the file that it names, --validate, --help, --version."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import wherry
from wherry.daemon.configuration import ConfigurationError, Options, load
from wherry.daemon.configuration.document import MOST_BYTES


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    with pytest.raises(SystemExit) as ended:
        load(words)
    assert ended.value.code == 0
    out, err = capsys.readouterr()
    return out, err


def file(folder: Path, text: str) -> str:
    path = folder / "daemon.json"
    path.write_text(text)
    return str(path)


def test_validate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = file(tmp_path, '{"debug": true}')
    assert shown(capsys, "--validate", "--config-file", path) == ("", "configuration OK\n")
    path = file(tmp_path, '{\n"live-restore": true}')
    assert shown(capsys, "--validate", "--config-file", path)[1] == (
        f"note: {path}:2: live-restore: changes nothing: containers always go on while the engine"
        " is away\nconfiguration OK\n"
    )
    path = file(tmp_path, '{"debgu": true}')
    with pytest.raises(ConfigurationError, match='did you mean "debug"'):
        load(["--validate", "--config-file", path])


def test_help_and_version_need_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ("-h", "--help"):
        assert "--data-root PATH" in shown(capsys, flag, "--config-file", "/none/at/all")[0]
    for flag in ("-v", "--version"):
        assert shown(capsys, flag)[0] == f"wherryd {wherry.__version__}\n"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, message in [
        (str(tmp_path / "none"), "none: there is no such file: name another with --config-file"),
        (str(tmp_path), "cannot be read: is a directory"),
        ("/dev/zero", f"/dev/zero: more than {MOST_BYTES} bytes of settings"),
    ]:
        with pytest.raises(ConfigurationError) as caught:
            load(["--config-file", path])
        assert str(caught.value).endswith(message)


def test_a_relative_file_is_named_from_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file(tmp_path, "{,}")
    with pytest.raises(ConfigurationError, match=f"^{tmp_path}/daemon.json:1: not JSON"):
        load(["--config-file", "daemon.json"])


def test_a_pipe_is_a_file(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.write(write, b'{"mtu": 1400}')
    os.close(write)
    try:
        assert load(["--config-file", f"/dev/fd/{read}"]).engine.networks.mtu == 1400
    finally:
        os.close(read)


def test_nothing_said_is_the_default(tmp_path: Path) -> None:
    assert load(["--config-file", file(tmp_path, "")]) == Options()
