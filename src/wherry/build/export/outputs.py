"""What becomes of the target's layers: an image with names, an archive, a tree of files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import msgspec

from wherry.base.crossing import to_the_end
from wherry.base.errors import UnsupportedError
from wherry.base.values import dataclass, field
from wherry.build.context.layers import LayersTree
from wherry.build.export.files import write_files
from wherry.build.export.image import Facts, Made, image_config
from wherry.build.graph.plan import Plan
from wherry.build.ports import Published
from wherry.build.solve.chain import Chain, lowers, pinned
from wherry.build.solve.tools import Tools, moved
from wherry.oci.digest import digest_bytes
from wherry.oci.image import ImageConfig
from wherry.oci.platform import host_platform, parse_platform
from wherry.oci.reference import Reference, parse_reference
from wherry.store.images import Image, ImageLayer
from wherry.store.layers.view import LayerView
from wherry.store.manifests import manifest_of
from wherry.wire.build import Output

_IMAGES = ("image", "docker", "oci")
_FILES = ("tar", "local")
_TRUE = ("true", "1")


@dataclass(frozen=True, slots=True)
class Built:
    """What a build has made: an image's id, the digest of its manifest, its names."""

    image: str = ""
    digest: str = ""
    names: Sequence[str] = field(default_factory=list)


@dataclass(slots=True)
class Exporter:
    """One build's outputs. `made` tells what became of each step, by its number."""

    tools: Tools
    published: Published
    plan: Plan
    bases: Mapping[str, ImageConfig]
    made: Mapping[int, Made]

    async def export(self, chain: Chain) -> Built:
        """Make every output; without any, an image with the names that were asked for."""
        outputs = self.tools.options.outputs or [Output("image")]
        for output in outputs:
            if output.kind not in (*_IMAGES, *_FILES):
                known = ", ".join((*_IMAGES, *_FILES))
                raise UnsupportedError(f"output type {output.kind} is not supported: use {known}")
        built = Built()
        if any(output.kind in _IMAGES for output in outputs):
            built = await self._image(chain, outputs)
        for index, output in enumerate(outputs):
            if output.kind in _FILES:
                await self._files(chain, index)
            elif output.kind != "image" and "dest" in output.attributes:
                await self._archive(built, index)
        return built

    async def _image(self, chain: Chain, outputs: Sequence[Output]) -> Built:
        names = self._names(outputs)
        image, digest = await to_the_end(self._put, await chain.settled())
        for name in names:
            await self.published.tag(image.id, name.familiar)
        for name in names if any(map(_pushed, outputs)) else ():
            progress = moved(self.tools.report, f"pushing {name.familiar}")
            await self.published.push(name.familiar, self.tools.options.credentials, progress)
        return Built(image.id, digest, [name.familiar for name in names])

    def _names(self, outputs: Sequence[Output]) -> list[Reference]:
        given = list(self.tools.options.tags)
        for output in outputs:
            given += [n for n in output.attributes.get("name", "").split(",") if n]
        return list(dict.fromkeys(parse_reference(name).with_default_tag() for name in given))

    def _put(self, layers: Sequence[ImageLayer]) -> tuple[Image, str]:
        """Store the image; its id and the digest of its manifest."""
        options, store = self.tools.options, self.tools.store
        platform = parse_platform(options.platform) if options.platform else host_platform()
        facts = Facts(
            made=self.made,
            bases=self.bases,
            diff_ids=[layer.diff_id for layer in layers],
            platform=platform,
            now_ns=time.time_ns(),
            epoch_ns=self.tools.epoch_ns,
            labels=options.labels,
        )
        data = msgspec.json.encode(image_config(self.plan, facts))
        self.tools.lease.hold(digest_bytes(data), *facts.diff_ids)
        self.tools.lease.hold(*(layer.descriptor.digest for layer in layers))
        image = store.images.put(data, layers)
        return image, manifest_of(image, store.content)[0].digest

    async def _files(self, chain: Chain, index: int) -> None:
        """Send the files of all layers together, as a tar."""
        async with pinned(chain.layers):
            tree = LayersTree(LayerView(lowers(chain.layers)))
            clamp_ns = self.tools.epoch_ns
            await self.tools.session.output(index, lambda sink: write_files(tree, sink, clamp_ns))

    async def _archive(self, built: Built, index: int) -> None:
        """Send the image as `docker save` does."""
        archives = self.tools.store.archives
        names = list(built.names) or [built.image]
        await self.tools.session.output(index, lambda sink: archives.save(names, sink))


def _pushed(output: Output) -> bool:
    return output.kind == "image" and output.attributes.get("push") in _TRUE
