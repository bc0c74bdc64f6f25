"""Classes that are finished late are what the standard library would have made of them."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

import wherry
from wherry.base.values import dataclass, field

SOURCE = str(Path(wherry.__file__).parent.parent)


@dataclass(frozen=True, slots=True)
class Point:
    """A place."""

    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list, compare=False)
    origin: ClassVar[str] = "here"

    def sum(self) -> int:
        return self.x + self.y


@dataclass(frozen=True, slots=True)
class Named(Point):
    """A place with a name."""

    name: str = "somewhere"


@dataclass(slots=True, kw_only=True)
class Loose:
    """Can be changed."""

    size: int = 0


def test_what_it_is() -> None:
    point = Point(1)
    assert (point.x, point.y, point.tags, point.sum()) == (1, 2, [], 3)
    assert repr(point) == "Point(x=1, y=2, tags=[])"
    assert point == Point(1, tags=["other"])
    assert hash(point) == hash(Point(1))
    assert point != Point(2)
    assert replace(point, y=5) == Point(1, 5)
    assert Point.origin == "here"
    assert not hasattr(point, "__dict__")


def test_frozen_ones_cannot_be_changed_and_others_can() -> None:
    with pytest.raises(FrozenInstanceError):
        Point(1).x = 3  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del Point(1).x
    loose = Loose(size=1)
    loose.size += 1
    assert loose.size == 2
    with pytest.raises(AttributeError):
        loose.other = 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        hash(loose)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Loose(1)  # type: ignore[misc]


def test_a_child_of_a_class_that_is_not_finished() -> None:
    @dataclass(frozen=True, slots=True)
    class Base:
        one: int
        two: int = 2

    @dataclass(frozen=True, slots=True)
    class Child(Base):
        three: int = 3

    class Plain(Child):
        pass

    assert Plain(1).three == 3
    assert Child(1) == Child(1, 2, 3)
    assert isinstance(Child(1), Base)
    assert Child.__slots__ == ("three",)


def test_the_fields_can_be_asked_for_before_there_is_any() -> None:
    @dataclass(frozen=True, slots=True)
    class Fresh:
        one: int = 7

    assert dataclasses.is_dataclass(Fresh)
    assert [one.name for one in dataclasses.fields(Fresh)] == ["one"]
    assert Fresh().one == 7


def test_one_of_the_standard_library_on_top() -> None:
    @dataclass(frozen=True, slots=True)
    class Base:
        one: int = 1

    @dataclasses.dataclass(frozen=True)
    class Child(Base):
        two: int = 2

    assert Child(5, 6) == Child(one=5, two=6)


def test_msgspec_reads_it() -> None:
    @dataclass(frozen=True, slots=True)
    class Read:
        one: int
        two: str = "b"

    assert msgspec.convert({"one": 4}, Read) == Read(4)
    assert msgspec.json.encode(Read(4)) == b'{"one":4,"two":"b"}'


def test_matching() -> None:
    match Named(1, 2, name="n"):
        case Named(x, y, _, name):
            assert (x, y, name) == (1, 2, "n")
        case _:
            pytest.fail("did not match")


def test_copies() -> None:
    point = Point(3, tags=["t"])
    assert copy.deepcopy(point) == point
    assert pickle.loads(pickle.dumps(point)) == point


def test_an_init_of_its_own_stays() -> None:
    @dataclass(slots=True)
    class Own:
        one: int

        def __init__(self) -> None:
            self.one = 9

    assert Own().one == 9
    assert Own() == Own()


def test_methods_of_its_own_stay() -> None:
    @dataclass(frozen=True, slots=True)
    class Own:
        one: int

        def __repr__(self) -> str:
            return "own"

        def __post_init__(self) -> None:
            assert self.one > 0

    assert repr(Own(1)) == "own"
    with pytest.raises(AssertionError):
        Own(0)


def test_threads_that_use_it_first_at_once() -> None:
    for _ in range(50):

        @dataclass(frozen=True, slots=True)
        class Fresh:
            one: int
            two: int = 2

        made: list[object] = []
        barrier = threading.Barrier(4)

        def use(fresh: type[Fresh] = Fresh) -> None:
            barrier.wait()  # noqa: B023 - joined below
            made.append(fresh(1))  # noqa: B023 - joined below

        threads = [threading.Thread(target=use) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert made == [Fresh(1)] * 4


def test_nothing_is_compiled_nor_loaded_before_it_is_needed() -> None:
    code = """
import sys, builtins
from wherry.base.values import dataclass, field
compiled = []
real = builtins.exec
builtins.exec = lambda *words: (compiled.append(1), real(*words))
@dataclass(frozen=True, slots=True)
class Fresh:
    one: int
    two: list[int] = field(default_factory=list)
    three: int = field(default=3, compare=False)
fresh = Fresh(1)
assert (fresh.one, fresh.two, fresh.three) == (1, [], 3)
assert Fresh(1, three=5).three == 5 and Fresh(1).two is not fresh.two
assert not compiled and "dataclasses" not in sys.modules
assert repr(fresh) == "Fresh(one=1, two=[], three=3)"
assert compiled
"""
    subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append({SOURCE!r}){code}"],
        check=True,
        timeout=30,
    )


@pytest.mark.parametrize(
    "use",
    [
        lambda one: setattr(one, "x", 3),
        lambda one: delattr(one, "x"),
        hash,
        repr,
        copy.copy,
        copy.deepcopy,
        pickle.dumps,
        lambda one: one == one,
        lambda one: one < one,
        lambda one: dataclasses.asdict(one),
        lambda one: replace(one, x=9),
    ],
)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"frozen": True},
        {"eq": False},
        {"repr": False},
        {"order": True},
        {"frozen": True, "eq": False},
        {"unsafe_hash": True},
        {"frozen": True, "order": True},
    ],
    ids=str,
)
def test_the_first_use_is_as_the_standard_librarys(
    use: Callable[[Any], Any], options: dict[str, bool]
) -> None:
    results = []
    for decorator in (dataclass, dataclasses.dataclass):
        made = decorator(slots=True, **options)(_fresh())
        globals()["Written"] = made
        one = made(1, y=2)
        try:
            result = use(one)
        except (TypeError, AttributeError) as error:
            result = type(error), str(error)
        if isinstance(result, int) and use is hash and not options.get("eq", True):
            result = "its identity"
        results.append(
            (getattr(one, "x", "gone"), one.y, one.z, repr(result).partition(" at 0x")[0])
        )
    assert results[0] == results[1]


def _fresh() -> type:
    class Written:
        """As written."""

        x: int
        y: int = 5
        z: str = "z"

    Written.__qualname__ = "Written"
    return Written


@pytest.mark.parametrize("values", [(), (1, 2, 3, 4)])
@pytest.mark.parametrize("named", [{}, {"x": 1}, {"y": 3, "z": ""}, {"other": 1}])
def test_arguments_are_the_standard_librarys_affair(
    values: tuple[Any, ...], named: dict[str, Any]
) -> None:
    results = []
    for decorator in (dataclass, dataclasses.dataclass):
        made = decorator(slots=True)(_fresh())
        try:
            results.append(repr(made(*values, **named)))
        except TypeError as error:
            results.append(str(error))
    assert results[0] == results[1]


def test_a_default_that_can_be_changed_is_refused() -> None:
    class Written:
        """As written."""

        x: list[int] = []  # noqa: RUF012

    with pytest.raises(ValueError, match="mutable default"):
        dataclass(slots=True)(Written)()


def test_many_instances() -> None:
    made = dataclass(slots=True)(_fresh())
    assert {made(number).x for number in range(300)} == set(range(300))
    assert isinstance(made.__dict__["__dataclass_fields__"], dict)  # finished by their number
    assert made(1) == made(1)
