"""Mounts: `--volume` (short), `--mount` (fields separated by commas) and `--tmpfs`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from wherry.cli.errors import UsageError
from wherry.cli.options.fields import fields
from wherry.cli.options.numbers import size

Json = dict[str, object]

RECURSIVE: dict[str, dict[str, bool]] = {
    "enabled": {},
    "disabled": {"NonRecursive": True},
    "writable": {"ReadOnlyNonRecursive": True},
    "readonly": {"ReadOnlyForceRecursive": True},
}


def volumes(texts: Iterable[str], folder: str) -> tuple[list[str], dict[str, Json]]:
    """Return the API's Binds, and the anonymous Volumes; relative sources begin at `folder`."""
    binds = []
    anonymous: dict[str, Json] = {}
    for text in texts:
        if ":" not in text:
            anonymous[text] = {}
            continue
        source, _, rest = text.partition(":")
        if source.startswith("."):
            source = os.path.normpath(os.path.join(folder, source))
        elif source.startswith("~/"):
            source = os.path.expanduser(source)
        if not source or not rest:
            raise UsageError(f"invalid volume specification: '{text}'")
        binds.append(f"{source}:{rest}")
    return binds, anonymous


def tmpfs(texts: Iterable[str]) -> dict[str, str]:
    """Return the API's Tmpfs: path to options."""
    return dict(text.partition(":")[::2] for text in texts)


def mount(text: str, folder: str) -> Json:
    """Read a `--mount` value into the API's form."""
    result: Json = {"Type": "volume"}
    for part in fields(text):
        key, separator, value = part.partition("=")
        key = key.strip().lower()
        if value != value.strip():
            raise UsageError(
                f"invalid option '{key}' in '{part}': value should not have whitespace"
            )
        if not separator and key in ("readonly", "ro", "volume-nocopy", "bind-nonrecursive"):
            value, separator = "true", "="
        if not separator:
            raise UsageError(f"invalid field '{part}' must be a key=value pair")
        setter = _SETTERS.get(key)
        if setter is None:
            raise UsageError(f"unexpected key '{key}' in '{part}'")
        setter(result, key, value)
    _check(result, folder)
    if isinstance(options := result.get("VolumeOptions"), dict):
        options.setdefault("DriverConfig", {})  # `inspect` shows what docker sends
    return result


def _check(result: Json, folder: str) -> None:
    kind = str(result["Type"])
    source = str(result.get("Source", ""))
    if kind not in ("bind", "volume", "tmpfs", "image", "npipe", "cluster"):
        raise UsageError(f'mount type unknown: "{kind}"')
    if "Target" not in result:
        raise UsageError("target is required")
    if kind == "bind" and source.startswith("."):
        result["Source"] = os.path.normpath(os.path.join(folder, source))
    for option, owner in (
        ("VolumeOptions", "volume"),
        ("BindOptions", "bind"),
        ("TmpfsOptions", "tmpfs"),
        ("ImageOptions", "image"),
    ):
        if option in result and kind != owner:
            name = option.removesuffix("Options").lower()
            raise UsageError(f"cannot mix '{name}-*' options with mount type '{kind}'")


def _boolean(key: str, value: str) -> bool:
    if value.lower() in ("1", "true", "t"):
        return True
    if value.lower() in ("0", "false", "f"):
        return False
    raise UsageError(f"invalid value for {key}: {value}")


def _plain(name: str) -> Callable[[Json, str, str], None]:
    def assign(result: Json, _key: str, value: str) -> None:
        result[name] = value.lower() if name == "Type" else value

    return assign


def _read_only(result: Json, key: str, value: str) -> None:
    result["ReadOnly"] = _boolean(key, value)


def _nested(
    group: str, name: str, read: Callable[[str, str], object]
) -> Callable[[Json, str, str], None]:
    def assign(result: Json, key: str, value: str) -> None:
        inner = result.setdefault(group, {})
        assert isinstance(inner, dict)
        inner[name] = read(key, value)

    return assign


def _text(_key: str, value: str) -> str:
    return value


def _size(key: str, value: str) -> int:
    try:
        return size(value)
    except UsageError as error:
        raise UsageError(f"invalid value for {key}: {value}") from error


def _octal(key: str, value: str) -> int:
    try:
        return int(value, 8)
    except ValueError as error:
        raise UsageError(f"invalid value for {key}: {value}") from error


def _recursive(result: Json, _key: str, value: str) -> None:
    fields = RECURSIVE.get(value)
    if fields is None:
        raise UsageError(
            f"invalid value for bind-recursive: {value} "
            '(must be "enabled", "disabled", "writable", or "readonly")'
        )
    inner = result.setdefault("BindOptions", {})
    assert isinstance(inner, dict)
    inner.update(fields)


def _label(result: Json, _key: str, value: str) -> None:
    inner = result.setdefault("VolumeOptions", {})
    assert isinstance(inner, dict)
    name, _, content = value.partition("=")
    inner.setdefault("Labels", {})[name] = content


def _driver(result: Json, key: str, value: str) -> None:
    inner = result.setdefault("VolumeOptions", {})
    assert isinstance(inner, dict)
    driver = inner.setdefault("DriverConfig", {})
    if key == "volume-driver":
        driver["Name"] = value
        return
    name, _, content = value.partition("=")
    driver.setdefault("Options", {})[name] = content


_SETTERS: dict[str, Callable[[Json, str, str], None]] = {
    "type": _plain("Type"),
    "source": _plain("Source"),
    "src": _plain("Source"),
    "target": _plain("Target"),
    "dst": _plain("Target"),
    "destination": _plain("Target"),
    "consistency": _plain("Consistency"),
    "readonly": _read_only,
    "ro": _read_only,
    "bind-propagation": _nested("BindOptions", "Propagation", _text),
    "bind-nonrecursive": _nested("BindOptions", "NonRecursive", _boolean),
    "bind-recursive": _recursive,
    "bind-create-src": _nested("BindOptions", "CreateMountpoint", _boolean),
    "volume-nocopy": _nested("VolumeOptions", "NoCopy", _boolean),
    "volume-subpath": _nested("VolumeOptions", "Subpath", _text),
    "volume-label": _label,
    "volume-driver": _driver,
    "volume-opt": _driver,
    "image-subpath": _nested("ImageOptions", "Subpath", _text),
    "tmpfs-size": _nested("TmpfsOptions", "SizeBytes", _size),
    "tmpfs-mode": _nested("TmpfsOptions", "Mode", _octal),
}
