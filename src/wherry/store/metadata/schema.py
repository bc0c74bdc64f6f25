"""The schema of `wherry.db`, drawn; whoever changes it raises VERSION and adds a migration.

settings   key -> value                              `engine-id` and the like
records    (kind, id) -> name, body                  containers, networks, volumes: the body is
                                                     the engine's JSON; a name is unique in its
                                                     kind, "" means no name
layers     diff_id -> size, pending                  an unpacked layer; `pending` lists hard
                                                     links whose target is in a lower layer
images     id -> created, body                       see `store.images`
names      reference -> image_id                     canonical, with tag or with digest
leases     (name, resource)                          keeps blobs and layers from collection
"""

from __future__ import annotations

from typing import Final

VERSION: Final = 1

TABLES: Final = """
CREATE TABLE IF NOT EXISTS settings (
    key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS record_names ON records (kind, name) WHERE name <> '';
CREATE TABLE IF NOT EXISTS layers (
    diff_id TEXT PRIMARY KEY, size INTEGER NOT NULL, pending TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS images (
    id TEXT PRIMARY KEY, created INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS names (
    reference TEXT PRIMARY KEY, image_id TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS names_of_image ON names (image_id);
CREATE TABLE IF NOT EXISTS leases (
    name TEXT NOT NULL, resource TEXT NOT NULL, PRIMARY KEY (name, resource)) WITHOUT ROWID;
"""
