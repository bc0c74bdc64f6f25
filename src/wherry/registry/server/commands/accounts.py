"""`account`: people's accounts, in the file that the settings name, or in any other."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable

from wherry.base.errors import InvalidError
from wherry.registry.server.access.accounts_file import (
    account_names,
    add_account,
    change_password,
    remove_account,
)
from wherry.registry.server.commands.common import add_settings, flags_of, write
from wherry.registry.server.commands.parser import Parser
from wherry.registry.server.configuration.load import htpasswd_of

_EXAMPLES = """
  wherry registry account add ann                       asks for the password
  wherry registry account passwd ann --password-stdin < file
  wherry registry account list --file /etc/wherry/htpasswd

The file is that of access.htpasswd in the settings, unless --file names another; a registry that
serves reads it again by itself.
"""


class NoAccountsFileError(InvalidError):
    """Nobody has said which file."""

    def __init__(self) -> None:
        super().__init__(
            "no file of accounts: set access.htpasswd in the settings, or name it with --file"
        )


class PasswordInputError(InvalidError):
    """No password could be read."""


def declare(parser: Parser) -> None:
    """Add its flags."""
    parser.explain("Add, change, list and remove accounts (htpasswd with bcrypt).", _EXAMPLES)
    verbs = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=Parser
    )
    for name, text, run in (
        ("add", "add an account", _add),
        ("passwd", "give an account another password", _passwd),
        ("remove", "remove an account", _remove),
        ("list", "list the accounts", _list),
    ):
        about = f"{text.capitalize()}."
        verb = verbs.add_parser(name, help=text, description=about, examples=_EXAMPLES)
        if name != "list":
            verb.add_argument("name", metavar="NAME", help="whose account")
        if name in {"add", "passwd"}:
            verb.add_argument(
                "--password-stdin", action="store_true", help="read the password from the input"
            )
        verb.add_argument("--file", metavar="FILE", help="the file of accounts")
        add_settings(verb)
        verb.set_defaults(run=run)


def _add(arguments: argparse.Namespace) -> int:
    add_account(_file(arguments), arguments.name, _password(arguments))
    return 0


def _passwd(arguments: argparse.Namespace) -> int:
    change_password(_file(arguments), arguments.name, _password(arguments))
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    remove_account(_file(arguments), arguments.name)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    for name in account_names(_file(arguments)):
        write(name)
    return 0


def _file(arguments: argparse.Namespace) -> str:
    path: str = arguments.file or htpasswd_of(flags_of(arguments))
    if not path:
        raise NoAccountsFileError
    return path


def _password(arguments: argparse.Namespace, ask: Callable[[str], str] = getpass.getpass) -> str:
    if arguments.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise PasswordInputError("the input is no terminal: give the password by --password-stdin")
    password = ask(f"Password of {arguments.name}: ")
    if ask("Again: ") != password:
        raise PasswordInputError("the two passwords differ: nothing was changed")
    return password
