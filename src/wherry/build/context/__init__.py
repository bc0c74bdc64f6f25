"""Trees of files that steps copy from."""
