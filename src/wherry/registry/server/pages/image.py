"""An image as its page shows it. Pure: made of what `hosted.describe` found out.

Lists are cut to what a page can show, with how many are left out; the raw manifest has them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from wherry.base.values import dataclass, field
from wherry.oci import image
from wherry.oci.image import Descriptor
from wherry.registry.server.hosted.describe import ChildDetail, ImageDetail, LayerDetail
from wherry.registry.server.pages.text import instruction

MOST = 200
_WIDTH = 1000.0
_TINTS = 6
_ATTESTATION = "vnd.docker.reference.type"
_KINDS = (
    ("application/vnd.dev.cosign.artifact.sig", "Signature (cosign)"),
    ("application/vnd.dev.cosign.simplesigning", "Signature (cosign)"),
    ("application/vnd.dev.sigstore.bundle", "Signature (sigstore bundle)"),
    ("application/vnd.cncf.notary.signature", "Signature (Notary)"),
    ("application/spdx", "SBOM (SPDX)"),
    ("text/spdx", "SBOM (SPDX)"),
    ("application/vnd.cyclonedx", "SBOM (CycloneDX)"),
    ("application/vnd.in-toto", "Attestation (in-toto)"),
    ("application/vnd.cncf.helm", "Helm chart"),
)
_NAMES = {
    image.OCI_INDEX: "OCI index",
    image.OCI_MANIFEST: "OCI image",
    image.DOCKER_MANIFEST_LIST: "Docker manifest list",
    image.DOCKER_MANIFEST: "Docker image",
    image.OCI_LAYER: "tar",
    image.OCI_LAYER_GZIP: "tar, gzip",
    image.OCI_LAYER_ZSTD: "tar, zstd",
    image.DOCKER_LAYER: "tar",
    image.DOCKER_LAYER_GZIP: "tar, gzip",
}
Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Cut(Generic[Entry]):
    """As much of a list as a page shows, and how many entries it has in all."""

    shown: Sequence[Entry]
    total: int

    @property
    def left(self) -> int:
        """How many are not shown."""
        return self.total - len(self.shown)


@dataclass(frozen=True, slots=True)
class Segment:
    """A layer in the bar of all layers, in thousandths of its width; `tint` is a class of CSS."""

    start: float
    width: float
    tint: int


@dataclass(frozen=True, slots=True)
class Step:
    """A step of how an image was made; without a layer it only changed the configuration."""

    command: str
    layer: LayerDetail | None = None
    share: float = 0.0
    number: int = 0
    tint: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page has, besides what is on `ImageDetail` as it is."""

    kind: str
    is_index: bool
    is_artifact: bool
    steps: Cut[Step]
    segments: Sequence[Segment]
    made: Cut[str]
    children: Cut[ChildDetail]
    env: Cut[tuple[str, str]]
    labels: Cut[tuple[str, str]]
    annotations: Cut[tuple[str, str]]
    facts: Sequence[tuple[str, str]] = field(default_factory=tuple)


def cut(entries: Sequence[Entry]) -> Cut[Entry]:
    """Return the first entries."""
    return Cut(entries[:MOST], len(entries))


def kind_of(media_type: str) -> str:
    """Return what a type of content is called, or the type itself."""
    if name := _NAMES.get(media_type):
        return name
    return next((name for start, name in _KINDS if media_type.startswith(start)), media_type)


def referrer_kind(descriptor: Descriptor) -> str:
    """Return what a referrer is."""
    return kind_of(descriptor.artifact_type or descriptor.media_type)


def is_attestation(child: ChildDetail) -> bool:
    """Tell whether an entry of an index is about another entry, and nothing to run."""
    return _ATTESTATION in child.annotations


def show_image(detail: ImageDetail) -> Shown:
    """Return what the page of an image has."""
    config = detail.config
    steps, made = _steps(detail)
    is_index = detail.media_type in image.INDEX_TYPES
    return Shown(
        kind=kind_of(detail.artifact_type or detail.media_type),
        is_index=is_index,
        is_artifact=bool(detail.artifact_type) and not is_index,
        steps=cut(steps),
        segments=list(_segments(steps[:MOST])),
        made=cut(made),
        children=cut(sorted(detail.children, key=is_attestation)),
        env=cut([_variable(one) for one in config.env] if config else []),
        labels=_pairs(config.labels if config else {}),
        annotations=_pairs(detail.annotations),
        facts=list(_facts(detail)),
    )


def _steps(detail: ImageDetail) -> tuple[list[Step], list[str]]:
    """Return the layers with what made them; apart from each other when they do not fit."""
    history = detail.config.history if detail.config else ()
    total = sum(layer.size for layer in detail.layers) or 1
    layers = [
        Step(layer.title, layer, layer.size / total, number, (number - 1) % _TINTS)
        for number, layer in enumerate(detail.layers, 1)
    ]
    commands = [instruction(step.created_by) or step.comment for step in history]
    if sum(not step.empty for step in history) != len(layers):
        return layers, commands
    following = iter(layers)
    steps = []
    for step, command in zip(history, commands, strict=True):
        made = Step(command) if step.empty else next(following)
        steps.append(Step(command, made.layer, made.share, made.number, made.tint))
    return steps, []


def _segments(steps: Iterable[Step]) -> Iterator[Segment]:
    start = 0.0
    for step in steps:
        if step.layer is not None:
            width = step.share * _WIDTH
            yield Segment(round(start, 2), round(width, 2), step.tint)
            start += width


def _pairs(values: Mapping[str, str]) -> Cut[tuple[str, str]]:
    return cut(sorted(values.items()))


def _variable(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _facts(detail: ImageDetail) -> Iterator[tuple[str, str]]:
    config = detail.config
    if config is None:
        return
    facts = {
        "Entrypoint": _words(config.entrypoint),
        "Command": _words(config.cmd),
        "User": config.user,
        "Working directory": config.working_dir,
        "Exposed ports": ", ".join(config.ports[:MOST]),
        "Volumes": ", ".join(config.volumes[:MOST]),
        "Stop signal": config.stop_signal,
        "Author": config.author,
    }
    yield from ((name, value) for name, value in facts.items() if value)


def _words(words: Sequence[str]) -> str:
    """Return a command as a shell has it, near enough to read."""
    return " ".join(word if word and " " not in word else f'"{word}"' for word in words[:MOST])
