"""From the values of settings to `Options`; pure. What is missing has its default."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from wherry.daemon.configuration.hosts import canonical
from wherry.daemon.configuration.options import (
    DEFAULT_EXEC_ROOT,
    NO_LIMIT,
    PIDFILE,
    Options,
    RegistryOptions,
    TlsOptions,
)
from wherry.daemon.configuration.table import TABLE
from wherry.engine.settings import (
    ContainerDefaults,
    NetworkDefaults,
    Settings,
    TransferSettings,
)

Values = Mapping[str, Any]


def assemble(values: Values, notes: Sequence[str] = ()) -> Options:
    """Return the options of values that agree with each other."""
    fields = _fields(values)
    tls = tls_of(values)
    own = fields.get("", {})
    if "hosts" in own:
        own["hosts"] = tuple(canonical(one, tls=tls is not None) for one in own["hosts"])
    exec_root = own.get("exec_root", DEFAULT_EXEC_ROOT)
    own.setdefault("pidfile", os.path.join(exec_root, PIDFILE))
    engine = Settings(
        containers=ContainerDefaults(**fields.get("engine.containers", {})),
        networks=NetworkDefaults(**fields.get("engine.networks", {})),
        transfers=TransferSettings(**fields.get("engine.transfers", {})),
        **fields.get("engine", {}),
    )
    return Options(
        **own,
        build_cache=_build_cache(values),
        registry=_registry(values),
        tls=tls,
        engine=engine,
        notes=tuple(notes),
    )


def _fields(values: Values) -> dict[str, dict[str, Any]]:
    """Return values by the place and the name of the field that they go into."""
    fields: dict[str, dict[str, Any]] = {}
    for setting in TABLE:
        place, _, name = setting.into.rpartition(".")
        derived = setting.into.split(".")[0] in ("tls", "registry", "build_cache")
        if setting.acts and not derived and setting.key in values:
            fields.setdefault(place, {})[name] = values[setting.key]
    return fields


def tls_of(values: Values) -> TlsOptions | None:
    """Return how TCP is served, None for in the clear; paths that are missing are empty."""
    verify = values.get("tlsverify")
    if not values.get("tls", verify):
        return None
    certificate, key, authority = (
        values.get(one, "") for one in ("tlscert", "tlskey", "tlscacert")
    )
    return TlsOptions(certificate, key, authority, verify is not False)


def _registry(values: Values) -> RegistryOptions | None:
    if "registry" not in values:
        return None
    host, port = values["registry"]
    files = ("registry-htpasswd", "registry-tls-certificate", "registry-tls-key")
    return RegistryOptions(host, port, *(values.get(key, "") for key in files))


def _build_cache(values: Values) -> int:
    if not values.get("builder.gc.enabled", True):
        return NO_LIMIT
    for name in ("defaultMaxUsedSpace", "defaultReservedSpace", "defaultKeepStorage"):
        if kept := values.get(f"builder.gc.{name}"):
            return int(kept)
    return 0
