"""wherryd's configuration: flags with dockerd's names, and a file with daemon.json's keys.

A key may stand in one place only, as with dockerd; lists from flag and file are a conflict too. A
key that is not understood is refused rather than ignored.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

import wherry
from wherry.base.errors import InvalidError
from wherry.base.values import dataclass
from wherry.daemon import registry_options
from wherry.daemon.registry_options import RegistryOptions

DEFAULT_HOST: Final = "unix:///run/wherry/wherry.sock"
DEFAULT_EXEC_ROOT: Final = "/run/wherry"
DEFAULT_CONFIG_FILE: Final = "/etc/wherry/daemon.json"

_EXAMPLES: Final = """\
examples:
  wherryd                                        an engine on /run/wherry/wherry.sock
  wherryd -H unix:///tmp/w.sock --data-root /tmp/w/data --exec-root /tmp/w/run --pidfile /tmp/w/pid
                                                 a second engine beside the first
  docker -H unix:///run/wherry/wherry.sock ps    the stock client works against it
  wherryd --registry :5001                       other machines pull this one's images:
                                                 docker pull thismachine:5001/app
"""


class ConfigurationError(InvalidError):
    """The flags or the file make no sense."""


@dataclass(frozen=True, slots=True)
class Options:
    """Everything that can be set. Paths are absolute."""

    hosts: tuple[str, ...] = (DEFAULT_HOST,)
    data_root: str = "/var/lib/wherry"
    exec_root: str = DEFAULT_EXEC_ROOT
    pidfile: str = "/run/wherry/wherryd.pid"
    debug: bool = False
    group: str = ""
    insecure_registries: tuple[str, ...] = ()
    registry_mirrors: tuple[str, ...] = ()
    keepers: int = 0
    # What the build cache may keep, in bytes; 0 for a tenth of the disk, at most 20 GiB.
    build_cache: int = 0
    registry: RegistryOptions | None = None


# Key in the file and what it becomes; the flag has the key's name unless `_FLAGS` says otherwise.
_KEYS: Final[Mapping[str, tuple[str, type]]] = {
    "hosts": ("hosts", list),
    "data-root": ("data_root", str),
    "exec-root": ("exec_root", str),
    "pidfile": ("pidfile", str),
    "debug": ("debug", bool),
    "group": ("group", str),
    "insecure-registries": ("insecure_registries", list),
    "registry-mirrors": ("registry_mirrors", list),
    "keepers": ("keepers", int),
    "builder": ("build_cache", dict),
    **{key: (name, str) for key, name in registry_options.KEYS.items()},
}
_UNITS: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_NO_LIMIT: Final = 1 << 62


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; nothing that was not given has a value."""
    made = argparse.ArgumentParser(
        prog="wherryd",
        description="The wherry engine: serves the Docker Engine API.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    add = made.add_argument
    add(
        "-H",
        "--host",
        dest="hosts",
        action="append",
        metavar="ADDRESS",
        help=f"where to listen: unix:///path or tcp://host:port; repeatable ({DEFAULT_HOST})",
    )
    add("--data-root", metavar="DIR", help="images, containers, volumes (/var/lib/wherry)")
    add("--exec-root", metavar="DIR", help="sockets and state of running ones (/run/wherry)")
    add("-p", "--pidfile", metavar="FILE", help="where to write the pid (<exec-root>/wherryd.pid)")
    add(
        "--config-file",
        metavar="FILE",
        help=f"a file with the keys of daemon.json ({DEFAULT_CONFIG_FILE})",
    )
    add("-D", "--debug", action="store_true", help="log more")
    add("-G", "--group", metavar="NAME", help="the group that may use the unix sockets")
    add(
        "--insecure-registry",
        dest="insecure_registries",
        action="append",
        metavar="HOST",
        help="a registry to reach without verified TLS; repeatable",
    )
    add(
        "--registry-mirror",
        dest="registry_mirrors",
        action="append",
        metavar="URL",
        help="a mirror of docker.io, tried first; repeatable",
    )
    add("--keepers", type=int, metavar="N", help="processes that hold containers (CPUs, at most 4)")
    add(
        "--build-cache",
        metavar="SIZE",
        help="what the build cache may keep, such as 20GB (a tenth of the disk, at most 20GB)",
    )
    registry_options.add_flags(add)
    add("-v", "--version", action="version", version=f"wherryd {wherry.__version__}")
    return made  # fmt: skip


def load(arguments: Sequence[str]) -> Options:
    """Return the options of a command line and of the file that it names."""
    flags = vars(parser().parse_args(arguments))
    path = flags.pop("config_file", None)
    found = _read_file(path or DEFAULT_CONFIG_FILE, required=path is not None)
    both = sorted(set(flags) & set(found))
    if both:
        raise ConfigurationError(
            "set both as a flag and in the configuration file: " + ", ".join(both)
        )
    return _checked({**found, **flags})


def _read_file(path: str, *, required: bool) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        if required:
            raise ConfigurationError(f"{path}: there is no such file") from None
        return {}
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    try:
        content = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise ConfigurationError(f"{path}: not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: not a JSON object")
    return {_KEYS[key][0]: _value(path, key, value) for key, value in _known(path, content)}


def _known(path: str, content: Mapping[str, Any]) -> list[tuple[str, Any]]:
    unknown = sorted(set(content) - set(_KEYS))
    if unknown:
        raise ConfigurationError(
            f"{path}: unknown keys: {', '.join(unknown)} (known: {', '.join(sorted(_KEYS))})"
        )
    return list(content.items())


def _value(path: str, key: str, value: Any) -> Any:
    wanted = _KEYS[key][1]
    if wanted is dict:
        return _builder(path, value)
    words = wanted is not list or all(isinstance(one, str) for one in value or ())
    if type(value) is not wanted or not words:
        names = {list: "a list of words", str: "text", bool: "true or false", int: "a number"}
        raise ConfigurationError(f"{path}: {key}: wanted {names[wanted]}, got {value!r}")
    return value


def _builder(path: str, value: Any) -> str:
    """Read dockerd's `{"gc": {"enabled": true, "defaultKeepStorage": "20GB"}}`."""
    gc = value.get("gc", {}) if isinstance(value, dict) and set(value) <= {"gc"} else None
    if not isinstance(gc, dict) or set(gc) - {"enabled", "defaultKeepStorage"}:
        raise ConfigurationError(
            f'{path}: builder: wanted {{"gc": {{"enabled": …, "defaultKeepStorage": …}}}},'
            f" got {value!r}"
        )
    if gc.get("enabled") is False:
        return str(_NO_LIMIT)
    return str(gc.get("defaultKeepStorage", "0"))


def _size(text: str) -> int:
    """Read a size such as 512MB or 20g; units are powers of 1024, as dockerd reads them."""
    bare = text.strip().lower().removesuffix("b").removesuffix("i")
    unit = bare[-1:] if bare[-1:].isalpha() else ""
    digits = bare.removesuffix(unit)
    if unit not in _UNITS or not digits.isdecimal():
        raise ConfigurationError(f"--build-cache: {text!r} is no size: say 20GB, or 0 for default")
    return int(digits) * _UNITS[unit]


def _checked(values: Mapping[str, Any]) -> Options:
    made = dict(values)
    made["registry"] = registry_options.take(made)
    for key in ("hosts", "insecure_registries", "registry_mirrors"):
        if key in made:
            made[key] = tuple(made[key])
    for host in made.get("hosts", ()):
        if not host.startswith(("unix://", "tcp://")):
            raise ConfigurationError(f"{host}: an address begins with unix:// or tcp://")
    for key in ("data_root", "exec_root", "pidfile"):
        if key in made:
            made[key] = os.path.abspath(made[key])
    if "pidfile" not in made:
        made["pidfile"] = os.path.join(made.get("exec_root", DEFAULT_EXEC_ROOT), "wherryd.pid")
    if "build_cache" in made:
        made["build_cache"] = _size(made["build_cache"])
    if made.get("keepers", 0) < 0:
        raise ConfigurationError("--keepers: at least one is needed")
    return Options(**made)
