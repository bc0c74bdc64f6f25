"""Cuts a Go template into texts and actions, and an action into tokens. Pure."""

from __future__ import annotations

from wherry.cli.errors import CommandError

_PUNCTUATION = {"(": "open", ")": "close", "|": "pipe", ",": "comma"}


class Token:
    """A word of an action; `joined` says that no space stands before it."""

    __slots__ = ("joined", "kind", "text")

    def __init__(self, kind: str, text: str, *, joined: bool = False) -> None:
        self.kind = kind
        self.text = text
        self.joined = joined


def split_text(text: str) -> list[tuple[bool, str]]:
    """Return (is an action, text) parts; `{{-` and `-}}` trim the text beside them."""
    parts: list[tuple[bool, str]] = []
    trim = False
    while text:
        before, opened, rest = text.partition("{{")
        action = ""
        if opened:
            action, rest = _until_close(rest)
        if trim:
            before = before.lstrip()
        if action.startswith("- "):
            before, action = before.rstrip(), action[2:]
        trim = action.endswith(" -")
        if before:
            parts.append((False, before))
        if opened:
            parts.append((True, action.removesuffix(" -").strip()))
        text = rest
    return parts


def _until_close(text: str) -> tuple[str, str]:
    quote = ""
    for n, character in enumerate(text):
        if quote:
            if character == quote and (quote == "`" or text[n - 1] != "\\"):
                quote = ""
        elif character in "\"`'":
            quote = character
        elif text.startswith("}}", n):
            return text[:n], text[n + 2 :]
    raise CommandError("template parsing error: template: :1: unclosed action")


def tokens(text: str) -> list[Token]:
    """Cut an action into its tokens."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        character = text[at]
        if character.isspace():
            at += 1
            continue
        joined = at > 0 and not text[at - 1].isspace()
        end, kind, value = _next(text, at)
        found.append(Token(kind, value, joined=joined))
        at = end
    if not found:
        raise CommandError("template parsing error: template: :1: missing value for command")
    return found


def _next(text: str, at: int) -> tuple[int, str, str]:
    character = text[at]
    if character in _PUNCTUATION:
        return at + 1, _PUNCTUATION[character], character
    if text.startswith(":=", at):
        return at + 2, "assign", ":="
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
        return end, "field", word
    if character == "$":
        return end, "variable", word
    if character.isdigit() or (character == "-" and word[1:2].isdigit()):
        return end, "literal", word
    return end, "name", word


def _string(text: str, at: int) -> tuple[int, str, str]:
    quote = text[at]
    end = at + 1
    while end < len(text) and text[end] != quote:
        end += 2 if text[end] == "\\" and quote == '"' else 1
    if end >= len(text):
        raise CommandError("template parsing error: template: :1: unterminated quoted string")
    inner = text[at + 1 : end]
    if quote == '"':
        return end + 1, "literal", text[at : end + 1]
    escaped = inner.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return end + 1, "literal", f'"{escaped}"'
