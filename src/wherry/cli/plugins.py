"""Programs that add commands, found and run as docker's client does: `docker-compose` is `compose`.

A plugin is an executable `docker-NAME` in one of a few directories. Run with one word, it prints
who made it as JSON; run with the whole command line, it does its work. Loaded only for a command
that is not ours, and for `info`.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence

from wherry.cli.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

PREFIX = "docker-"
SYSTEM = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
METADATA = "docker-cli-plugin-metadata"
SCHEMA = "0.1.0"
ORIGIN = "DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND"
SECONDS = 10


class PluginError(CommandError):
    """A plugin is there, and is not one."""


class Plugin:
    """A plugin that has said who it is."""

    __slots__ = ("name", "path", "summary", "vendor", "version")

    def __init__(self, name: str, path: str, metadata: Mapping[str, str]) -> None:
        self.name = name
        self.path = path
        self.vendor = metadata["Vendor"]
        self.version = metadata.get("Version") or ""
        self.summary = metadata.get("ShortDescription") or ""


def directories(environment: Mapping[str, str]) -> list[str]:
    """Return where plugins are looked for, the first first."""
    home = os.path.join(os.path.expanduser("~"), ".docker")
    configuration = environment.get("DOCKER_CONFIG") or home
    extra = _extra(os.path.join(configuration, "config.json"))
    return [*extra, os.path.join(configuration, "cli-plugins"), *SYSTEM]


def find(name: str, folders: Iterable[str]) -> str:
    """Return the path of a plugin, or nothing."""
    if not _is_name(name):
        return ""
    return next((path for path in _places(name, folders) if _is_program(path)), "")


def names(folders: Iterable[str]) -> dict[str, str]:
    """Return the plugins that are there: name to path. None is run."""
    found: dict[str, str] = {}
    for folder in folders:
        try:
            entries = sorted(os.listdir(folder))
        except OSError:
            continue
        for entry in entries:
            name = entry.removeprefix(PREFIX)
            path = os.path.join(folder, entry)
            if entry.startswith(PREFIX) and _is_name(name) and _is_program(path):
                found.setdefault(name, path)
    return found


def load(name: str, path: str) -> Plugin:
    """Ask a plugin who it is; raises PluginError."""
    import json  # noqa: PLC0415 - costs 10 ms, and most commands are ours
    import subprocess  # noqa: PLC0415 - as json

    def bad(why: str) -> PluginError:
        return PluginError(f"the plugin {path} is not valid: {why}")

    try:
        done = subprocess.run(
            [path, METADATA], stdin=subprocess.DEVNULL, capture_output=True, check=False,
            timeout=SECONDS,
        )  # fmt: skip
        found = json.loads(done.stdout)
    except OSError as error:
        raise bad(f"it cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise bad(f"it did not say who it is within {SECONDS} seconds") from error
    except ValueError as error:
        raise bad(f"what '{METADATA}' prints is no JSON") from error
    if not isinstance(found, dict) or found.get("SchemaVersion") != SCHEMA:
        raise bad(f'plugin SchemaVersion is not valid, must be "{SCHEMA}"')
    if not isinstance(found.get("Vendor"), str) or not found["Vendor"]:
        raise bad("plugin metadata does not define a vendor")
    return Plugin(name, path, found)


def run(plugin: Plugin, words: Sequence[str], host: str) -> NoReturn:
    """Become the plugin; `words` are the whole command line, `host` the engine that it shall use.

    `host` is empty where the plugin finds the engine by itself, as docker's client would.
    """
    environment = {**os.environ, ORIGIN: sys.argv[0]}
    if host:
        environment["DOCKER_HOST"] = host
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(plugin.path, [plugin.path, *words], environment)


def _places(name: str, folders: Iterable[str]) -> Iterable[str]:
    return (os.path.join(folder, PREFIX + name) for folder in folders)


def _is_name(name: str) -> bool:
    return name.isascii() and name.isalnum() and name.islower()


def _is_program(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode) and os.access(path, os.X_OK)
    except OSError:
        return False


def _extra(path: str) -> list[str]:
    if not os.path.exists(path):
        return []
    import json  # noqa: PLC0415 - as above

    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return []  # credentials and contexts say what is wrong with it
    folders = found.get("cliPluginsExtraDirs") if isinstance(found, dict) else None
    return [folder for folder in folders or () if isinstance(folder, str)]
