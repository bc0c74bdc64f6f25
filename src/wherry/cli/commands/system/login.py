"""`login` and `logout`."""

from __future__ import annotations

import os
import sys

from wherry.cli import credentials
from wherry.cli.command import Command, Context
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options, declare
from wherry.cli.options.references import HUB
from wherry.client.errors import ApiError

FLAGS = declare("""
-p --password string  Password or Personal Access Token (PAT)
   --password-stdin  Take the Password or Personal Access Token (PAT) from stdin
-u --username string  Username
""")


UNENCRYPTED = """
WARNING! Your credentials are stored unencrypted in '{}'.
A credential helper, named there as "credsStore", would keep them elsewhere.
"""


def login(context: Context, options: Options, arguments: list[str]) -> int:
    """Have the engine check credentials, and keep them."""
    host = _key(arguments)
    if not (options.given("username") or options.given("password")) and _known(context, host):
        return 0
    user, password = _credentials(context, options)
    body = {"username": user, "password": password, "serveraddress": host}
    reply = context.engine.post("/auth", None, body) or {}
    if not credentials.store(host, user, password, reply.get("IdentityToken") or ""):
        context.warn(UNENCRYPTED.format(credentials.config_path()))
    context.write(reply.get("Status") or "Login Succeeded")
    return 0


def _known(context: Context, host: str) -> bool:
    """Whether credentials of an earlier login still do."""
    known = credentials.lookup(host)
    if not known:
        return False
    user = known.get("username", "")
    context.warn(f"Authenticating with existing credentials... [Username: {user}]")
    try:
        reply = context.engine.post("/auth", None, known) or {}
    except ApiError as error:
        context.warn(f"Login did not succeed, error: Error response from daemon: {error.message}")
        return False
    context.write(reply.get("Status") or "Login Succeeded")
    return True


def logout(context: Context, _options: Options, arguments: list[str]) -> int:
    """Forget credentials."""
    host = _key(arguments)
    if credentials.erase(host):
        context.write(f"Removing login credentials for {host}")
    else:
        context.write(f"Not logged in to {host}")
    return 0


def _key(arguments: list[str]) -> str:
    host = arguments[0] if arguments else ""
    host = host.removeprefix("https://").removeprefix("http://").rstrip("/")
    return HUB if host in ("", "docker.io", "index.docker.io") else host


def _credentials(context: Context, options: Options) -> tuple[str, str]:
    user = options.text("username")
    if options.flag("password-stdin"):
        if options.given("password"):
            raise CommandError("--password and --password-stdin are mutually exclusive")
        if not user:
            raise CommandError("the --password-stdin option requires --username to be set")
        return user, sys.stdin.read().rstrip("\r\n")
    if options.given("password"):
        context.warn("WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
        return user, options.text("password")
    if not os.isatty(0):
        raise CommandError("Error: Cannot perform an interactive login from a non TTY device")
    from getpass import getpass  # noqa: PLC0415 - only for an interactive login

    user = user or input("Username: ").strip()
    if not user:
        raise CommandError("Error: Non-null Username Required")
    return user, getpass("Password: ")


LOGIN = Command(
    "[OPTIONS] [SERVER]",
    "Authenticate to a registry",
    login,
    flags=FLAGS,
    maximum=1,
    examples="""
    localhost:5000                                       asks for a name and a password
    -u me --password-stdin registry.example.com < token  for scripts
    """,
)
LOGOUT = Command(
    "[SERVER]", "Log out from a registry", logout, maximum=1, examples="registry.example.com"
)
