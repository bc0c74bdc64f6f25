"""Settings from files and flags; everything that is wrong is told at once, by its line."""

from __future__ import annotations

from pathlib import Path

import bcrypt
import pytest
import trustme

from wherry.base.configuration.problems import ConfigurationError
from wherry.registry.server import settings as shapes
from wherry.registry.server.configuration.load import Flags, from_flags, htpasswd_of, load


def write(folder: Path, text: str) -> str:
    path = folder / "registry.toml"
    path.write_text(text)
    return str(path)


def problems(folder: Path, text: str) -> list[str]:
    path = write(folder, text)
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    return str(caught.value).replace(f"{path}:", "").split("\n")


@pytest.fixture
def accounts(tmp_path: Path) -> str:
    path = tmp_path / "htpasswd"
    path.write_bytes(b"ann:" + bcrypt.hashpw(b"x", bcrypt.gensalt(4)) + b"\n")
    return str(path)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    made = trustme.CA().issue_cert("localhost")
    made.private_key_pem.write_to_path(tmp_path / "key.pem")
    made.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    return str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load(write(tmp_path, "")) == shapes.Settings()


def test_everything_can_be_set(tmp_path: Path, accounts: str, pair: tuple[str, str]) -> None:
    text = f"""
        database = "postgresql://registry@db/registry"
        [listen]
        address = "::"
        port = 443
        url = "https://registry.example.com/"
        workers = 4
        [tls]
        certificate = "{pair[0]}"
        key = "{pair[1]}"
        client_authorities = "{pair[0]}"
        [storage]
        driver = "s3"
        bucket = "images"
        endpoint = "https://s3.example.com"
        region = "eu-central-1"
        access_key = "id"
        secret_key = "word"
        prefix = "registry"
        redirect = false
        redirect_seconds = "5m"
        public_endpoint = "https://files.example.com"
        [limits]
        manifest_bytes = "1MB"
        blob_bytes = "10GB"
        page = 500
        stall = "30s"
        connections = 100
        concurrent_uploads = 10
        [access]
        htpasswd = "{accounts}"
        administrators = ["ann"]
        realm = "ours"
        token_seconds = "10m"
        trusted_proxies = ["10.0.0.0/8", "::1"]
        [access.rates]
        pulls = 1
        pushes = 2
        requests = 3
        logins = 4
        seconds = "1h"
        [[access.rule]]
        repositories = ["team/*"]
        pull = ["anyone"]
        push = ["ann", "robot:ci"]
        delete = ["accounts"]
        immutable = ["v*"]
        [[cache]]
        prefix = "hub/"
        upstream = "docker.io"
        username = "me"
        password = "word"
        refresh = "15m"
        authorities = "{pair[0]}"
        [collection]
        interval = "30m"
        grace = "2h"
        uploads = "7d"
        [[collection.retention]]
        repositories = ["*"]
        keep_last = 10
        keep_newer = "30d"
        keep_tags = ["v*"]
        keep_untagged = "1d"
        [[webhook]]
        url = "https://ci.example.com/hook"
        events = ["pull"]
        repositories = ["team/*"]
        secret = "word"
        timeout = 5
        [operation]
        access_log = ""
        audit_log = "{tmp_path}/audit.log"
        level = "debug"
        metrics = ["ann"]
        pages = false
    """
    assert load(write(tmp_path, text)) == shapes.Settings(
        listen=shapes.Listen("::", 443, "https://registry.example.com", 4),
        tls=shapes.Tls(*pair, client_authorities=pair[0]),
        storage=shapes.ObjectStorage(
            "images", "https://s3.example.com", "eu-central-1", "id", "word", "registry",
            redirect=False, redirect_seconds=300, public_endpoint="https://files.example.com",
        ),
        database="postgresql://registry@db/registry",
        limits=shapes.Limits(1 << 20, 10 << 30, 500, 30, 100, 10),
        access=shapes.Access(
            accounts,
            (shapes.Rule(
                ("team/*",), ("anyone",), ("ann", "robot:ci"), ("accounts",), ("v*",)
            ),),
            ("ann",), "ours", 600, shapes.Rates(1, 2, 3, 4, 3600), ("10.0.0.0/8", "::1/128"),
        ),
        caches=(shapes.Cache("hub", "docker.io", "me", "word", 900, pair[0]),),
        collection=shapes.Collection(
            1800, 7200, 604_800,
            (shapes.Retention(("*",), 10, 30 * shapes.DAY, ("v*",), shapes.DAY),),
        ),
        webhooks=(
            shapes.Webhook("https://ci.example.com/hook", ("pull",), ("team/*",), "word", 5),
        ),
        operation=shapes.Operation("", f"{tmp_path}/audit.log", "debug", ("ann",), pages=False),
    )  # fmt: skip


def test_all_problems_are_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = """[listen]
prot = 5000
port = 70000

[webhooks]

[[cache]]
prefix = "hub"

[access]
administrators = [
    "ann",
    "no one",
]
"""
    assert problems(tmp_path, text) == [
        '2: listen.prot: unknown key: did you mean "port"?',
        "3: listen.port: a whole number from 0 to 65535 is wanted, not 70000",
        '5: webhooks: unknown key: did you mean "webhook"?',
        '7: cache[1]: upstream is missing: say of which registry, such as "docker.io"',
        "11: access.administrators: there are no accounts, so nobody is 'ann': set access.htpasswd",
        (
            '13: access.administrators[2]: the name of an account is wanted, or "robot:<name>", '
            '"accounts" or "anyone", not "no one"'
        ),
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a = \n", "1: not TOML, column 5: invalid value"),
        ('\n[listen]\naddress = "x', "3: not TOML: unterminated string"),
        ("a = 1\n\n\na = 2", "4: not TOML: cannot overwrite a value"),
        ("listen = 5", "1: listen: a table is wanted, [listen], not 5"),
        ("[cache]", "1: cache: tables are wanted: write [[cache]] with two brackets"),
        ("cache = 5", "1: cache: tables are wanted, [[cache]], not 5"),
        ("cache = [5]", "1: cache[1]: a table is wanted, not 5"),
        ('[listen]\naddress = "host"', "2: listen.address: an IP address is wanted"),
        ('[listen]\nurl = "ftp://x"', "2: listen.url: a URL is wanted"),
        ('[listen]\nurl = "http://x/y"', "2: listen.url: a URL without a path is wanted"),
        ('[listen]\nurl = "http://a:b@x"', "2: listen.url: a URL with a name or a password"),
        ("[tls]", "1: tls: certificate is missing: TLS needs a certificate and its key"),
        ('[tls]\ncertificate = "/none"', "1: tls: key is missing: TLS needs"),
        ('[storage]\ndriver = "gcs"', '2: storage.driver: one of "files", "s3" is wanted'),
        ('[storage]\nroot = "images"', "2: storage.root: a path is wanted that begins with /"),
        ('[storage]\nbucket = "x"', '2: storage.bucket: unknown key: known are driver, root'),
        ('[storage]\ndriver = "s3"', "1: storage: bucket is missing: the driver s3 keeps"),
        (
            '[storage]\ndriver = "s3"\nbucket = "b"',
            "2: storage.driver: the driver s3 needs a database that every process reaches",
        ),
        ('database = "mysql://x"', '1: database: a URL such as "postgresql://user@host/name"'),
        ("[[access.rule]]\npull = ['anyone']", "1: access.rule[1]: repositories is missing"),
        ("[[access.rule]]\nrepositories = []", "2: access.rule[1].repositories: it names no"),
        (
            "[[access.rule]]\nrepositories = ['x']\npush = ['ann']",
            "3: access.rule[1].push: there are no accounts, so nobody is 'ann'",
        ),
        (
            "[[access.rule]]\nrepositories = ['*']\n[[access.rule]]\nrepositories = ['a']",
            "3: access.rule[2]: no repository comes here: the first rule that matches decides,",
        ),
        ('[access]\nhtpasswd = "/none/htpasswd"', "2: access.htpasswd: /none/htpasswd is not"),
        ('[access]\nrealm = "a\\"b"', "2: access.realm: text without quotes"),
        ("[access]\ntrusted_proxies = ['10.0.0.1/8']", "2: access.trusted_proxies[1]: an address"),
        (
            "[[cache]]\nprefix = 'a'\nupstream = 'x'\n[[cache]]\nprefix = 'a/'\nupstream = 'y'",
            "5: cache[2].prefix: 'a' stands in line 2 already",
        ),
        (
            "[[cache]]\nprefix = 'a'\nupstream = 'x'\npassword = 'y'",
            "4: cache[1].password: a password without a name: set username",
        ),
        ("[[cache]]\nprefix = 'A'\nupstream = 'x'", "2: cache[1].prefix: the beginning of lower"),
        ("[[cache]]\nprefix = 'a'\nupstream = 'x y'", "3: cache[1].upstream: a registry is wanted"),
        (
            "[[cache]]\nprefix = ''\nupstream = 'x'\nauthorities = '/none'",
            "4: cache[1].authorities: /none cannot be read: no such file or directory",
        ),
        (
            "[[collection.retention]]\nrepositories = ['*']",
            "1: collection.retention[1]: it says nothing of what to keep: set keep_last",
        ),
        ("[[webhook]]\nevents = ['push']", "1: webhook[1]: url is missing: say where events"),
        ("[[webhook]]\nurl = 'http://x'\nevents = ['pusch']", "3: webhook[1].events[1]: one of"),
        ("[[webhook]]\nurl = 'http://x'\nevents = []", "3: webhook[1].events: an empty list"),
        (
            "[[webhook]]\nurl = 'http://x'\n[[webhook]]\nurl = 'http://x'",
            "4: webhook[2].url: 'http://x' stands in line 2 already",
        ),
        ("[operation]\naccess_log = '/none/x'", "2: operation.access_log: /none is not there"),
        ("[operation]\nlevel = 'all'", '2: operation.level: one of "debug", "info"'),
        ("[operation]\nmetrics = ['bob']", "2: operation.metrics: there are no accounts"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_line_and_a_way_out(tmp_path: Path, text: str, wanted: str) -> None:
    told = problems(tmp_path, text)
    assert any(line.startswith(wanted) for line in told), told


def test_a_certificate_and_another_key(tmp_path: Path, pair: tuple[str, str]) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(other)
    [told] = problems(tmp_path, f'[tls]\ncertificate = "{pair[0]}"\nkey = "{other}"')
    assert told.startswith(f"2: tls.certificate: {pair[0]} and {other} are not a certificate and")


def test_a_broken_file_of_accounts_is_told_with_its_own_line(tmp_path: Path) -> None:
    broken = tmp_path / "htpasswd"
    broken.write_text("ann:{SHA}xyz\n")
    [told] = problems(tmp_path, f'[access]\nhtpasswd = "{broken}"')
    assert told.startswith(f"2: access.htpasswd: {broken}:1: the password of 'ann' is not hashed")


def test_flags_go_before_the_file(tmp_path: Path, accounts: str, pair: tuple[str, str]) -> None:
    path = write(tmp_path, '[listen]\nport = 1\naddress = "127.0.0.1"\n[storage]\nroot = "/x"')
    made = from_flags(
        Flags(
            config=path, root=str(tmp_path), listen=":5001", htpasswd=accounts,
            tls_certificate=pair[0], tls_key=pair[1], database="postgresql://x/y",
        )
    )  # fmt: skip
    assert made.listen == shapes.Listen("0.0.0.0", 5001)
    assert made.storage == shapes.FileStorage(str(tmp_path))
    assert made.tls == shapes.Tls(*pair)
    assert made.access.htpasswd == accounts
    assert made.database == "postgresql://x/y"
    assert from_flags(Flags(config=path, listen="5002")).listen == shapes.Listen("127.0.0.1", 5002)
    assert from_flags(Flags(config=path, listen="[::1]:5002")).listen.address == "::1"


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        (Flags(listen="nonsense"), "--listen: ADDRESS:PORT, :PORT or PORT is wanted"),
        (Flags(listen="host:5000"), "--listen: an IP address is wanted"),
        (Flags(listen=":70000"), "--listen: a whole number from 0 to 65535 is wanted, not 70000"),
        (Flags(database="nonsense"), '--database: a URL such as "postgresql://user@host/name"'),
        (Flags(htpasswd="/none"), "--htpasswd: /none is not there: make it with `wherry registry"),
        (Flags(tls_key="/none"), "tls: certificate is missing"),
    ],
)
def test_a_wrong_flag_is_told_by_its_name(tmp_path: Path, flags: Flags, wanted: str) -> None:
    from dataclasses import replace

    path = write(tmp_path, "")
    with pytest.raises(ConfigurationError) as caught:
        from_flags(replace(flags, config=path))
    assert str(caught.value).removeprefix(f"{path}: ").startswith(wanted)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read: no such file.*--config"):
        load(str(tmp_path / "none.toml"))
    with pytest.raises(ConfigurationError, match="cannot be read: is a directory"):
        load(str(tmp_path))


def test_the_file_of_accounts_need_not_be_there_to_be_made(tmp_path: Path) -> None:
    path = write(tmp_path, f'[access]\nhtpasswd = "{tmp_path}/new"\nadministrators = ["ann"]')
    assert htpasswd_of(Flags(config=path)) == f"{tmp_path}/new"
    with pytest.raises(ConfigurationError):
        htpasswd_of(Flags(config=write(tmp_path, "[access]\nhtpasswd = 1")))


def test_secrets_are_in_no_message_and_in_no_repr(tmp_path: Path) -> None:
    text = """
    database = "hush1"
    [storage]
    driver = "s3"
    secret_key = ["hush2"]
    bucket = "b"
    [[webhook]]
    url = "http://x"
    secret = 5
    """
    assert not [line for line in problems(tmp_path, text) if "hush" in line]
    fine = load(write(tmp_path, '[[webhook]]\nurl = "http://x"\nsecret = "hush"'))
    assert fine.webhooks[0].secret == "hush"
    assert "hush" not in repr(fine)
