"""Runs in the machine: looks at what an engine has on its disk without asking the engine.

Prints a JSON list of everything that is wrong: blobs that are not what their name says, layers
without a row and rows without a layer, images that lack a part, directories that nobody owns, and
whatever is half-made. Standard library only, and nothing of wherry: it must not share its mistakes.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import Iterator

ROOT = sys.argv[1] if len(sys.argv) > 1 else "/var/lib/wherry"


def digest_of(path: str) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def blobs() -> Iterator[str]:
    """Every blob has the digest that it is called by."""
    folder = f"{ROOT}/content/sha256"
    for name in os.listdir(folder):
        if digest_of(f"{folder}/{name}") != name:
            yield f"blob {name} is {os.path.getsize(f'{folder}/{name}')} bytes of something else"


def layers(database: sqlite3.Connection) -> Iterator[str]:
    """Directories and rows are the same layers."""
    rows = {row[0].partition(":")[2] for row in database.execute("SELECT diff_id FROM layers")}
    there = set(os.listdir(f"{ROOT}/layers")) - {"empty"}
    yield from (f"layer {name} has no row" for name in there - rows)
    yield from (f"layer {name} has no directory" for name in rows - there)


def images(database: sqlite3.Connection) -> Iterator[str]:
    """Every image has its configuration and its layers; every name leads to an image."""
    rows = {row[0] for row in database.execute("SELECT diff_id FROM layers")}
    ids = set()
    for image_id, body in database.execute("SELECT id, body FROM images"):
        ids.add(image_id)
        if not os.path.exists(f"{ROOT}/content/sha256/{image_id.partition(':')[2]}"):
            yield f"image {image_id} has no configuration"
        for layer in json.loads(body)["layers"]:
            if layer["diff_id"] not in rows:
                yield f"image {image_id} has no layer {layer['diff_id']}"
    for reference, image_id in database.execute("SELECT reference, image_id FROM names"):
        if image_id not in ids:
            yield f"name {reference} leads to {image_id}, which is not there"


def records(database: sqlite3.Connection) -> Iterator[str]:
    """Directories and records are the same containers and volumes; nothing is half filled."""
    for kind in ("containers", "volumes"):
        query = "SELECT id, name FROM records WHERE kind = ?"
        rows = {row[0] for row in database.execute(query, (kind,))}
        there = set(os.listdir(f"{ROOT}/{kind}")) if os.path.isdir(f"{ROOT}/{kind}") else set()
        yield from (f"{kind}: {name} has no record" for name in there - rows)
        yield from (f"{kind}: {name} has no directory" for name in rows - there)
    for name in os.listdir(f"{ROOT}/volumes"):
        if (inside := os.listdir(f"{ROOT}/volumes/{name}")) != ["_data"]:
            yield f"volume {name} has {inside}"


def contents() -> Iterator[str]:
    """Whatever has a list of sums beside it has these sums."""
    for kind in ("layers", "volumes", "containers"):
        for folder, _, files in os.walk(f"{ROOT}/{kind}"):
            if "SUMS" not in files:
                continue
            with open(f"{folder}/SUMS") as file:
                lines = file.read().splitlines()
            if not lines:
                yield f"{folder}/SUMS is empty"
            for line in lines:
                wanted, _, name = line.partition("  ")
                path = f"{folder}/{name}"
                if not os.path.exists(path):
                    yield f"{path} is missing"
                elif digest_of(path) != wanted:
                    yield f"{path} has {os.path.getsize(path)} bytes of something else"


def leftovers() -> Iterator[str]:
    """Nothing is half-made, but for blobs of a pull that can be gone on with."""
    for folder, folders, files in os.walk(ROOT):
        if folder in (f"{ROOT}/layers", f"{ROOT}/containers", f"{ROOT}/volumes"):
            folders[:] = [name for name in folders if name.endswith(".partial")]
        for name in (*folders, *files):
            resumable = folder == f"{ROOT}/content/partial" and not name.startswith("nameless")
            if name.endswith(".partial") and not resumable:
                yield f"{folder}/{name} is half-made"
    yield from (f"trash: {name}" for name in os.listdir(f"{ROOT}/trash"))


def wrong() -> Iterator[str]:
    """Return everything that is wrong."""
    database = sqlite3.connect(f"file:{ROOT}/wherry.db?mode=ro", uri=True)
    (verdict,) = database.execute("PRAGMA integrity_check").fetchone()
    if verdict != "ok":
        yield f"the database: {verdict}"
    yield from blobs()
    yield from layers(database)
    yield from images(database)
    yield from records(database)
    yield from contents()
    yield from leftovers()


if __name__ == "__main__":
    print(json.dumps(list(wrong())))
