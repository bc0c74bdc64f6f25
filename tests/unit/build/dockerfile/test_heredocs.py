"""Which words announce a heredoc."""

from __future__ import annotations

import pytest

from wherry.build.dockerfile.heredocs import announced, opening, without_tabs
from wherry.build.dockerfile.instructions import Heredoc


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("<<EOF", Heredoc("EOF", "", expand=True)),
        ("<<-EOF", Heredoc("EOF", "", expand=True, strip_tabs=True)),
        ("3<<EOF", Heredoc("EOF", "", expand=True, descriptor=3)),
        ('<<"EOF"', Heredoc("EOF", "", expand=False)),
        ("<<-'E F'", Heredoc("E F", "", expand=False, strip_tabs=True)),
        ("<<E'O'F", Heredoc("EOF", "", expand=False)),
        (r"<<E\'F", Heredoc("E'F", "", expand=True)),
        (r"<<'E'\'F", Heredoc("E'F", "", expand=False)),
        ("<<$EOF", Heredoc("$EOF", "", expand=True)),
        ("<<a.txt", Heredoc("a.txt", "", expand=True)),
        ("<<  EOF", Heredoc("EOF", "", expand=True)),
        ("<<", None),
        ("<<-", None),
        ("<EOF", None),
        ("<<<EOF", None),
        ("<<A<<B", None),
        ("x<<EOF", None),
        ("<<''", None),
        ("<<'E", None),
        ("<<E F", None),
        ("9999999999<<EOF", None),
    ],
)
def test_opening(word: str, wanted: Heredoc | None) -> None:
    assert opening(word) == wanted


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("RUN <<EOF", ["EOF"]),
        ("run cat <<A >x <<B", ["A", "B"]),
        ("RUN <<  EOF  > foo", ["EOF"]),
        ("RUN --mount=type=tmpfs,target=/x <<EOF sh", ["EOF"]),
        ("ADD <<A /x", ["A"]),
        ("COPY <<A <<'B C' /x", ["A", "B C"]),
        ("ONBUILD COPY <<A /x", ["A"]),
        ("RUN x=${a:1:2} <<EOF", ["EOF"]),
        ("RUN echo it\\'s <<EOF", ["EOF"]),
        ('RUN "<<EOF"', []),
        ("RUN '<<EOF'", []),
        ("RUN cat <<<EOF", []),
        ("RUN echo it's <<EOF", []),
        ('RUN ["cat", "<<EOF"]', []),
        ("RUN [ -f x ] && cat <<EOF", ["EOF"]),
        ("ONBUILD ONBUILD RUN <<EOF", []),
        ("USER <<EOF", []),
        ("CMD cat <<EOF", []),
        ("ENV a=<<EOF", []),
        ("RUNN <<EOF", []),
        ("RUN x", []),
        ("", []),
    ],
)
def test_announced(line: str, names: list[str]) -> None:
    assert [one.name for one in announced(line, "\\")] == names


def test_without_tabs() -> None:
    assert without_tabs("\t\ta\tb\n\n \tc\n\t\n") == "a\tb\n\n \tc\n\n"
