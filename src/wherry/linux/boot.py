"""Which boot of the machine this is."""

from __future__ import annotations


def boot_id() -> str:
    """Return what tells one boot from another (random(4))."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
