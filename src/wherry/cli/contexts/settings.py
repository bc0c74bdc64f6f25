"""What `--docker` says of an engine, and what a context of it looks like.

`host=…,ca=…,cert=…,key=…,skip-tls-verify=true`, or `from=<context>` for the engine of another; keys
and words are those of docker's client. Files are copied into the store. What nobody could ever
connect to is refused here, not at first use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wherry.cli.contexts import store
from wherry.cli.contexts.store import BadContextError
from wherry.cli.errors import FlagError
from wherry.cli.flags import FALSE, TRUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.cli.command import Context
    from wherry.client.identity import Identity

FROM, HOST, SKIP = "from", "host", "skip-tls-verify"
_FILES = {"ca": store.AUTHORITY, "cert": store.CERTIFICATE, "key": store.KEY}
_KEYS = (FROM, HOST, SKIP, *_FILES)
_LARGEST = 10 << 20


def read(values: Sequence[str]) -> dict[str, str]:
    """Return the settings of `--docker` flags, which may be given in several."""
    found: dict[str, str] = {}
    for value in values:
        for part in filter(None, value.split(",")):
            key, separator, text = part.partition("=")
            if not separator:
                raise FlagError(
                    f'invalid argument "{value}" for "--docker" flag: {part} must be formatted as '
                    "key=value"
                )
            found[key] = text
    return found


def new(name: str) -> dict[str, Any]:
    """Return a context that says nothing yet."""
    return {"Name": name, "Metadata": {}, "Endpoints": {}}


def apply(
    content: dict[str, Any], told: Mapping[str, str], context: Context
) -> dict[str, dict[str, bytes]]:
    """Put settings into a context and return its TLS files; raises BadContextError."""
    try:
        content["Endpoints"][store.ENDPOINT], files = _told(told, context)
    except (BadContextError, store.NoContextError) as error:
        raise BadContextError(f"unable to create docker endpoint config: {error}") from error
    return {store.ENDPOINT: files} if files else {}


def _told(told: Mapping[str, str], context: Context) -> tuple[dict[str, Any], dict[str, bytes]]:
    if unknown := [key for key in told if key not in _KEYS]:
        raise BadContextError(f"unrecognized config key: {unknown[0]}")
    if FROM in told:
        source, copied = copy(told[FROM], context)
        found = store.endpoint(source) or ("", False)
        return _endpoint(found[0], skips=found[1]), copied.get(store.ENDPOINT, {})
    host, skips = told.get(HOST, ""), _truth(told)
    files = {name: _content(told[key]) for key, name in _FILES.items() if told.get(key)}
    _check(host, told, skips=skips)
    return _endpoint(host, skips=skips), files


def copy(name: str, context: Context) -> tuple[dict[str, Any], dict[str, dict[str, bytes]]]:
    """Return another context and its TLS files; `default` is what flags and environment say."""
    if name != store.DEFAULT:
        return store.load(name), store.material(name)
    found = context.choice.default_endpoint()
    content = new(store.DEFAULT)
    identity = found.identity
    skips = identity is not None and not identity.verify
    content["Endpoints"][store.ENDPOINT] = _endpoint(found.host, skips=skips)
    files = _of_identity(identity) if identity is not None else {}
    return content, {store.ENDPOINT: files} if files else {}


def _of_identity(identity: Identity) -> dict[str, bytes]:
    paths = {
        store.AUTHORITY: identity.authority,
        store.CERTIFICATE: identity.certificate,
        store.KEY: identity.key,
    }
    return {name: _content(path) for name, path in paths.items() if path}


def _endpoint(host: str, *, skips: bool) -> dict[str, Any]:
    return {**({"Host": host} if host else {}), "SkipTLSVerify": skips}


def _truth(told: Mapping[str, str]) -> bool:
    text = told.get(SKIP, "false")
    if text not in TRUE + FALSE:
        raise BadContextError(f'{SKIP}: parsing "{text}": invalid syntax')
    return text in TRUE


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadContextError(f"open {path}: {reason}") from error


def _check(host: str, told: Mapping[str, str], *, skips: bool) -> None:
    """Raise BadContextError for what cannot be connected to, whatever is at the other end."""
    from wherry.base.errors import InvalidError  # noqa: PLC0415 - as below
    from wherry.client import address  # noqa: PLC0415 - only to create and to update

    try:
        if host:
            address.parse(host)
        files = {key: told.get(key, "") for key in _FILES}
        if any(files.values()):
            from wherry.client.identity import Identity  # noqa: PLC0415 - only with TLS
            from wherry.client.secure import make_context  # noqa: PLC0415 - only with TLS

            pair = (files["cert"], files["key"]) if files["cert"] and files["key"] else ("", "")
            make_context(Identity(files["ca"], *pair, verify=not skips))
    except InvalidError as error:
        raise BadContextError(f"invalid docker endpoint options: {error}") from error
