"""The tree below the data root; nobody else spells these names.

    <data-root>/
      lock                             flock held by the engine that has the root open
      wherry.db, -wal, -shm            see `metadata.schema`
      content/sha256/<hex>             a blob, exactly as a registry sends it
      content/partial/<key>.partial    a blob that is being written; <key> is made of its digest,
                                       or `nameless-…` where that will be known at the end only
      layers/<hex of the diff ID>/     an unpacked layer, an overlay lower directory
      layers/<hex>.<random>.partial/   a layer that is being unpacked
      layers/empty/                    the lower directory of an image without layers
      containers/<id>/upper, work      a container's writable layer (the rest is the engine's)
      build/mounts/<hash of the id>/   a directory of `RUN --mount=type=cache`
      trash/<random>/                  what has been deleted and waits to be removed

Deleting renames into `trash`, so that nothing half-removed ever has a real name.
"""

from __future__ import annotations

import os

from wherry.base.values import dataclass
from wherry.linux.inodeflags import spread_children
from wherry.oci.digest import Digest, algorithm_of, encoded_of, parse_digest

PARTIAL = ".partial"
_OWN = 0o700
ALGORITHMS = ("sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below one data root."""

    root: str

    @property
    def lock(self) -> str:
        """The file whose flock says that the root is open."""
        return f"{self.root}/lock"

    @property
    def database(self) -> str:
        """The SQLite database."""
        return f"{self.root}/wherry.db"

    @property
    def content(self) -> str:
        """The directory of the blobs' directories."""
        return f"{self.root}/content"

    def blob(self, digest: Digest) -> str:
        """Where a complete blob lies; raises InvalidDigestError for what is no digest."""
        parse_digest(digest)
        return f"{self.content}/{algorithm_of(digest)}/{encoded_of(digest)}"

    @property
    def partials(self) -> str:
        """The directory of blobs that are being written."""
        return f"{self.content}/partial"

    def partial_blob(self, key: str) -> str:
        """Where a blob is written; `key` is a file name."""
        return f"{self.partials}/{key}{PARTIAL}"

    @property
    def layers(self) -> str:
        """The directory of unpacked layers."""
        return f"{self.root}/layers"

    def layer(self, diff_id: Digest) -> str:
        """Where a complete layer lies; without a colon, for overlayfs splits paths at colons.

        Raises InvalidDigestError: diff IDs come from configurations that anybody wrote.
        """
        parse_digest(diff_id)
        return f"{self.layers}/{encoded_of(diff_id)}"

    def partial_layer(self, diff_id: Digest, nonce: str) -> str:
        """Where a layer is unpacked."""
        return f"{self.layer(diff_id)}.{nonce}{PARTIAL}"

    @property
    def empty_layer(self) -> str:
        """A directory that stays empty: overlayfs wants at least one lower directory."""
        return f"{self.layers}/empty"

    @property
    def containers(self) -> str:
        """The directory of containers' directories."""
        return f"{self.root}/containers"

    def container(self, container_id: str) -> str:
        """The directory of one container."""
        return f"{self.containers}/{container_id}"

    def upper(self, container_id: str) -> str:
        """The container's writable layer."""
        return f"{self.container(container_id)}/upper"

    def work(self, container_id: str) -> str:
        """Overlayfs's own directory beside the writable layer."""
        return f"{self.container(container_id)}/work"

    @property
    def build_mounts(self) -> str:
        """The directory of the cache mounts of builds."""
        return f"{self.root}/build/mounts"

    def build_mount(self, name: str) -> str:
        """One of them; `name` is a file name."""
        return f"{self.build_mounts}/{name}"

    @property
    def volumes(self) -> str:
        """The directory of volumes, which `wherry.volume` owns."""
        return f"{self.root}/volumes"

    @property
    def trash(self) -> str:
        """What has been deleted and waits to be removed."""
        return f"{self.root}/trash"

    def make(self) -> None:
        """Make every directory that is missing; only root may look inside, whoever made them.

        Layers have programs that run as root for whoever starts them: who knows a name must get no
        further than here (CVE-2021-41091 of Docker). The root itself may be anybody's to enter.
        """
        os.makedirs(self.root, 0o700, exist_ok=True)
        for path in (
            self.content,
            self.partials,
            self.layers,
            self.empty_layer,
            self.containers,
            self.build_mounts,
        ):
            os.makedirs(path, _OWN, exist_ok=True)
        for path in (self.content, self.layers, self.containers, f"{self.root}/build"):
            os.chmod(path, _OWN)
        for path in (self.layers, self.containers):
            spread_children(path)
        os.chmod(self.empty_layer, 0o755)
        os.makedirs(self.trash, _OWN, exist_ok=True)
        for algorithm in ALGORITHMS:
            os.makedirs(f"{self.content}/{algorithm}", _OWN, exist_ok=True)
