"""What a run of collection has freed, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict

from wherry.base.values import dataclass, field
from wherry.oci.digest import Digest

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


@dataclass(frozen=True, slots=True)
class Drop:
    """A tag that retention does not keep; `pushed` in seconds since the epoch."""

    repository: str
    tag: str
    digest: Digest
    pushed: float


@dataclass(slots=True)
class Report:
    """Counts of what a run took away; `bytes` is what the storage has more room by.

    uploads: unfinished, and given up. links: blobs taken out of one repository. blobs: forgotten,
    since no repository had them any more. objects: deleted from the storage.
    """

    tags: int = 0
    manifests: int = 0
    uploads: int = 0
    links: int = 0
    blobs: int = 0
    objects: int = 0
    bytes: int = 0
    seconds: float = field(default=0.0)

    def words(self) -> str:
        """Return one line for people."""
        counts = (
            (self.tags, "tag"),
            (self.manifests, "manifest"),
            (self.blobs, "blob"),
            (self.uploads, "unfinished upload"),
        )
        gone = ", ".join(_counted(count, word) for count, word in counts if count) or "nothing"
        return f"{gone} removed, {amount(self.bytes)} freed in {self.seconds:.1f} s"

    def as_dict(self) -> dict[str, int | float]:
        """Return the same for JSON."""
        return asdict(self)


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def amount(size: int) -> str:
    """Return bytes for people, as `1.5 GiB`."""
    shown, unit = float(size), _UNITS[0]
    for larger in _UNITS[1:]:
        if shown < 1024:
            break
        shown, unit = shown / 1024, larger
    return f"{size} bytes" if unit == _UNITS[0] else f"{shown:.1f} {unit}"
