"""What can stand at the last word of a line, without an engine: names are invented here."""

from __future__ import annotations

import pytest

from wherry.cli.completion.words import FAILED, NO_FILES, NO_SPACE, ONLY_FOLDERS, answer
from wherry.cli.flags import declare
from wherry.cli.lookup import paths
from wherry.cli.main import GLOBAL_FLAGS, _load

NAMES = {
    "@containers": [("web", "httpd, Up"), ("idle", "httpd, Created")],
    "@running": [("web", "httpd, Up")],
    "@stopped": [("idle", "httpd, Created")],
    "@images": [("httpd", ""), ("httpd:latest", "")],
    "@networks": [("bridge", "bridge"), ("back", "bridge")],
    "@volumes": [("data", "local")],
    "@contexts": [("default", ""), ("lab", "")],
    "@environment": [("HOME", ""), ("LANG", "")],
}


def ask(line: str) -> tuple[list[str], int]:
    """Return words and directive for a line; its last word is what is being typed."""
    found = answer(
        line.split(" "), declare(GLOBAL_FLAGS), _load, lambda kind: list(NAMES.get(kind, ()))
    )
    return [word for word, _ in found.candidates], found.directive


@pytest.mark.parametrize(
    ("line", "words", "directive"),
    [
        ("imag", ["image", "images"], NO_FILES),
        ("help imag", ["image", "images"], NO_FILES),
        ("-H unix:///x imag", ["image", "images"], NO_FILES),
        ("--deb", ["--debug"], NO_FILES),
        ("-H ", ["unix://", "tcp://", "ssh://"], NO_FILES | NO_SPACE),
        ("--context l", ["lab"], NO_FILES),
        ("image pu", ["pull", "push"], NO_FILES),
        ("buildx pr", ["prune"], NO_FILES),
        ("nope x", [], FAILED),
        ("image nope x", [], FAILED),
        ("ps --fi", ["--filter"], NO_FILES),
        ("ps --all --al", [], NO_FILES),
        ("ps --filter sta", ["status=created", "status=dead", "status=exited", "status=paused",
                             "status=removing", "status=restarting", "status=running"], NO_FILES),
        ("ps --filter name", ["name="], NO_FILES | NO_SPACE),
        ("ps --filter name=", ["name=web", "name=idle"], NO_FILES),
        ("ps --format ", ["table", "json"], NO_FILES),
        ("ps --all=f", ["false"], NO_FILES),
        ("stop ", ["web"], NO_FILES),
        ("stop web ", [], NO_FILES),
        ("start ", ["idle"], NO_FILES),
        ("rm web ", ["idle"], NO_FILES),
        ("exec ", ["web"], NO_FILES),
        ("exec -it web ", [], 0),
        ("exec web ls -", [], 0),
        ("run ", ["httpd", "httpd:latest"], NO_FILES),
        ("run --rm httpd --", [], 0),
        ("run -it --network b", ["bridge", "back"], NO_FILES),
        ("run -v d", ["data:"], NO_SPACE),
        ("run --volume=d", ["data:"], NO_SPACE),
        ("run -e H", ["HOME"], NO_FILES),
        ("run --pid container:", ["container:web"], NO_FILES),
        ("run --restart=un", ["unless-stopped"], NO_FILES),
        ("run -dp ", [], NO_FILES),
        ("run --nope=x", [], FAILED),
        ("run --ulimit nof", ["nofile="], NO_FILES | NO_SPACE),
        ("run -- ", ["httpd", "httpd:latest"], NO_FILES),
        ("run --cidfile ", [], 0),
        ("build ", [], ONLY_FOLDERS),
        ("build --pull ", [], ONLY_FOLDERS),
        ("network connect b", ["bridge", "back"], NO_FILES),
        ("network connect back ", ["web", "idle"], NO_FILES),
        ("network connect back web ", [], NO_FILES),
        ("network create ", [], NO_FILES),
        ("volume rm ", ["data"], NO_FILES),
        ("inspect ", ["web", "idle", "httpd", "httpd:latest", "bridge", "back", "data"], NO_FILES),
        ("registry se", ["serve"], NO_FILES),
    ],
)  # fmt: skip
def test_answers(line: str, words: list[str], directive: int) -> None:
    assert ask(line) == (words, directive)


def test_a_flag_that_may_be_repeated_is_offered_again() -> None:
    offered = ask("run --env A=1 --rm --")[0]
    assert "--env" in offered
    assert "--rm" not in offered


def test_words_are_explained() -> None:
    found = answer(["stop", ""], declare(GLOBAL_FLAGS), _load, lambda kind: NAMES[kind])
    assert found.candidates == [("web", "httpd, Up")]
    found = answer(["volume", "cr"], declare(GLOBAL_FLAGS), _load, lambda _: [])
    assert found.candidates == [("create", "Create a volume")]


@pytest.mark.parametrize("path", sorted(paths()))
def test_every_command_answers(path: str) -> None:
    words, directive = ask(f"{path} -")
    assert "--help" in words
    assert directive == NO_FILES
    ask(f"{path} ")
