"""`python -m wherry.daemon.configuration default`: the file that a new installation has."""

from __future__ import annotations

import sys

from wherry.daemon.configuration.default_file import default_file


def main(words: list[str]) -> None:
    """Write the text of the default file to the standard output."""
    if words != ["default"]:
        sys.exit("usage: python -m wherry.daemon.configuration default")
    sys.stdout.write(default_file())


if __name__ == "__main__":
    main(sys.argv[1:])
