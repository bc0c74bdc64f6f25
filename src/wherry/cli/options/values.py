"""The smaller grammars: devices, ulimits, restart policies, networks, hosts, filters."""

from __future__ import annotations

from collections.abc import Iterable

from wherry.cli.errors import UsageError

Json = dict[str, object]


def device(text: str) -> Json:
    """Read `host[:container][:permissions]`."""
    parts = text.split(":")
    permissions, inside = "rwm", parts[0]
    if len(parts) == 3:
        inside, permissions = parts[1], parts[2]
    elif len(parts) == 2 and parts[1] and set(parts[1]) <= set("rwm"):
        permissions = parts[1]
    elif len(parts) == 2:
        inside = parts[1]
    if len(parts) > 3 or not text or not set(permissions) <= set("rwm"):
        raise UsageError(f"invalid device specification: {text}")
    return {"PathOnHost": parts[0], "PathInContainer": inside, "CgroupPermissions": permissions}


def ulimit(text: str) -> Json:
    """Read `name=soft[:hard]`."""
    name, separator, limits = text.partition("=")
    soft, colon, hard = limits.partition(":")
    try:
        values = int(soft), int(hard if colon else soft)
    except ValueError as error:
        raise UsageError(f"invalid ulimit argument: {text}") from error
    if not separator or not name:
        raise UsageError(f"invalid ulimit argument: {text}")
    if values[1] != -1 and values[0] > values[1]:
        raise UsageError(
            f"ulimit soft limit must be less than or equal to hard limit: {values[0]} > {values[1]}"
        )
    return {"Name": name, "Soft": values[0], "Hard": values[1]}


def restart_policy(text: str) -> Json:
    """Read `no`, `always`, `unless-stopped` or `on-failure[:count]`."""
    name, colon, count = text.partition(":")
    if colon and not count.isdecimal():
        raise UsageError("invalid restart policy format: maximum retry count must be an integer")
    if not name and text:
        raise UsageError("invalid restart policy format: no policy provided before colon")
    return {"Name": name, "MaximumRetryCount": int(count or "0")}


def network(text: str) -> tuple[str, dict[str, str], list[str]]:
    """Read `name` or `name=N,alias=A,ip=I`: the name, plain fields, aliases."""
    if "=" not in text:
        return text, {}, []
    name, aliases = "", []
    fields: dict[str, str] = {}
    for part in text.split(","):
        key, separator, value = part.partition("=")
        if not separator:
            raise UsageError(f"invalid field {part}")
        if key == "name":
            name = value
        elif key == "alias":
            aliases.append(value)
        elif key in ("ip", "ip6", "mac-address", "driver-opt", "link-local-ip", "gw-priority"):
            fields[key] = value
        else:
            raise UsageError(f"invalid field key {key}")
    if not name:
        raise UsageError("network name/id is not specified")
    return name, fields, aliases


def extra_host(text: str) -> str:
    """Read `name:address` or `name=address` as the API's `name:address`."""
    name, equals, address = text.partition("=")
    if not equals or ":" in name:
        name, colon, address = text.partition(":")
        equals = colon
    if not equals or not name or not address:
        raise UsageError(
            f'invalid argument "{text}" for "--add-host" flag: bad format for add-host: "{text}"'
        )
    return f"{name}:{address.removeprefix('[').removesuffix(']')}"


def security_options(texts: Iterable[str]) -> list[str]:
    """Return security options; a seccomp profile is replaced by its content, as docker does."""
    found = []
    for text in texts:
        separator = "=" if "=" in text else ":"
        key, given, value = text.partition(separator)
        if not given and key != "no-new-privileges":
            raise UsageError(f"invalid --security-opt: {text!r}")
        if key == "seccomp" and value not in ("unconfined", "builtin"):
            found.append(f"seccomp={_read(value)}")
        else:
            found.append(text)
    return found


def filters(texts: Iterable[str]) -> dict[str, list[str]]:
    """Read `--filter` values into the API's form."""
    found: dict[str, list[str]] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator:
            raise UsageError(
                f'invalid argument "{text}" for "-f, --filter" flag: invalid filter \'{text}\''
            )
        found.setdefault(key.strip().lower(), []).append(value.strip())
    return found


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise UsageError(f"opening seccomp profile ({path}) failed: {error.strerror}") from error
