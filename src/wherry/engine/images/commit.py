"""Images out of what is here already: a container's writable layer, or any archive."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from typing import BinaryIO

import msgspec

from wherry.base.crossing import to_the_end
from wherry.base.errors import InvalidError
from wherry.base.values import dataclass
from wherry.engine.containers.create import container_attributes
from wherry.engine.containers.record import Container, Status
from wherry.engine.containers.stop import StopContainer
from wherry.engine.containers.table import ContainerTable
from wherry.engine.events import Events
from wherry.engine.images.crossing import spooled
from wherry.engine.images.make import (
    add_layer,
    put_image,
    step,
    target_of,
    with_changes,
    words,
)
from wherry.oci.environment import merge
from wherry.oci.image import ImageRunConfig
from wherry.oci.platform import host_platform, parse_platform
from wherry.oci.reading import shaped
from wherry.oci.reference import Reference
from wherry.store.errors import full_disk_named
from wherry.store.images import Image, ImageNotFoundError
from wherry.store.lease import lease_or_discard
from wherry.store.store import Store
from wherry.wire.container_config import Config


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """What `docker commit` asks for; `repository` empty for an image without a name."""

    container: str
    repository: str
    tag: str
    comment: str
    author: str
    pause: bool
    changes: Sequence[str]
    config: Config


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What `docker import` asks for."""

    repository: str
    tag: str
    message: str
    changes: Sequence[str]
    platform: str | None


@dataclass(slots=True)
class CommitContainer:
    """The verb: an image of what a container has written."""

    store: Store
    table: ContainerTable
    events: Events
    stop: StopContainer

    async def __call__(self, wanted: CommitRequest) -> str:
        """Return the id of the new image. The container is paused meanwhile, if asked."""
        record = self.table.find(wanted.container)
        target = _target(wanted.repository, wanted.tag)
        run = with_changes(_run_config(record.config, wanted.config), wanted.changes)
        pause = wanted.pause and record.state.status is Status.RUNNING
        if pause:
            await self.stop.pause(record.id)
        try:
            image = await to_the_end(self._make, record, wanted, run, target)
        finally:
            if pause and record.state.status is Status.PAUSED:
                await self.stop.unpause(record.id)
        shown = target.familiar if target else ""
        attributes = container_attributes(record, comment=wanted.comment, imageID=image.id,
                                          imageRef=shown)  # fmt: skip
        self.events.emit("container", "commit", record.id, attributes)
        return image.id

    def _make(
        self,
        record: Container,
        wanted: CommitRequest,
        run: ImageRunConfig,
        target: Reference | None,
    ) -> Image:
        try:
            base = self.store.images.get(record.image_id)
        except ImageNotFoundError:
            raise ImageNotFoundError(
                f"{record.image_id}, which container {record.name} was made from"
            ) from None
        with lease_or_discard(self.store, "commit") as held:
            with self.store.layers.diff(self.store.snapshots.upper(record.id)) as archive:
                layer = add_layer(self.store, held, archive.file)
            command = words([record.path, *record.args])
            entry = step(command, wanted.comment, wanted.author, empty=layer is None)
            image = put_image(self.store, held, base, layer, run, entry)
            if target is not None:
                self.store.images.tag(target, image.id)
            return image


@dataclass(slots=True)
class ImportImage:
    """The verb: an image of one layer out of an archive of files."""

    store: Store
    events: Events

    async def __call__(self, chunks: AsyncIterator[bytes], wanted: ImportRequest) -> str:
        """Return the id of the new image."""
        target = _target(wanted.repository, wanted.tag)
        if wanted.platform:
            _require_host(wanted.platform)
        run = with_changes(ImageRunConfig(), wanted.changes)
        with full_disk_named(self.store.layout.root), self._file() as file:
            await spooled(chunks, file)
            image = await to_the_end(self._make, file, wanted, run, target)
        name = target.familiar if target else image.id
        self.events.emit("image", "import", image.id, {"name": name})
        return image.id

    def _file(self) -> BinaryIO:
        return tempfile.TemporaryFile(dir=self.store.layout.partials)

    def _make(
        self, file: BinaryIO, wanted: ImportRequest, run: ImageRunConfig, target: Reference | None
    ) -> Image:
        with lease_or_discard(self.store, "import") as held:
            layer = add_layer(self.store, held, file)
            entry = step("", wanted.message or "Imported from -", "", empty=layer is None)
            image = put_image(self.store, held, None, layer, run, entry)
            if target is not None:
                self.store.images.tag(target, image.id)
            return image


def _target(repository: str, tag: str) -> Reference | None:
    return target_of(repository, tag) if repository else None


def _require_host(platform: str) -> None:
    wanted, here = parse_platform(platform), host_platform()
    if (wanted.os, wanted.architecture) != (here.os, here.architecture):
        raise InvalidError(f"importing for {platform} is not supported on this machine")


def _run_config(container: Config, given: Config) -> ImageRunConfig:
    """Return what containers of the new image start with: the container's, then what was given."""
    run, other = _portable(container), _portable(given)
    return msgspec.structs.replace(
        run,
        env=merge(run.env or (), other.env or ()) or None,
        labels={**(run.labels or {}), **(other.labels or {})} or None,
        exposed_ports={**(run.exposed_ports or {}), **(other.exposed_ports or {})} or None,
        volumes={**(run.volumes or {}), **(other.volumes or {})} or None,
        user=other.user or run.user,
        cmd=other.cmd or run.cmd,
        entrypoint=other.entrypoint or run.entrypoint,
        working_dir=other.working_dir or run.working_dir,
    )


def _portable(config: Config) -> ImageRunConfig:
    """Return the part of a container's configuration that images have, without what is empty."""
    plain = msgspec.to_builtins(config)
    said = {key: value for key, value in plain.items() if value not in (None, "", False, [], {})}
    return shaped(said, ImageRunConfig)
