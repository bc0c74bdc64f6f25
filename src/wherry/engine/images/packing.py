"""`wherry image pack`: an image out of programs of this machine (`pack` finds what they need)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from wherry.base.crossing import in_thread
from wherry.base.values import dataclass
from wherry.engine.events import Events
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
from wherry.store.errors import full_disk_named
from wherry.store.images import Image
from wherry.store.lease import lease_or_discard
from wherry.store.store import Store
from wherry.wire.requests import PackRequest

if TYPE_CHECKING:
    from wherry.engine.images.pack.collect import Packed


@dataclass(slots=True)
class PackImage:
    """The verb; see the module."""

    store: Store
    events: Events

    async def __call__(self, wanted: PackRequest, *, progress: Callable[[str], None]) -> str:
        """Return the id of the new image."""
        target = target_of(wanted.name)
        packed = await in_thread(_collect, wanted)
        for note in packed.notes:
            progress(note)
        image = await in_thread(self._make, wanted, packed)
        await in_thread(self.store.images.tag, target, image.id)
        progress(f"{target.familiar}: {len(packed.entries)} entries, {image.size} bytes")
        self.events.emit("image", "import", image.id, {"name": target.familiar})
        return image.id

    def _make(self, wanted: PackRequest, packed: Packed) -> Image:
        from wherry.engine.images.pack.layer import write_layer  # noqa: PLC0415 - as in _collect

        command = f"wherry image pack {words(wanted.paths or ())}"
        with (
            full_disk_named(self.store.layout.root),
            lease_or_discard(self.store, "pack") as held,
            tempfile.TemporaryFile(dir=self.store.layout.partials) as file,
        ):
            write_layer(packed, file)
            layer = add_layer(self.store, held, file)
            entry = step(command, "packed from the programs of a machine", "", empty=layer is None)
            return put_image(self.store, held, None, layer, _config(wanted, packed), entry)


def _collect(wanted: PackRequest) -> Packed:
    # Most engines never pack: a reader of ELF files is loaded by the first that does.
    from wherry.engine.images.pack.collect import collect  # noqa: PLC0415

    return collect(wanted.paths or (), wanted.include or ())


def _config(wanted: PackRequest, packed: Packed) -> ImageRunConfig:
    entrypoint: Sequence[str] = wanted.entrypoint or packed.entrypoint
    run = ImageRunConfig(
        entrypoint=list(entrypoint) or None,
        cmd=wanted.cmd,
        env=merge(packed.env, wanted.env or ()),
        working_dir=wanted.workdir,
        user=wanted.user,
        labels=wanted.labels,
    )
    return with_changes(run, [f"EXPOSE {port}" for port in wanted.exposed or ()])
