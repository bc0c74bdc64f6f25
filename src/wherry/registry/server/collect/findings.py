"""What a check has found, for people and for programs."""

from __future__ import annotations

from typing import Literal

from wherry.base.values import dataclass, field
from wherry.oci.digest import Digest
from wherry.registry.blobdrivers.driver import Key, ObjectInfo
from wherry.registry.server.collect.report import amount

Fault = Literal["missing", "size", "digest"]


@dataclass(frozen=True, slots=True)
class BlobFault:
    """A blob whose object is missing, or has another size or digest than it should."""

    digest: Digest
    key: Key
    fault: Fault


@dataclass(frozen=True, slots=True)
class ManifestFault:
    """A manifest that cannot be pulled whole: `missing` are blobs and manifests; its own digest is
    among them when its body is not what it should be."""

    repository: str
    digest: Digest
    missing: tuple[Digest, ...]


@dataclass(slots=True)
class CheckReport:
    """What was looked at and found; `stray` objects belong to nothing, `removed` of them are gone;
    `read` in bytes."""

    blobs: int = 0
    objects: int = 0
    manifests: int = 0
    read: int = 0
    bad_blobs: list[BlobFault] = field(default_factory=list)
    bad_manifests: list[ManifestFault] = field(default_factory=list)
    stray: list[ObjectInfo] = field(default_factory=list)
    removed: int = 0

    @property
    def sound(self) -> bool:
        """True when everything that was pushed can be pulled."""
        return not self.bad_blobs and not self.bad_manifests

    def words(self) -> str:
        """Return lines for people, the worst first."""
        lines = [f"{one.digest}: object {one.key}: {_FAULTS[one.fault]}" for one in self.bad_blobs]
        lines += [
            f"{bad.repository}@{bad.digest}: lacks {', '.join(bad.missing)}"
            for bad in self.bad_manifests
        ]
        lines += [f"object {one.key}: {amount(one.size)}, of nothing" for one in self.stray]
        counts = f"{self.manifests} manifests, {self.blobs} blobs, {self.objects} objects"
        removed = f", {self.removed} objects removed" if self.removed else ""
        return "\n".join([*lines, f"{counts}: {'sound' if self.sound else 'damaged'}{removed}"])


_FAULTS = {"missing": "is not there", "size": "has a wrong size", "digest": "has other bytes"}
