"""Every setting of the registry, typed and checked; `configuration/` reads them from TOML.

Sizes are in bytes and times in seconds; 0 means no limit where a limit is meant. The defaults are
those of a registry that starts with no configuration at all: files below one directory, SQLite,
plain HTTP, and nobody asked for a password. Frozen: a registry is started anew to change them,
but for the files of accounts and certificates, which are read again when they change.
"""

from __future__ import annotations

from wherry.base.values import dataclass, field

MIB = 1 << 20
HOUR = 3600.0
DAY = 24 * HOUR
DEFAULT_ROOT = "/var/lib/wherry-registry"
ANYONE = "anyone"  # in a rule: also those who have not logged in
ACCOUNTS = "accounts"  # in a rule: whoever has logged in, robots not among them


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to serve; `url` is how clients reach it, "" when that is what they send as Host.

    workers: processes that share the port; each of them does everything.
    """

    address: str = "0.0.0.0"  # noqa: S104 - a registry is there for others
    port: int = 5000
    url: str = ""
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files; `client_authorities` asks clients for a certificate of these authorities."""

    certificate: str
    key: str
    client_authorities: str = ""


@dataclass(frozen=True, slots=True)
class FileStorage:
    """Objects below a directory of one machine."""

    root: str = DEFAULT_ROOT


@dataclass(frozen=True, slots=True)
class ObjectStorage:
    """Objects in a bucket of an S3-compatible store, below `prefix`.

    endpoint: "" for Amazon's own. The keys, when empty, come from the environment as Amazon's
    tools have it. redirect: let clients fetch blobs from the store; `public_endpoint` is how they
    reach it, where that differs.
    """

    bucket: str
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    prefix: str = ""
    redirect: bool = True
    redirect_seconds: float = 900.0
    public_endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one client can ask for.

    stall: without one byte in either direction. concurrent_uploads: at once, of one account.
    """

    manifest_bytes: int = 4 * MIB
    blob_bytes: int = 0
    page: int = 1000
    stall: float = 60.0
    connections: int = 10_000
    concurrent_uploads: int = 100


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do what with repositories whose names match a pattern (`team/*`, `*`).

    In patterns `*` is any run of characters, slashes among them. The first rule that matches a
    name decides for it; a name that no rule matches is closed to everyone. pull, push, delete:
    names of accounts, `robot:<name>`, `anyone`, `accounts`. immutable: tags (patterns) that are
    never moved or deleted.
    """

    repositories: tuple[str, ...]
    pull: tuple[str, ...] = ()
    push: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    immutable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests allowed, as `count` in `seconds`, for each account or address; 0 for no limit.

    logins: failed ones, of one account from one address, before the next has to wait.
    """

    pulls: int = 0
    pushes: int = 0
    requests: int = 0
    logins: int = 10
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Access:
    """Accounts and rules. With neither, everybody may do everything.

    With accounts and no rules, accounts may do everything and others nothing. administrators may
    delete and see everything whatever the rules say.
    """

    htpasswd: str = ""
    rules: tuple[Rule, ...] = ()
    administrators: tuple[str, ...] = ()
    realm: str = "wherry registry"
    token_seconds: float = 300.0
    rates: Rates = Rates()
    trusted_proxies: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """True when nobody is asked who they are."""
        return not self.htpasswd and not self.rules


@dataclass(frozen=True, slots=True)
class Cache:
    """Repositories below `prefix` are those of an upstream registry, fetched when asked for.

    prefix: "" for everything (a mirror of docker.io for daemons). refresh: for how long a tag is
    served without asking the upstream whether it has moved; digests never move.
    """

    prefix: str
    upstream: str
    username: str = ""
    password: str = field(default="", repr=False)
    refresh: float = HOUR
    authorities: str = ""


@dataclass(frozen=True, slots=True)
class Retention:
    """Which tags of matching repositories are kept; a tag that any of the keeps names stays.

    keep_last: the n pushed last. keep_newer: pushed within so many seconds. keep_tags: patterns.
    keep_untagged: manifests without a tag, for so many seconds; None for ever.
    """

    repositories: tuple[str, ...]
    keep_last: int | None = None
    keep_newer: float | None = None
    keep_tags: tuple[str, ...] = ()
    keep_untagged: float | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """Garbage collection. interval: between runs, 0 for none but those asked for.

    grace: how long a blob that no manifest names is kept, since a push sends blobs first.
    uploads: how long an unfinished upload is kept.
    """

    interval: float = HOUR
    grace: float = HOUR
    uploads: float = DAY
    retention: tuple[Retention, ...] = ()


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where events are posted; `events` of push, pull, delete, mount; `secret` signs the body."""

    url: str
    events: tuple[str, ...] = ("push", "delete")
    repositories: tuple[str, ...] = ("*",)
    secret: str = field(default="", repr=False)
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Operation:
    """Logs ("-" is standard output, "" is none), metrics and pages.

    metrics: who may read /metrics: `anyone`, or names of accounts as in a rule.
    """

    access_log: str = "-"
    audit_log: str = ""
    level: str = "info"
    metrics: tuple[str, ...] = (ANYONE,)
    pages: bool = True


@dataclass(frozen=True, slots=True)
class Settings:
    """All of them. `database` is a URL of PostgreSQL, or "" for SQLite in the storage's root."""

    listen: Listen = Listen()
    tls: Tls | None = None
    storage: FileStorage | ObjectStorage = FileStorage()
    database: str = field(default="", repr=False)
    limits: Limits = Limits()
    access: Access = Access()
    caches: tuple[Cache, ...] = ()
    collection: Collection = Collection()
    webhooks: tuple[Webhook, ...] = ()
    operation: Operation = Operation()
