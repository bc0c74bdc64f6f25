"""A registry that wants to know who asks, as clients of the engine are to be told."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from wherry.base.errors import InternalError, UnauthorisedError


class RegistryRefusedError(InternalError):
    """The registry's words, with dockerd's status.

    Not 401: that is the engine's own refusal, and the docker client answers it by asking its user
    for a password, terminal or not.
    """


@contextlib.contextmanager
def refusals_told() -> Iterator[None]:
    """Tell a registry's refusal as such."""
    try:
        yield
    except UnauthorisedError as error:
        raise RegistryRefusedError(str(error)) from error
