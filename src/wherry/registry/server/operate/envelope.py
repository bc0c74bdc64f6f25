"""Events in the form of Docker's notifications, which receivers of others' registries read. Pure.

An envelope has a list of events; each says what was done (`action`), to what (`target`), by whom
(`actor`), where (`source`), and, where that is known, by which request. The catalog's events are of
manifests and tags: a push, a delete (of a manifest, or of a tag when there is one in it), a mount.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from wherry.base.values import dataclass
from wherry.registry.server.access.guard import Peer
from wherry.registry.server.catalog.catalog import Event
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.patterns import Patterns
from wherry.registry.server.settings import Webhook

MEDIA_TYPE = "application/vnd.docker.distribution.events.v1+json"
SIGNATURE_HEADER = "X-Wherry-Signature-256"
BATCH = 50  # events in one request at most


@dataclass(frozen=True, slots=True)
class Origin:
    """What events say of where they come from: `source` and, "" when unknown, `base_url`."""

    source: str
    base_url: str = ""


class Interest:
    """Which events a webhook is for."""

    def __init__(self, webhook: Webhook) -> None:
        self._actions = frozenset(webhook.events)
        self._repositories = Patterns(webhook.repositories)

    def has(self, action: str, repository: str) -> bool:
        """Tell whether the webhook wants to know of this."""
        return action in self._actions and self._repositories.match(repository)


def of_event(event: Event, origin: Origin) -> dict[str, Any]:
    """Return an event of the catalog."""
    return {
        "id": f"{origin.source}-{event.id}",
        "timestamp": _time(event.time),
        "action": event.action,
        "target": _target(
            origin.base_url, event.repository, event.tag, event.digest, event.media_type
        ),
        "actor": _present(name=event.by),
        "source": {"addr": origin.source},
    }


def of_pull(exchange: Exchange, now: float, origin: Origin) -> dict[str, Any]:
    """Return the event of a manifest that was pulled."""
    peer = exchange.peer
    tag = "" if ":" in exchange.reference else exchange.reference
    target = _target(peer.base_url, exchange.repository, tag, exchange.digest, exchange.media_type)
    if exchange.sent:
        target |= {"size": exchange.sent, "length": exchange.sent}
    return {
        "id": exchange.id,
        "timestamp": _time(now),
        "action": "pull",
        "target": target,
        "request": _request(exchange, peer),
        "actor": _present(name=exchange.caller.name),
        "source": {"addr": origin.source},
    }


def _request(exchange: Exchange, peer: Peer) -> dict[str, str]:
    return _present(
        id=exchange.id,
        addr=peer.address,
        host=peer.headers.get("host", ""),
        method=exchange.request.method,
        useragent=peer.headers.get("user-agent", ""),
    )


def _target(
    base_url: str, repository: str, tag: str, digest: str, media_type: str
) -> dict[str, Any]:
    url = f"{base_url}/v2/{repository}/manifests/{digest}" if base_url and digest else ""
    return _present(mediaType=media_type, digest=digest, repository=repository, url=url, tag=tag)


def _present(**values: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def body_of(events: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the body of a request."""
    return json.dumps({"events": events}, separators=(",", ":")).encode()


def signature(secret: str, body: bytes) -> str:
    """Return the value of SIGNATURE_HEADER: an HMAC with SHA-256 over the body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
