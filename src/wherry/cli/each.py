"""One call per named object, as docker does it: go on after a failure, end with status 1."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wherry.base.errors import WherryError
from wherry.cli.command import Context
from wherry.cli.errors import FAILED
from wherry.client.errors import ApiError, UnreachableError


def for_each(context: Context, names: Iterable[str], act: Callable[[str], str | None]) -> int:
    """Act on every name and print what comes back, the name itself for None."""
    status = 0
    for name in names:
        try:
            answer = act(name)
        except UnreachableError:
            raise
        except ApiError as error:
            context.warn(f"Error response from daemon: {error.message}")
            status = FAILED
        except WherryError as error:
            context.warn(str(error))
            status = FAILED
        else:
            if answer != "":
                context.write(name if answer is None else answer)
    return status
