"""`dataclass`, finished when it is needed: a start does not wait for what it may never use.

The standard library's decorator writes and compiles the source of six methods for each class, about
a millisecond, and loads a dozen modules for that; most classes have few instances or none while a
program starts. Here the decorator makes the class with its slots, and the first instances are given
their fields one by one. All else is the standard library's own, and comes when somebody compares an
instance, shows it or asks for the fields, passes what does not fit, or makes the hundredth. What a
class is, it is from the start: `replace`, `fields`, `isinstance`, inheritance, matching and
equality are those of any dataclass.

Classes that have no slots, or an `__init__` of their own, are handed on to the standard library.
"""

from __future__ import annotations

from _thread import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - for others to import
    from dataclasses import field as field  # noqa: PLC0414 - for others to import
    from typing import Any

_FIELDS = "__dataclass_fields__"
# So many instances are made field by field, which takes two microseconds longer for each.
_FILLED = 100
# Two threads may be the first; a class may have to finish the one that it is built on.
_finishing = RLock()
# What the standard library adds to a class of ours; `__init__` last, for who has that has all.
_MADE = (
    _FIELDS, "__dataclass_params__", "__match_args__", "__repr__", "__eq__", "__lt__", "__le__",
    "__gt__", "__ge__", "__hash__", "__setattr__", "__delattr__", "__getstate__", "__setstate__",
    "__init__",
)  # fmt: skip
_put = object.__setattr__


class _Field:
    """`dataclasses.field`, until the class is finished."""

    __slots__ = ("options",)

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options


def _real(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a class with the standard library's fields instead of ours."""
    import dataclasses  # noqa: PLC0415 - see the module

    return {
        name: dataclasses.field(**one.options) if isinstance(one, _Field) else one
        for name, one in content.items()
    }


class _Filling:
    """Gives instances their fields, as `__init__` would."""

    __slots__ = ("_defaults", "_factories", "_left", "_names")

    def __init__(self, names: Sequence[str], defaults: Mapping[str, Any]) -> None:
        self._names = dict.fromkeys(names)
        self._left = _FILLED
        self._defaults: dict[str, Any] = {}
        self._factories: dict[str, Callable[[], Any]] = {}
        for name, one in defaults.items():
            if not isinstance(one, _Field):
                self._defaults[name] = one
            elif "default_factory" in one.options:
                self._factories[name] = one.options["default_factory"]
            elif "default" in one.options:
                self._defaults[name] = one.options["default"]

    def __call__(self, instance: object, values: Sequence[Any], named: Mapping[str, Any]) -> bool:
        """Do so; False where `__init__` has to, because of the number or of what it was given."""
        self._left -= 1
        given = dict(zip(self._names, values, strict=False))
        fits = len(values) <= len(self._names) and given.keys().isdisjoint(named)
        given.update(named)
        if self._left < 0 or not fits or not given.keys() <= self._names.keys():
            return False
        for name in self._names:
            if name in given:
                _put(instance, name, given[name])
            elif name in self._factories:
                _put(instance, name, self._factories[name]())
            elif name in self._defaults:
                _put(instance, name, self._defaults[name])
            else:
                return False
        return True


class _Unfinished:
    """Stands where the fields will be, and finishes the class when somebody asks for them.

    `content` is what the class was written with.
    """

    __slots__ = ("_content", "_options", "made")
    made: type

    def __init__(self, content: dict[str, Any], options: dict[str, Any]) -> None:
        self._content = content
        self._options = options

    def __get__(self, instance: object, owner: type) -> Any:
        self.finish()
        return getattr(owner, _FIELDS)

    def finish(self) -> None:
        """Give the class its methods."""
        with _finishing:
            if self.made.__dict__[_FIELDS] is self:
                self._finish(self.made)

    def _finish(self, made: type) -> None:
        import dataclasses  # noqa: PLC0415 - see the module

        twin = type(made)(made.__name__, made.__bases__, _real(self._content))
        twin.__qualname__ = made.__qualname__
        twin = dataclasses.dataclass(slots=True, **self._options)(twin)
        for name in _MADE:
            if name in self._content:
                continue
            if name in twin.__dict__:
                setattr(made, name, twin.__dict__[name])
            elif name in made.__dict__:
                delattr(made, name)

    def stand_ins(self) -> dict[str, Callable[..., Any]]:
        """Return methods that finish the class, and do then what the real ones do."""
        options = self._options
        names = ["__repr__"] if options.get("repr", True) else []
        if options.get("eq", True):
            names.append("__eq__")
        if options.get("order"):
            names += ["__lt__", "__le__", "__gt__", "__ge__"]
        if options.get("frozen"):
            names += ["__hash__", "__setattr__", "__delattr__", "__getstate__"]
        elif options.get("unsafe_hash"):
            names.append("__hash__")
        return {name: self._stand_in(name) for name in names}

    def _stand_in(self, name: str) -> Callable[..., Any]:
        def method(instance: Any, *arguments: Any) -> Any:
            self.finish()
            return getattr(self.made, name)(instance, *arguments)

        return method


def _own_fields(content: Mapping[str, Any]) -> list[str]:
    annotations = content.get("__annotations__", {})
    return [name for name, kind in annotations.items() if "ClassVar" not in str(kind)]


def _is_plain(made: type, content: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Tell whether instances are no more than their fields, and each may be given by place."""
    kinds = " ".join(map(str, content.get("__annotations__", {}).values()))
    return not (
        options.get("kw_only")
        or "InitVar" in kinds
        or "KW_ONLY" in kinds
        or any(_FIELDS in base.__dict__ for base in made.__mro__[1:])
        or {"__post_init__", "__setattr__"} & content.keys()
    )


def _is_plain_default(one: Any) -> bool:
    """Tell whether a default is what it seems. The standard library refuses what can be changed."""
    if isinstance(one, _Field):
        return not {"init", "kw_only"} & one.options.keys()
    return type(one).__module__ != "dataclasses" and type(one).__hash__ is not None


def _lazy(made: type, options: dict[str, Any]) -> Any:
    content = {n: one for n, one in made.__dict__.items() if n not in ("__dict__", "__weakref__")}
    if content.get("__hash__", made) is None:
        # Python's word, not the author's.
        del content["__hash__"]
    if not options.pop("slots", False) or "__init__" in content:
        import dataclasses  # noqa: PLC0415 - see the module

        for name, one in _real(content).items():
            if isinstance(one, dataclasses.Field):
                setattr(made, name, one)
        return dataclasses.dataclass(**options)(made)
    names = _own_fields(content)
    inherited = {slot for base in made.__mro__[1:-1] for slot in base.__dict__.get("__slots__", ())}
    unfinished = _Unfinished(content, options)
    filling = None
    written = {name: one for name, one in content.items() if name not in names}
    defaults = {name: content[name] for name in names if name in content}
    if _is_plain(made, content, options) and all(map(_is_plain_default, defaults.values())):
        filling = _Filling(names, defaults)
        written = {"__match_args__": tuple(names)} | unfinished.stand_ins() | written

    def initialise(self: Any, *values: Any, **named: Any) -> None:
        if filling is None or not filling(self, values, named):
            unfinished.finish()
            lazy.__init__(self, *values, **named)

    written["__slots__"] = tuple(name for name in names if name not in inherited)
    written[_FIELDS], written["__init__"] = unfinished, initialise
    lazy: Any = type(made)(made.__name__, made.__bases__, written)
    lazy.__qualname__ = made.__qualname__
    unfinished.made = lazy
    return lazy


if not TYPE_CHECKING:

    def dataclass(made: type | None = None, /, **options: Any) -> Any:
        """As `dataclasses.dataclass`."""
        return (lambda given: _lazy(given, options)) if made is None else _lazy(made, options)

    def field(**options: Any) -> Any:
        """As `dataclasses.field`."""
        return _Field(options)
