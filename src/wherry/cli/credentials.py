"""Registry credentials in ~/.docker/config.json, as docker's client keeps them.

`auths` holds base64 of `user:password`, or an identity token; `credHelpers` and `credsStore` name
programs (docker-credential-NAME) that hold them instead. The file is written to a temporary name
and renamed, mode 0600; what else it contains is kept.
"""

from __future__ import annotations

import base64
import json
import os

from wherry.cli.errors import CommandError
from wherry.cli.options.references import HUB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_OF_THE_HUB = ("index.docker.io", "docker.io", "registry-1.docker.io")
TOKEN_USER = "<token>"  # noqa: S105 - the user name that helpers give to identity tokens


def config_path() -> str:
    """Return where the file is."""
    folder = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    return os.path.join(folder, "config.json")


def load() -> dict[str, Any]:
    """Return the content of the file; empty when there is none."""
    try:
        with open(config_path(), encoding="utf-8") as file:
            content = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CommandError(f"cannot read {config_path()}: {error}") from error
    return content if isinstance(content, dict) else {}


def header(host: str) -> dict[str, str]:
    """Return the X-Registry-Auth header for a registry; empty without credentials."""
    found = lookup(host)
    if not found:
        return {}
    text = base64.urlsafe_b64encode(json.dumps(found).encode()).decode()
    return {"X-Registry-Auth": text}


def lookup(host: str) -> dict[str, str]:
    """Return the API's AuthConfig for a registry; empty without credentials."""
    content = load()
    helper = (content.get("credHelpers") or {}).get(host) or content.get("credsStore")
    if helper and (found := _from_helper(helper, host)):
        return found
    for key, entry in (content.get("auths") or {}).items():
        if key == host or _bare(key) == _bare(host):
            return _from_entry(entry, host)
    return {}


def everything(warn: Callable[[str], None]) -> dict[str, dict[str, str]]:
    """Return the AuthConfig of every known registry, for a build: nobody knows which it needs.

    Those that cannot be had are told to `warn` and left out.
    """
    content = load()
    found = {}
    for key in [*(content.get("auths") or {}), *(content.get("credHelpers") or {})]:
        host = HUB if _bare(key) in _OF_THE_HUB else _bare(key)
        try:
            entry = lookup(key)
        except CommandError as error:
            warn(f"WARNING: building without credentials for {host}: {error}")
            continue
        if entry:
            found[host] = entry
    return found


def store(host: str, user: str, password: str, identity_token: str = "") -> bool:
    """Keep credentials after a login; False when they lie in the file as they are."""
    content = load()
    helper = (content.get("credHelpers") or {}).get(host) or content.get("credsStore")
    entry: dict[str, str] = {}
    if helper:
        secret = {"ServerURL": host, "Username": user, "Secret": password}
        if identity_token:
            secret |= {"Username": TOKEN_USER, "Secret": identity_token}
        _helper(helper, "store", json.dumps(secret))
    elif identity_token:
        entry = {"auth": _encode(user, ""), "identitytoken": identity_token}
    else:
        entry = {"auth": _encode(user, password)}
    content.setdefault("auths", {})[host] = entry
    save(content)
    return bool(helper)


def erase(host: str) -> bool:
    """Forget credentials; False when there were none."""
    content = load()
    helper = (content.get("credHelpers") or {}).get(host) or content.get("credsStore")
    if helper:
        _helper(helper, "erase", host)
    known = (content.get("auths") or {}).pop(host, None)
    if known is not None:
        save(content)
    return known is not None or bool(helper)


def _encode(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _bare(key: str) -> str:
    return key.removeprefix("https://").removeprefix("http://").partition("/")[0]


def _from_entry(entry: dict[str, str], host: str) -> dict[str, str]:
    found = {"serveraddress": host}
    try:
        user, _, password = base64.b64decode(entry.get("auth", "")).decode().partition(":")
    except ValueError as error:
        raise CommandError(f"{config_path()}: the entry of {host} cannot be decoded") from error
    found["username"] = user or entry.get("username", "")
    found["password"] = password.rstrip("\0") or entry.get("password", "")
    if entry.get("identitytoken"):
        found["identitytoken"] = entry["identitytoken"]
    if entry.get("registrytoken"):
        found["registrytoken"] = entry["registrytoken"]
    return found if len(found) > 3 or found["username"] else {}


def _from_helper(helper: str, host: str) -> dict[str, str]:
    answer = _helper(helper, "get", host)
    if not answer:
        return {}
    try:
        found = json.loads(answer)
    except ValueError as error:
        raise CommandError(f"docker-credential-{helper} did not answer with JSON") from error
    if found.get("Username") == TOKEN_USER:
        return {"serveraddress": host, "identitytoken": found.get("Secret", "")}
    return {
        "serveraddress": host,
        "username": found.get("Username", ""),
        "password": found.get("Secret", ""),
    }


def _helper(helper: str, verb: str, text: str) -> str:
    import subprocess  # noqa: PLC0415 - 5 ms, and most users have no helper

    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, verb], input=text, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise CommandError(
            f"error getting credentials: exec {program}: {error.strerror}"
        ) from error
    return done.stdout if done.returncode == 0 else ""


def save(content: dict[str, Any]) -> None:
    """Write the file anew; one that is a link stays one, and what it is about is replaced."""
    path = os.path.realpath(config_path())
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    partial = f"{path}.{os.getpid()}.partial"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent="\t")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
