"""Build contexts as a client sends them: a directory becomes a tar stream, always the same one."""
