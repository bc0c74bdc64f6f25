"""List, inspect, top, and the sizes that these may show."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from wherry.base.crossing import in_thread
from wherry.base.errors import ConflictError, InternalError, InvalidError
from wherry.base.values import dataclass
from wherry.engine.containers.bundle import Bundles
from wherry.engine.containers.defaults import limits
from wherry.engine.containers.filters import select
from wherry.engine.containers.record import Container
from wherry.engine.containers.table import ContainerTable
from wherry.engine.containers.view import ContainerView
from wherry.engine.settings import Live
from wherry.oci.digest import Digest
from wherry.runtime import cgroups
from wherry.store.snapshots import SnapshotStore
from wherry.wire.requests import ContainerFilter


@dataclass(slots=True)
class ShowContainers:
    """Reads only. `image_size` and `ancestors` ask the images."""

    table: ContainerTable
    snapshots: SnapshotStore
    bundles: Bundles
    image_size: Callable[[Digest], int]
    ancestors: Callable[[str], set[str]]
    live: Live

    async def list(self, wanted: ContainerFilter) -> Sequence[ContainerView]:
        """Return the containers that a list shows, the newest first."""
        found = select(
            list(self.table),
            wanted.filters,
            every=wanted.all,
            limit=wanted.limit,
            ancestors=self.ancestors,
        )
        return [await self._view(record, size=wanted.size) for record in found]

    async def inspect(self, reference: str, *, size: bool = False) -> ContainerView:
        """Return one container."""
        view = await self._view(self.table.find(reference), size=size)
        # As in dockerd, a container is shown with the limits that it would be started with.
        host = view.record.host_config
        host = msgspec.structs.replace(host, ulimits=limits(host, self.live.current.containers))
        return replace(view, record=msgspec.structs.replace(view.record, host_config=host))

    async def _view(self, record: Container, *, size: bool) -> ContainerView:
        written = whole = None
        if size:
            written = await in_thread(self.snapshots.usage, record.id)
            whole = written + self.image_size(record.image_id)
        directory = self.snapshots.directory(record.id)
        overlay = self.snapshots.mounts(record.id, record.layers)[0]
        options = dict(option.partition("=")[::2] for option in overlay.options)
        return ContainerView(
            record=record,
            directory=directory,
            log_path="",
            graph_data={
                "LowerDir": options.get("lowerdir", ""),
                "MergedDir": f"{directory}/rootfs",
                "UpperDir": options.get("upperdir", ""),
                "WorkDir": options.get("workdir", ""),
            },
            size_rw=written,
            size_root_fs=whole,
        )

    async def top(
        self, reference: str, ps_args: str
    ) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        """Return what `ps` says of the container's processes: column titles and rows."""
        record = self.table.find(reference)
        if not record.state.running:
            raise ConflictError(f"Container {record.id} is not running")
        pids = set(await in_thread(cgroups.pids, self.bundles.cgroups_path(record)))
        output = await _ps(ps_args.split() or ["-ef"])
        return _rows_of(output, pids)


async def _ps(arguments: Sequence[str]) -> str:
    process = await asyncio.create_subprocess_exec(
        "ps", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        raise InvalidError(f"error running ps: {errors.decode(errors='replace').strip()}")
    return output.decode(errors="replace")


def _rows_of(output: str, pids: set[int]) -> tuple[list[str], list[list[str]]]:
    lines = output.splitlines()
    titles = lines[0].split()
    if "PID" not in titles:
        raise InternalError("Couldn't find PID field in ps output")
    column = titles.index("PID")
    rows = []
    for line in lines[1:]:
        # The last column is a command line, with spaces of its own.
        fields = line.split(None, len(titles) - 1)
        if len(fields) > column and fields[column].isdecimal() and int(fields[column]) in pids:
            rows.append(fields)
    return titles, rows
