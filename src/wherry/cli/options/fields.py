"""Values that are a list of fields: `type=local,dest=out`."""

from __future__ import annotations

from wherry.cli.errors import UsageError


def fields(text: str) -> list[str]:
    """Split at commas; a field in double quotes may contain them, as in CSV."""
    found, current, quoted = [], "", False
    for character in text:
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            found.append(current)
            current = ""
        else:
            current += character
    return [*found, current]


def pairs(text: str) -> dict[str, str]:
    """Read fields that are all `key=value`; keys in lower case, the last value counts."""
    found = {}
    for field in fields(text):
        key, equals, value = field.partition("=")
        if not equals:
            raise UsageError(f"invalid field '{field}' must be a key=value pair")
        found[key.strip().lower()] = value
    return found
