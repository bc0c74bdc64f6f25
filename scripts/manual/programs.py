"""What holds for a program as a whole: its flags, environment, files and exit statuses."""

from __future__ import annotations

import wherry
from manual.entries import Entry, Option, commands, of_parser, option
from wherry.cli.flags import declare
from wherry.cli.main import GLOBAL_FLAGS
from wherry.registry.server import main as registry
from wherry.runtime.command import arguments as runtime

VERSION = wherry.__version__

ENVIRONMENT = (
    ("WHERRY_HOST", "the engine to talk to; before DOCKER_HOST"),
    ("DOCKER_HOST", "the engine to talk to, as unix://PATH, tcp://HOST:PORT or ssh://[USER@]HOST"),
    ("DOCKER_CONTEXT", "the context to use where no address is given"),
    ("DOCKER_CONFIG", "where credentials, contexts and plugins are kept (~/.docker)"),
    ("DOCKER_TLS_VERIFY", "not empty: use TLS and verify the engine"),
    ("DOCKER_CERT_PATH", "where ca.pem, cert.pem and key.pem are"),
    ("DOCKER_DEFAULT_PLATFORM", "the platform where --platform is not given"),
    ("NO_COLOR", "not empty: no colours"),
    ("HTTP_PROXY, HTTPS_PROXY, NO_PROXY", "for what the client itself fetches"),
)
FILES = (
    ("/run/wherry/wherry.sock", "the socket of the engine"),
    ("~/.docker/config.json", "credentials and the context in use, shared with docker's client"),
    ("~/.docker/contexts", "contexts, shared with docker's client"),
    ("~/.docker/cli-plugins", "programs docker-NAME that add the command NAME"),
)
STATUSES = (
    ("0", "it was done"),
    ("1", "it could not be done"),
    ("64", "a template cannot be read"),
    ("125", "run, create: the engine refused; other commands: a flag makes no sense"),
    ("126", "run, exec: the program cannot be run"),
    ("127", "run, exec: the program is not there"),
    ("130", "interrupted"),
    ("any other", "run, exec, start and attach end as the program in the container did"),
)


def client() -> Entry:
    """Return the program `wherry` itself."""
    flags = sorted(declare(GLOBAL_FLAGS), key=lambda flag: flag.name)
    examples = (
        ("wherry run --rm -it debian bash", "a shell in a new container"),
        ("wherry run -d --name web -p 8080:80 httpd", "a server on http://localhost:8080"),
        ("wherry -H ssh://ann@build ps", "containers of another machine"),
    )
    return Entry(
        "wherry", "", ("",), "wherry [OPTIONS] COMMAND [ARG...]",
        "A container engine that starts containers in milliseconds", "",
        tuple(map(option, flags)), examples,
    )  # fmt: skip


def registry_commands() -> list[Entry]:
    """Return `wherry registry` and all below it."""
    found = [entry for entry in commands() if entry.name == "registry"]
    for name in registry.COMMANDS:
        top = registry.parser(name)
        found += [e for e in of_parser(top) if e.name.startswith(f"registry {name}")]
    return found


def runtime_commands() -> list[Entry]:
    """Return `wherry-runtime` and its verbs."""
    return list(of_parser(runtime.parser()))


HELP = Option(("-h", "--help"), "", "show help and exit")
