"""Flags that every list has."""

from __future__ import annotations

from wherry.cli.flags import declare

FORMAT = declare("""
    --format string  Format output: 'table', 'table TEMPLATE', 'json', or a Go template
    --no-trunc  Don't truncate output
-q  --quiet  Only display IDs
""")
FILTER = declare("""
-f  --filter filter  Filter output based on conditions provided
""")
