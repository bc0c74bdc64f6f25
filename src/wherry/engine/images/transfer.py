"""What pull and push tell of their progress, in docker's words, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from wherry.base.values import dataclass
from wherry.oci.digest import Digest, encoded_of

_STEP_BYTES: Final = 512 << 10


@dataclass(frozen=True, slots=True)
class TransferStep:
    """How far one layer is, in bytes; `id` empty for what concerns the whole image."""

    id: str
    status: str
    current: int = 0
    total: int = 0


Progress = Callable[[TransferStep], None]


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all of it at once; when one part fails, the others are ended before it raises.

    Not a TaskGroup, which would wrap what a registry or the store said into a group of errors.
    """
    tasks = [asyncio.ensure_future(part) for part in work]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def short(digest: Digest) -> str:
    """Return how a layer is named in progress lines."""
    return encoded_of(digest)[:12]


class Meter:
    """Counts bytes of one layer and reports now and then, not at each of thousands of chunks."""

    def __init__(self, progress: Progress, name: str, status: str, total: int) -> None:
        self._progress = progress
        self._name = name
        self._status = status
        self._total = total
        self._told = -_STEP_BYTES

    def __call__(self, current: int) -> None:
        """Note how many bytes are done."""
        if current - self._told >= _STEP_BYTES or current == self._total:
            self._told = current
            self._progress(TransferStep(self._name, self._status, current, self._total))
