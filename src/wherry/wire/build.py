"""What a client of `POST /wherry/build` asks for: the first message of `wherry.wire.frames`."""

from __future__ import annotations

import msgspec

from wherry.wire.requests import AuthConfig


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a process of a build may use, in the engine's units; 0 and "" for no limit."""

    memory: int = 0
    memory_swap: int = 0
    cpu_shares: int = 0
    cpu_period: int = 0
    cpu_quota: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    shm_size: int = 0
    cgroup_parent: str = ""
    ulimits: list[tuple[str, int, int]] = []  # name, soft, hard


class Output(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is made of the result.

    `kind` is image, docker, oci, tar or local; `attributes` are its other keys (name, push, dest).
    Those that leave the engine are written to whoever asked.
    """

    kind: str
    attributes: dict[str, str] = {}


class BuildMessage(msgspec.Struct, omit_defaults=True):
    """One build. `context` is "local" (the client sends it), "none", or an address."""

    type: str
    dockerfile: str = ""
    dockerfile_text: str | None = None
    context: str = "local"
    tags: list[str] = []
    target: str = ""
    arguments: dict[str, str | None] = {}
    labels: dict[str, str] = {}
    platform: str = ""
    no_cache: bool = False
    no_cache_stages: list[str] = []
    cache_from: list[str] = []
    pull: bool = False
    network: str = ""
    extra_hosts: list[str] = []
    limits: Limits = msgspec.field(default_factory=Limits)
    contexts: dict[str, str] = {}
    secrets: dict[str, bytes] = {}
    ssh: list[str] = []
    outputs: list[Output] = []
    allow: list[str] = []
    check: bool = False
    scope: str = ""
    credentials: dict[str, AuthConfig] = {}
