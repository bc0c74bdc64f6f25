"""Volumes: directories that outlive containers, and filling a new one with what an image has.

Blocking. Knows names and directories; who uses a volume, and what it is called by whom, is the
engine's affair.
"""
