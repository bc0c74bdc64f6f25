"""JSON into typed values, from many threads at once."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import msgspec
import pytest

from wherry.oci.image import Descriptor, ImageConfig
from wherry.oci.reading import read, shaped

# Each round's types are new, so that all threads use them for the first time.
RACE = """
    import sys, threading
    import msgspec
    from wherry.oci.reading import read, shaped

    sys.setswitchinterval(1e-6)
    PLAIN = {"inner": {"many": [{"deep": {"a": 1}}]}}
    DATA = msgspec.json.encode(PLAIN)
    for round in range(150):
        others = [(f"f{n}", str, "") for n in range(30)]
        deepest = msgspec.defstruct("Deepest", [("a", int), *others])
        deep = msgspec.defstruct("Deep", [("deep", deepest)])
        middle = msgspec.defstruct("Middle", [("many", list[deep])])
        outer = msgspec.defstruct("Outer", [("inner", middle)])
        together = threading.Barrier(8)

        def work(number):
            together.wait()
            found = read(DATA, outer) if number % 2 else shaped(PLAIN, outer)
            assert found.inner.many[0].deep.a == 1

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print("done")
"""


def test_a_type_may_be_used_for_the_first_time_by_many_threads_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(RACE)],
        check=False, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_values_and_what_is_wrong_with_them() -> None:
    data = b'{"mediaType": "text/plain", "digest": "sha256:0", "size": 1}'
    assert read(data, Descriptor).size == 1
    assert shaped(msgspec.json.decode(data), Descriptor) == read(data, Descriptor)
    assert read("[]", list[Descriptor]) == []
    with pytest.raises(msgspec.ValidationError, match=r"\$\.size"):
        read(data.replace(b"1}", b"true}"), Descriptor)
    with pytest.raises(msgspec.DecodeError):
        read(b"{", ImageConfig)
