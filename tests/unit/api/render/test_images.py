"""Images in the shapes that clients index into."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from wherry.api.render import images as render
from wherry.oci.digest import Digest
from wherry.oci.image import HistoryEntry, ImageConfig, ImageRunConfig, RootFs


def view(**changes: Any) -> Any:
    """An image without a name."""
    config = ImageConfig(
        architecture="amd64",
        os="linux",
        created="2026-11-23T20:19:34.662973423Z",
        config=ImageRunConfig(cmd=["sh"], env=["A=b"], labels={"x": "y"}),
        rootfs=RootFs([Digest("sha256:" + "2" * 64)]),
        history=[HistoryEntry(comment="Imported from -")],
    )
    fields: dict[str, Any] = {
        "id": "sha256:" + "1" * 64,
        "config": config,
        "tags": [],
        "digests": [],
        "parent": None,
        "size": 5,
        "containers": -1,
        "graph_data": {},
    }
    return SimpleNamespace(**{**fields, **changes})


def test_inspect() -> None:
    shown = render.inspect(view(tags=["a:1"]))
    assert shown["RepoTags"] == ["a:1"]
    assert shown["RepoDigests"] == []
    assert shown["Comment"] == "Imported from -"
    assert shown["Config"]["Cmd"] == ["sh"]
    assert shown["Config"]["Labels"] == {"x": "y"}
    assert shown["ContainerConfig"]["Volumes"] is None
    assert shown["RootFS"] == {"Type": "layers", "Layers": ["sha256:" + "2" * 64]}


def test_an_image_without_configuration() -> None:
    shown = render.inspect(view(config=ImageConfig()))
    assert shown["Created"] == "0001-01-01T00:00:00Z"
    assert shown["Config"]["Env"] is None
    assert render.summary(view(config=ImageConfig()), (1, 51))["Created"] == 0


def test_no_tag_was_a_tag_once() -> None:
    assert render.summary(view(), (1, 51))["RepoTags"] == []
    assert render.summary(view(), (1, 42))["RepoTags"] == ["<none>:<none>"]
    assert render.summary(view(), (1, 51))["Created"] == 1_795_465_174
