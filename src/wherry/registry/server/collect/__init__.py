"""Garbage collection and retention, while everything goes on; and the check of what is kept."""
