"""wherryd: reads the configuration, builds the engine, serves until it is told to stop."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Sequence

from wherry.base.errors import WherryError
from wherry.daemon import logs
from wherry.daemon.ahead import Ahead
from wherry.daemon.configuration import ConfigurationError, Options, load
from wherry.daemon.pidfile import Pidfile

log = logging.getLogger("wherryd")


class NotRootError(WherryError):
    """The engine was started by somebody who cannot make namespaces."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the engine; the exit status is 0 after SIGTERM and SIGINT, 1 when it cannot start."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        options = load(words)
        if os.geteuid() != 0:
            raise NotRootError("wherryd needs root: namespaces and mounts are for root alone")
        logs.set_up(
            options.log_level, options.log_format, debug=options.debug, environment=os.environ
        )
        pidfile = Pidfile(options.pidfile)
    except ConfigurationError as error:
        sys.exit(str(error))
    except (WherryError, OSError) as error:
        sys.exit(f"wherryd: {error}")
    try:
        with Ahead(options.exec_root) as ahead:
            _serve(options, words, ahead)
    except (WherryError, OSError) as error:
        log.debug("start failed", exc_info=error)
        log.critical("%s", error)
        sys.exit(1)
    finally:
        pidfile.close()


def _serve(options: Options, words: Sequence[str], ahead: Ahead) -> None:
    for note in options.notes:
        log.info("%s", note)
    # What is loaded now stays for good: nothing of it is worth collecting.
    gc.disable()
    # Here, so that `wherryd -h` and a wrong flag answer at once, and keepers start meanwhile.
    import asyncio  # noqa: PLC0415

    from wherry.daemon.life import Life  # noqa: PLC0415

    async def live() -> None:
        await Life(options, words, ahead.open_files).live()

    asyncio.run(live())
