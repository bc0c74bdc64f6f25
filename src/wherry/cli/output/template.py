"""Go templates, as far as `--format` is used in scripts: parsed once, rendered often. Pure.

Fields, variables, pipelines, parentheses, literals, `range`, `if`, `else if`, `with`, `break`,
`continue`, trimming (`{{-`), comments and docker's functions; no `define`. Data is what JSON gives;
a callable field (`.Label "x"`) takes arguments.
"""

from __future__ import annotations

from wherry.cli.output import functions
from wherry.cli.output.evaluate import Expression, Scope, fault
from wherry.cli.output.lexer import Part, Token, bad, split_text, tokens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BLOCKS = ("if", "range", "with")
LEAVING = ("break", "continue")


class Template:
    """A parsed template; `typed`: the data are objects of the engine (see `shapes`)."""

    def __init__(self, text: str, *, typed: bool = False) -> None:
        self._parts = split_text(text)
        self._at = 0
        self._loops = 0
        self._typed = typed
        self._body = self._block(())

    def render(self, data: Any) -> str:
        """Return the text for `data`; raises TemplateError where it does not fit."""
        out: list[str] = []
        _run(self._body, Scope(data, typed=self._typed), out)
        return "".join(out)

    def _block(self, ends: tuple[str, ...]) -> list[Node]:
        """Parse up to one of `ends`, which is left for the caller."""
        nodes: list[Node] = []
        while self._at < len(self._parts):
            part = self._parts[self._at]
            if not part.action:
                nodes.append(Node("text", text=part.text))
            elif not part.text.startswith("/*"):
                words = tokens(part)
                keyword = words[0].text if words[0].kind == "name" else ""
                if keyword in ends:
                    return nodes
                if keyword in ("else", "end"):
                    raise bad(f"unexpected {{{{{keyword}}}}}")
                self._at += 1
                nodes.append(self._action(keyword, words))
                continue
            self._at += 1
        if ends:
            raise bad("unexpected EOF")
        return nodes

    def _action(self, keyword: str, words: list[Token]) -> Node:
        if keyword in LEAVING:
            if not self._loops:
                raise bad(f"{{{{{keyword}}}}} outside {{{{range}}}}")
            return Node(keyword)
        if keyword not in BLOCKS:
            return Node("output", words=_checked(words))
        if len(words) == 1:
            raise bad(f"missing value for {keyword}")
        self._loops += keyword == "range"
        body = self._block(("else", "end"))
        self._loops -= keyword == "range"
        return Node(keyword, words=_checked(words[1:]), body=body, other=self._otherwise())

    def _otherwise(self) -> list[Node]:
        """Parse what follows a block's body: `end`, `else … end`, or `else if … end`."""
        words = tokens(self._next())
        if words[0].text == "end":
            return []
        if len(words) > 1:
            return [self._action(words[1].text, words[1:])]
        other = self._block(("end",))
        self._next()
        return other

    def _next(self) -> Part:
        self._at += 1
        return self._parts[self._at - 1]


def _checked(words: list[Token]) -> list[Token]:
    for word in words:
        known = word.text in functions.FUNCTIONS or word.text in functions.CONSTANTS
        if word.kind == "name" and not known:
            raise bad(f'function "{word.text}" not defined')
    return words


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


class Leave(Exception):  # noqa: N818 - no error: `break` and `continue` on their way to `range`
    """The end of a round of `range`; `whole`: of all rounds."""

    def __init__(self, *, whole: bool) -> None:
        super().__init__()
        self.whole = whole


def _run(nodes: list[Node], scope: Scope, out: list[str]) -> None:
    for node in nodes:
        _one(node, scope, out)


def _one(node: Node, scope: Scope, out: list[str]) -> None:
    if node.kind == "text":
        out.append(node.text)
        return
    if node.kind in LEAVING:
        raise Leave(whole=node.kind == "break")
    names, assigns, words = _declared(node.words)
    value = Expression(words, scope).value()
    if node.kind == "output":
        if not names:
            name = words[-1].text.rpartition(".")[2] if words[-1].kind == "field" else ""
            out.append(functions.show(value, name=name, typed=scope.typed))
        elif assigns:
            scope.owner(names[0]).variables[names[0]] = value
        else:
            scope.variables[names[0]] = value
    elif node.kind == "range":
        _range(node, scope, names, value, out)
    elif not functions.truth(value):
        _run(node.other, scope.inner(scope.dot), out)
    else:
        inner = scope.inner(value if node.kind == "with" else scope.dot)
        inner.variables.update(dict.fromkeys(names, value))
        _run(node.body, inner, out)


def _range(node: Node, scope: Scope, names: list[str], value: Any, out: list[str]) -> None:
    if isinstance(value, dict):
        items = [(key, value[key]) for key in sorted(value)]
    elif value is None or value is functions.MISSING:
        items = []
    elif isinstance(value, list | tuple):
        items = list(enumerate(value))
    else:
        word = node.words[-1]
        raise fault(word.at, word.text, f"range can't iterate over {functions.show(value)}")
    if not items:
        _run(node.other, scope.inner(scope.dot), out)
        return
    for key, item in items:
        inner = scope.inner(item)
        # One name is the item, two are key and item.
        inner.variables.update(zip(names[::-1], (item, key), strict=False))
        try:
            _run(node.body, inner, out)
        except Leave as leave:
            if leave.whole:
                return


def _declared(words: list[Token]) -> tuple[list[str], bool, list[Token]]:
    """Separate `$a, $b :=` from the pipeline behind it; the flag says that it was `=`."""
    for n, word in enumerate(words):
        if word.kind in ("declare", "assign"):
            names = [w.text for w in words[:n] if w.kind == "variable"]
            if not 1 <= len(names) <= 2 or n + 1 == len(words):
                raise bad(f"unexpected {word.text} in command")
            return names, word.kind == "assign", words[n + 1 :]
    return [], False, words
