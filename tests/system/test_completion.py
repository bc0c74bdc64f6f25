"""Tab in real shells, with the scripts that `wherry completion` prints, against a real engine."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.engine import Engine, program
from fixtures.shells import Shell, shell

WHERRY = program("wherry")


@pytest.fixture(scope="module", autouse=True)
def things(engine: Engine) -> Iterator[None]:
    """A container that runs and one that does not, a network, a volume, an image with a port."""
    engine.docker("run", "-d", "--name", "web-1", "busybox", "sleep", "1000")
    engine.docker("create", "--name", "idle-1", "busybox")
    engine.docker("network", "create", "backnet")
    engine.docker("volume", "create", "backvol")
    engine.docker("tag", "busybox", "localhost:5000/app/tool:1.2")
    yield
    engine.remove_containers()
    engine.docker("network", "rm", "backnet")
    engine.docker("volume", "rm", "backvol")
    engine.docker("rmi", "localhost:5000/app/tool:1.2")


def write_scripts(kind: str, folder: Path) -> Path:
    """Write the scripts of a shell for wherry, docker and wherryd, as the help says."""
    folder.mkdir()
    for name in ("wherry", "docker", "wherryd"):
        done = subprocess.run(
            [WHERRY, "completion", kind, "--program", name], capture_output=True, check=True
        )
        (folder / (f"_{name}" if kind == "zsh" else name)).write_bytes(done.stdout)
    return folder


@pytest.fixture(scope="module", params=["bash", "zsh"])
def prompt(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, engine: Engine
) -> Iterator[Shell]:
    """A shell with our completion, in a directory with something to build."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "context").mkdir()
    (folder / "settings.env").write_text("")
    (folder / "bin").mkdir()
    (folder / "bin" / "docker").symlink_to(WHERRY)
    scripts = write_scripts(request.param, folder / "scripts")
    with shell(request.param, folder, scripts, engine.host) as started:
        yield started


LINES = [
    ("wherry imp", "wherry import "),
    ("wherry netw", "wherry network "),
    ("wherry network disc", "wherry network disconnect "),
    ("wherry ps --fil", "wherry ps --filter "),
    ("wherry ps --filter status=pau", "wherry ps --filter status=paused "),
    ("wherry ps --filter name=web", "wherry ps --filter name=web-1 "),
    ("wherry run --restart unl", "wherry run --restart unless-stopped "),
    ("wherry run --pull=al", "wherry run --pull=always "),
    ("wherry run --cap-add CAP_SYS_PT", "wherry run --cap-add CAP_SYS_PTRACE "),
    ("wherry run --network backn", "wherry run --network backnet "),
    ("wherry run --env-file sett", "wherry run --env-file settings.env "),
    ("wherry run --rm busyb", "wherry run --rm busybox"),
    ("wherry run localhost:5000/app/tool:", "wherry run localhost:5000/app/tool:1.2 "),
    ("wherry stop we", "wherry stop web-1 "),
    ("wherry start id", "wherry start idle-1 "),
    ("wherry start we", "wherry start we"),
    ("wherry container rm idle-1 we", "wherry container rm idle-1 web-1 "),
    ("wherry volume rm backv", "wherry volume rm backvol "),
    ("wherry build con", "wherry build context/"),
    ("wherry --debug network insp", "wherry --debug network inspect "),
    ("docker run --pull ne", "docker run --pull never "),
    ("docker stop we", "docker stop web-1 "),
    ("wherryd --data-ro", "wherryd --data-root"),
    ("wherryd --log-format js", "wherryd --log-format json "),
    ("wherryd --config-file sett", "wherryd --config-file settings.env "),
]


@pytest.mark.parametrize(("typed", "wanted"), LINES)
def test_tab(prompt: Shell, typed: str, wanted: str) -> None:
    found = prompt.complete(typed)
    # Where a word may go on (`busybox`, `busybox:latest`; `--data-root=`), shells differ in what
    # they put behind it.
    exact = wanted.endswith((" ", "/")) or wanted == typed
    assert found == wanted if exact else found.startswith(wanted)


def test_a_list_says_what_is_what(prompt: Shell) -> None:
    prompt.complete("wherry volume ", tabs=2)
    assert b"Create a volume" in prompt.shown
    assert b"inspect" in prompt.shown


def test_what_is_typed_is_never_run(prompt: Shell, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    prompt.complete(f"wherry run --network $(touch {trap}) ba")
    prompt.complete(f"wherry run '`touch {trap}`' --pull al")
    assert not trap.exists()


def test_bash_without_its_package(
    tmp_path: Path, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scripts = write_scripts("bash", tmp_path / "scripts")
    with shell("bash", tmp_path / "home", scripts, engine.host, bare=True) as started:
        assert started.complete("wherry network disc") == "wherry network disconnect "
        assert started.complete("wherry stop we") == "wherry stop web-1 "


def fish(folder: Path, line: str, host: str) -> dict[str, str]:
    """Return what fish would offer: word to explanation."""
    words = [f"source {folder}/{name}" for name in ("wherry", "docker", "wherryd")]
    words.append("complete -C $argv[1]")
    done = subprocess.run(
        ["fish", "--no-config", "--private", "-c", "; ".join(words), line],
        capture_output=True, text=True, check=True, timeout=60, cwd=folder,
        env={"PATH": f"{Path(WHERRY).parent}:/usr/bin:/bin", "HOME": str(folder),
             "WHERRY_HOST": host, "TERM": "xterm", "LANG": "C.UTF-8"},
    )  # fmt: skip
    return dict(row.partition("\t")[::2] for row in done.stdout.splitlines())


@pytest.fixture(scope="module")
def fish_scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of fish, beside a file and a directory."""
    folder = write_scripts("fish", tmp_path_factory.mktemp("fish") / "scripts")
    (folder / "context").mkdir()
    return folder


@pytest.mark.parametrize(
    ("line", "word", "about"),
    [
        ("wherry volume cr", "create", "Create a volume"),
        ("wherry ps --fil", "--filter", "Filter output based on conditions provided"),
        ("wherry run --restart unl", "unless-stopped", ""),
        ("wherry run --pull=al", "--pull=always", ""),
        ("wherry run --network backn", "backnet", "bridge"),
        ("wherry run localhost:5000/app/tool:", "localhost:5000/app/tool:1.2", ""),
        ("wherry build con", "context/", None),
        ("wherryd --data-ro", "--data-root", None),
        ("wherryd --log-format js", "json", None),
    ],
)
def test_fish(fish_scripts: Path, engine: Engine, line: str, word: str, about: str | None) -> None:
    found = fish(fish_scripts, line, engine.host)
    assert list(found) == [word]
    assert about is None or found[word] == about


def test_fish_knows_containers_and_offers_no_files_for_them(
    fish_scripts: Path, engine: Engine
) -> None:
    found = fish(fish_scripts, "wherry stop ", engine.host)
    assert list(found) == ["web-1"]
    assert found["web-1"].startswith("busybox, Up")


def test_without_an_engine_it_is_silent_and_quick(tmp_path: Path) -> None:
    began = time.monotonic()
    done = subprocess.run(
        [WHERRY, "-H", f"unix://{tmp_path}/none.sock", "__complete", "stop", ""],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (":4\n", "")
    assert time.monotonic() - began < 5


def test_descriptions_can_be_left_out() -> None:
    done = subprocess.run(
        [WHERRY, "completion", "bash", "--no-descriptions"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "__completeNoDesc" in done.stdout
    words = subprocess.run(
        [WHERRY, "__completeNoDesc", "volume", ""], capture_output=True, text=True, check=True
    )
    assert words.stdout.splitlines() == ["create", "inspect", "ls", "prune", "rm", ":4"]
