"""The user's own terminal: raw mode, size, detach keys, signals, attached streams."""
