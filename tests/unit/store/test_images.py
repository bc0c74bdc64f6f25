"""Names by repository, layers by blob."""

from __future__ import annotations

import pytest

from fixtures.images import add_image, archive
from wherry.oci.digest import digest_bytes
from wherry.oci.reference import parse_reference
from wherry.store.store import Store

ONE = archive({"one": b"1"})


def test_names_in_a_repository(store: Store) -> None:
    image = add_image(store, "app:1", ONE)
    digest = digest_bytes(b"manifest")
    for name in ("app:2", f"app@{digest}", "app2:1", "app/b:1", "ap:1", "r:5000/app:1", "app-b:1"):
        store.images.tag(parse_reference(name), image.id)
    found = store.images.in_repository("docker.io/library/app")
    assert [one.familiar for one in found] == ["app:1", "app:2", f"app@{digest}"]
    assert set(found.values()) == {image.id}
    assert [one.familiar for one in store.images.in_repository("r:5000/app")] == ["r:5000/app:1"]


@pytest.mark.parametrize("known", [True, False])
def test_a_layer_by_its_blob(store: Store, known: bool) -> None:
    image = add_image(store, "app:1", ONE)
    wanted = image.diff_ids[0] if known else digest_bytes(b"another")
    assert store.images.with_layer(wanted) == (image.layers[0] if known else None)
