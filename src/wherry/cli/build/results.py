"""What is left behind for programs: `--iidfile` and `--metadata-file`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from wherry.cli.errors import CommandError


def image_id(done: Mapping[str, Any]) -> str:
    """Return the id of the image, "" where the result is none."""
    return str(done.get("image") or "")


def remove_stale(path: str) -> None:
    """Remove the file of an earlier build: it would be taken for this one's if this one fails."""
    try:
        if path:
            os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise CommandError(f"removing image ID file: {path}: {_reason(error)}") from error


def write_id(path: str, done: Mapping[str, Any]) -> None:
    """Write the image's id into the file of `--iidfile`."""
    if path:
        _write(path, image_id(done), "image ID file")


def metadata(done: Mapping[str, Any]) -> dict[str, Any]:
    """Return what docker's clients find in a metadata file."""
    told = done.get("metadata") or {}
    found = {
        "containerimage.config.digest": told.get("image.id") or image_id(done),
        "containerimage.digest": told.get("image.digest"),
        "image.name": ",".join(told.get("image.names") or ()),
    }
    return {key: value for key, value in found.items() if value}


def write_metadata(path: str, done: Mapping[str, Any]) -> None:
    """Write the file of `--metadata-file`, whole or not at all."""
    if path:
        _write(path, json.dumps(metadata(done), indent=2), "metadata file")


def _write(path: str, text: str, what: str) -> None:
    if os.path.exists(path) and not os.path.isfile(path):
        partial = path  # a pipe or a device
    else:
        partial = f"{path}.{os.getpid()}.partial"
    try:
        with open(partial, "w", encoding="utf-8") as file:
            file.write(text)
        if partial != path:
            os.replace(partial, path)
    except OSError as error:
        raise CommandError(f"writing {what}: {path}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
