"""Images as they are shown, and the selection that a list shows: pure."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass, field
from wherry.engine.containers.filters import label_matches, parse_until
from wherry.oci.image import ImageConfig
from wherry.oci.reference import Reference
from wherry.store.images import Image
from wherry.wire.times import parse_time

_TRUE = ("1", "true", "True")
_FALSE = ("0", "false", "False")


@dataclass(frozen=True, slots=True)
class ImageView:
    """An image with its names; `containers` is -1 where nobody counted."""

    id: str
    config: ImageConfig
    tags: Sequence[str]
    digests: Sequence[str]
    parent: str | None
    size: int
    containers: int = -1
    graph_data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HistoryView:
    """One step of an image's history; `id` empty where the step has no image of its own."""

    id: str
    created: str | None
    created_by: str
    tags: Sequence[str]
    size: int
    comment: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """An image that an archive brought; `reference` as people write it, None for no name."""

    reference: str | None
    image_id: str


def view(image: Image, references: Iterable[Reference]) -> ImageView:
    """Return an image as it is shown."""
    known = list(references)
    return ImageView(
        id=image.id,
        config=image.config,
        tags=[r.familiar for r in known if r.tag],
        digests=[r.familiar for r in known if r.digest],
        parent=image.parent,
        size=image.size,
    )


def history(image: Image, tags: Sequence[str], sizes: Sequence[int]) -> list[HistoryView]:
    """Return the steps of an image, the newest first; `sizes` are of its layers, lowest first."""
    left = list(sizes)
    steps = []
    for entry in image.config.history or ():
        size = 0 if entry.empty_layer or not left else left.pop(0)
        steps.append(HistoryView("", entry.created, entry.created_by, [], size, entry.comment))
    # Layers that no step speaks of, as in images that some builders make.
    steps += [HistoryView("", image.config.created, "", [], size, "") for size in left]
    steps.reverse()
    if not steps:
        return [HistoryView(image.id, image.config.created, "", tags, 0, "")]
    newest = steps[0]
    steps[0] = HistoryView(
        image.id, newest.created, newest.created_by, tags, newest.size, newest.comment
    )
    return steps


class Selection:
    """The filters of `docker images` and of pruning; `find` gives the image that a text names."""

    def __init__(
        self, filters: Mapping[str, Sequence[str]], find: Callable[[str], Image], now_ns: int = 0
    ) -> None:
        self._filters = filters
        self._before = [_created_ns(find(text)) for text in filters.get("before", ())]
        self._since = [_created_ns(find(text)) for text in filters.get("since", ())]
        now = now_ns or time.time_ns()
        self._until = [parse_until(text, now) for text in filters.get("until", ())]
        self._dangling = _truth(filters.get("dangling", ()))

    @property
    def dangling(self) -> bool | None:
        """What the filter `dangling` says, None where it is not given."""
        return self._dangling

    def passes(self, image: Image, references: Collection[Reference]) -> bool:
        """Tell whether an image passes all filters but `reference`."""
        tagged = any(reference.tag for reference in references)
        if self._dangling is not None and self._dangling == tagged:
            return False
        return self.fits(image)

    def fits(self, image: Image) -> bool:
        """Tell whether an image passes the filters that have nothing to do with its names."""
        created = _created_ns(image)
        labels = (image.config.config.labels if image.config.config else None) or {}
        return (
            all(created < limit for limit in self._before)
            and all(created > limit for limit in self._since)
            and all(created <= limit for limit in self._until)
            and label_matches(labels, self._filters)
        )

    def names(self, references: Iterable[Reference]) -> list[Reference]:
        """Return the names that the filter `reference` leaves; all where it is not given."""
        patterns = self._filters.get("reference", ())
        if not patterns:
            return list(references)
        return [r for r in references if any(_is_like(r, pattern) for pattern in patterns)]

    @property
    def by_name(self) -> bool:
        """True where an image without a fitting name is left out."""
        return bool(self._filters.get("reference"))


def _is_like(reference: Reference, pattern: str) -> bool:
    shapes = (
        reference.familiar_name,
        reference.familiar,
        reference.repository,
        reference.canonical,
    )
    return any(_glob(shape, pattern) for shape in shapes)


def _glob(text: str, pattern: str) -> bool:
    """Match as Go's path.Match does: a star stays within one part of the path."""
    parts, wanted = text.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(
        fnmatch.fnmatchcase(part, one) for part, one in zip(parts, wanted, strict=True)
    )


def _created_ns(image: Image) -> int:
    """Return when an image was made; one that says nothing readable does not spoil a list."""
    try:
        return parse_time(image.config.created, 0) if image.config.created else 0
    except (InvalidError, OverflowError):
        return 0


def _truth(values: Sequence[str]) -> bool | None:
    if not values:
        return None
    if values[0] in _TRUE:
        return True
    if values[0] in _FALSE:
        return False
    raise InvalidError(f"invalid filter 'dangling=[{values[0]}]'")
