"""JSON of clients into typed values, as forgiving as Go's decoder and with clearer errors.

Go matches keys without regard to case, takes null for any zero value, and ignores keys that it does
not know; clients rely on all three. Keys are folded to the names that a type has before msgspec
validates, so that a wrong type is still an error that names its field.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from wherry.base.errors import InvalidError
from wherry.oci.reading import shaped

Value = TypeVar("Value")


class InvalidJSONError(InvalidError):
    """The bytes are not JSON, or not of the shape that is wanted."""


def decode(data: bytes, kind: type[Value]) -> Value:
    """Decode `data` as `kind`; `InvalidJSONError` says in one line what is wrong, and where."""
    try:
        plain = msgspec.json.decode(data)
        return shaped(_fold(plain, _shape(kind)), kind)
    except msgspec.ValidationError as error:
        raise InvalidJSONError(f"invalid JSON: {_in_words(str(error))}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidJSONError(f"invalid JSON: {str(error) or 'not UTF-8'}") from None
    except RecursionError:
        raise InvalidJSONError("invalid JSON: nested too deeply") from None


def _in_words(message: str) -> str:
    """Turn msgspec's "Expected `str`, got `int` - at `$.Image`" into "Image: expected str..."."""
    what, _, place = message.replace("`", "").partition(" - at ")
    place = place.removeprefix("$").removeprefix(".")
    what = what[:1].lower() + what[1:]
    return f"{place}: {what}" if place else what


class _Fields:
    """A struct's fields by their folded names, each with the shape of its value."""

    def __init__(self, fields: tuple[inspect.Field, ...]) -> None:
        self.names = {field.encode_name.casefold(): field.encode_name for field in fields}
        self.kinds = {field.encode_name: field.type for field in fields}


_shape: Callable[[Any], inspect.Type] = cache(inspect.type_info)


@cache
def _fields(struct: type) -> _Fields:
    shape = inspect.type_info(struct)
    assert isinstance(shape, inspect.StructType)
    return _Fields(shape.fields)


def _fold(value: Any, shape: inspect.Type) -> Any:
    if isinstance(shape, inspect.UnionType):
        for choice in shape.types:
            value = _fold(value, choice)
        return value
    if isinstance(value, dict):
        if isinstance(shape, inspect.StructType):
            return _fold_struct(value, _fields(shape.cls))
        if isinstance(shape, inspect.DictType):
            return {key: _fold(item, shape.value_type) for key, item in value.items()}
    elif isinstance(value, list) and isinstance(shape, inspect.ListType):
        return [_fold(item, shape.item_type) for item in value]
    return value


def _fold_struct(value: dict[str, Any], fields: _Fields) -> dict[str, Any]:
    folded: dict[str, Any] = {}
    for key, item in value.items():
        name = fields.names.get(key.casefold())
        if name is not None and item is not None:
            folded[name] = _fold(item, fields.kinds[name])
    return folded
