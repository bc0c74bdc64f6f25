"""What `docker logs --details` shows before each line: the options labels, env and tag. Pure.

Docker writes it beside each line; it is the same for all lines of a container, so it is made when
somebody asks. Fields of a tag are those of moby daemon/logger/loginfo.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote_plus

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass

_FIELD: Final = re.compile(r"\{\{-?\s*\.(\w+)\s*-?\}\}")
_SHORT: Final = 12  # characters of an ID, as people see it


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose output it is; `image` is what the user named, the IDs are hexadecimal."""

    container_id: str
    name: str
    image_id: str
    image: str
    labels: Mapping[str, str]
    environment: Mapping[str, str]


_FIELDS: Final[Mapping[str, Callable[[Origin], str]]] = {
    "ID": lambda origin: origin.container_id[:_SHORT],
    "FullID": lambda origin: origin.container_id,
    "Name": lambda origin: origin.name,
    "ImageID": lambda origin: origin.image_id[:_SHORT],
    "ImageFullID": lambda origin: origin.image_id,
    "ImageName": lambda origin: origin.image,
    "DaemonName": lambda _: "docker",
}


def check(options: Mapping[str, str]) -> None:
    """Refuse patterns and tags that make no sense; raises InvalidError."""
    for key in ("labels-regex", "env-regex"):
        try:
            re.compile(options.get(key, ""))
        except re.error as error:
            raise InvalidError(f"invalid log opt {key}={options[key]}: {error}") from error
    tag = options.get("tag", "")
    unknown = [name for name in _FIELD.findall(tag) if name not in _FIELDS]
    if unknown or "{{" in _FIELD.sub("", tag):
        fields = ", ".join(f"{{{{.{name}}}}}" for name in _FIELDS)
        raise InvalidError(f"invalid log opt tag={tag}: it may have {fields}")


def attributes(options: Mapping[str, str], origin: Origin) -> dict[str, str]:
    """Return what the options choose, in the order of the names."""
    chosen = {
        **_chosen(origin.labels, options, "labels"),
        **_chosen(origin.environment, options, "env"),
    }
    if tag := options.get("tag", ""):
        chosen["tag"] = _FIELD.sub(lambda match: _FIELDS[match[1]](origin), tag)
    return dict(sorted(chosen.items()))


def _chosen(known: Mapping[str, str], options: Mapping[str, str], key: str) -> dict[str, str]:
    names, pattern = options.get(key, "").split(","), options.get(f"{key}-regex", "")
    return {
        name: value
        for name, value in known.items()
        if name in names or (pattern and re.search(pattern, name))
    }


def prefix(chosen: Mapping[str, str]) -> bytes:
    """Return what goes before a line: the attributes, and a space even without any."""
    pairs = (f"{quote_plus(key)}={quote_plus(value)}" for key, value in chosen.items())
    return ",".join(pairs).encode() + b" "
