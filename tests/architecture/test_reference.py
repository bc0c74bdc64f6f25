"""The reference says everything there is, and everything there is has a test.

Pages are compared with what is made anew, so nobody can forget to. A line for a command, a flag or
a setting is looked for in the pages themselves, not in what makes them.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from fixtures.command_lines import Used, used
from wherry.cli.flags import declare
from wherry.cli.lookup import paths
from wherry.cli.main import GLOBAL_FLAGS, _load
from wherry.daemon.configuration import reference

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "reference"
PLACES = {place: path for path, (place, _) in reversed(list(paths().items()))}
SETTINGS = [row for row in reference() if row.state == "acts"]


def make(what: str, folder: Path) -> None:
    """Run the script as people do."""
    command = [sys.executable, str(ROOT / "scripts" / "reference.py"), what, str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def files(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_the_pages_are_up_to_date(tmp_path: Path) -> None:
    make("docs", tmp_path)
    made, kept = files(tmp_path), files(DOCS)
    stale = sorted(name for name in {*made, *kept} if made.get(name) != kept.get(name))
    assert stale == [], "run `python scripts/reference.py docs`"


def test_the_table_of_compatibility_is_up_to_date() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    from manual import pages

    text = (ROOT / "docs" / "compatibility.md").read_text()
    assert pages.compatibility(text) == text, "run `python scripts/reference.py docs`"


def sections() -> dict[str, str]:
    """Return the text below each heading of a command: its title to its section."""
    found = {}
    for path in DOCS.glob("*.md"):
        if path.name != "docker-commands.md":
            parts = re.split(r"^## (wherry.*)$", path.read_text(), flags=re.MULTILINE)
            found |= dict(zip(parts[1::2], parts[2::2], strict=True))
    return found


def test_every_command_and_flag_has_a_line_in_the_reference() -> None:
    known = sections()
    missing = []
    for place, path in PLACES.items():
        names = [f"wherry {name}" for name, (where, _) in paths().items() if where == place]
        text = next((known[name] for name in names if name in known), None)
        if text is None:
            missing.append(path)
            continue
        missing += [
            f"{path} --{flag.name}"
            for flag in _load(place).flags
            if not re.search(rf"^\| [^|]*`--{re.escape(flag.name)}`", text, re.MULTILINE)
        ]
    assert missing == []
    page = (DOCS / "wherry.md").read_text()
    missing = [f.name for f in declare(GLOBAL_FLAGS) if f"`--{f.name}`" not in page]
    assert missing == []


def test_every_setting_and_flag_of_the_engine_has_a_line_in_the_reference() -> None:
    flags, settings = (DOCS / "wherryd.md").read_text(), (DOCS / "settings.md").read_text()
    missing = [row.key for row in reference() if row.key and f"### `{row.key}`\n" not in settings]
    missing += [name for row in reference() for name in row.flags if f"`{name}`" not in flags]
    assert missing == []


@pytest.fixture(scope="module")
def tested() -> Used:
    """What the sources of the tests use."""
    return used(ROOT / "tests")


def test_every_command_and_flag_is_used_by_a_test(tested: Used) -> None:
    missing = [path for place, path in PLACES.items() if place not in tested.commands]
    missing += [
        f"{path} --{flag.name}"
        for place, path in PLACES.items()
        for flag in _load(place).flags
        if flag.name not in tested.flags[place]
    ]
    missing += [f"--{f.name}" for f in declare(GLOBAL_FLAGS) if f.name not in tested.flags[""]]
    assert missing == []


def test_the_search_for_tests_can_fail(tmp_path: Path) -> None:
    """Flags of docker's client, values of flags, texts and lines that are refused do not count."""
    (tmp_path / "test_it.py").write_text(
        'WHERRY = "w"\n'
        'a = [WHERRY, "ps", "-a", "--filter", "--size"]\n'
        'b = ["docker", "ps", "--last", "1"]\n'
        'c = "ps --no-trunc"\n'
        'd = [WHERRY, "rm", "--nope", "--force"]\n'
        'LINES = ["images --digests"]\n'
        "def run(*words): return [WHERRY, *words]\n"
        'run(x, "network", "rm", "-f", name)\n'
        'engine.docker("pull", "-q", "x")\n'
    )
    found = used(tmp_path)
    assert dict(found.flags) == {
        "": set(),
        "containers.listing:PS": {"all", "filter"},
        "images.listing:IMAGES": {"digests"},
        "networks:RM": {"force"},
    }
    assert found.commands == set(found.flags) - {""}


OF_WHERRYD = ("running_engine", "Engine", "load", "options", "problems")


def words_of_wherryd() -> tuple[set[str], set[str]]:
    """Return flags given to wherryd, and keys of its settings, in the tests' sources.

    In the tests of its configuration every list of words is for wherryd; elsewhere those are that
    start an engine, and those of a class `Certificates`, which has its flags for TLS.
    """
    flags, keys = set(), set()
    for path in (ROOT / "tests").rglob("*.py"):
        own = "configuration" in path.parts or path.name == "certificates.py"
        for node in ast.walk(ast.parse(path.read_text())):
            if own and isinstance(node, ast.Dict):
                keys |= {key.value for key in node.keys if isinstance(key, ast.Constant)}
            if own and isinstance(node, ast.List | ast.Tuple):
                flags |= _flags(node.elts)
            elif isinstance(node, ast.Call) and (own or _called(node) in OF_WHERRYD):
                flags |= _flags(node.args)
    return flags, keys


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _flags(elements: Sequence[ast.expr]) -> set[str]:
    first = [one.values[0] if isinstance(one, ast.JoinedStr) else one for one in elements]
    texts = [str(one.value) for one in first if isinstance(one, ast.Constant)]
    return {text.partition("=")[0] for text in texts if text.startswith("-")}


def test_every_setting_and_flag_of_the_engine_is_used_by_a_test() -> None:
    flags, keys = words_of_wherryd()
    missing = [row.key for row in SETTINGS if row.key and not keys & {row.key, *outer(row.key)}]
    missing += [row.flags[-1] for row in SETTINGS if row.flags and not flags & set(row.flags)]
    assert missing == []


def outer(key: str) -> list[str]:
    """Return the part of a key that a dictionary has: the last of `builder.gc.enabled`."""
    return [key.rpartition(".")[2]] if "." in key else []


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manual pages, as a package installs them."""
    folder = tmp_path_factory.mktemp("man")
    make("man", folder)
    return folder


def test_there_is_a_manual_page_for_everything(manual: Path) -> None:
    names = {path.name for path in manual.rglob("*.[158]")}
    wanted = {f"wherry-{path.replace(' ', '-')}.1" for path in paths()}
    assert wanted | {"wherry.1", "wherryd.8", "wherry-runtime.8", "wherry-daemon.json.5"} <= names


def test_manual_pages_make_no_warnings(manual: Path) -> None:
    for path in sorted(manual.rglob("*.[158]")):
        done = subprocess.run(
            ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(path)],
            capture_output=True, text=True, check=True, timeout=60, cwd=manual,
            env={"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LANG": "C.UTF-8"},
        )  # fmt: skip
        assert done.stderr == "", path.name
        assert done.stdout


def test_manual_pages_have_the_flags(manual: Path) -> None:
    for place, path in PLACES.items():
        names = [name for name, (where, _) in paths().items() if where == place]
        pages = [manual / "man1" / f"wherry-{name.replace(' ', '-')}.1" for name in names]
        text = max((page.read_text() for page in pages), key=len)
        for flag in _load(place).flags:
            assert f"--{flag.name}".replace("-", "\\-") in text, f"{path} --{flag.name}"
    page = (manual / "man8" / "wherryd.8").read_text()
    for row in SETTINGS:
        for name in row.flags:
            assert name.replace("-", "\\-") in page


def test_completions_are_made_for_packages(tmp_path: Path) -> None:
    make("completions", tmp_path)
    share = tmp_path / "usr" / "share"
    for name in ("wherry", "wherryd"):
        assert (share / "bash-completion" / "completions" / name).is_file()
        assert (share / "fish" / "vendor_completions.d" / f"{name}.fish").is_file()
        assert (share / "zsh" / "vendor-completions" / f"_{name}").is_file()
    assert not (share / "bash-completion" / "completions" / "docker").exists()
    make("completions-docker", tmp_path)
    assert (share / "bash-completion" / "completions" / "docker").is_file()
