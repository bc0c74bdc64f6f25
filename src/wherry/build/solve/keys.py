"""What a step depends on, and the key of the cache that follows from it: pure.

    key = shape "-" below
    shape   the instruction with every variable put in, and the digests of the files that it reads
    below   the layers that it stands on, by their digests

So a step whose predecessor was executed again, and gave the same, is found again; and where the
cache has no key of a shape, nobody has to wait for the digests below to know that it has none. No
time and no name of a build is part of a key. Secrets and proxies are not either: a step must give
the same without them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from wherry.base.values import dataclass
from wherry.build.graph.actions import CopyFiles, Execute, FromStage, MakeDirectory, Mount
from wherry.oci.digest import Digest

# Raised when steps come to mean something else: what older engines cached is not found any more.
_EDITION: Final = 1
_SHORT: Final = 16


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a step depends on but what it stands on; nothing for `alone`."""

    kind: str
    parts: Mapping[str, str]
    alone: bool = False

    @property
    def shape(self) -> str:
        """The first part of the key."""
        return fingerprint(self.kind, dict(self.parts))

    def key(self, below: str) -> str:
        """Return the key on top of layers (`of_layers`)."""
        return f"{self.shape}-{'' if self.alone else below}"


class Memory(msgspec.Struct, omit_defaults=True):
    """What is remembered of a step's inputs; values as short digests, for they may be large."""

    key: str
    parts: dict[str, str]
    files: dict[str, str] = {}


def fingerprint(*parts: Any) -> str:
    """Return the digest of values that JSON can hold."""
    text = json.dumps([_EDITION, *parts], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def of_layers(diff_ids: Sequence[Digest]) -> str:
    """Return the name of a stack of layers, lowest first."""
    return fingerprint("layers", list(diff_ids))


def of_execute(action: Execute, sources: Mapping[int, str]) -> Inputs:
    """RUN; `sources` are the digests of what is mounted, by the mount's place."""
    parts = {
        "the command": _text(action.arguments),
        "the user": action.user,
        "the working directory": action.working_directory,
        "the network": action.network,
        "the security mode": "insecure" if action.insecure else "",
    }
    if action.script is not None:
        parts["the script"] = action.script.content.decode("utf-8", "replace")
    for entry in action.environment:
        name, _, value = entry.partition("=")
        parts[f"the variable {name}"] = value
    for place, mount in enumerate(action.mounts):
        parts[f"the mount at {mount.target or mount.variable}"] = _mount(mount)
        if place in sources:
            parts[f"what is mounted at {mount.target}"] = sources[place]
    return Inputs("run", parts)


def _mount(mount: Mount) -> str:
    # Which stage it is from says nothing: the digest of what is in it does.
    origin = "" if isinstance(mount.origin, FromStage) else repr(mount.origin)
    return _text([
        mount.kind, origin, mount.source, mount.id, mount.read_only, mount.sharing, mount.mode,
        mount.uid, mount.gid, mount.size, mount.variable,
    ])  # fmt: skip


def of_copy(action: CopyFiles, content: Sequence[str]) -> Inputs:
    """COPY and ADD; `content` are the digests of what each source selects."""
    # With --link the layer is the same whatever is below, unless a name is looked up there.
    named = any(part and not part.isdecimal() for part in action.chown.split(":"))
    parts = {
        "the destination": _text([action.destination, action.directory]),
        "the owner": action.chown,
        "the mode": action.chmod,
        "the flags": _text([action.link, action.parents, list(action.excludes), action.unpack]),
        "the content": _text(content),
    }
    return Inputs(action.keyword.lower(), parts, alone=action.link and not named)


def of_directory(action: MakeDirectory) -> Inputs:
    """WORKDIR."""
    return Inputs("workdir", {"the path": action.path, "the user": action.user})


def memory_of(inputs: Inputs, below: str, files: Mapping[str, str]) -> Memory:
    """Return what is to be remembered of a step on top of layers; `files` are digests by path."""
    parts = {name: _short(value) for name, value in inputs.parts.items()}
    return Memory(inputs.key(below), parts, dict(files))


def _short(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()[:_SHORT]


def _text(values: Any) -> str:
    return json.dumps(values, separators=(",", ":"))
