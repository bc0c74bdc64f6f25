"""The configuration of wherryd: one table of settings, read from daemon.json and from flags.

table/           every setting as data: what it is called, its form, its default, what it does
setting.py       the shape of one entry of the table
forms.py         how values are written, in the file and behind a flag
kinds.py         what values have to be that only the engine has: addresses, limits, pools
hosts.py         addresses to listen on
document.py      JSON with comments, parsed, with its lines; pure
flags.py         the command line, as dockerd's library understands it; pure
read.py          every key of a document is looked at by its form
agreement.py     what no single value shows: conflicts, and files that cannot be used
assemble.py      values become `Options`; pure
loading.py       the way in: `load`
reloading.py     what SIGHUP changes: `reload`
help.py, default_file.py, rows.py    the table, for people: --help, daemon.json, `reference`
"""

from __future__ import annotations

from wherry.base.configuration.problems import ConfigurationError
from wherry.daemon.configuration.loading import load
from wherry.daemon.configuration.options import Options, RegistryOptions, TlsOptions
from wherry.daemon.configuration.reloading import Reloaded, reload
from wherry.daemon.configuration.rows import Row, reference

__all__ = [
    "ConfigurationError",
    "Options",
    "RegistryOptions",
    "Reloaded",
    "Row",
    "TlsOptions",
    "load",
    "reference",
    "reload",
]
