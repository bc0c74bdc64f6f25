"""`python -m wherry.registry.server`: what `wherry registry` runs."""

from __future__ import annotations

import sys

from wherry.registry.server.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
