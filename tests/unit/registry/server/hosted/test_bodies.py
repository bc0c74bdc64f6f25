from __future__ import annotations

from wherry.oci.digest import digest_bytes
from wherry.registry.server.backend import StoredManifest
from wherry.registry.server.hosted.bodies import Bodies


def made(number: int, size: int = 1000) -> StoredManifest:
    body = bytes([number]) * size
    return StoredManifest(digest_bytes(body), "x/y", body)


def test_what_nobody_asked_for_longest_goes_first() -> None:
    bodies = Bodies(16_000)
    manifests = [made(number) for number in range(10)]
    for manifest in manifests:
        bodies.put(manifest)
    assert bodies.get(manifests[0].digest) == manifests[0]
    bodies.put(made(10))
    assert bodies.get(manifests[0].digest) == manifests[0]
    assert bodies.get(manifests[1].digest) is None


def test_a_body_is_counted_once() -> None:
    bodies = Bodies(16_000)
    for _ in range(100):
        bodies.put(made(1))
    bodies.put(made(2))
    assert bodies.get(made(1).digest) is not None
    assert bodies.get(made(2).digest) is not None


def test_a_large_one_does_not_push_out_the_others() -> None:
    bodies = Bodies(16_000)
    bodies.put(made(1))
    bodies.put(made(2, 3000))
    assert bodies.get(made(2, 3000).digest) is None
    assert bodies.get(made(1).digest) is not None
