"""An exec as it is kept and shown. Kept in memory only: it ends with its container."""

from __future__ import annotations

import asyncio

from wherry.base.ids import ExecId
from wherry.base.values import dataclass, field
from wherry.wire.requests import ExecCreate


@dataclass(slots=True)
class ExecView:
    """`exit_code` is None until the process has ended."""

    id: ExecId
    container_id: str
    config: ExecCreate
    running: bool = False
    started: bool = False
    exit_code: int | None = None
    pid: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
