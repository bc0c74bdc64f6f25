"""What every thread and every task is doing, as text: for whoever asks why an engine is slow."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any


def describe() -> str:
    """Return all stacks of threads, and of tasks of the running loop."""
    parts = ["=== BEGIN stacks ==="]
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for identifier, frame in sys._current_frames().items():
        stack = "".join(traceback.format_stack(frame))
        parts.append(f"thread {names.get(identifier, identifier)}:\n{stack}")
    for task in asyncio.all_tasks():
        lines = [
            f'  File "{frame.f_code.co_filename}", line {frame.f_lineno}, in {frame.f_code.co_name}'
            for frame in _frames(task.get_coro())
        ]
        parts.append("\n".join([f"task {task.get_name()}:", *lines, ""]))
    parts.append("=== END stacks ===")
    return "\n".join(parts)


def _frames(awaited: Any) -> Iterator[FrameType]:
    """Follow who awaits whom: asyncio itself shows only the outermost frame of a waiting task."""
    while awaited is not None:
        for kind in ("cr", "gi", "ag"):
            frame = getattr(awaited, f"{kind}_frame", None)
            if frame is not None:
                yield frame
                awaited = getattr(awaited, f"{kind}_yieldfrom" if kind == "gi" else f"{kind}_await")
                break
        else:
            return
