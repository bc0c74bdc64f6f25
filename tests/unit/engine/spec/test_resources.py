"""Limits of disks; the other limits are seen to be enforced in tests of the whole engine."""

from __future__ import annotations

import pytest

from wherry.base.errors import InvalidError
from wherry.engine.spec.resources import check, disks, resources
from wherry.wire.container_config import HostConfig, ThrottleDevice, WeightDevice

HOST = HostConfig(
    blkio_weight_device=[WeightDevice("/dev/a", 300)],
    blkio_device_read_bps=[ThrottleDevice("/dev/a", 1000), ThrottleDevice("/dev/b", 0)],
    blkio_device_write_iops=[ThrottleDevice("/dev/b", 7)],
)


def test_limits_of_disks() -> None:
    check(HOST, 1)
    assert disks(HOST) == {"/dev/a", "/dev/b"}
    assert resources(HOST, [], {"/dev/a": (8, 0), "/dev/b": (8, 16)})["blockIO"] == {
        "weightDevice": [{"major": 8, "minor": 0, "weight": 300}],
        "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1000}],  # 0 is no limit
        "throttleWriteIOPSDevice": [{"major": 8, "minor": 16, "rate": 7}],
    }


def test_nobody_asks_for_disks() -> None:
    assert disks(HostConfig()) == set()
    assert "blockIO" not in resources(HostConfig(), [], {})


@pytest.mark.parametrize(
    "host",
    [
        HostConfig(blkio_weight=9),
        HostConfig(blkio_weight=1001),
        HostConfig(blkio_weight_device=[WeightDevice("/dev/a", 5)]),
        HostConfig(blkio_device_write_bps=[ThrottleDevice("/dev/a", -1)]),
    ],
)
def test_limits_that_make_no_sense(host: HostConfig) -> None:
    with pytest.raises(InvalidError):
        check(host, 1)
