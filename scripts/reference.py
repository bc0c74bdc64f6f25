"""Writes what is made of the programs' own tables: reference pages, manual pages, completions.

    python scripts/reference.py docs [DIR]         docs/reference/*.md, or below DIR
    python scripts/reference.py man DIR            DIR/man1/…, man5/…, man8/…, for packages
    python scripts/reference.py completions DIR    DIR/usr/share/…, for packages
    python scripts/reference.py completions-docker DIR    those of the program as `docker`

`docs` puts the tables into docs/compatibility.md as well, unless it writes elsewhere.

Files that nothing is made into any more are removed from docs/reference.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "src")]

from manual import pages  # noqa: E402 - only now can it be found

DOCS = ROOT / "docs" / "reference"
COMPATIBILITY = ROOT / "docs" / "compatibility.md"
MAKERS = {
    "docs": pages.docs,
    "man": pages.man,
    "completions": pages.completions,
    "completions-docker": pages.docker_completions,
}


def main() -> None:
    """Write the files that the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=sorted(MAKERS))
    parser.add_argument("directory", nargs="?", type=Path, help="where to write")
    asked = parser.parse_args()
    if asked.directory is None and asked.what != "docs":
        parser.error(f"{asked.what}: name a directory")
    target = asked.directory or DOCS
    made = MAKERS[asked.what]()
    write(target, made)
    if target == DOCS:
        text = COMPATIBILITY.read_text(encoding="utf-8")
        COMPATIBILITY.write_text(pages.compatibility(text), encoding="utf-8")
    if asked.what == "docs":
        for path in sorted(target.glob("*.md")):
            if path.name not in made:
                path.unlink()


def write(target: Path, files: Mapping[str, str]) -> None:
    """Write files below a directory."""
    for name, text in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
