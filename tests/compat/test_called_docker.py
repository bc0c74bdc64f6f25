"""The program by the name `docker`, beside docker's own client on the same engine.

`version` and `info` are compared line by line; what the two clients say of themselves differs, and
is listed here. Plugins are run in docker's protocol by both.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.dockerd import running_dockerd
from fixtures.engine import Engine, program

STOCK = "docker"
OWN_CLIENT = ("Version:", "API version:", "Go version:", "Git commit:", "Built:")
PLUGIN = """\
#!/bin/sh
if [ "$1" = docker-cli-plugin-metadata ]; then
    echo '{"SchemaVersion":"0.1.0","Vendor":"Acme","Version":"v9","ShortDescription":"A tool"}'
    exit
fi
if [ "$1" = __complete ]; then
    shift
    printf 'asked %s\\n:4\\n' "$*"
    exit
fi
printf '[%s]' "$@"
echo " $DOCKER_HOST"
exit 7
"""


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of `wherry` by the name `docker`."""
    link = tmp_path_factory.mktemp("bin") / "docker"
    link.symlink_to(program("wherry"))
    return str(link)


def run(
    engine: Engine, client: str, *words: str, config: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a client against the engine."""
    environment = {**os.environ, "DOCKER_HOST": engine.host, "HOME": str(engine.root),
                   "DOCKER_CONFIG": str(config or engine.root / "docker")}  # fmt: skip
    environment.pop("WHERRY_HOST", None)
    return subprocess.run(
        [client, *words], capture_output=True, text=True, check=False, timeout=60, env=environment
    )


def test_version_is_dockers_line(engine: Engine, ours: str) -> None:
    done = run(engine, ours, "--version")
    assert re.fullmatch(r"Docker version \d+\.\d+\.\d+, build \w+\n", done.stdout)
    assert run(engine, ours, "-v").stdout == done.stdout


def lines(text: str) -> list[str]:
    """Return the lines, those that a client says of itself without what they say."""
    server = False
    found = []
    for line in text.split("\n"):
        server = server or line.startswith("Server:")
        head = next((word for word in OWN_CLIENT if line.strip().startswith(word)), "")
        found.append(line if server or not head else head)
    return found


def test_version_line_by_line(engine: Engine, ours: str) -> None:
    assert lines(run(engine, ours, "version").stdout) == lines(run(engine, STOCK, "version").stdout)


def still(text: str) -> str:
    """Return what `info` shows without what changes from one moment to the next."""
    return re.sub(r"(System Time|File Descriptors|Goroutines|EventsListeners): .*", r"\1", text)


@pytest.mark.parametrize("words", [("info",), ("system", "info"), ("-D", "info")])
def test_info_line_by_line(engine: Engine, ours: str, words: tuple[str, ...]) -> None:
    own, stock = run(engine, ours, *words), run(engine, STOCK, *words)
    assert lines(still(own.stdout)) == lines(still(stock.stdout))
    assert own.stderr == stock.stderr


TEMPLATES = [
    ("version", "{{.Server.Version}}|{{.Server.APIVersion}}|{{.Server.MinAPIVersion}}"),
    ("version", "{{.Server.Os}}/{{.Server.Arch}}|{{.Server.KernelVersion}}"),
    ("version", "{{.Server.Platform.Name}}|{{.Server.Experimental}}|{{.Server.BuildTime}}"),
    ("version", "{{range .Server.Components}}{{.Name}} {{.Version}} {{.Details}};{{end}}"),
    ("version", "{{.Client.Os}}/{{.Client.Arch}} {{.Client.Context}} {{.Client.Platform}}"),
    ("version", "{{.x"),
    ("info", "{{.ServerVersion}}|{{.Driver}}|{{.OSType}}/{{.Architecture}}|{{.NCPU}}"),
    ("info", "{{.CPUCfsQuota}}|{{.HTTPProxy}}|{{.CgroupVersion}}|{{.ProductLicense}}"),
    ("info", "{{json .Plugins}}|{{json .ServerErrors}}|{{json .Warnings}}"),
    ("info", "{{.ServerErrors}}|{{.SystemStatus}}|{{.Swarm.LocalNodeState}}"),
    ("info", "{{range .SecurityOptions}}{{.}};{{end}}"),
    ("info", "{{.ClientInfo.Context}}|{{.ClientInfo.Debug}}"),
    ("info", "{{.RegistryConfig.InsecureRegistryCIDRs}}"),
]


@pytest.mark.parametrize(("command", "template"), TEMPLATES)
def test_the_same_fields(engine: Engine, ours: str, command: str, template: str) -> None:
    own = run(engine, ours, command, "--format", template)
    stock = run(engine, STOCK, command, "--format", template)
    assert (own.returncode, own.stdout) == (stock.returncode, stock.stdout)


@pytest.mark.parametrize("command", ["version", "info"])
def test_the_same_keys_in_json(engine: Engine, ours: str, command: str) -> None:
    own = json.loads(run(engine, ours, command, "--format", "json").stdout)
    stock = json.loads(run(engine, STOCK, command, "--format", "json").stdout)
    for found in (own, stock):
        client = found.pop("Client", None) or found.pop("ClientInfo")
        # Docker's client leaves out what is empty; ours says that it is.
        assert {"Version", "Os", "Arch", "Context", "DefaultAPIVersion"} <= set(client)
        found.pop("SystemTime", None)
        found.get("Server", {}).pop("BuildTime", None)
    for component in own.get("Server", {}).get("Components", ()):
        if not component["Details"]:
            del component["Details"]
    assert own == stock


@pytest.mark.parametrize(
    "words",
    ["version", "info", "info -f {{.ServerVersion}}", "version -f {{.Server.Version}}"],
)
def test_without_an_engine(engine: Engine, ours: str, words: str) -> None:
    address = ["-H", f"unix://{engine.root}/none.sock"]
    own, stock = (
        run(engine, ours, *address, *words.split()),
        run(engine, STOCK, *address, *words.split()),
    )
    assert own.returncode == stock.returncode == 1
    assert lines(own.stdout) == lines(stock.stdout)
    assert own.stderr.startswith("Cannot connect to the")


@pytest.mark.parametrize(
    "words",
    ["nope", "image nope", "ps --nope", "ps extra", "run", "network rm", "--nope",
     "rename a", "image", "container"],
)  # fmt: skip
def test_mistakes_begin_with_dockers_words(engine: Engine, ours: str, words: str) -> None:
    own, stock = run(engine, ours, *words.split()), run(engine, STOCK, *words.split())
    assert own.returncode == stock.returncode
    first = stock.stderr.split("\n", maxsplit=1)[0]
    assert own.stderr.split("\n", maxsplit=1)[0] == first
    assert "wherry" not in own.stderr.replace("wherry …", "")


def test_help_calls_the_program_docker(engine: Engine, ours: str) -> None:
    for words in (["--help"], ["image", "--help"], ["ps", "--help"]):
        shown = run(engine, ours, *words).stdout
        assert shown.startswith("Usage:  docker ")
        assert not re.search(r"wherry (run|ps|image|container)\b", shown)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration directory with the plugin `tool`, and one that is none."""
    folder = tmp_path / "cli-plugins"
    folder.mkdir()
    for name, text in (("docker-tool", PLUGIN), ("docker-broken", "#!/bin/sh\necho no\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return tmp_path


def test_a_plugin_is_run_as_docker_runs_it(engine: Engine, ours: str, config: Path) -> None:
    words = ("tool", "up", "-d", "--flag=a b")
    own, stock = run(engine, ours, *words, config=config), run(engine, STOCK, *words, config=config)
    assert (own.returncode, own.stdout) == (stock.returncode, stock.stdout)
    assert own.stdout == f"[tool][up][-d][--flag=a b] {engine.host}\n"
    assert own.returncode == 7
    words = ("-D", "tool", "ls")
    assert run(engine, ours, *words, config=config).stdout.startswith("[-D][tool][ls]")


def test_a_plugin_gets_the_engine_that_the_user_named(ours: str, config: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "DOCKER_CONFIG": str(config), "HOME": str(config)}

    def host(**more: str) -> str:
        done = subprocess.run(
            [ours, "tool"], capture_output=True, text=True, check=False, timeout=60,
            env={**environment, **more},
        )  # fmt: skip
        return done.stdout.split(" ")[-1].strip()

    assert host() == "unix:///run/wherry/wherry.sock"
    assert host(WHERRY_HOST="unix:///one.sock", DOCKER_HOST="unix:///two.sock") == (
        "unix:///one.sock"
    )
    assert host(DOCKER_HOST="unix:///two.sock") == "unix:///two.sock"


def test_info_and_help_and_completion_know_plugins(engine: Engine, ours: str, config: Path) -> None:
    own, stock = run(engine, ours, "info", config=config), run(engine, STOCK, "info", config=config)
    assert lines(still(own.stdout)) == lines(still(stock.stdout))
    assert "  tool: A tool (Acme)\n    Version:  v9\n" in own.stdout
    assert "docker-broken" in own.stderr
    assert re.search(r"Plugins +broken tool\n", run(engine, ours, "--help", config=config).stdout)
    words = run(engine, ours, "__complete", "too", config=config).stdout
    assert words.startswith("tool\t")
    words = run(engine, ours, "__complete", "tool", "up", "", config=config).stdout
    assert words == "asked tool up \n:4\n"


def test_a_plugin_that_is_none_is_named(engine: Engine, ours: str, config: Path) -> None:
    done = run(engine, ours, "broken", config=config)
    assert done.returncode == 1
    assert f"the plugin {config}/cli-plugins/docker-broken is not valid" in done.stderr


def test_buildx_build_is_our_build(engine: Engine, ours: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nENV A=1\n")
    done = run(engine, ours, "buildx", "build", "-q", "-t", "by-buildx", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert engine.docker("image", "inspect", "by-buildx", "-f", "{{.Config.Env}}").stdout
    engine.docker("rmi", "by-buildx")


@pytest.fixture(scope="module")
def dockerd() -> Iterator[str]:
    """The address of Debian's dockerd, with settings that `info` has lines for."""
    with tempfile.TemporaryDirectory(prefix="wr.") as folder:
        flags = ("--label", "a=b", "--registry-mirror", "https://mirror.example",
                 "--insecure-registry", "registry.example:5000", "--debug")  # fmt: skip
        with running_dockerd(Path(folder) / "dockerd", *flags) as started:
            yield started.host


@pytest.mark.dockerd
@pytest.mark.parametrize("words", ["version", "info"])
def test_the_same_of_dockerd(engine: Engine, ours: str, dockerd: str, words: str) -> None:
    own, stock = run(engine, ours, "-H", dockerd, words), run(engine, STOCK, "-H", dockerd, words)
    assert own.returncode == stock.returncode == 0
    # Docker's client lists runtimes in the order of a hash table.
    shown = [
        [" ".join(sorted(line.split())) if "Runtimes:" in line else line
         for line in lines(still(done.stdout))]
        for done in (own, stock)
    ]  # fmt: skip
    assert shown[0] == shown[1]
    assert sorted(own.stderr.splitlines()) == sorted(stock.stderr.splitlines())
