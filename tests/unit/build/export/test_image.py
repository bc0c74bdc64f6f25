"""The configuration and history of a built image."""

from __future__ import annotations

import asyncio

from wherry.build.dockerfile.parse import parse
from wherry.build.export.image import COMMENT, Facts, Made, image_config
from wherry.build.graph.plan import Plan, Wanted, make_plan
from wherry.oci.digest import Digest
from wherry.oci.image import HistoryEntry, ImageConfig, ImageRunConfig, Platform

BASE = ImageConfig(
    "amd64", "linux", created="2020-01-01T00:00:00Z", author="base",
    config=ImageRunConfig(env=["PATH=/bin"], labels={"from": "base"}),
    history=[HistoryEntry("2020-01-01T00:00:00Z", "base step")], docker_version="20.10",
)  # fmt: skip
DIFF_IDS = [Digest(f"sha256:{'a' * 64}"), Digest(f"sha256:{'b' * 64}")]
SECOND = 1_000_000_000


def plan(text: str) -> Plan:
    async def images(reference: str, platform: Platform | None) -> ImageConfig:
        return BASE

    return asyncio.run(make_plan(parse(text), Wanted(), images, lambda _: False))


def made(text: str, layers: dict[int, Made], epoch_ns: int | None = None) -> ImageConfig:
    facts = Facts(
        layers, {"base": BASE}, DIFF_IDS, Platform("amd64", "linux"), now_ns=99 * SECOND,
        epoch_ns=epoch_ns, labels={"by": "flag"},
    )  # fmt: skip
    return image_config(plan(text), facts)


TEXT = "FROM base\nENV A=1\nRUN x\nRUN nothing\nCMD y\n"
LAYERS = {2: Made(layer=True, created=50 * SECOND), 3: Made(layer=False, created=60 * SECOND)}


def test_history_goes_on_where_the_base_ends() -> None:
    config = made(TEXT, LAYERS)
    assert [(h.created_by, h.empty_layer, h.comment) for h in config.history or ()] == [
        ("base step", False, ""),
        ("ENV A=1", True, COMMENT),
        ("RUN /bin/sh -c x", False, COMMENT),
        ("RUN /bin/sh -c nothing", True, COMMENT),
        ('CMD ["/bin/sh", "-c", "y"]', True, COMMENT),
    ]
    assert config.rootfs.diff_ids == DIFF_IDS
    assert (config.author, config.docker_version) == ("base", "")


def test_times_are_those_of_layers() -> None:
    config = made(TEXT, LAYERS)
    assert config.created == "1970-01-01T00:00:50Z"
    assert {h.created for h in (config.history or ())[1:]} == {"1970-01-01T00:00:50Z"}


def test_without_a_layer_of_its_own_it_is_as_old_as_its_base() -> None:
    assert made("FROM base\nLABEL a=b\n", {}).created == "2020-01-01T00:00:00Z"
    assert made("FROM scratch\nLABEL a=b\n", {}).created == "1970-01-01T00:01:39Z"


def test_an_epoch_takes_the_place_of_all_times_but_the_base_s() -> None:
    config = made(TEXT, LAYERS, epoch_ns=7 * SECOND)
    times = [h.created for h in config.history or ()]
    assert times == ["2020-01-01T00:00:00Z"] + ["1970-01-01T00:00:07Z"] * 4
    assert config.created == "1970-01-01T00:00:07Z"


def test_labels_of_the_request_come_last() -> None:
    config = made("FROM base\nLABEL by=file\n", {})
    assert config.config is not None
    assert config.config.labels == {"from": "base", "by": "flag"}


def test_stages_are_one_history() -> None:
    config = made("FROM base AS a\nRUN x\nFROM a\nRUN y\n", {
        1: Made(layer=True, created=1), 3: Made(layer=True, created=2),
    })  # fmt: skip
    assert [h.created_by for h in config.history or ()] == [
        "base step",
        "RUN /bin/sh -c x",
        "RUN /bin/sh -c y",
    ]
