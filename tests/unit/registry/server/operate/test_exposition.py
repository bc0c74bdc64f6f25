"""The text for Prometheus, and the figures of several processes in it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from fixtures.prometheus import read_metrics, value
from wherry.registry.server.operate.exposition import Family, Sample, Siblings, render


def family(count: float) -> Family:
    return Family("requests_total", "counter", "Requests.", [Sample(count, {"route": "blob"})])


def test_the_text_is_as_prometheus_wants_it() -> None:
    families = [
        Family("a", "gauge", "x\\y\nz", [Sample(1.5), Sample(2, {"l": 'q"\\\n'})]),
        Family(
            "h", "histogram", "h", [Sample(1, {"le": "+Inf"}, "_bucket"), Sample(3, {}, "_sum")]
        ),
    ]
    text = render(families).decode()
    assert text == (
        "# HELP a x\\\\y\\nz\n# TYPE a gauge\na 1.5\n"
        'a{l="q\\"\\\\\\n"} 2\n'
        '# HELP h h\n# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 3\n'
    )
    assert len(read_metrics(text)) == 4


def test_large_numbers_stay_whole() -> None:
    assert b"a 1099511627777\n" in render([Family("a", "gauge", "", [Sample((1 << 40) + 1)])])
    assert b"a 1e+300\n" in render([Family("a", "gauge", "", [Sample(1e300)])])


@pytest.fixture
def files() -> Iterator[list[int]]:
    made = [os.memfd_create(f"figures-{number}") for number in range(3)]
    yield made
    for file in made:
        os.close(file)


def test_whoever_is_asked_has_the_figures_of_all(files: list[int]) -> None:
    first, second = Siblings(files, 0), Siblings(files, 1)
    second.leave([family(100), family(100)])
    second.leave([family(7)])  # shorter than what was there
    samples = read_metrics(render(first.all([family(5)])).decode())
    assert value(samples, "requests_total", route="blob", worker="0") == 5
    assert value(samples, "requests_total", route="blob", worker="1") == 7
    assert len(samples) == 2


def test_a_file_that_is_half_written_is_left_out(files: list[int]) -> None:
    Siblings(files, 1).leave([family(7)])
    os.ftruncate(files[1], 20)
    assert len(Siblings(files, 0).all([family(5)])) == 1
