"""Cgroups of steps that a killed engine has left are found by their bundles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wherry.engine.steps import orphans


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has been killed and removed instead of the machine's own."""
    done: list[str] = []
    monkeypatch.setattr(orphans.cgroups, "kill", lambda path: done.append(f"kill {path}"))
    monkeypatch.setattr(orphans.cgroups, "remove", lambda path: done.append(f"remove {path}"))
    return done


def bundle(containers: Path, name: str, content: str) -> None:
    (containers / name).mkdir(parents=True)
    (containers / name / "config.json").write_text(content)


def test_only_what_no_record_speaks_of_is_ended(tmp_path: Path, ended: list[str]) -> None:
    containers = tmp_path / "containers"
    for name in ("known", "orphan"):
        bundle(containers, name, json.dumps({"linux": {"cgroupsPath": f"/some/{name}"}}))
    (tmp_path / "stdio").mkdir()
    for name in ("known", "orphan"):
        (tmp_path / "stdio" / name).touch()
    orphans.end_orphans(str(containers), str(tmp_path), {"known"})
    assert ended == ["kill /some/orphan", "remove /some/orphan"]
    assert [path.name for path in (tmp_path / "stdio").iterdir()] == ["known"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"linux": {"cgroupsPath": "/"}}', '{"linux": null}']
)
def test_what_is_no_bundle_of_a_step_is_left_alone(
    tmp_path: Path, ended: list[str], content: str
) -> None:
    bundle(tmp_path / "containers", "orphan", content)
    (tmp_path / "containers" / "empty").mkdir()
    orphans.end_orphans(str(tmp_path / "containers"), str(tmp_path), set())
    assert ended == []
