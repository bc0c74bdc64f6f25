"""What every part of one build uses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wherry.base.crossing import in_thread
from wherry.base.values import dataclass, field
from wherry.build.contexts import Contexts
from wherry.build.ops.cachemounts import CacheMounts
from wherry.build.options import BuildOptions
from wherry.build.ports import Images, Runner, Session
from wherry.build.progress import Moved, Report
from wherry.oci.image import Platform
from wherry.oci.platform import format_platform
from wherry.store.images import Image
from wherry.store.lease import Lease
from wherry.store.store import Store


@dataclass(frozen=True, slots=True)
class Tools:
    """The engine's parts, and what belongs to this build alone.

    `secrets_root` is a directory in memory, `epoch_ns` what SOURCE_DATE_EPOCH says, None without.
    """

    store: Store
    runner: Runner
    images: Images
    session: Session
    contexts: Contexts
    cache_mounts: CacheMounts
    lease: Lease
    options: BuildOptions
    report: Report
    secrets_root: str
    epoch_ns: int | None = None


@dataclass(slots=True)
class BaseImages:
    """The images that a build begins with or copies from: each is asked for once."""

    tools: Tools
    _found: dict[tuple[str, str], asyncio.Task[Image]] = field(default_factory=dict)

    async def find(self, reference: str, platform: Platform | None) -> Image:
        """Return an image, pulled when it is not here; it stays until the build has ended."""
        key = (reference, format_platform(platform) if platform else "")
        if key not in self._found:
            self._found[key] = asyncio.ensure_future(self._find(reference, platform))
        return await asyncio.shield(self._found[key])

    async def _find(self, reference: str, platform: Platform | None) -> Image:
        tools = self.tools
        image = await tools.images.find(
            reference,
            platform=platform,
            pull=tools.options.pull,
            credentials=tools.options.credentials,
            progress=moved(tools.report, reference),
        )
        layers = [*image.diff_ids, *(layer.descriptor.digest for layer in image.layers)]
        await in_thread(tools.lease.hold, image.id, *layers)
        return image

    async def close(self) -> None:
        """Stop what is still being pulled."""
        for task in self._found.values():
            task.cancel()
        await asyncio.gather(*self._found.values(), return_exceptions=True)


def moved(report: Report, what: str) -> Callable[[str, str, int, int], None]:
    """Return a callback that reports how far a part of something is."""

    def progress(part: str, status: str, current: int, total: int) -> None:
        report(Moved(-1, f"{what} {part}".strip(), status, current, total))

    return progress
