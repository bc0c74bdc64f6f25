"""Which engine the user means: from flags, environment and contexts, exactly as docker decides.

-c/--context names a context and -H an address, but not both at once; then come WHERRY_HOST and
DOCKER_HOST, then DOCKER_CONTEXT, then what `context use` has chosen. The context of an address is
called `default`. The flags and variables for TLS are about the default context only; others have
their own files.

The name is known at once; the address is found out when somebody goes there, so that a context
that is no more can still be listed, shown and replaced.
"""

from __future__ import annotations

import os

from wherry.cli.errors import CommandError
from wherry.cli.flags import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.client.identity import Identity

GLOBAL_FLAGS = """\
-c --context string  Context (see 'context ls') whose engine to talk to
   --tls  Use TLS; implied by --tlsverify
   --tlscacert string  Trust certificates of this authority only (default ~/.docker/ca.pem)
   --tlscert string  The client's certificate (default ~/.docker/cert.pem)
   --tlskey string  The client's key (default ~/.docker/key.pem)
   --tlsverify  Use TLS and verify the engine
"""
DEFAULT_CONTEXT = "default"
DEFAULT_HOST = "unix:///run/wherry/wherry.sock"
DEFAULT_TLS_HOST = "tcp://localhost:2376"
HOST_VARIABLES = ("WHERRY_HOST", "DOCKER_HOST")
_FILES = (("tlscacert", "ca.pem"), ("tlscert", "cert.pem"), ("tlskey", "key.pem"))
_LOCAL = ("unix", "npipe", "fd")


class Endpoint:
    """An address, and with what it is spoken to; without an identity there is no TLS."""

    __slots__ = ("host", "identity")

    def __init__(self, host: str, identity: Identity | None = None) -> None:
        self.host = host
        self.identity = identity


class Choice:
    """What the user has chosen; `endpoint` raises CommandError when it cannot be had."""

    def __init__(self, options: Options, environment: Mapping[str, str]) -> None:
        self._options = options
        self._environment = environment
        self._endpoint: Endpoint | None = None
        if options.text("context") and options.text("host"):
            raise CommandError("conflicting options: cannot specify both --host and --context")
        self.context = self._choose_context()

    @property
    def endpoint(self) -> Endpoint:
        """Where the engine is."""
        if self._endpoint is None:
            try:
                self._endpoint = self._resolve()
            except CommandError as error:
                raise CommandError(
                    f"Failed to initialize: unable to resolve docker endpoint: {error}"
                ) from error
        return self._endpoint

    def default_endpoint(self) -> Endpoint:
        """Return the endpoint of the context `default`, whichever is in use."""
        if len(self._options.all("host")) > 1:
            raise CommandError("Specify only one -H")
        host = self._options.text("host") or environment_host(self._environment)[1]
        secure = self._tls_is_asked_for()
        host = host or (DEFAULT_TLS_HOST if secure else DEFAULT_HOST)
        if not secure or _scheme(host) in _LOCAL:
            return Endpoint(host)
        return Endpoint(host, self._identity())

    def host_for_plugins(self) -> str:
        """Return the address that a plugin is told; empty if it finds the engine by itself.

        Plugins are docker's: of contexts they know as much as we do, of our default nothing.
        """
        return self.endpoint.host if self.context == DEFAULT_CONTEXT else ""

    def _choose_context(self) -> str:
        if named := self._options.text("context"):
            return named
        if self._options.text("host") or environment_host(self._environment)[1]:
            return DEFAULT_CONTEXT
        return self._environment.get("DOCKER_CONTEXT") or current_context()

    def _resolve(self) -> Endpoint:
        if self.context == DEFAULT_CONTEXT:
            return self.default_endpoint()
        return endpoint_of(self.context)

    def _tls_is_asked_for(self) -> bool:
        options, environment = self._options, self._environment
        # Docker's rule: to give --tlsverify at all, true or false, is to ask for TLS.
        if options.given("tlsverify") or environment.get("DOCKER_TLS_VERIFY"):
            return True
        return options.flag("tls", default=bool(environment.get("DOCKER_TLS")))

    def _identity(self) -> Identity:
        from wherry.client.identity import Identity  # noqa: PLC0415 - only with TLS

        asked = bool(self._environment.get("DOCKER_TLS_VERIFY"))
        verify = self._options.flag("tlsverify", default=asked)
        folder = self._environment.get("DOCKER_CERT_PATH") or _configuration()
        paths = []
        for flag, name in _FILES:
            path = self._options.text(flag).strip("\"'")
            if not path:
                path = os.path.join(folder, name)
                needed = flag == "tlscacert" and verify
                path = path if needed or os.path.exists(path) else ""
            if path and not os.path.exists(path):
                raise CommandError(f"open {path}: no such file or directory")
            paths.append(path)
        return Identity(*paths, verify=verify)


def at(host: str) -> Choice:
    """Return the choice of an address, whatever the environment says."""
    options = Options()
    options.add("host", host)
    return Choice(options, {})


def environment_host(environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the name and the value of the variable that says where the engine is, if one does."""
    for name in HOST_VARIABLES:
        if value := environment.get(name):
            return name, value
    return "", ""


def current_context() -> str:
    """Return the context that `context use` has chosen."""
    from wherry.cli.credentials import config_path  # noqa: PLC0415 - not where -H is given

    if not os.path.exists(config_path()):
        return DEFAULT_CONTEXT
    from wherry.cli.credentials import load  # noqa: PLC0415

    named = load().get("currentContext")
    return named if isinstance(named, str) and named else DEFAULT_CONTEXT


def endpoint_of(name: str) -> Endpoint:
    """Return the endpoint of a stored context; raises CommandError."""
    from wherry.base.errors import WherryError  # noqa: PLC0415 - as below
    from wherry.cli.contexts import store  # noqa: PLC0415 - most have no contexts

    try:
        found = store.endpoint(store.load(name))
    except WherryError as error:
        raise CommandError(str(error)) from error
    if found is None:
        raise CommandError(f'context "{name}": cannot find docker endpoint in context')
    host, skips = found
    host = host or DEFAULT_HOST
    if _scheme(host) in (*_LOCAL, "ssh"):
        return Endpoint(host)
    top = os.path.join(store.directory("tls", name), store.ENDPOINT)
    files = [os.path.join(top, one) for one in (store.AUTHORITY, store.CERTIFICATE, store.KEY)]
    there = [path if os.path.exists(path) else "" for path in files]
    if not any(there) and not skips:
        return Endpoint(host)
    from wherry.client.identity import Identity  # noqa: PLC0415 - only with TLS

    authority, certificate, key = there
    if not (certificate and key):
        certificate = key = ""
    return Endpoint(host, Identity(authority, certificate, key, verify=not skips))


def _configuration() -> str:
    return os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")


def _scheme(host: str) -> str:
    return host.partition("://")[0] if "://" in host else "tcp"
