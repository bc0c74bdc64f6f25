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
    return {name.split(".")[0] for name in modules(module)}


def modules(imported: str) -> set[str]:
    """Return all modules that an import statement of these loads."""
    code = f"import sys, json, {imported}; print(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-I", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout))


ENGINE = "wherry.api.server, wherry.daemon.compose, wherry.daemon.main"


def test_an_engine_starts_without_what_builds() -> None:
    assert {"wherry.build.service", "wherry.build.dockerfile.parse"} & modules(ENGINE) == set()


def test_an_engine_without_a_registry_starts_without_what_serves_one() -> None:
    loaded = modules(ENGINE)
    assert {"aiohttp", "bcrypt", "jwt", "wherry.engine.registry"} & loaded == set()
    assert [name for name in loaded if name.startswith("wherry.registry.server")] == []


@pytest.mark.parametrize("module", sorted(BUDGETS))
def test_a_program_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(module) & BUDGETS[module] == set()
