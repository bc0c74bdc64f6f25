"""Packages and systems that the tests of this folder share; both are made once in a session."""

from __future__ import annotations

from fixtures.package_roots import bookworm, trixie
from fixtures.packages import packages

__all__ = ["bookworm", "packages", "trixie"]
