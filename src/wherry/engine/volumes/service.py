"""Volumes by name. A volume is recorded before its directory is made, and forgotten before it goes.

The words of errors are dockerd's (moby volume/service and volume/local).
"""

from __future__ import annotations

import asyncio
import os
import re
import time
import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from wherry.base.crossing import in_thread, to_the_end
from wherry.base.errors import ConflictError, InvalidError, NotFoundError, UnsupportedError
from wherry.base.ids import new_id
from wherry.engine.containers.filters import label_matches, passes
from wherry.engine.events import Events
from wherry.oci.digest import Digest
from wherry.oci.reading import read
from wherry.store.layers.store import LayerStore
from wherry.store.metadata.records import Records
from wherry.volume.directories import VolumeDirectories, VolumeMountedError
from wherry.wire.requests import VolumeCreate
from wherry.wire.times import rfc3339_nano

_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
# What prune removes without being asked for more (moby, volume/service/service.go).
ANONYMOUS_LABEL: Final = "com.docker.volume.anonymous"
_TRUE: Final = ("1", "true")
_BINDS: Final = frozenset({"bind", "rbind"})


class VolumeRecord(msgspec.Struct, omit_defaults=True):
    """What is kept of a volume; `device` is the host's directory of one that is bound."""

    name: str
    created: int
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    options: dict[str, str] = msgspec.field(default_factory=dict)
    device: str = ""

    @property
    def anonymous(self) -> bool:
        """True for a volume that nobody named."""
        return ANONYMOUS_LABEL in self.labels


class NoSuchVolumeError(NotFoundError):
    """No volume has that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"get {name}: no such volume")


class Volumes:
    """All volumes; lives on the event loop. `users_of` names the containers that use one."""

    def __init__(
        self,
        records: Records,
        layers: LayerStore,
        root: str,
        events: Events,
        users_of: Callable[[str], Sequence[str]],
    ) -> None:
        self._records = records
        self._layers = layers
        self._directories = VolumeDirectories(root)
        self._events = events
        self._users_of = users_of
        self._filling: Counter[str] = Counter()
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._by_name = {name: read(body, VolumeRecord) for _, name, body in records.all()}
        self._directories.recover(n for n, record in self._by_name.items() if not record.device)

    async def create(self, wanted: VolumeCreate) -> Mapping[str, Any]:
        """Make a volume; one that is there already is returned as it is."""
        name = wanted.name or new_id()
        if wanted.driver not in ("", "local"):
            raise NotFoundError(
                f"create {name}: error looking up volume plugin {wanted.driver}: plugin"
                f' "{wanted.driver}" not found: there is only local'
            )
        labels = dict(wanted.labels or {})
        if not wanted.name:
            labels[ANONYMOUS_LABEL] = ""
        options = dict(wanted.driver_opts or {})
        async with self._changing(name):
            known = self._by_name.get(name)
            if known is not None and options and known.options != options:
                raise ConflictError(
                    f"create {name}: conflict: volume name must be unique: it exists with other"
                    " options"
                )
            return self._shown(known or await self._make(name, labels, options))

    def _changing(self, name: str) -> asyncio.Lock:
        """Return what to hold while a volume comes or goes: a new one is not to meet the old."""
        return self._locks.setdefault(name, asyncio.Lock())

    async def _make(
        self, name: str, labels: Mapping[str, str], options: Mapping[str, str]
    ) -> VolumeRecord:
        if not _NAME.fullmatch(name):
            raise InvalidError(
                f'create {name}: "{name}" includes invalid characters for a local volume name, only'
                ' "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host'
                " directory, use absolute path"
            )
        device = _device(name, options)
        record = VolumeRecord(name, time.time_ns(), dict(labels), dict(options), device)
        self._by_name[name] = record
        try:
            await to_the_end(self._write, record)
        except BaseException:
            self._by_name.pop(name, None)
            self._records.delete(name)
            raise
        self._emit("create", name)
        return record

    def _write(self, record: VolumeRecord) -> None:
        self._records.insert(record.name, record.name, msgspec.json.encode(record))
        if not record.device:
            self._directories.make(record.name)

    async def ensure(self, name: str, *, anonymous: bool = False) -> str:
        """Make the volume if it is not there, and return the path of its content."""
        labels = {ANONYMOUS_LABEL: ""} if anonymous else {}
        async with self._changing(name):
            if name not in self._by_name:
                await self._make(name, labels, {})
        return await self.path_of(name)

    async def path_of(self, name: str) -> str:
        """Return the path of a volume's content; raises NoSuchVolumeError."""
        record = self._find(name)
        if record.device:
            return record.device
        # A directory that somebody removed by hand is no reason for the container not to start.
        return await in_thread(self._directories.make, name)

    async def copy_up(self, name: str, layers: Sequence[Digest], path: str) -> None:
        """Fill an empty volume with what the image has at a path."""
        if self._find(name).device:
            return
        # Its container is not there yet, which would keep the volume from being removed.
        self._filling[name] += 1
        try:
            await to_the_end(self._directories.fill, name, self._layers.view(layers), path)
        finally:
            self._filling[name] -= 1
            if not self._filling[name]:
                del self._filling[name]

    def _in_use(self, name: str) -> bool:
        return name in self._filling or bool(self._users_of(name))

    def _find(self, name: str) -> VolumeRecord:
        try:
            return self._by_name[name]
        except KeyError:
            raise NoSuchVolumeError(name) from None

    async def list(self, filters: Mapping[str, Sequence[str]]) -> Sequence[Mapping[str, Any]]:
        """Return the volumes that pass the filters, by name."""
        names = sorted(self._by_name)
        return [
            self._shown(self._by_name[name])
            for name in names
            if self._passes(self._by_name[name], filters)
        ]

    def _passes(self, record: VolumeRecord, filters: Mapping[str, Sequence[str]]) -> bool:
        return passes(record.labels, filters, lambda key, text: self._matches(record, key, text))

    def _matches(self, record: VolumeRecord, key: str, text: str) -> bool:
        if key == "name":
            return text in record.name
        if key == "driver":
            return text == "local"
        if key == "dangling":
            return (text.lower() in _TRUE) == (not self._users_of(record.name))
        return False

    async def inspect(self, name: str) -> Mapping[str, Any]:
        """Return one volume."""
        return self._shown(self._find(name))

    def _shown(self, record: VolumeRecord) -> Mapping[str, Any]:
        return {
            "CreatedAt": rfc3339_nano(record.created),
            "Driver": "local",
            "Labels": record.labels or None,
            "Mountpoint": self._directories.path(record.name),
            "Name": record.name,
            "Options": record.options or None,
            "Scope": "local",
        }

    async def remove(self, name: str, force: bool) -> None:
        """Remove a volume that no container uses; with `force` one that is not there is removed."""
        if name not in self._by_name and force:
            return
        self._find(name)
        if self._in_use(name):
            users = ", ".join(self._users_of(name))
            raise ConflictError(f"remove {name}: volume is in use - [{users}]")
        await self._remove(name)

    async def _remove(self, name: str) -> None:
        async with self._changing(name):
            record = self._by_name.pop(name, None)
            if record is None:
                return
            try:
                await to_the_end(self._erase, record)
            except BaseException:
                if await in_thread(os.path.lexists, self._directories.path(name)):
                    self._by_name[name] = record
                    self._records.put(name, name, msgspec.json.encode(record))
                raise
        self._emit("destroy", name)

    def _erase(self, record: VolumeRecord) -> None:
        self._records.delete(record.name)
        if not record.device:
            self._directories.remove(record.name)

    async def remove_anonymous(self, name: str) -> None:
        """Remove a volume that nobody named, unless something else uses it."""
        if name in self._by_name and not self._in_use(name):
            await self._remove(name)

    async def usage(self) -> Mapping[str, tuple[int, int]]:
        """Return by name how many bytes each volume has and how many containers use it."""
        return {
            record.name: (await self._size(record), len(self._users_of(record.name)))
            for record in list(self._by_name.values())
        }

    async def _size(self, record: VolumeRecord) -> int:
        return 0 if record.device else await in_thread(self._directories.usage, record.name)

    async def prune(self, filters: Mapping[str, Sequence[str]]) -> tuple[Sequence[str], int]:
        """Remove what no container uses: anonymous ones only, all of them with the filter `all`."""
        every = any(text.lower() in _TRUE for text in filters.get("all", ()))
        removed, freed = [], 0
        for record in list(self._by_name.values()):
            if not (every or record.anonymous) or not label_matches(record.labels, filters):
                continue
            size = await self._size(record)
            # Counting took its time: it may be used now, or gone.
            if record.name not in self._by_name or self._in_use(record.name):
                continue
            try:
                await self._remove(record.name)
            except VolumeMountedError:
                continue
            removed.append(record.name)
            freed += size
        return removed, freed

    def _emit(self, action: str, name: str) -> None:
        self._events.emit("volume", action, name, {"driver": "local"})


def _device(name: str, options: Mapping[str, str]) -> str:
    """Return the host's directory of a volume that is bound; empty for one of the engine's own."""
    unknown = set(options) - {"type", "o", "device"}
    if unknown:
        raise InvalidError(f'create {name}: invalid option: "{min(unknown)}"')
    if not options:
        return ""
    words = set(options.get("o", "").split(","))
    bound = options.get("type") in ("none", "bind") and words & _BINDS and words <= _BINDS | {"rw"}
    device = options.get("device", "")
    if not bound or not os.path.isabs(device):
        raise UnsupportedError(
            f"create {name}: of the local driver's options, only type=none with o=bind and an"
            " absolute device are supported"
        )
    return os.path.normpath(device)
