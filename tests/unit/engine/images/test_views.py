"""Images as they are shown and chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from wherry.base.errors import InvalidError
from wherry.engine.images.views import Selection, history
from wherry.oci.digest import digest_bytes
from wherry.oci.image import HistoryEntry, ImageConfig, ImageRunConfig, RootFs
from wherry.oci.reference import Reference, parse_reference
from wherry.store.images import Image


def image(created: str | None = None, **more: object) -> Image:
    config = ImageConfig("amd64", "linux", created=created, rootfs=RootFs([]), **more)  # type: ignore[arg-type]
    return Image(digest_bytes(repr(more).encode()), config, b"", (), None, 0, None)  # type: ignore[call-arg]


def names(*texts: str) -> list[Reference]:
    return [parse_reference(text).with_default_tag() for text in texts]


def chosen(filters: Mapping[str, Sequence[str]], one: Image, *references: str) -> bool:
    known = {"old": image("2020-01-01T00:00:00Z"), "new": image("2024-01-01T00:00:00Z")}
    return Selection(filters, known.__getitem__).passes(one, names(*references))


def test_steps_without_layers_and_layers_without_steps() -> None:
    entries = [
        HistoryEntry(None, "one", "", "", empty_layer=False),
        HistoryEntry(None, "two", "", "", empty_layer=True),
    ]
    shown = history(image(history=entries), ["a:b"], [10, 20])
    assert [(s.created_by, s.size, bool(s.id)) for s in shown] == [
        ("", 20, True), ("two", 0, False), ("one", 10, False),
    ]  # fmt: skip
    assert history(image(history=None), [], [])[0].id


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, True), ({"before": ["new"]}, True), ({"before": ["old"]}, False),
        ({"since": ["old"]}, True), ({"since": ["new"]}, False), ({"dangling": ["true"]}, False),
        ({"dangling": ["0"]}, True), ({"label": ["a"]}, True), ({"label": ["a=b", "c"]}, False),
        ({"label!": ["a"]}, False), ({"until": ["2022-06-01"]}, True),
        ({"until": ["2021-06-01"]}, False),
    ],
)  # fmt: skip
def test_filters(filters: dict[str, list[str]], expected: bool) -> None:
    one = image("2022-01-01T00:00:00.123456789Z", config=ImageRunConfig(labels={"a": "b"}))
    assert chosen(filters, one, "x") is expected


@pytest.mark.parametrize(
    "created", ["yesterday", "", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "1e999", None]
)
def test_a_time_that_nobody_can_read_spoils_no_list(created: str | None) -> None:
    assert chosen({}, image(created), "x")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("busybox", 2), ("busybox:1*", 1), ("*", 2), ("*/*", 1), ("docker.io/library/busybox", 2),
        ("nothing", 0), ("*:latest", 1), ("quay.io/*/*:*", 0),
    ],
)  # fmt: skip
def test_patterns_stay_within_one_part_of_a_path(pattern: str, found: int) -> None:
    references = names("busybox", "busybox:1.36", "me/tool")
    left = Selection({"reference": [pattern]}, image).names(references)  # type: ignore[arg-type]
    assert len(left) == found


def test_a_filter_that_is_neither_true_nor_false() -> None:
    with pytest.raises(InvalidError, match="dangling"):
        chosen({"dangling": ["maybe"]}, image())
