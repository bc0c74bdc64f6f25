"""`tls`: certificates for an engine on TCP, made here rather than with twenty lines of openssl."""

from __future__ import annotations

import datetime
import json
import os
import socket

from wherry.cli.command import Command, Context
from wherry.cli.errors import UsageError
from wherry.cli.flags import Options, declare
from wherry.cli.output.table import render
from wherry.cli.tls import directory as files
from wherry.cli.tls.directory import Directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.tls.issue import Authority

WHERE = "/etc/wherry/tls"
DAYS = 825  # as long as clients accept a server's at all
AUTHORITY_DAYS = 3650
MOST_DAYS = 36500
SOON = 30
FIRST_CLIENT = "client"
DIRECTORY = f'   --directory string  Where the files are (default "{WHERE}")\n'
CHANGE = f"""\
{DIRECTORY}   --days int  How long certificates are valid (default {DAYS})
-f --force  Replace what is there
"""


def init(context: Context, options: Options, _arguments: list[str]) -> int:
    """Make an authority, a server's certificate and a client's, and say how to use them."""
    from wherry.cli.tls.issue import Authority  # noqa: PLC0415 - `cryptography` takes 40 ms

    directory = _directory(options)
    hosts = _hosts(options)
    days = _days(options)
    paths = [directory.path(name) for name in files.ALL]
    if not options.flag("force"):
        directory.refuse_existing(*paths, directory.client(FIRST_CLIENT))
    now = datetime.datetime.now(datetime.UTC)
    name = f"wherry authority of {hosts[0]}"[:64]
    authority = Authority.make(name, max(days, AUTHORITY_DAYS), now)
    server = authority.server(hosts, days, now)
    directory.make(directory.top)
    for path, issued in ((paths[0], authority.issued), (paths[2], server)):
        directory.write(path, issued.certificate, 0o644)
    directory.write(paths[1], authority.issued.key)
    directory.write(paths[3], server.key)
    folder = _make_client(directory, authority, FIRST_CLIENT, days)
    context.write(_how_to_use(directory, hosts, folder))
    return 0


def client(context: Context, options: Options, arguments: list[str]) -> int:
    """Make a certificate for another client."""
    from wherry.cli.tls.issue import Authority, Issued  # noqa: PLC0415 - as above

    directory = _directory(options)
    name = arguments[0]
    if not options.flag("force"):
        directory.refuse_existing(directory.client(name))
    way_out = "make an authority with 'wherry tls init'"
    certificate = directory.read(directory.path(files.AUTHORITY), way_out)
    key = directory.read(directory.path(files.AUTHORITY_KEY), way_out)
    authority = Authority(Issued(certificate, key))
    context.write(_make_client(directory, authority, name, _days(options)))
    return 0


def _make_client(directory: Directory, authority: Authority, name: str, days: int) -> str:
    issued = authority.client(name, days, datetime.datetime.now(datetime.UTC))
    folder = directory.client(name)
    directory.write(os.path.join(folder, files.AUTHORITY), authority.issued.certificate, 0o644)
    directory.write(os.path.join(folder, files.CERTIFICATE), issued.certificate, 0o644)
    directory.write(os.path.join(folder, files.KEY), issued.key)
    return folder


def show(context: Context, options: Options, _arguments: list[str]) -> int:
    """List certificates; those that have expired, or soon do, are told beside the list."""
    from wherry.cli.tls.issue import read  # noqa: PLC0415 - as above

    directory = _directory(options)
    now = datetime.datetime.now(datetime.UTC)
    rows = [["FILE", "USE", "NAME", "FOR", "EXPIRES"]]
    warnings = []
    for path in directory.certificates():
        found = read(directory.read(path, "use sudo"))
        expires = found.expires.strftime("%Y-%m-%d")
        rows.append([path, found.use, found.subject, ",".join(found.names), expires])
        left = (found.expires - now).days
        if left < SOON:
            when = f"expires in {left} days" if found.expires > now else "has expired"
            warnings.append(f"WARNING: {path} {when}")
    if len(rows) == 1:
        directory.read(directory.path(files.AUTHORITY), "make an authority with 'wherry tls init'")
    for line in render(rows, 0):
        context.write(line)
    for warning in warnings:
        context.warn(warning)
    return 0


def _directory(options: Options) -> Directory:
    return Directory(os.path.abspath(options.text("directory", WHERE)))


def _hosts(options: Options) -> list[str]:
    """Return what the engine is reached by; this machine's name and loopback if nothing is said."""
    given = options.all("host") or [socket.gethostname()]
    found = [*given, "localhost", "127.0.0.1", "::1"]
    return list(dict.fromkeys(filter(None, found)))


def _days(options: Options) -> int:
    days = options.number("days", DAYS)
    if not 0 < days <= MOST_DAYS:
        raise UsageError(f"--days: wanted 1 to {MOST_DAYS}, got {days}")
    return days


def _how_to_use(directory: Directory, hosts: list[str], folder: str) -> str:
    settings = {
        "hosts": ["unix:///run/wherry/wherry.sock", "tcp://0.0.0.0:2376"],
        "tlsverify": True,
        "tlscacert": directory.path(files.AUTHORITY),
        "tlscert": directory.path(files.SERVER),
        "tlskey": directory.path(files.SERVER_KEY),
    }
    keys = json.dumps(settings, indent=2)[2:-2]
    host = f"[{hosts[0]}]" if ":" in hosts[0] else hosts[0]
    return (
        f"Put these into /etc/wherry/daemon.json, and restart the engine:\n\n{keys}\n\n"
        f"Copy {folder} to the client's machine, by a safe way, and there:\n\n"
        f"  wherry context create {_context_name(hosts[0])} --docker "
        f"host=tcp://{host}:2376,ca=ca.pem,cert=cert.pem,key=key.pem\n"
        f"  docker --tlsverify --tlscacert=ca.pem --tlscert=cert.pem --tlskey=key.pem "
        f"-H tcp://{host}:2376 ps\n\n"
        "Whoever has a client's key is root on this machine. With 'wherry tls client NAME' you "
        f"make another;\nthat takes {directory.path(files.AUTHORITY_KEY)}, which nobody else may "
        "have."
    )


def _context_name(host: str) -> str:
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in host).strip("-")
    return plain if len(plain) > 1 else "engine"


INIT = Command(
    "[OPTIONS]", "Make an authority, and certificates for engine and client", init, maximum=0,
    flags=declare(f"   --host list  A name or address of the engine; repeatable\n{CHANGE}"),
    examples="--host engine.example.com --host 192.0.2.7",
)  # fmt: skip
CLIENT = Command(
    "[OPTIONS] NAME", "Make a certificate for another client", client, minimum=1, maximum=1,
    flags=declare(CHANGE), examples="ann",
)  # fmt: skip
SHOW = Command(
    "[OPTIONS]", "Show certificates and when they expire", show, maximum=0,
    flags=declare(DIRECTORY), examples="--directory ./tls",
)  # fmt: skip
