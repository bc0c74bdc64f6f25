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
    return name if _registry(name) else f"docker.io/{path_of(name)}"


def host_of(name: str) -> str:
    """Return the key of the registry that an image name belongs to."""
    registry = _registry(name)
    return HUB if registry in ("", "docker.io", "index.docker.io") else registry


def path_of(name: str) -> str:
    """Return the repository of an image name without its registry."""
    if registry := _registry(name):
        return name.removeprefix(f"{registry}/")
    return name if "/" in name else f"library/{name}"


def _registry(name: str) -> str:
    """Return the registry that a name says, empty where it says none."""
    first, slash, _ = name.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else ""
