"""`--secret`: values for `RUN --mount=type=secret`, out of files and variables."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping

from wherry.cli.errors import UsageError
from wherry.cli.options.fields import pairs

LARGEST = 500 * 1024
_KEYS = ("type", "id", "source", "src", "env")


def read(texts: Iterable[str], own: Mapping[str, str]) -> dict[str, str]:
    """Return secrets by their id, in base64; `own` are the caller's variables.

    Raises UsageError, in buildx's words where it has some.
    """
    return dict(_secret(text, own) for text in texts if text)


def _secret(text: str, own: Mapping[str, str]) -> tuple[str, str]:
    told = pairs(text)
    for key in told:
        if key not in _KEYS:
            raise UsageError(f"unexpected key '{key}' in '{key}={told[key]}'")
    kind = told.get("type", "")
    if kind not in ("", "file", "env"):
        raise UsageError(f'unsupported secret type "{kind}"')
    path = told.get("src") or told.get("source", "")
    variable = told.get("env", "")
    if kind == "env" and not variable:
        variable, path = path, ""
    identity = told.get("id") or variable or os.path.basename(path)
    if not identity:
        raise UsageError("secret ID must be set: --secret id=NAME,src=PATH or id=NAME,env=VARIABLE")
    if not path and not variable:
        # As BuildKit: a variable of this name, else a file.
        variable, path = (identity, "") if identity in own else ("", identity)
    value = _file(identity, path) if path else _variable(identity, variable, own)
    if len(value) > LARGEST:
        raise UsageError(f'invalid secret size for "{identity}": it must be less than 500KB')
    return identity, base64.b64encode(value).decode()


def _file(identity: str, path: str) -> bytes:
    try:
        with open(os.path.expanduser(path), "rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"failed to read secret {identity}: open {path}: {reason}") from error


def _variable(identity: str, name: str, own: Mapping[str, str]) -> bytes:
    if name not in own:
        raise UsageError(f"failed to read secret {identity}: the variable {name} is not set")
    return os.fsencode(own[name])
