from __future__ import annotations

import pytest

from wherry.registry.server.catalog.database import batches, marks


def test_marks_are_numbered_from_where_it_is_said() -> None:
    assert marks(["a"]) == "$1"
    assert marks([7, 8, 9], 3) == "$3, $4, $5"


@pytest.mark.parametrize(
    ("count", "lengths"),
    [(0, []), (1, [1]), (2, [2]), (3, [4]), (5, [8]), (512, [512]), (1100, [512, 512, 128])],
)
def test_batches_have_few_lengths_and_every_value(count: int, lengths: list[int]) -> None:
    made = list(batches(range(count)))
    assert [len(one) for one in made] == lengths
    assert list(dict.fromkeys(value for one in made for value in one)) == list(range(count))
