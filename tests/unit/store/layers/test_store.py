"""What is left of layers after a machine has died: those that had reached the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.layers import adopted, image_of
from wherry.oci.digest import Digest
from wherry.store.layers import store as module
from wherry.store.store import Store


def made(store: Store) -> dict[Digest, str]:
    return dict(store.metadata.database.rows("SELECT diff_id, made FROM layers"))


def reboot(store: Store) -> None:
    with store.metadata.database.transaction() as writer:
        writer.execute("UPDATE layers SET made = 'another boot' WHERE made <> ''")
    store.recover()


def test_what_was_not_forced_to_the_disk_goes_with_the_machine(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path), sync=True)
    kept = adopted(store, {"f": b"kept"})
    image_of(store, kept)
    torn = adopted(store, {"f": b"torn"})
    assert made(store)[kept.diff_id] == ""
    assert made(store)[torn.diff_id] != ""
    store.recover()  # only the engine has died
    assert store.layers.has(torn.diff_id)
    reboot(store)
    assert list(made(store)) == [kept.diff_id]
    assert not Path(store.layers.path(torn.diff_id)).exists()
    store.close()


def test_a_layer_made_anew_meanwhile_is_not_taken_for_the_one_that_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(str(tmp_path), sync=True)
    sealed = adopted(store, {"f": b"x"})
    before = made(store)

    def force(_: str) -> None:
        store.layers.remove(sealed.diff_id)
        adopted(store, {"f": b"x"})

    monkeypatch.setattr(module, "sync_file_system", force)
    store.layers.sync()
    assert made(store)[sealed.diff_id] not in ("", before[sealed.diff_id])
    store.close()
