"""`builder prune` and `builder du`, against an engine that answers from a script."""

from __future__ import annotations

import io
import json
import re
import sys
from typing import Any

import pytest

from wherry.cli import main
from wherry.cli.commands.builds.cache import cache_rows
from wherry.client import engine
from wherry.client.engine import encode_query

NOW = 1_700_000_000.0
ENTRIES: list[dict[str, Any]] = [
    {"ID": "sha256:" + "a" * 64, "Type": "regular", "Description": "RUN make   all", "Size": 1500,
     "InUse": False, "Shared": True, "CreatedAt": "2023-11-14T22:13:20.123456789Z",
     "LastUsedAt": "2023-11-14T22:13:21Z", "UsageCount": 3},
    {"ID": "b" * 64, "Type": "exec.cachemount", "Description": "/root/.cache", "Size": 0,
     "InUse": True, "Shared": False, "CreatedAt": "", "LastUsedAt": None, "UsageCount": 0},
]  # fmt: skip


class Calls(list[str]):
    """What the engine was asked for, and what it answers."""

    answers: dict[str, Any]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Provide an engine."""
    found = Calls()
    found.answers = {
        "/build/prune": {"CachesDeleted": ["a" * 64, "b" * 64], "SpaceReclaimed": 1500},
        "/system/df": {"BuildCache": ENTRIES},
    }

    def answer(_self: object, path: str, query: Any = None, *_: object) -> Any:
        found.append(f"{path}{encode_query(query)}")
        return found.answers.get(path, {})

    monkeypatch.setattr(engine.EngineClient, "post", answer)
    monkeypatch.setattr(engine.EngineClient, "get", answer)
    return found


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ("-f", ""),
        ("-a -f", "?all=1"),
        ("-f --filter until=24h", "?filters=%7B%22until%22%3A%20%5B%2224h%22%5D%7D"),
        ("-f --keep-storage 1g", f"?keep-storage={1 << 30}&reserved-space={1 << 30}"),
        ("-f --reserved-space 1kb --max-used-space 2kb --min-free-space 3kb",
         "?reserved-space=1024&max-used-space=2048&min-free-space=3072"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["builder prune", "buildx prune", "build prune"])
def test_prune(
    calls: Calls, capsys: pytest.CaptureFixture[str], command: str, words: str, query: str
) -> None:
    assert main.run([*command.split(), *words.split()]) == 0
    assert calls == [f"/build/prune{query}"]
    assert capsys.readouterr().out == (
        f"Deleted build cache objects:\n{'a' * 64}\n{'b' * 64}\n\nTotal:\t1.5kB\n"
    )


def test_a_directory_called_prune_is_built(
    calls: Calls, capsys: pytest.CaptureFixture[str], tmp_path: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prune").mkdir()
    assert main.run(["build", "prune"]) == 1
    assert "failed to read dockerfile" in capsys.readouterr().err
    assert calls == []


@pytest.mark.parametrize(("answer", "asked"), [("y\n", True), ("n\n", False), ("", False)])
def test_prune_asks_first(
    calls: Calls, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    answer: str, asked: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    assert main.run(["builder", "prune"]) == 0
    assert bool(calls) is asked
    assert capsys.readouterr().out.startswith(
        "WARNING! This will remove all dangling build cache.\nAre you sure"
    )


def test_nothing_to_prune(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    calls.answers["/build/prune"] = {"CachesDeleted": None, "SpaceReclaimed": 0}
    assert main.run(["builder", "prune", "-f"]) == 0
    assert capsys.readouterr().out == "Total:\t0B\n"


def test_du(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["builder", "du"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["ID", "RECLAIMABLE", "SIZE", "LAST", "ACCESSED", "DESCRIPTION"]
    assert lines[1].startswith("a" * 12 + " ")
    assert lines[1].split()[-4:] == ["ago", "RUN", "make", "all"]
    assert lines[2].startswith("b" * 12 + "*")
    assert [line.replace(" ", "") for line in lines[3:]] == [
        "", "Shared:1.5kB", "Private:0B", "Reclaimable:1.5kB", "Total:1.5kB",
    ]  # fmt: skip
    assert calls == ["/system/df?type=build-cache"]


def test_du_in_other_forms(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["builder", "du", "-q"]) == 0
    assert capsys.readouterr().out == f"{'a' * 12}\n{'b' * 12}*\n"
    assert main.run(["builder", "du", "--format", "{{.ID}} {{.Size}} {{.UsageCount}}"]) == 0
    assert capsys.readouterr().out == f"{'a' * 12} 1.5kB 3\n{'b' * 12}* 0B 0\n"
    assert main.run(["builder", "du", "--format", "json"]) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (first["ID"], first["Type"], first["InUse"]) == ("a" * 64, "regular", "false")
    assert main.run(["builder", "du", "--verbose"]) == 0
    assert "TYPE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("type=regular", "a"), ("inuse=true", "b"), ("inuse=false", "a"), ("shared", "a"),
        ("private=true", "b"), ("description=make", "a"), ("id=bbb", "b"), ("id=sha256:aa", "a"),
        ("type=none", ""),
    ],
)  # fmt: skip
def test_du_filters(calls: Calls, capsys: pytest.CaptureFixture[str], text: str, left: str) -> None:
    words = ["builder", "du", "-q", "--filter", text if "=" in text else f"{text}="]
    assert main.run(words) == 0
    assert capsys.readouterr().out[:1] == left


def test_refusals(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["builder", "du", "--filter", "x=y"]) == 1
    assert "invalid filter 'x'" in capsys.readouterr().err
    assert main.run(["builder", "prune", "-f", "--builder", "other"]) == 1
    assert "no builder 'other' found" in capsys.readouterr().err


def test_rows_begin_with_what_was_used_last() -> None:
    rows = cache_rows(
        [{"ID": "old", "LastUsedAt": "2020-01-01T00:00:00Z"}, *ENTRIES], NOW, whole=False
    )
    assert [row["ID"] for row in rows] == ["a" * 12, "old", "b" * 12 + "*"]
    assert rows[0]["CreatedSince"] == "Less than a second ago"
    assert (rows[2]["LastUsedSince"], rows[2]["CreatedSince"]) == ("N/A", "N/A")


def test_system_df_and_prune_know_the_cache(
    calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["system", "df", "-v"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"Build cache usage: 1.5kB\n\nCACHE ID +CACHE TYPE +SIZE", shown)
    assert main.run(["system", "df", "-v", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["BuildCache"]) == 2
    assert main.run(["system", "prune", "-f", "--filter", "label=x"]) == 0
    assert calls[-1] == "/build/prune"
    assert capsys.readouterr().out.endswith("Total reclaimed space: 1.5kB\n")
