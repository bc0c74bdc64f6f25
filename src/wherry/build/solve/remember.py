"""The cache as one build uses it: looking steps up, keeping them, and saying why not."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from wherry.base.crossing import in_thread
from wherry.base.values import dataclass, field
from wherry.build.solve import why
from wherry.build.solve.keys import Inputs, Memory, fingerprint
from wherry.build.solve.tools import Tools
from wherry.oci.digest import Digest
from wherry.oci.image import OCI_LAYER, Descriptor
from wherry.oci.reading import read
from wherry.store.buildcache import CacheEntry
from wherry.store.images import ImageLayer

_MOST_FILES = 20_000


@dataclass(frozen=True, slots=True)
class Result:
    """What a step has made: a layer, None where it changed nothing, with the size of its files."""

    layer: ImageLayer | None
    created: int
    size: int = 0


@dataclass(slots=True)
class Remember:
    """See the module. `ignored` are the stages whose steps are executed whatever the cache has."""

    tools: Tools
    ignore: bool
    ignored: frozenset[str]
    _used: list[str] = field(default_factory=list)

    def ignores(self, stage: str) -> bool:
        """Tell whether a stage is to be built anew."""
        return self.ignore or stage in self.ignored

    async def may_have(self, inputs: Inputs) -> bool:
        """Tell whether the cache has a step of this shape, on whatever layers."""
        return await in_thread(self.tools.store.build_cache.has_prefix, f"{inputs.shape}-")

    async def find(self, inputs: Inputs, below: str) -> Result | None:
        """Look a step up; what is found stays until the build has ended."""
        return await in_thread(self._find, inputs.key(below))

    def _find(self, key: str) -> Result | None:
        cache, store = self.tools.store.build_cache, self.tools.store
        entry = cache.get(key)
        if entry is None:
            return None
        layer = None
        if entry.diff_id:
            self.tools.lease.hold(entry.diff_id)
            if not store.layers.has(entry.diff_id):
                return None  # it was just being removed
            layer = described(entry.diff_id, entry.tar_size)
        self._used.append(key)
        return Result(layer, entry.created)

    async def keep(self, inputs: Inputs, below: str, text: str, result: Result) -> None:
        """Remember the result of a step."""
        layer = result.layer
        entry = CacheEntry(
            key=inputs.key(below),
            diff_id=layer.diff_id if layer else Digest(""),
            size=result.size,
            tar_size=layer.descriptor.size if layer else 0,
            created=result.created,
            used=time.time_ns(),
            description=text,
            parent=below,
        )
        await in_thread(self.tools.store.build_cache.put, entry)

    async def explain(self, slot: str, now: Memory) -> why.Why:
        """Say why a step with these inputs was not found."""
        data = await in_thread(self.tools.store.build_cache.recall, slot)
        before = read(data, Memory) if data else None
        return why.missed(now, before)

    async def note(self, slot: str, now: Memory) -> None:
        """Remember what a step depended on, for the next build's `explain`."""
        if len(now.files) > _MOST_FILES:
            now.files = {}
        await in_thread(self.tools.store.build_cache.remember, slot, msgspec.json.encode(now))

    async def close(self) -> None:
        """Note which steps were of use."""
        if self._used:
            await in_thread(self.tools.store.build_cache.touch, self._used)


def slot_of(scope: Sequence[str], stage: str, place: int) -> str:
    """Name a step across builds of the same thing: its stage, and its place in that."""
    return fingerprint("slot", list(scope), stage, place)


def described(diff_id: Digest, tar_size: int) -> ImageLayer:
    """Return a layer as an image names it whose blob is made of the layer when it is wanted."""
    return ImageLayer(Descriptor(OCI_LAYER, diff_id, tar_size), diff_id)
