"""Changing the file of accounts."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

import bcrypt
import pytest

from wherry.registry.server.access.accounts_file import (
    AccountExistsError,
    AccountNameError,
    AccountsUnwritableError,
    AccountUnknownError,
    PasswordError,
    account_names,
    add_account,
    change_password,
    remove_account,
)
from wherry.registry.server.access.htpasswd import (
    AccountsFileError,
    AccountsUnreadableError,
    parse_accounts,
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "accounts")


def right(path: str, name: str, password: str) -> bool:
    stored = parse_accounts(path, Path(path).read_bytes())[name]
    return bcrypt.checkpw(password.encode(), stored.encode())


def test_accounts_come_change_and_go(path: str) -> None:
    add_account(path, "ann", "one", cost=4)
    add_account(path, "bob", "two", cost=4)
    assert account_names(path) == ["ann", "bob"]
    assert Path(path).stat().st_mode & 0o777 == 0o600
    change_password(path, "ann", "three", cost=4)
    assert right(path, "ann", "three")
    assert right(path, "bob", "two")
    remove_account(path, "ann")
    assert account_names(path) == ["bob"]


def test_the_usual_cost_is_ten(path: str) -> None:
    add_account(path, "ann", "one")
    assert ":$2b$10$" in Path(path).read_text()


def test_comments_order_and_mode_stay(path: str) -> None:
    file = Path(path)
    add_account(path, "bob", "x", cost=4)
    bob = file.read_text()
    file.write_text(f"# people\n\n{bob}# ann:was here\n{bob}")
    file.chmod(0o640)
    add_account(path, "ann", "x", cost=4)
    change_password(path, "bob", "y", cost=4)
    lines = file.read_text().splitlines()
    assert [line.partition(":$")[0] for line in lines] == [
        "# people", "", "bob", "# ann:was here", "ann",
    ]  # fmt: skip
    assert right(path, "bob", "y")
    assert file.stat().st_mode & 0o777 == 0o640
    assert not list(file.parent.glob("*.partial"))


def test_what_cannot_be_done_leaves_the_file(path: str) -> None:
    add_account(path, "ann", "one", cost=4)
    before = Path(path).read_bytes()
    with pytest.raises(AccountExistsError, match="passwd"):
        add_account(path, "ann", "two", cost=4)
    with pytest.raises(AccountUnknownError):
        change_password(path, "bob", "two", cost=4)
    with pytest.raises(AccountUnknownError):
        remove_account(path, "bob")
    assert Path(path).read_bytes() == before


@pytest.mark.parametrize(
    "name", ["", "a:b", "a b", "a\nb", "\x1b[1m", "anyone", "accounts", "#ann", "x" * 129]
)
def test_names_that_no_account_can_have(path: str, name: str) -> None:
    with pytest.raises(AccountNameError):
        add_account(path, name, "x", cost=4)


def test_passwords_that_bcrypt_cannot_tell_apart_are_not_set(path: str) -> None:
    with pytest.raises(PasswordError, match="empty"):
        add_account(path, "ann", "", cost=4)
    with pytest.raises(PasswordError, match="73 bytes"):
        add_account(path, "ann", "x" * 73, cost=4)
    add_account(path, "ann", "x" * 72, cost=4)
    with pytest.raises(PasswordError):
        change_password(path, "ann", "ä" * 37, cost=4)


def test_a_file_with_a_broken_line_is_not_touched(path: str) -> None:
    Path(path).write_text("ann:plain\n")
    for change in (
        lambda: add_account(path, "bob", "x", cost=4),
        lambda: remove_account(path, "ann"),
        lambda: account_names(path),
    ):
        with pytest.raises(AccountsFileError):
            change()
    assert Path(path).read_text() == "ann:plain\n"


def test_places_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(AccountsUnwritableError):
        add_account(str(tmp_path / "none" / "accounts"), "ann", "x", cost=4)
    with pytest.raises(AccountsUnreadableError):
        account_names(str(tmp_path / "none"))
    with pytest.raises(AccountsUnwritableError):
        add_account(str(tmp_path), "ann", "x", cost=4)


def test_a_link_stays_a_link(path: str, tmp_path: Path) -> None:
    add_account(path, "ann", "x", cost=4)
    link = tmp_path / "link"
    link.symlink_to(path)
    add_account(str(link), "bob", "x", cost=4)
    assert link.is_symlink()
    assert account_names(path) == ["ann", "bob"]


def test_many_at_once_lose_nothing(path: str) -> None:
    add_account(path, "first", "x", cost=4)
    names = [f"n{number}" for number in range(8)]
    threads = [threading.Thread(target=add_account, args=(path, n, "x", 4)) for n in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(account_names(path)) == sorted(["first", *names])


def test_apache_s_own_program_agrees(path: str) -> None:
    program = shutil.which("htpasswd")
    assert program, "apache2-utils is missing"
    subprocess.run([program, "-cBbC", "4", path, "ann", "one"], check=True, capture_output=True)
    assert right(path, "ann", "one")
    add_account(path, "bob", "two", cost=4)
    checked = subprocess.run([program, "-vb", path, "bob", "two"], check=False, capture_output=True)
    assert checked.returncode == 0, checked.stderr
