from __future__ import annotations

import json

import pytest

from wherry.registry.server.backend import ManifestInvalidError
from wherry.registry.server.hosted.document import read_document, size_of

DIGEST = "sha256:" + "a" * 64


def layer(**fields: object) -> str:
    return json.dumps({"mediaType": "x/y", "digest": DIGEST, "size": 1, **fields})


HOSTILE = {
    "nothing": b"",
    "not JSON": b"{",
    "not an object": b"[]",
    "not UTF-8": b'{"other":"\xff"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "nested": b'{"other":' * 100_000,
    "nested lists": b'{"other":' + b"[" * 100_000,
    "nested where a list is wanted": b'{"layers":' + b"[" * 100_000,
    "lone surrogate": b'{"artifactType":"\\ud800"}',
    "lone surrogate in what nobody reads": b'{"other":"\\udfff"}',
    "lone surrogate as bytes": b'{"artifactType":"\xed\xa0\x80"}',
    "NUL": b'{"artifactType":"a\\u0000"}',
    "NUL in a key": b'{"annotations":{"\\u0000":""}}',
    "huge number": b'{"schemaVersion":' + b"9" * 30 + b"e999}",
    "huge integer": b'{"other":' + b"9" * 5000 + b"}",
    "NaN": b'{"other":NaN}',
    "same key twice": b'{"layers":[],"layers":[]}',
    "same key twice, deep": b'{"other":[{"a":1,"a":2}]}',
    "same key in two spellings": b'{"layers":[],"Layers":[]}',
    "schema version of another type": b'{"schemaVersion":"2"}',
    "annotations of another type": b'{"annotations":{"a":1}}',
    "size beyond 64 bits": f'{{"layers":[{layer(size=1 << 64)}]}}'.encode(),
    "size beyond 63 bits": f'{{"layers":[{layer(size=1 << 63)}]}}'.encode(),
    "size below nothing": f'{{"layers":[{layer(size=-1)}]}}'.encode(),
    "size with a fraction": f'{{"layers":[{layer(size=1.5)}]}}'.encode(),
    "size that is true": f'{{"layers":[{layer(size=True)}]}}'.encode(),
    "no type": f'{{"config":{layer(mediaType="")}}}'.encode(),
    "digest of no algorithm": f'{{"subject":{layer(digest="md5:" + "a" * 32)}}}'.encode(),
    "digest that leads elsewhere": f'{{"layers":[{layer(digest="sha256:../../x")}]}}'.encode(),
    "digest in capitals": f'{{"manifests":[{layer(digest=DIGEST.replace("a", "A"))}]}}'.encode(),
    "no digest": b'{"blobs":[{"mediaType":"x/y","size":1}]}',
    "null among layers": b'{"layers":[null]}',
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_no_manifest_is_refused_in_words(case: str) -> None:
    with pytest.raises(ManifestInvalidError) as caught:
        read_document(HOSTILE[case])
    assert len(str(caught.value)) < 600
    assert str(caught.value).isprintable()


def test_null_is_as_good_as_nothing() -> None:
    document = read_document(b'{"layers":null,"config":null,"annotations":null,"subject":null}')
    assert document.layers is None
    assert document.config is None


def test_what_nobody_knows_is_passed_over() -> None:
    assert read_document(b'{"future":[{"a":1.5e3}],"schemaVersion":2}').schema_version == 2


def test_keys_of_annotations_may_differ_by_capitals() -> None:
    document = read_document(b'{"annotations":{"a":"1","A":"2"}}')
    assert document.annotations == {"a": "1", "A": "2"}


def test_a_layer_that_is_there_twice_is_pulled_once() -> None:
    document = read_document(f'{{"layers":[{layer(size=5)},{layer(size=5)}]}}'.encode())
    assert size_of(document.layers or []) == 5


def test_a_large_document_is_read() -> None:
    body = f'{{"layers":[{",".join([layer()] * 20_000)}]}}'.encode()
    assert len(read_document(body).layers or []) == 20_000
