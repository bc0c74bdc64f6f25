"""Copies in memory that nobody can change."""

from __future__ import annotations

import os
import subprocess

import pytest

from wherry.linux.sealed import sealed_copy


def test_a_copy_runs_and_cannot_be_changed() -> None:
    copy = sealed_copy("/bin/true", "copied")
    try:
        path = f"/proc/self/fd/{copy}"
        assert subprocess.run(["true"], executable=path, pass_fds=[copy], check=True)
        for change in (lambda: os.pwrite(copy, b"x", 0), lambda: os.ftruncate(copy, 0)):
            with pytest.raises(PermissionError):
                change()
    finally:
        os.close(copy)
