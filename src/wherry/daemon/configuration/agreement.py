"""What no single value shows: settings that contradict each other, and files that cannot be used.

Files are looked at here so that a wrong path is told with its line, before anything has started.
"""

from __future__ import annotations

from typing import Final

from wherry.base.configuration.values import reason
from wherry.base.errors import WherryError
from wherry.daemon.configuration.assemble import tls_of
from wherry.daemon.configuration.hosts import canonical, name_of
from wherry.daemon.configuration.options import DEFAULT_DATA_ROOT, DEFAULT_EXEC_ROOT, is_loopback
from wherry.daemon.configuration.read import Found
from wherry.engine.settings import ContainerDefaults

_TLS_FILES: Final = ("tlscert", "tlskey", "tlscacert")


def compare(found: Found) -> None:
    """Add what is wrong to the document's problems."""
    for check in (
        _tls,
        _hosts,
        _group,
        _directories,
        _default_network,
        _labels,
        _logs,
        _registry,
        _seccomp_profile,
    ):
        check(found)


def _tls(found: Found) -> None:
    values = found.values
    if values.get("tls") is False and values.get("tlsverify"):
        found.complain("tls", f"false contradicts {found.called('tlsverify')}: leave it out")
        return
    tls = tls_of(values)
    given = [key for key in _TLS_FILES if key in values]
    if tls is None:
        if given and "tls" not in values:
            found.complain(given[0], "without effect unless tlsverify or tls is true")
        return
    wanted = ["tlscert", "tlskey", *(["tlscacert"] if tls.verify else [])]
    said_by = "tls" if "tls" in values else "tlsverify"
    for key in wanted:
        if key not in values:
            why = (
                'the authority that signs the certificates of clients; or say "tlsverify": false'
                if key == "tlscacert"
                else "TLS needs a certificate and its key"
            )
            found.complain(said_by, f"{key} is missing: {why}; `wherry tls init` makes them")
    if all(key in values for key in wanted) and all(_is_readable(found, key) for key in given):
        _certificates(found)


def _certificates(found: Found) -> None:
    # Loads ssl, which is for those who use it.
    from wherry.daemon.tls import context  # noqa: PLC0415

    tls = tls_of(found.values)
    assert tls is not None
    try:
        context(tls)
    except (WherryError, OSError) as error:
        found.complain("tlscert", str(error))


def _hosts(found: Found) -> None:
    tls = tls_of(found.values)
    unprotected_on_purpose = False in (found.values.get("tls"), found.values.get("tlsverify"))
    seen: set[str] = set()
    for address in (canonical(h, tls=tls is not None) for h in found.values.get("hosts", ())):
        if address in seen:
            found.complain("hosts", f"{address} stands there twice")
        seen.add(address)
        open_to_others = address.startswith("tcp://") and not is_loopback(name_of(address))
        if open_to_others and tls is None and not unprotected_on_purpose:
            found.complain(
                "hosts",
                f"whoever reaches {address} would be root on this machine: set tlsverify,"
                " tlscacert, tlscert and tlskey (`wherry tls init` makes the files), or"
                ' "tls": false if it is meant',
            )


def _group(found: Found) -> None:
    name = found.values.get("group", "")
    if not name or name.isdecimal():
        return
    # Only for those who name one.
    import grp  # noqa: PLC0415

    try:
        grp.getgrnam(name)
    except KeyError:
        found.complain("group", f"there is no group {name}: make it with `groupadd {name}`")


def _directories(found: Found) -> None:
    data = found.values.get("data-root", DEFAULT_DATA_ROOT)
    if data == found.values.get("exec-root", DEFAULT_EXEC_ROOT):
        key = "data-root" if "data-root" in found.values else "exec-root"
        found.complain(key, f"data-root and exec-root are both {data}: they need two directories")


def _default_network(found: Found) -> None:
    values = found.values
    bip, fixed = values.get("bip"), values.get("fixed-cidr")
    gateway = values.get("default-gateway")
    if "bridge" in values:
        for key in ("bip", "fixed-cidr", "default-gateway"):
            if key in values:
                found.complain(key, 'there is no default network with bridge "none"')
        return
    if bip and fixed and not fixed.subnet_of(bip.network):
        found.complain("fixed-cidr", f"{fixed} is not inside {bip.network}, which bip says")
    subnet = bip.network if bip else fixed
    if subnet and gateway and gateway not in subnet:
        found.complain("default-gateway", f"{gateway} is not inside {subnet}, the default network")
    elif bip and gateway == bip.ip:
        found.complain("default-gateway", f"{gateway} is the engine's own address: leave it out")


def _labels(found: Found) -> None:
    seen: dict[str, str] = {}
    for label in found.values.get("labels", ()):
        key, _, value = label.partition("=")
        if seen.setdefault(key, value) != value:
            found.complain("labels", f"{key} is both {seen[key]} and {value}")


def _logs(found: Found) -> None:
    if not {"log-driver", "log-opts"} & set(found.values):
        return
    # Only for those who set them.
    from wherry.logs import drivers  # noqa: PLC0415

    driver = found.values.get("log-driver", drivers.JSON_FILE)
    options = found.values.get("log-opts", {})
    try:
        drivers.check(driver, {})
    except WherryError as error:
        found.complain("log-driver", str(error))
        return
    try:
        drivers.check(driver, options)
    except WherryError as error:
        found.complain("log-opts", str(error))


def _registry(found: Found) -> None:
    values = found.values
    pair = ("registry-tls-certificate", "registry-tls-key")
    others = [key for key in ("registry-htpasswd", *pair) if key in values]
    if "registry" not in values:
        for key in others:
            found.complain(key, "without effect unless registry says where to serve")
        return
    given = [key for key in pair if key in values]
    if len(given) == 1:
        found.complain(given[0], f"{' and '.join(pair)} go together")


def _seccomp_profile(found: Found) -> None:
    path = found.values.get("seccomp-profile", "")
    if not path.startswith("/") or not _is_readable(found, "seccomp-profile"):
        return
    # Only for those who have one of their own.
    from wherry.engine.spec import security  # noqa: PLC0415

    try:
        security.defaults(ContainerDefaults(seccomp_profile=path))
    except WherryError as error:
        found.complain("seccomp-profile", str(error))


def _is_readable(found: Found, key: str) -> bool:
    path = found.values[key]
    try:
        with open(path, "rb") as source:
            source.read(1)
    except OSError as error:
        found.complain(key, f"{path} cannot be read: {reason(error)}")
        return False
    return True
