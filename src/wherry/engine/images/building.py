"""Images as a build needs them: bases that are here or are pulled, names for what it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wherry.base.crossing import in_thread
from wherry.base.values import dataclass
from wherry.engine.images.service import Images
from wherry.engine.images.transfer import TransferStep
from wherry.oci.image import Platform
from wherry.oci.platform import format_platform, platform_of, rank
from wherry.oci.reference import DEFAULT_DOMAIN, parse_reference
from wherry.store.images import Image, ImageNotFoundError, ImageStore
from wherry.wire.requests import AuthConfig

Progress = Callable[[str, str, int, int], None]
# What docker's client calls the registry that needs no name.
_HUB = "https://index.docker.io/v1/"


@dataclass(slots=True)
class BuildImages:
    """The verbs; what is here is used unless it is for another platform."""

    images: Images
    store: ImageStore

    async def find(
        self,
        reference: str,
        *,
        platform: Platform | None,
        pull: bool,
        credentials: Mapping[str, AuthConfig],
        progress: Progress,
    ) -> Image:
        """Return an image, pulled when it is not here or when `pull` asks for it."""
        if not pull and (found := await in_thread(self._here, reference, platform)):
            return found
        await self.images.pull(
            parse_reference(reference).with_default_tag().canonical,
            platform=format_platform(platform) if platform else None,
            credentials=_of_registry(reference, credentials),
            progress=_steps(progress),
        )
        return await in_thread(self.store.resolve, reference)

    def _here(self, reference: str, platform: Platform | None) -> Image | None:
        try:
            image = self.store.resolve(reference)
        except ImageNotFoundError:
            return None
        if platform is not None and rank(platform_of(image.config), platform) is None:
            return None
        return image

    async def tag(self, source: str, target: str) -> None:
        """Give an image one more name."""
        await self.images.tag(source, target)

    async def push(
        self, reference: str, credentials: Mapping[str, AuthConfig], progress: Progress
    ) -> None:
        """Push a name, with the credentials for its registry."""
        await self.images.push(
            reference,
            credentials=_of_registry(reference, credentials),
            progress=_steps(progress),
        )


def _steps(progress: Progress) -> Callable[[TransferStep], None]:
    return lambda step: progress(step.id, step.status, step.current, step.total)


def _of_registry(reference: str, credentials: Mapping[str, AuthConfig]) -> AuthConfig | None:
    domain = parse_reference(reference).domain
    return credentials.get(_HUB if domain == DEFAULT_DOMAIN else domain)
