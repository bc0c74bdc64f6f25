"""The database: one SQLite file in WAL mode, one writer at a time, readers that never wait."""
