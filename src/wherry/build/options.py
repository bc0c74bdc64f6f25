"""What is asked of a build, whoever asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wherry.base.values import dataclass, field
from wherry.wire.build import Limits, Output
from wherry.wire.requests import AuthConfig

DEFAULT_DOCKERFILE = "Dockerfile"


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """One build. `dockerfile` is a path in the context, unless its text is given as well.

    Arguments whose value is None have none: the default counts.

    `secrets` are by id. `contexts` are additional named contexts: a name and where it comes from
    (`docker-image://ref`, a URL, `context:NAME` for one that the client sends). `no_cache` holds
    for all stages, `no_cache_stages` for those named. `allow` are entitlements.
    """

    dockerfile: str = DEFAULT_DOCKERFILE
    dockerfile_text: bytes | None = None
    remote: str = ""  # where the context is fetched from, if the client does not send it
    filtered: bool = False  # the client has left out what is to be ignored
    tags: Sequence[str] = ()
    target: str = ""
    arguments: Mapping[str, str | None] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    platform: str = ""
    no_cache: bool = False
    no_cache_stages: Sequence[str] = ()
    cache_from: Sequence[str] = ()
    pull: bool = False
    network: str = ""
    extra_hosts: Sequence[str] = ()
    limits: Limits = field(default_factory=Limits)
    contexts: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, bytes] = field(default_factory=dict)
    ssh: Sequence[str] = ()
    outputs: Sequence[Output] = ()
    allow: Sequence[str] = ()
    check: bool = False
    credentials: Mapping[str, AuthConfig] = field(default_factory=dict)
    scope: str = ""  # what the build is called in the cache's memory, for `why`
