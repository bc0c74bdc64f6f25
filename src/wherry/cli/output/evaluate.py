"""The value of a template's pipeline: fields, variables, literals, functions, parentheses. Pure."""

from __future__ import annotations

import json

from wherry.cli.output import functions, shapes
from wherry.cli.output.lexer import TemplateError, Token, bad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MISSING = functions.MISSING


class Scope:
    """What dot and the variables mean in a block; `typed`: dot is one of the engine's objects."""

    __slots__ = ("dot", "outer", "typed", "variables")

    def __init__(self, dot: Any, *, typed: bool = False, outer: Scope | None = None) -> None:
        self.dot = dot
        self.typed = typed
        self.outer = outer
        self.variables: dict[str, Any] = {} if outer else {"$": dot}

    def inner(self, dot: Any) -> Scope:
        """Return the scope of a block."""
        return Scope(dot, typed=self.typed, outer=self)

    def owner(self, name: str) -> Scope:
        """Return the scope that declares a variable."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return scope
            scope = scope.outer
        raise bad(f'undefined variable "{name}"')


def fault(at: int, context: str, reason: str) -> TemplateError:
    """Return the error for a template that does not fit the data."""
    return TemplateError(f'template: :1:{at}: executing "" at <{context}>: {reason}', parsing=False)


class Expression:
    """Evaluates a pipeline from its tokens."""

    def __init__(self, words: list[Token], scope: Scope) -> None:
        self._words = words
        self._at = 0
        self._scope = scope

    def value(self) -> Any:
        """Return the value of the whole pipeline."""
        result = self._pipeline()
        if self._at < len(self._words):
            raise bad(f"unexpected <{self._words[self._at].text}> in operand")
        return result

    def _pipeline(self) -> Any:
        value = self._command([])
        while self._peek("pipe"):
            self._at += 1
            value = self._command([value])
        return value

    def _peek(self, kind: str) -> bool:
        return self._at < len(self._words) and self._words[self._at].kind == kind

    def _command(self, last: list[Any]) -> Any:
        """Evaluate a function or a value with its arguments; `last` comes from the pipe."""
        if self._at >= len(self._words):
            raise bad("missing value for command")
        start = self._at
        word = self._words[start]
        if word.kind == "name" and word.text not in functions.CONSTANTS:
            self._at += 1
            arguments = self._arguments() + last
            return self._call(functions.FUNCTIONS[word.text], word.text, start, arguments)
        value = self._operand()
        arguments = self._arguments() + last
        if callable(value):
            return self._call(value, word.text.removeprefix("."), start, arguments)
        if arguments:
            raise bad(f"can't give argument to non-function {word.text}")
        if word.text == "nil" and word.kind == "name":
            raise fault(word.at, "nil", "nil is not a command")
        return value

    def _call(self, function: Any, name: str, start: int, arguments: list[Any]) -> Any:
        try:
            return function(*arguments)
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            words = self._words[start : self._at]
            context = words[0].text + "".join(
                f"{'' if word.kind == 'close' else ' '}{word.text}" for word in words[1:]
            )
            raise fault(words[0].at, context, f"error calling {name}: {error}") from error

    def _arguments(self) -> list[Any]:
        found = []
        while self._at < len(self._words) and self._words[self._at].kind not in ("pipe", "close"):
            found.append(self._operand())
        return found

    def _operand(self) -> Any:
        word = self._words[self._at]
        self._at += 1
        if word.kind == "open":
            value = self._pipeline()
            if not self._peek("close"):
                raise bad("unclosed left paren")
            self._at += 1
        elif word.kind == "literal":
            value = self._literal(word.text)
        elif word.kind == "field":
            return self._fields(self._scope.dot, word)
        elif word.kind == "variable":
            value = self._scope.owner(word.text).variables[word.text]
        elif word.kind == "name" and word.text in functions.CONSTANTS:
            value = functions.CONSTANTS[word.text]
        elif word.kind == "name":
            self._at -= 1
            return self._command([])
        else:
            raise bad(f"unexpected <{word.text}> in operand")
        if self._peek("field") and self._words[self._at].joined:
            self._at += 1
            return self._fields(value, self._words[self._at - 1])
        return value

    @staticmethod
    def _literal(text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise bad(f"cannot read {text}") from error

    def _fields(self, value: Any, word: Token) -> Any:
        if word.text == ".":
            return value
        names = word.text[1:].split(".")
        free, parent = False, ""
        for name in names:
            try:
                value = self._field(value, name, free=free)
            except KeyError as error:
                at = word.at if len(names) == 1 else word.at + 1 + len(names[0])
                raise fault(at, word.text, error.args[0]) from error
            free, parent = shapes.is_map(name, parent), name
        return value

    def _field(self, value: Any, name: str, *, free: bool) -> Any:
        """Return a field; raises KeyError with the reason."""
        if isinstance(value, functions.Record):
            if name not in value:
                raise KeyError(f"can't evaluate field {name}{_hint(name, value)}")
            return value[name]
        if isinstance(value, dict):
            if name in value:
                return value[name]
            if free:
                return MISSING
            if self._scope.typed and name in shapes.OMITTED:
                return shapes.OMITTED[name]
            raise KeyError(f'map has no entry for key "{name}"{_hint(name, value)}')
        if value is None or value is MISSING:
            raise KeyError(f"nil pointer evaluating .{name}")
        raise KeyError(f"can't evaluate field {name} in type interface {{}}")


def _hint(name: str, known: dict[str, Any]) -> str:
    from wherry.cli.suggest import closest  # noqa: PLC0415 - only for a mistyped field

    found = closest(name, known)
    return f" (did you mean .{found}?)" if found else ""
