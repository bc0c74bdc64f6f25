"""The shape of a step: what it depends on, and what it does to a writable layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from wherry.base.values import dataclass
from wherry.build.solve.keys import Inputs


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a step writes: `directory` has `upper` and `work`; `lowers` are below, topmost first.

    `release` says that the paths of the lowers are not needed by name any more.
    """

    id: str
    directory: str
    lowers: Sequence[str]
    release: Callable[[], None]

    @property
    def upper(self) -> str:
        """The writable layer."""
        return f"{self.directory}/upper"


class Operation(Protocol):
    """One step. `inputs` comes first and is called once."""

    async def inputs(self) -> Inputs:
        """Return everything that the step depends on."""

    async def files(self) -> Mapping[str, str]:
        """Return a short digest for each file that the step reads, for telling what changed."""

    async def perform(self, ground: Ground) -> None:
        """Do it. On failure what was written is worthless, and the caller removes it."""
