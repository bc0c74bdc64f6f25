"""The smaller grammars: devices, ulimits, restart policies, networks, hosts, filters."""

from __future__ import annotations

from collections.abc import Iterable

from wherry.cli.errors import UsageError
from wherry.cli.options import numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.flags import Options

Json = dict[str, object]

ULIMITS = (
    "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc",
    "rss", "rtprio", "rttime", "sigpending", "stack",
)  # fmt: skip


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
    if not set(permissions) <= set("rwm") or not permissions:
        raise UsageError(f"bad mode specified: {permissions}")
    if len(parts) > 3 or not text:
        raise UsageError(f"invalid device specification: {text}")
    return {"PathOnHost": parts[0], "PathInContainer": inside, "CgroupPermissions": permissions}


def rate(text: str) -> Json:
    """Read `disk:number`."""
    path, number = _disk(text)
    if not number.isdecimal():
        raise UsageError(f"invalid rate for device: {text}")
    return {"Path": path, "Rate": int(number)}


def bytes_rate(text: str) -> Json:
    """Read `disk:size`."""
    path, number = _disk(text)
    return {"Path": path, "Rate": numbers.size(number)}


def disk_weight(text: str) -> Json:
    """Read `disk:weight`."""
    path, number = _disk(text)
    if not number.isdecimal() or (int(number) and not 10 <= int(number) <= 1000):
        raise UsageError(f"invalid weight for device: {text}")
    return {"Path": path, "Weight": int(number)}


def _disk(text: str) -> tuple[str, str]:
    path, colon, number = text.partition(":")
    if not path or not colon:
        raise UsageError(f"bad format: {text}")
    if not path.startswith("/dev/"):
        raise UsageError(f"bad format for device path: {text}")
    return path, number


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
    if name not in ULIMITS:
        raise UsageError(f"invalid ulimit type: {name}")
    if values[1] != -1 and values[0] > values[1]:
        raise UsageError(
            f"ulimit soft limit must be less than or equal to hard limit: {values[0]} > {values[1]}"
        )
    return {"Name": name, "Soft": values[0], "Hard": values[1]}


def restart_policy(text: str) -> Json:
    """Read `no`, `always`, `unless-stopped` or `on-failure[:count]`."""
    name, colon, count = text.partition(":")
    if colon and not count.removeprefix("-").isdecimal():
        raise UsageError("invalid restart policy format: maximum retry count must be an integer")
    if not name and text:
        raise UsageError("invalid restart policy format: no policy provided before colon")
    return {"Name": name, "MaximumRetryCount": int(count or "0")}


def extra_host(text: str) -> str:
    """Read `name:address` or `name=address` as the API's `name:address`."""
    name, equals, address = text.partition("=")
    if not equals or ":" in name:
        name, colon, address = text.partition(":")
        equals = colon
    if not equals or not name or not address:
        raise UsageError(f'bad format for add-host: "{text}"')
    address = address.removeprefix("[").removesuffix("]")
    if address != "host-gateway" and not is_address(address):
        raise UsageError(f'invalid IP address in add-host: "{address}"')
    return f"{name}:{address}"


def is_address(text: str) -> bool:
    """Whether a text is an IPv4 or IPv6 address."""
    import socket  # noqa: PLC0415 - already loaded when the engine is called

    try:
        socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except (OSError, ValueError):
        return False
    return True


def address(text: str) -> str:
    """Check an IP address, as `--dns` wants one."""
    if not is_address(text.strip()):
        raise UsageError(f"IP address is not correctly formatted: {text}")
    return text.strip()


def device_rule(text: str) -> str:
    """Check a rule such as `c 1:3 rwm`."""
    words = text.split(" ")
    numbers = words[1].split(":") if len(words) == 3 else []
    if (
        len(numbers) != 2
        or words[0] not in ("a", "b", "c")
        or not all(number == "*" or number.isdecimal() for number in numbers)
        or not words[2]
        or not set(words[2]) <= set("rwm")
    ):
        raise UsageError(f"invalid device cgroup format '{text}'")
    return text


def namespace(flag: str, kind: str, text: str) -> str:
    """Check a namespace's mode; `kind` is the word for it in the complaint."""
    shared = {"pid": ("host",), "cgroupns": ("host", "private")}.get(flag, ("host",))
    if text not in ("", *shared) and not (flag == "pid" and text.startswith("container:")):
        raise UsageError(f"--{flag}: invalid {kind} mode")
    return text


def capabilities(added: Iterable[str], dropped: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return both lists in one spelling, sorted; what is added is not dropped."""
    add = {_capability(text) for text in added}
    drop = {_capability(text) for text in dropped}
    add = {"ALL"} if "ALL" in add else add
    drop = {"ALL"} if "ALL" in drop else drop
    return sorted(add), sorted(drop - add)


def _capability(text: str) -> str:
    word = text.strip().upper()
    return word if word == "ALL" or word.startswith("CAP_") else f"CAP_{word}"


def security_options(texts: Iterable[str]) -> list[str]:
    """Return security options; a seccomp profile is replaced by its content, as docker does."""
    found = []
    for text in texts:
        separator = "=" if "=" in text else ":"
        key, given, value = text.partition(separator)
        if not given and key != "no-new-privileges":
            raise UsageError(f'Invalid --security-opt: "{text}"')
        if key == "seccomp" and value not in ("unconfined", "builtin"):
            found.append(f"seccomp={_read(value)}")
        else:
            found.append(text)
    return found


def filters(options: Options) -> dict[str, list[str]]:
    """Return the `--filter` values in the API's form."""
    found: dict[str, list[str]] = {}
    for key, value in options.read_all("filter", _filter):
        found.setdefault(key, []).append(value)
    return found


def _filter(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator:
        raise UsageError("bad format of filter (expected name=value)")
    return key.strip().lower(), value.strip()


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        reason = f"open {path}: {(error.strerror or '').lower()}"
        raise UsageError(f"opening seccomp profile ({path}) failed: {reason}") from error
