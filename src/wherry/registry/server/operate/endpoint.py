"""One receiver of events: a signed POST, and whether it was taken.

Only an answer with 2xx counts. Redirects are not followed: events go where the settings say, and
nowhere else. What the receiver answers is not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from wherry.base.errors import UnavailableError
from wherry.registry.server.operate.envelope import (
    MEDIA_TYPE,
    SIGNATURE_HEADER,
    body_of,
    signature,
)
from wherry.registry.server.settings import Webhook


class NotDeliveredError(UnavailableError):
    """A webhook did not take events."""


class Endpoint:
    """Belongs to one event loop; `session` is the caller's to close."""

    def __init__(self, webhook: Webhook, session: aiohttp.ClientSession) -> None:
        self._webhook = webhook
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=webhook.timeout)

    @property
    def host(self) -> str:
        """Its host, for messages: the path may be a secret, as with many services."""
        return urlsplit(self._webhook.url).netloc

    async def post(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Deliver events; raises NotDeliveredError."""
        body = body_of(events)
        headers = {"Content-Type": MEDIA_TYPE}
        if self._webhook.secret:
            headers[SIGNATURE_HEADER] = signature(self._webhook.secret, body)
        try:
            async with self._session.post(
                self._webhook.url,
                data=body,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                if not 200 <= response.status < 300:
                    raise NotDeliveredError(f"webhook at {self.host} answered {response.status}")
        except TimeoutError:
            seconds = f"{self._webhook.timeout:g}"
            raise NotDeliveredError(
                f"webhook at {self.host} did not answer within {seconds} s"
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotDeliveredError(f"webhook at {self.host}: {type(error).__name__}") from error
