"""Cuts a Go template into texts and actions, and an action into tokens. Pure.

Every token knows where it stands in the template, for errors that point at it.
"""

from __future__ import annotations

from wherry.cli.errors import CommandError

_PUNCTUATION = {"(": "open", ")": "close", "|": "pipe", ",": "comma"}


class TemplateError(CommandError):
    """A template cannot be read (`parsing`) or does not fit the data; `reason` is Go's sentence."""

    def __init__(self, reason: str, *, parsing: bool) -> None:
        super().__init__(f"template parsing error: {reason}")
        self.reason = reason
        self.parsing = parsing


def bad(reason: str) -> TemplateError:
    """Return the error for a template that cannot be read."""
    return TemplateError(f"template: :1: {reason}", parsing=True)


class Token:
    """A word of an action; `joined` says that no space stands before it, `at` where it begins."""

    __slots__ = ("at", "joined", "kind", "text")

    def __init__(self, kind: str, text: str, at: int, *, joined: bool) -> None:
        self.kind = kind
        self.text = text
        self.at = at
        self.joined = joined


class Part:
    """A piece of a template: literal text, or what stands between `{{` and `}}`."""

    __slots__ = ("action", "at", "text")

    def __init__(self, text: str, at: int, *, action: bool) -> None:
        self.text = text
        self.at = at
        self.action = action


def split_text(text: str) -> list[Part]:
    """Return the parts of a template; `{{- ` and ` -}}` trim the text beside them."""
    parts: list[Part] = []
    at, trim = 0, False
    while at < len(text):
        opening = text.find("{{", at)
        before = text[at:] if opening < 0 else text[at:opening]
        if trim:
            before = before.lstrip()
        if opening < 0:
            parts.append(Part(before, at, action=False))
            break
        start = opening + 2
        closing = _closing(text, start)
        at = closing + 2
        if text[start] == "-" and text[start + 1].isspace():
            before, start = before.rstrip(), start + 1
        trim = text[closing - 1] == "-" and text[closing - 2].isspace()
        inner = text[start : closing - 1 if trim else closing]
        parts.append(Part(before, opening, action=False))
        start += len(inner) - len(inner.lstrip())
        parts.append(Part(inner.strip(), start, action=True))
    return [part for part in parts if part.action or part.text]


def _closing(text: str, start: int) -> int:
    quote = ""
    for n in range(start, len(text)):
        character = text[n]
        if quote:
            if character == quote and (quote == "`" or text[n - 1] != "\\"):
                quote = ""
        elif character in '"`':
            quote = character
        elif text.startswith("}}", n):
            return n
    raise bad("unclosed action")


def tokens(part: Part) -> list[Token]:
    """Cut an action into its tokens."""
    text, found, at = part.text, [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        joined = at > 0 and not text[at - 1].isspace()
        end, kind, value = _next(text, at)
        found.append(Token(kind, value, part.at + at, joined=joined))
        at = end
    if not found:
        raise bad("missing value for command")
    return found


def _next(text: str, at: int) -> tuple[int, str, str]:
    character = text[at]
    if character in _PUNCTUATION:
        return at + 1, _PUNCTUATION[character], character
    if text.startswith(":=", at):
        return at + 2, "declare", ":="
    if character == "=":
        return at + 1, "assign", "="
    if character in '"`':
        return _string(text, at)
    end = at + 1
    while end < len(text) and not text[end].isspace() and text[end] not in "()|,:=":
        if character == "$" and text[end] == ".":
            break
        end += 1
    word = text[at:end]
    if character == ".":
        if len(word) > 1 and (word.endswith(".") or ".." in word):
            raise bad("unexpected <.> in operand")
        return end, "field", word
    if character == "$":
        return end, "variable", word
    if character.isdigit() or (character == "-" and word[1:2].isdigit()):
        return end, "literal", _number(word)
    return end, "name", word


def _number(word: str) -> str:
    try:
        return str(int(word, 0))
    except ValueError:
        pass
    try:
        return str(float(word))
    except ValueError as error:
        raise bad(f'bad number syntax: "{word}"') from error


def _string(text: str, at: int) -> tuple[int, str, str]:
    quote = text[at]
    end = at + 1
    while end < len(text) and text[end] != quote:
        end += 2 if text[end] == "\\" and quote == '"' else 1
    if end >= len(text):
        raise bad("unterminated quoted string")
    if quote == '"':
        return end + 1, "literal", text[at : end + 1]
    inner = text[at + 1 : end]
    escaped = inner.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return end + 1, "literal", f'"{escaped}"'
