"""The verbs of containers as one group: each method is one call of the module that does it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from wherry.base.errors import InvalidError
from wherry.engine.containers.attach import AttachToContainer, ContainerAttachment
from wherry.engine.containers.create import (
    CreateContainer,
    CreatedContainer,
    container_attributes,
)
from wherry.engine.containers.names import check_name
from wherry.engine.containers.record import Container
from wherry.engine.containers.remove import RemoveContainer
from wherry.engine.containers.show import ShowContainers
from wherry.engine.containers.start import StartContainer
from wherry.engine.containers.stop import StopContainer
from wherry.engine.containers.table import ContainerTable
from wherry.engine.containers.view import ContainerView
from wherry.engine.containers.waiters import Condition, Waiter, Waiters
from wherry.engine.events import Events
from wherry.logs.reader import Line, Query
from wherry.wire.container_config import Config, HostConfig, NetworkingConfig
from wherry.wire.requests import AttachRequest, ContainerFilter


class Containers:
    """What the API asks of containers."""

    def __init__(
        self,
        table: ContainerTable,
        waiters: Waiters,
        events: Events,
        *,
        create: CreateContainer,
        start: StartContainer,
        stop: StopContainer,
        remove: RemoveContainer,
        show: ShowContainers,
        attach: AttachToContainer,
        renamed: Callable[[Container], None],
    ) -> None:
        self._table = table
        self._waiters = waiters
        self._events = events
        self._create = create
        self._start = start
        self._stop = stop
        self._remove = remove
        self._show = show
        self._attach = attach
        self._renamed = renamed

    async def create(
        self,
        name: str | None,
        config: Config,
        host_config: HostConfig,
        networking: NetworkingConfig | None,
        platform: str | None,
    ) -> CreatedContainer:
        return await self._create(name, config, host_config, networking, platform)

    async def start(self, ref: str) -> None:
        await self._start(ref)

    async def stop(self, ref: str, timeout: int | None, signal: str | None) -> None:
        await self._stop.stop(ref, timeout, signal)

    async def restart(self, ref: str, timeout: int | None, signal: str | None) -> None:
        await self._stop.restart(ref, timeout, signal)

    async def kill(self, ref: str, signal: str) -> None:
        await self._stop.kill(ref, signal)

    async def pause(self, ref: str) -> None:
        await self._stop.pause(ref)

    async def unpause(self, ref: str) -> None:
        await self._stop.unpause(ref)

    async def rename(self, ref: str, name: str) -> None:
        """Give a container another name."""
        record = self._table.find(ref)
        if not name:
            raise InvalidError("Neither old nor new names may be empty")
        old, new = record.name, check_name(name)
        if old == new:
            raise InvalidError("Renaming a container with the same name as its current name")
        self._table.rename(record, new)
        self._renamed(record)
        attributes = container_attributes(record, oldName=f"/{old}")
        self._events.emit("container", "rename", record.id, attributes)

    async def remove(self, ref: str, *, volumes: bool, force: bool, link: bool) -> None:
        await self._remove(ref, volumes=volumes, force=force, link=link)

    async def prune(self, filters: Mapping[str, list[str]]) -> tuple[Sequence[str], int]:
        return await self._remove.prune(filters)

    async def list(self, wanted: ContainerFilter) -> Sequence[ContainerView]:
        return await self._show.list(wanted)

    async def inspect(self, ref: str, *, size: bool = False) -> ContainerView:
        return await self._show.inspect(ref, size=size)

    async def top(self, ref: str, ps_args: str) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        return await self._show.top(ref, ps_args)

    async def wait(self, ref: str, condition: str) -> Waiter:
        """Register a waiter, before anybody is told that the waiting has begun."""
        return self._waiters.add(self._table.find(ref), Condition(condition))

    async def attach(self, ref: str, wanted: AttachRequest) -> ContainerAttachment:
        attachment = await self._attach.attach(ref, wanted)
        record = self._table.find(ref)
        self._events.emit("container", "attach", record.id, container_attributes(record))
        return attachment

    async def logs(self, ref: str, query: Query) -> AsyncIterator[Line]:
        return await self._attach.logs(ref, query)

    async def resize(self, ref: str, height: int, width: int) -> None:
        await self._attach.resize(ref, height, width)
