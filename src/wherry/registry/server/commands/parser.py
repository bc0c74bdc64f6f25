"""The parser of the command line: help with examples, and errors that lead to it."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

PROGRAM = "wherry registry"
USAGE = 2


class Parser(argparse.ArgumentParser):
    """As argparse's, but flags are never abbreviated and texts keep their lines."""

    def __init__(self, *, examples: str = "", **options: object) -> None:
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            **options,  # type: ignore[arg-type] # they are those of argparse
        )
        if examples:
            self.explain(self.description or "", examples)

    def explain(self, description: str, examples: str) -> None:
        """Say what the command does, and show how it is used."""
        self.description = description
        lines = examples.strip("\n")
        self.epilog = f"examples:\n{lines}"

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is, and end with USAGE."""
        sys.stderr.write(f"{self.prog}: {message}: see `{self.prog} -h`\n")
        sys.exit(USAGE)
