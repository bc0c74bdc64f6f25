"""`dataclass`, finished when it is first used: a start does not wait for what it may never need.

The standard library's decorator writes and compiles the source of six methods for each class, about
a millisecond: 0.16 of the 0.4 seconds that the engine's imports took. Here the decorator only makes
the class with its slots; the methods are the standard library's own, and come with the first
instance, or when somebody asks for the fields. What a class is, it is from the start: `replace`,
`fields`, `isinstance`, inheritance and equality are those of any dataclass.

Classes that have no slots, or an `__init__` of their own, are handed on to the standard library.
"""

from __future__ import annotations

import dataclasses
from _thread import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - for others to import
    from typing import Any

_FIELDS = "__dataclass_fields__"
# Two threads may be the first; a class may have to finish the one that it is built on.
_finishing = RLock()
# What the standard library adds to a class of ours; `__init__` last, for who has that has all.
_MADE = (
    _FIELDS, "__dataclass_params__", "__match_args__", "__repr__", "__eq__", "__hash__",
    "__setattr__", "__delattr__", "__getstate__", "__setstate__", "__init__",
)  # fmt: skip


class _Unfinished:
    """Stands where the fields will be, and finishes the class when somebody asks for them."""

    __slots__ = ("defaults", "made", "options")

    def __init__(self, made: type, defaults: dict[str, Any], options: dict[str, Any]) -> None:
        self.made = made
        self.defaults = defaults
        self.options = options

    def __get__(self, instance: object, owner: type) -> Any:
        self.finish()
        return getattr(owner, _FIELDS)

    def finish(self) -> None:
        """Give the class its methods."""
        with _finishing:
            if self.made.__dict__[_FIELDS] is self:
                self._finish(self.made)

    def _finish(self, made: type) -> None:
        slots = made.__dict__["__slots__"]
        left_out = {"__slots__", "__init__", "__dict__", "__weakref__", _FIELDS, *slots}
        content = {name: one for name, one in made.__dict__.items() if name not in left_out}
        twin = type(made)(made.__name__, made.__bases__, content | self.defaults)
        twin.__qualname__ = made.__qualname__
        twin = dataclasses.dataclass(slots=True, **self.options)(twin)
        for name in _MADE:
            if name in twin.__dict__ and name not in content:
                setattr(made, name, twin.__dict__[name])


def _lazy(made: type, options: dict[str, Any]) -> Any:
    content = dict(made.__dict__)
    if not options.pop("slots", False) or "__init__" in content:
        return dataclasses.dataclass(**options)(made)
    annotations = content.get("__annotations__", {})
    names = [name for name, kind in annotations.items() if "ClassVar" not in str(kind)]
    defaults = {name: content.pop(name) for name in names if name in content}
    inherited = {slot for base in made.__mro__[1:-1] for slot in base.__dict__.get("__slots__", ())}
    content["__slots__"] = tuple(name for name in names if name not in inherited)
    for name in ("__dict__", "__weakref__"):
        content.pop(name, None)
    lazy: Any = type(made)(made.__name__, made.__bases__, content)
    lazy.__qualname__ = made.__qualname__

    def initialise(self: Any, *values: Any, **named: Any) -> None:
        unfinished.finish()
        lazy.__init__(self, *values, **named)

    unfinished = _Unfinished(lazy, defaults, options)
    setattr(lazy, _FIELDS, unfinished)
    lazy.__init__ = initialise
    return lazy


if not TYPE_CHECKING:

    def dataclass(made: type | None = None, /, **options: Any) -> Any:
        """As `dataclasses.dataclass`."""
        return (lambda given: _lazy(given, options)) if made is None else _lazy(made, options)
