"""Lines of a progress stream (moby pkg/jsonmessage): one JSON object each, ended by CRLF."""

from __future__ import annotations

from typing import Any

import msgspec

CONTENT_TYPE = "application/json"


class ProgressDetail(msgspec.Struct, omit_defaults=True):
    """How far a layer is, in bytes; `total` 0 when nobody knows."""

    current: int = 0
    total: int = 0


class ErrorDetail(msgspec.Struct, omit_defaults=True):
    """Why the operation ended."""

    message: str
    code: int = 0


class ProgressLine(msgspec.Struct, omit_defaults=True, rename="camel"):
    """One line; `error` repeats `error_detail` and `progress` is the bar, for old clients."""

    status: str = ""
    progress_detail: ProgressDetail | None = None
    progress: str = ""
    id: str = ""
    stream: str = ""
    error_detail: ErrorDetail | None = None
    error: str = ""
    aux: dict[str, Any] | None = None


_encoder = msgspec.json.Encoder()


def encode_line(line: ProgressLine) -> bytes:
    """Write one line with its end."""
    return _encoder.encode(line) + b"\r\n"


def error_line(message: str) -> bytes:
    """Write the line that ends a stream which has failed."""
    return encode_line(ProgressLine(error_detail=ErrorDetail(message), error=message))


def bar(current: int, total: int) -> str:
    """Draw the bar that clients before API 1.48 print, as moby's JSONProgress does."""
    if current <= 0 and total <= 0:
        return ""
    if total <= 0:
        return f"{_size(current):>8}"
    filled = min(current * 100 // total // 2, 50)
    arrow = "=" * filled + ">" + " " * (50 - filled)
    return f"[{arrow[:51]}] {_size(current):>8}/{_size(total)}"


def _size(count: float) -> str:
    """Write bytes in decimal units with four significant digits."""
    units = ["B", "kB", "MB", "GB", "TB"]
    place = 0
    while count >= 1000 and place < len(units) - 1:
        count, place = count / 1000, place + 1
    return f"{count:.4g}{units[place]}"
