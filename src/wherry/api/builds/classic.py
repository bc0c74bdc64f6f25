"""The classic request: its query as options, its body as the context, lines of text as answer.

Parameters are those of the Engine API 1.24 to 1.51 (moby, api/server/router/build/build_routes.go).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from wherry.api.call import Call, progress
from wherry.api.http.message import Stream
from wherry.api.render.build import Classic
from wherry.api.reporting import Report, reported
from wherry.base.errors import InvalidError, NotFoundError, UnsupportedError, WherryError
from wherry.base.feed import fed
from wherry.build.context.archive import ArchiveTree, spool
from wherry.build.graph.actions import MAIN_CONTEXT
from wherry.build.ops.execute import StepFailedError
from wherry.build.options import DEFAULT_DOCKERFILE, BuildOptions
from wherry.oci.reading import read
from wherry.store.layers.compression import Writable
from wherry.wire.build import Limits, Output
from wherry.wire.container_config import Ulimit
from wherry.wire.decode import decode
from wherry.wire.progress import ErrorDetail, ProgressLine
from wherry.wire.requests import AuthConfig

_NO_NETWORKS: Final = ("", "default", "bridge")


def answer(call: Call) -> Stream:
    """Build what a request asks for, and answer with the classic builder's lines."""
    return progress(reported(partial(_build, call, options_of(call))))


async def _build(call: Call, options: BuildOptions, report: Report) -> None:
    builds = call.services.builds
    session = BodySession(call, builds.spool_directory, report.ready)
    told = Classic(report, quiet=call.flag("q"))
    with contextlib.closing(session), builds.cancellable(call.text("buildid")):
        try:
            await builds.build(options, session, told)
        except (WherryError, OSError) as error:
            told.failed()
            if not isinstance(error, StepFailedError):
                raise
            # The code is part of what clients are told.
            detail = ErrorDetail(str(error), error.code)
            report(ProgressLine(error_detail=detail, error=str(error)))


def options_of(call: Call) -> BuildOptions:
    """Return what a request asks for; raises InvalidError that names the parameter."""
    _refuse_unsupported(call)
    network = call.text("networkmode")
    tags = tuple(tag for tag in call.texts("t") if tag)
    return BuildOptions(
        dockerfile=call.text("dockerfile") or DEFAULT_DOCKERFILE,
        remote=_remote(call),
        tags=tags,
        target=call.text("target"),
        arguments=_mapping(call, "buildargs"),
        labels={name: value or "" for name, value in _mapping(call, "labels").items()},
        platform=call.text("platform"),
        no_cache=call.flag("nocache"),
        cache_from=_json(call, "cachefrom", list) or (),
        pull=call.flag("pull"),
        network="" if network in _NO_NETWORKS else network,
        extra_hosts=_hosts(call),
        limits=_limits(call),
        outputs=[_output(one) for one in _json(call, "outputs", list) or ()],
        credentials=_credentials(call),
        scope=tags[0] if tags else "",
    )


def _refuse_unsupported(call: Call) -> None:
    if call.text("version") not in ("", "1"):
        raise UnsupportedError(
            "BuildKit's protocol is not served here: set DOCKER_BUILDKIT=0, or use wherry build"
        )
    if call.flag("squash"):
        raise InvalidError("squash is only supported with experimental mode")
    if call.text("isolation") not in ("", "default"):
        raise InvalidError(f"Unsupported isolation: {call.text('isolation')!r}")


def _remote(call: Call) -> str:
    remote = call.text("remote")
    if remote == "client-session":
        raise UnsupportedError("contexts of a session are not served here: send the context")
    return remote


def _json(call: Call, name: str, kind: type) -> Any:
    text = call.text(name)
    if not text:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidError(f"{name}: invalid JSON: {error}") from None
    if value is not None and not isinstance(value, kind):
        raise InvalidError(f"{name}: invalid JSON: a {kind.__name__} is wanted")
    return value


def _mapping(call: Call, name: str) -> Mapping[str, str | None]:
    found = _json(call, name, dict) or {}
    if not all(value is None or isinstance(value, str) for value in found.values()):
        raise InvalidError(f"{name}: values are strings or null")
    return found


def _hosts(call: Call) -> tuple[str, ...]:
    return tuple(host for text in call.texts("extrahosts") for host in text.split(",") if host)


def _limits(call: Call) -> Limits:
    text = call.text("ulimits")
    limits = decode(text.encode(), list[Ulimit] | None) if text else None  # type: ignore[arg-type]
    return Limits(
        memory=call.number("memory") or 0,
        memory_swap=call.number("memswap") or 0,
        cpu_shares=call.number("cpushares") or 0,
        cpu_period=call.number("cpuperiod") or 0,
        cpu_quota=call.number("cpuquota") or 0,
        cpuset_cpus=call.text("cpusetcpus"),
        cpuset_mems=call.text("cpusetmems"),
        shm_size=call.number("shmsize") or 0,
        cgroup_parent=call.text("cgroupparent"),
        ulimits=[(one.name, one.soft, one.hard) for one in limits or ()],
    )


def _output(told: Any) -> Output:
    if not isinstance(told, dict) or not isinstance(told.get("Type"), str):
        raise InvalidError("outputs: each wants a Type")
    return Output(told["Type"], told.get("Attrs") or {})


def _credentials(call: Call) -> Mapping[str, AuthConfig]:
    """Return what X-Registry-Config holds, by registry; what cannot be read counts as not there."""
    encoded = call.request.header("x-registry-config")
    with contextlib.suppress(binascii.Error, ValueError, InvalidError, msgspec.MsgspecError):
        padded = encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4)
        data = base64.urlsafe_b64decode(padded)
        return read(data, dict[str, AuthConfig]) if data else {}
    return {}


class BodySession:
    """A build whose context is the body of the request that asked for it."""

    def __init__(self, call: Call, directory: str, ready: Callable[[], Awaitable[None]]) -> None:
        self._call = call
        self._directory = directory
        self._ready = ready
        self._tree: ArchiveTree | None = None

    async def context(self, name: str) -> ArchiveTree:
        """Return the context, received whole; there is one."""
        if name != MAIN_CONTEXT:
            raise NotFoundError(f"there is no context {name}: the request has brought one only")
        if self._tree is None:
            chunks = self._call.request.body.chunks()
            self._tree = await fed(chunks, lambda source: spool(source, self._directory))
        return self._tree

    def ssh(self, identity: str, path: str) -> contextlib.AbstractAsyncContextManager[None]:
        """Refuse: the classic request cannot reach the client's agent."""
        raise UnsupportedError(f"ssh {identity} cannot be forwarded to {path} by this request")

    async def ready(self) -> None:
        """Wait while the client is behind."""
        await self._ready()

    async def output(self, index: int, write: Callable[[Writable], None]) -> None:
        """Refuse: the reply has no room for files."""
        del write
        raise UnsupportedError(f"output {index}: the classic request returns images only")

    def close(self) -> None:
        """Let go of the context."""
        if self._tree is not None:
            self._tree.close()
