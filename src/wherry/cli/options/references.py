"""Names of images as users type them, as far as a client must read them. Pure."""

from __future__ import annotations

from wherry.cli.errors import UsageError

HUB = "https://index.docker.io/v1/"


def split_reference(text: str) -> tuple[str, str]:
    """Separate a reference into its name and its tag or digest."""
    if not text or text != text.strip():
        raise UsageError("invalid reference format")
    name, at, digest = text.partition("@")
    if at:
        return name, digest
    last = name.rpartition("/")[2]
    if ":" not in last:
        tag = ""
    else:
        name, _, tag = name.rpartition(":")
    if name.lower() != name and "." not in name.partition("/")[0]:
        path = path_of(name)
        raise UsageError(f"invalid reference format: repository name ({path}) must be lowercase")
    return name, tag


def familiar_to_full(name: str) -> str:
    """Return the name with its registry: `busybox` is docker.io/library/busybox."""
    first, slash, _ = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


def host_of(name: str) -> str:
    """Return the key of the registry that an image name belongs to."""
    first, slash, _ = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return HUB if first in ("docker.io", "index.docker.io") else first
    return HUB


def path_of(name: str) -> str:
    """Return the repository of an image name without its registry."""
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return rest
    return name if slash else f"library/{name}"
