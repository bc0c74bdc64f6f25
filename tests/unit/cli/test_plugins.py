"""Plugins of the client: where they are looked for, and who is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wherry.cli import plugins

METADATA = {"SchemaVersion": "0.1.0", "Vendor": "Acme", "Version": "v1", "ShortDescription": "Tool"}


def make(folder: Path, name: str, script: str) -> str:
    """Write an executable and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def says(metadata: object) -> str:
    """Return a script that prints metadata when it is asked for them."""
    text = metadata if isinstance(metadata, str) else json.dumps(metadata)
    return f"[ \"$1\" = docker-cli-plugin-metadata ] && printf %s '{text}'"


def test_where_they_are(tmp_path: Path) -> None:
    found = plugins.directories({"DOCKER_CONFIG": str(tmp_path)})
    assert found == [str(tmp_path / "cli-plugins"), *plugins.SYSTEM]
    (tmp_path / "config.json").write_text('{"cliPluginsExtraDirs": ["/extra", 5]}')
    found = plugins.directories({"DOCKER_CONFIG": str(tmp_path)})
    assert found == ["/extra", str(tmp_path / "cli-plugins"), *plugins.SYSTEM]
    (tmp_path / "config.json").write_text("{")
    assert plugins.directories({"DOCKER_CONFIG": str(tmp_path)})[0].endswith("cli-plugins")


def test_the_first_one_wins(tmp_path: Path) -> None:
    first = make(tmp_path / "a", "docker-tool", "true")
    make(tmp_path / "b", "docker-tool", "true")
    other = make(tmp_path / "b", "docker-other", "true")
    (tmp_path / "b" / "docker-data").write_text("no program")
    make(tmp_path / "b", "docker-Bad_name", "true")
    make(tmp_path / "b", "tool", "true")
    folders = [str(tmp_path / name) for name in ("none", "a", "b")]
    assert plugins.names(folders) == {"tool": first, "other": other}
    assert plugins.find("tool", folders) == first
    for name in ("data", "nope", "../a/docker-tool", "Bad_name", ""):
        assert plugins.find(name, folders) == ""


def test_who_it_is(tmp_path: Path) -> None:
    plugin = plugins.load("tool", make(tmp_path, "docker-tool", says(METADATA)))
    assert (plugin.vendor, plugin.version, plugin.summary) == ("Acme", "v1", "Tool")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (says("nonsense"), "is no JSON"),
        (says([]), "SchemaVersion is not valid"),
        (says({**METADATA, "SchemaVersion": "9"}), 'must be "0.1.0"'),
        (says({**METADATA, "Vendor": ""}), "does not define a vendor"),
        (says({"SchemaVersion": "0.1.0", "Vendor": 5}), "does not define a vendor"),
    ],
)
def test_who_is_refused(tmp_path: Path, script: str, why: str) -> None:
    path = make(tmp_path, "docker-tool", script)
    with pytest.raises(plugins.PluginError, match=why) as caught:
        plugins.load("tool", path)
    assert path in str(caught.value)


def test_a_program_that_cannot_run(tmp_path: Path) -> None:
    path = make(tmp_path, "docker-tool", "")
    Path(path).write_text("#!/nowhere/interpreter\n")
    with pytest.raises(plugins.PluginError, match="cannot be run"):
        plugins.load("tool", path)
