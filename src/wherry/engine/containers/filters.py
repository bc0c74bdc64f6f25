"""Which containers a list shows: pure. Values of a key are alternatives; all keys have to hold."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from wherry.base.errors import InvalidError
from wherry.engine.containers.record import Container

_STATUSES: Final = ("created", "restarting", "running", "removing", "paused", "exited", "dead")
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_NANO: Final = 1_000_000_000

Test = Callable[[Container, str], bool]


def parse_until(text: str, now_ns: int) -> int:
    """Return a point in time: a duration back from now, seconds since the epoch, or a date."""
    parts = _DURATION.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        back = sum(float(number) * _SECONDS[unit] for number, unit in parts)
        return now_ns - int(back * _NANO)
    try:
        return int(float(text) * _NANO)
    except ValueError:
        pass
    for shape in ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"):
        try:
            return int(time.mktime(time.strptime(text.replace("Z", "+0000"), shape))) * _NANO
        except ValueError:
            continue
    raise InvalidError(f"failed to parse {text!r} as a time or a duration")


def label_matches(labels: Mapping[str, str], filters: Mapping[str, Sequence[str]]) -> bool:
    """Tell whether all of `label` hold, and none of `label!`."""
    return all(_has_label(labels, text) for text in filters.get("label", ())) and not any(
        _has_label(labels, text) for text in filters.get("label!", ())
    )


def passes(
    labels: Mapping[str, str],
    filters: Mapping[str, Sequence[str]],
    matches: Callable[[str, str], bool],
) -> bool:
    """Tell whether the labels hold, and for every other key any of its values, says `matches`."""
    return label_matches(labels, filters) and all(
        any(matches(key, text) for text in values)
        for key, values in filters.items()
        if values and key not in ("label", "label!")
    )


def _has_label(labels: Mapping[str, str], text: str) -> bool:
    name, separator, value = text.partition("=")
    return name in labels and (not separator or labels[name] == value)


def select(
    containers: Sequence[Container],
    filters: Mapping[str, list[str]],
    *,
    every: bool,
    limit: int,
    ancestors: Callable[[str], set[str]],
) -> list[Container]:
    """Return what a list shows, the newest first. `ancestors` gives images below a name."""
    _check(filters)
    newest_first = sorted(containers, key=lambda record: record.created, reverse=True)
    newest_first = _between(newest_first, filters)
    wants_state = "status" in filters or "exited" in filters
    if not every and not limit and not wants_state:
        newest_first = [c for c in newest_first if c.state.running]
    images = [ancestors(text) for text in filters.get("ancestor", ())]
    found = [
        record
        for record in newest_first
        if label_matches(record.config.labels or {}, filters)
        and _matches(record, filters)
        and (not images or any(record.image_id in ids for ids in images))
    ]
    return found[:limit] if limit > 0 else found


def _check(filters: Mapping[str, list[str]]) -> None:
    for text in filters.get("status", ()):
        if text not in _STATUSES:
            raise InvalidError(f"invalid filter 'status={text}'")
    for text in filters.get("exited", ()):
        if not re.fullmatch(r"-?\d+", text):
            raise InvalidError(f"invalid filter 'exited={text}'")


def _between(containers: list[Container], filters: Mapping[str, list[str]]) -> list[Container]:
    for key in ("before", "since"):
        for text in filters.get(key, ()):
            anchor = next((c for c in containers if _is_named(c, text)), None)
            if anchor is None:
                raise InvalidError(f"No such container: {text}")
            at = anchor.created
            containers = [
                c for c in containers if (c.created < at if key == "before" else c.created > at)
            ]
    return containers


def _is_named(record: Container, text: str) -> bool:
    return record.name == text.lstrip("/") or record.id.startswith(text)


def _matches(record: Container, filters: Mapping[str, list[str]]) -> bool:
    return all(
        any(test(record, text) for text in filters[key])
        for key, test in _TESTS.items()
        if filters.get(key)
    )


def _name(record: Container, text: str) -> bool:
    try:
        pattern = re.compile(text)
    except re.error:
        raise InvalidError(f"invalid filter 'name={text}': not a regular expression") from None
    return bool(pattern.search(record.name) or pattern.search(f"/{record.name}"))


def _volume(record: Container, text: str) -> bool:
    return any(text in (point.name, point.destination) for point in record.mounts)


def _network(record: Container, text: str) -> bool:
    return any(
        text == name or (text and settings.network_id.startswith(text))
        for name, settings in record.networks.items()
    )


def _health(record: Container, text: str) -> bool:
    return text == "none" and record.state is not None


def _ports(text: str) -> set[tuple[int, str]]:
    numbers, _, protocol = text.partition("/")
    first, _, last = numbers.partition("-")
    try:
        span = range(int(first), int(last or first) + 1)
    except ValueError:
        raise InvalidError(f"invalid port: {text}") from None
    return {(number, protocol or "tcp") for number in span}


def _expose(record: Container, text: str) -> bool:
    exposed: dict[str, Any] = {**(record.config.exposed_ports or {}), **record.ports}
    return bool(_ports(text) & {one for port in exposed for one in _ports(port)})


def _publish(record: Container, text: str) -> bool:
    published = {
        (int(binding.host_port or 0), port.partition("/")[2] or "tcp")
        for port, bindings in record.ports.items()
        for binding in bindings or ()
    }
    return bool(_ports(text) & published)


_TESTS: Final[Mapping[str, Test]] = {
    "id": lambda record, text: record.id.startswith(text),
    "name": _name,
    "status": lambda record, text: record.state.status.value == text,
    "exited": lambda record, text: (
        record.state.status.value == "exited" and record.state.exit_code == int(text)
    ),
    "volume": _volume,
    "network": _network,
    "health": _health,
    "expose": _expose,
    "publish": _publish,
    "isolation": lambda _, text: text in ("", "default"),
    "is-task": lambda _, text: text.lower() in ("0", "false"),
}
