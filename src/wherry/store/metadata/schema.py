"""The schema of `wherry.db`, drawn; whoever changes it raises VERSION and adds a migration.

settings   key -> value                              `engine-id` and the like
records    (kind, id) -> name, body                  containers, networks, volumes: the body is
                                                     the engine's JSON; a name is unique in its
                                                     kind, "" means no name
layers     diff_id -> size, pending, made            an unpacked layer; `pending` lists hard
                                                     links whose target is in a lower layer;
                                                     `made` is "boot-id random" until the files
                                                     have been forced to the disk, then ""
images     id -> created, body                       see `store.images`
names      reference -> image_id                     canonical, with tag or with digest
leases     (name, resource)                          keeps blobs and layers from collection
build_cache   key -> diff_id, sizes, times, body     a step of a build and the layer that it made,
                                                     "" where it changed nothing; keeps the layer
build_mounts  id -> created, used, uses, description directories of `RUN --mount=type=cache`
build_memory  slot -> at, body                       what a step depended on the last time

Edition 2 brought `made` and the three of builds.
"""

from __future__ import annotations

from typing import Final

VERSION: Final = 2

# What makes a database of an edition one of the next; tables that are new are made anyway.
MIGRATIONS: Final = {
    1: "ALTER TABLE layers ADD COLUMN made TEXT NOT NULL DEFAULT '';",
}

TABLES: Final = """
CREATE TABLE IF NOT EXISTS settings (
    key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS record_names ON records (kind, name) WHERE name <> '';
CREATE TABLE IF NOT EXISTS layers (
    diff_id TEXT PRIMARY KEY, size INTEGER NOT NULL, pending TEXT NOT NULL,
    made TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS images (
    id TEXT PRIMARY KEY, created INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS names (
    reference TEXT PRIMARY KEY, image_id TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS names_of_image ON names (image_id);
CREATE TABLE IF NOT EXISTS leases (
    name TEXT NOT NULL, resource TEXT NOT NULL, PRIMARY KEY (name, resource)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS build_cache (
    key TEXT PRIMARY KEY, diff_id TEXT NOT NULL, size INTEGER NOT NULL, tar_size INTEGER NOT NULL,
    created INTEGER NOT NULL, used INTEGER NOT NULL, uses INTEGER NOT NULL, kind TEXT NOT NULL,
    description TEXT NOT NULL, parent TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS build_mounts (
    id TEXT PRIMARY KEY, created INTEGER NOT NULL, used INTEGER NOT NULL, uses INTEGER NOT NULL,
    description TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS build_memory (
    slot TEXT PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS build_memory_by_age ON build_memory (at);
"""
