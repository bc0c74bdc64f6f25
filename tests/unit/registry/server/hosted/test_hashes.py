from __future__ import annotations

import hashlib

from wherry.registry.server.hosted.hashes import Hashes
from wherry.registry.server.hosted.receive import new_hash


def test_a_hash_goes_on_where_it_stood() -> None:
    hashes = Hashes()
    first = hashes.at("upload", 0)
    assert first is not None
    first.update(b"abc")
    hashes.put("upload", 3, first)
    then = hashes.at("upload", 3)
    assert then is not None
    then.update(b"def")
    assert then.hexdigest() == hashlib.sha256(b"abcdef").hexdigest()
    again = hashes.at("upload", 3)
    assert again is not None
    assert again.hexdigest() == hashlib.sha256(b"abc").hexdigest()


def test_a_hash_of_another_size_is_none() -> None:
    hashes = Hashes()
    hashes.put("upload", 3, new_hash())
    assert hashes.at("upload", 4) is None
    assert hashes.at("other", 3) is None
    hashes.put("upload", 5, None)
    assert hashes.at("upload", 3) is None


def test_there_is_room_for_so_many() -> None:
    hashes = Hashes(room=2)
    for number in range(3):
        hashes.put(f"upload-{number}", 1, new_hash())
    assert hashes.at("upload-0", 1) is None
    assert hashes.at("upload-2", 1) is not None
    hashes.drop("upload-2")
    assert hashes.at("upload-2", 1) is None
