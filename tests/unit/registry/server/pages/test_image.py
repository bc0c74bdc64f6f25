from __future__ import annotations

from dataclasses import replace

import pytest

from wherry.oci import image
from wherry.oci.digest import digest_bytes
from wherry.oci.image import Descriptor
from wherry.registry.server.hosted.describe import (
    ChildDetail,
    ConfigDetail,
    HistoryDetail,
    ImageDetail,
    LayerDetail,
)
from wherry.registry.server.pages.image import MOST, kind_of, referrer_kind, show_image

LAYERS = tuple(
    LayerDetail(digest_bytes(bytes([number])), image.OCI_LAYER_GZIP, size)
    for number, size in enumerate((750, 250))
)
HISTORY = (
    HistoryDetail(created_by="/bin/sh -c #(nop) ADD file:1 in /"),
    HistoryDetail(created_by="ENV A=b", empty=True),
    HistoryDetail(created_by="RUN /bin/sh -c make # buildkit"),
)
DETAIL = ImageDetail(
    digest_bytes(b""),
    image.OCI_MANIFEST,
    1000,
    b"{}",
    config=ConfigDetail(history=HISTORY),
    layers=LAYERS,
)


def test_layers_are_told_with_what_made_them() -> None:
    shown = show_image(DETAIL)
    told = [
        (step.command, step.layer and step.layer.size, step.share) for step in shown.steps.shown
    ]
    assert told == [("ADD file:1 in /", 750, 0.75), ("ENV A=b", None, 0.0), ("RUN make", 250, 0.25)]
    assert [(one.start, one.width) for one in shown.segments] == [(0.0, 750.0), (750.0, 250.0)]
    assert shown.made.total == 0


@pytest.mark.parametrize("history", [(), HISTORY[:2], (*HISTORY, HISTORY[0])])
def test_a_history_that_does_not_fit_stands_apart(history: tuple[HistoryDetail, ...]) -> None:
    shown = show_image(replace(DETAIL, config=ConfigDetail(history=history)))
    assert [step.number for step in shown.steps.shown] == [1, 2]
    assert shown.made.total == len(history)


def test_layers_of_no_size_have_no_share() -> None:
    empty = tuple(replace(layer, size=0) for layer in LAYERS)
    assert [one.width for one in show_image(replace(DETAIL, layers=empty)).segments] == [0.0, 0.0]


def test_long_lists_are_cut() -> None:
    config = ConfigDetail(
        env=tuple(f"A{number}=b" for number in range(MOST + 5)),
        labels={f"l{number}": "" for number in range(MOST + 6)},
        ports=tuple(str(number) for number in range(MOST + 7)),
    )
    shown = show_image(replace(DETAIL, config=config, layers=LAYERS * MOST))
    assert (shown.env.left, shown.labels.left, shown.steps.left) == (5, 6, MOST)
    assert len(shown.segments) == MOST
    assert len(dict(shown.facts)["Exposed ports"].split(", ")) == MOST


def test_only_what_the_configuration_says_is_a_fact() -> None:
    config = ConfigDetail(entrypoint=("/bin/tini", "--"), cmd=("sh", "-c", "a b", ""), user="app")
    facts = show_image(replace(DETAIL, config=config)).facts
    assert facts == [
        ("Entrypoint", "/bin/tini --"),
        ("Command", 'sh -c "a b" ""'),
        ("User", "app"),
    ]


def test_attestations_come_after_what_can_be_run() -> None:
    note = {"vnd.docker.reference.type": "attestation-manifest"}
    children = (
        ChildDetail(digest_bytes(b"1"), image.OCI_MANIFEST, "unknown/unknown", annotations=note),
        ChildDetail(digest_bytes(b"2"), image.OCI_MANIFEST, "linux/amd64"),
    )
    detail = ImageDetail(digest_bytes(b""), image.OCI_INDEX, 2, b"{}", children=children)
    shown = show_image(detail)
    assert shown.is_index
    assert [child.platform for child in shown.children.shown] == ["linux/amd64", "unknown/unknown"]


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        (image.OCI_INDEX, "OCI index"),
        ("application/vnd.dev.cosign.artifact.sig.v1+json", "Signature (cosign)"),
        ("application/spdx+json", "SBOM (SPDX)"),
        ("application/vnd.cyclonedx+json", "SBOM (CycloneDX)"),
        ("application/vnd.in-toto+json", "Attestation (in-toto)"),
        ("application/x-unheard-of", "application/x-unheard-of"),
    ],
)
def test_kinds_have_names(media_type: str, kind: str) -> None:
    assert kind_of(media_type) == kind
    assert referrer_kind(Descriptor(media_type, digest_bytes(b""), 0)) == kind
    other = Descriptor(image.OCI_MANIFEST, digest_bytes(b""), 0, artifact_type=media_type)
    assert referrer_kind(other) == kind


def test_an_artifact_is_no_image() -> None:
    detail = replace(DETAIL, config=None, artifact_type="application/vnd.cncf.helm.config.v1+json")
    shown = show_image(detail)
    assert shown.is_artifact
    assert shown.kind == "Helm chart"
