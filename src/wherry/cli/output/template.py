"""Go templates, as far as `--format` is used in scripts: a parser and an evaluator, both pure.

Fields, variables, pipelines, parentheses, literals, `range`, `if`, `else if`, `with`, `end`,
trimming (`{{-`), and docker's functions. Data is what JSON gives; a callable field (`.Label "x"`)
takes arguments. Missing fields of an object are an error, missing keys of a free map (labels,
ports, ...) are not, as with docker's typed objects.
"""

from __future__ import annotations

import json

from wherry.cli.errors import CommandError
from wherry.cli.output import functions
from wherry.cli.output.lexer import Token, split_text, tokens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FREE_MAPS = {
    "Labels", "Options", "Networks", "Ports", "PortBindings", "ExposedPorts", "Volumes", "Sysctls",
    "EndpointsConfig", "Containers", "DriverOpts", "Annotations", "Tmpfs", "StorageOpt", "Config",
}  # fmt: skip
MISSING = functions.MISSING


class Template:
    """A parsed template."""

    def __init__(self, text: str) -> None:
        self._parts = split_text(text)
        self._at = 0
        self._body = self._block(())
        if self._at < len(self._parts):
            raise bad(f"unexpected {{{{{self._parts[self._at][1]}}}}}")

    def render(self, data: Any) -> str:
        """Return the text for `data`; raises CommandError where it does not fit."""
        return _run(self._body, Scope(data))

    def _block(self, ends: tuple[str, ...]) -> list[Node]:
        nodes: list[Node] = []
        while self._at < len(self._parts):
            is_action, text = self._parts[self._at]
            if not is_action:
                nodes.append(Node("text", text=text))
                self._at += 1
                continue
            if text.startswith("/*"):
                self._at += 1
                continue
            words = tokens(text)
            keyword = words[0].text if words and words[0].kind == "name" else ""
            if keyword in ends:
                return nodes
            self._at += 1
            nodes.append(self._action(keyword, words))
        if ends:
            raise bad("unexpected EOF")
        return nodes

    def _action(self, keyword: str, words: list[Token]) -> Node:
        if keyword not in ("if", "range", "with"):
            return Node("output", words=words)
        body = self._block(("else", "end"))
        other: list[Node] = []
        _, text = self._parts[self._at]
        self._at += 1
        rest = tokens(text)
        if rest[0].text == "else":
            if len(rest) > 1:
                other = [self._action(rest[1].text, rest[1:])]
            else:
                other = self._block(("end",))
                self._at += 1
        return Node(keyword, words=words[1:], body=body, other=other)


class Node:
    """A text, an output or a block of a template."""

    __slots__ = ("body", "kind", "other", "text", "words")

    def __init__(
        self,
        kind: str,
        *,
        text: str = "",
        words: list[Token] | None = None,
        body: list[Node] | None = None,
        other: list[Node] | None = None,
    ) -> None:
        self.kind = kind
        self.text = text
        self.words = words or []
        self.body = body or []
        self.other = other or []


class Scope:
    """What dot and the variables mean."""

    __slots__ = ("dot", "variables")

    def __init__(self, dot: Any, variables: dict[str, Any] | None = None) -> None:
        self.dot = dot
        self.variables = {"$": dot} if variables is None else variables

    def inner(self, dot: Any) -> Scope:
        """Return the scope of a block."""
        return Scope(dot, dict(self.variables))


def bad(reason: str) -> CommandError:
    """Return the error for a template that cannot be used."""
    return CommandError(f"template parsing error: {reason}")


def _run(nodes: list[Node], scope: Scope) -> str:
    return "".join(_one(node, scope) for node in nodes)


def _one(node: Node, scope: Scope) -> str:
    if node.kind == "text":
        return node.text
    names, words = _declared(node.words)
    value = Expression(words, scope).value()
    if node.kind == "output":
        if names:
            scope.variables[names[-1]] = value
            return ""
        return functions.show(value)
    if node.kind == "range":
        return _range(node, scope, names, value)
    if not functions.truth(value):
        return _run(node.other, scope.inner(scope.dot))
    inner = scope.inner(value if node.kind == "with" else scope.dot)
    if names:
        inner.variables[names[-1]] = value
    return _run(node.body, inner)


def _range(node: Node, scope: Scope, names: list[str], value: Any) -> str:
    if isinstance(value, dict):
        items = [(key, value[key]) for key in sorted(value)]
    else:
        items = list(enumerate(value or ()))
    if not items:
        return _run(node.other, scope.inner(scope.dot))
    pieces = []
    for key, item in items:
        inner = scope.inner(item)
        if names:
            inner.variables[names[-1]] = item
        if len(names) == 2:
            inner.variables[names[0]] = key
        pieces.append(_run(node.body, inner))
    return "".join(pieces)


def _declared(words: list[Token]) -> tuple[list[str], list[Token]]:
    """Separate `$a, $b :=` from the pipeline behind it."""
    for n, word in enumerate(words):
        if word.kind == "assign":
            return [w.text for w in words[:n] if w.kind == "variable"], words[n + 1 :]
    return [], words


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
            raise bad(f"unexpected {self._words[self._at].text!r} in operand")
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
        word = self._words[self._at]
        if word.kind == "name" and word.text not in functions.CONSTANTS:
            self._at += 1
            function = functions.FUNCTIONS.get(word.text)
            if function is None:
                raise bad(f'function "{word.text}" not defined')
            return _call(word.text, function, self._arguments() + last)
        value = self._operand()
        arguments = self._arguments() + last
        if callable(value):
            return _call("field", value, arguments)
        if arguments:
            raise bad("can't give argument to non-function")
        return value

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
            value = json.loads(word.text)
        elif word.kind == "field":
            return self._fields(self._scope.dot, word.text)
        elif word.kind == "variable":
            name = word.text
            if name not in self._scope.variables:
                raise bad(f"undefined variable {name!r}")
            value = self._scope.variables[name]
        elif word.kind == "name" and word.text in functions.CONSTANTS:
            value = functions.CONSTANTS[word.text]
        elif word.kind == "name":
            self._at -= 1
            return self._command([])
        else:
            raise bad(f"unexpected {word.text!r} in operand")
        if self._peek("field") and self._words[self._at].joined:
            self._at += 1
            return self._fields(value, self._words[self._at - 1].text)
        return value

    @staticmethod
    def _fields(value: Any, path: str) -> Any:
        free = False
        for name in path.split(".")[1:]:
            if not name:
                continue
            value = _field(value, name, free=free)
            free = name in FREE_MAPS
        return value


def _field(value: Any, name: str, *, free: bool) -> Any:
    if isinstance(value, dict):
        if name in value:
            return value[name]
        if free:
            return MISSING
        raise bad(f'template: :1: executing "" at <.{name}>: map has no entry for key "{name}"')
    if value is None or value is MISSING:
        raise bad(f'template: :1: executing "" at <.{name}>: nil pointer evaluating .{name}')
    raise bad(f'template: :1: executing "" at <.{name}>: can\'t evaluate field {name}')


def _call(name: str, function: Any, arguments: list[Any]) -> Any:
    try:
        return function(*arguments)
    except CommandError:
        raise
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise bad(
            f'template: :1: executing "" at <{name}>: error calling {name}: {error}'
        ) from error
