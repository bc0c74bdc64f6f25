"""What each program may load: the keeper and the client program stay small and start at once."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

THIRD_PARTY = {"aiohttp", "msgspec", "yarl", "h11", "dnslib", "isal", "elftools", "backports"}

BUDGETS = {
    "wherry.keeper.serve": THIRD_PARTY | {"asyncio", "sqlite3", "ssl", "http", "email", "logging"},
    "wherry.runtime.launch": THIRD_PARTY | {"asyncio", "sqlite3", "ssl", "http", "email"},
    "wherry.runtime.command.create": THIRD_PARTY | {"asyncio", "sqlite3", "ssl", "http", "email"},
    "wherry.cli.main": THIRD_PARTY | {"asyncio", "sqlite3", "ssl", "http", "email", "logging"},
}


def loaded_by(module: str) -> set[str]:
    """Return the top-level names of all modules that importing `module` loads."""
    code = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-I", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(result.stdout)}


def test_an_engine_starts_without_what_builds() -> None:
    code = "import sys, wherry.api.server, wherry.daemon.compose; print(*sys.modules)"
    command = [sys.executable, "-I", "-c", code]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert {"wherry.build.service", "wherry.build.dockerfile.parse"} & {*loaded} == set()


@pytest.mark.parametrize("module", sorted(BUDGETS))
def test_a_program_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(module) & BUDGETS[module] == set()
