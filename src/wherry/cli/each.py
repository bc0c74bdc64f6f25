"""One call per named object, as docker does it: go on after a failure, end with status 1."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wherry.base.errors import WherryError
from wherry.cli.command import Context
from wherry.cli.errors import FAILED
from wherry.client.errors import ApiError, UnreachableError


def for_each(
    context: Context,
    names: Iterable[str],
    act: Callable[[str], str | None],
    failed: list[str] | None = None,
) -> int:
    """Act on every name and print what comes back, the name itself for None.

    Names that fail are added to `failed`.
    """
    status = 0
    for name in names:
        try:
            answer = act(name)
        except UnreachableError:
            raise
        except WherryError as error:
            prefix = "Error response from daemon: " if isinstance(error, ApiError) else ""
            context.warn(f"{prefix}{error}")
            status = FAILED
            if failed is not None:
                failed.append(name)
        else:
            if answer != "":
                context.write(name if answer is None else answer)
                context.flush()
    return status
