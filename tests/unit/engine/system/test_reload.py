"""What the event of a reload tells."""

from __future__ import annotations

from wherry.engine.settings import ContainerDefaults, Settings, TransferSettings
from wherry.engine.system.reload import attributes


def test_the_attributes_are_dockerd_s() -> None:
    settings = Settings(
        containers=ContainerDefaults(shm_bytes=1 << 20, ipc_mode="shareable"),
        transfers=TransferSettings(downloads=4, insecure_registries=("a", "b")),
        labels=("x=y",),
        debug=True,
    )
    assert attributes(settings, unified=False) == {
        "debug": "true",
        "default-cgroupns-mode": "host",
        "default-ipc-mode": "shareable",
        "default-runtime": "wherry",
        "default-shm-size": "1048576",
        "features": "map[]",
        "insecure-registries": '["a","b"]',
        "labels": '["x=y"]',
        "live-restore": "true",
        "max-concurrent-downloads": "4",
        "max-concurrent-uploads": "5",
        "max-download-attempts": "5",
        "registry-mirrors": "[]",
        "runtimes": "wherry:wherry-runtime",
        "shutdown-timeout": "15",
    }
