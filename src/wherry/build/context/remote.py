"""What a text names: a git repository, a URL, an image, or a path. Pure, standard library only.

The rules are those of BuildKit, for build contexts, named contexts and the sources of ADD:

    git@host:path  ssh://…  git://…    git
    http(s)://….git                    git; without `.git` a file to download
    github.com/owner/repository        git, as a context only and unless there is such a directory
    docker-image://reference           an image
    everything else                    a path

A git address says more behind `#ref:directory`, or in a query: `?branch=…&subdir=…` (also `tag`,
`ref`, `commit`, `checksum`, `keep-git-dir`, `submodules`, `mtime`, `fetch-by-commit`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass

IMAGE_PREFIX = "docker-image://"
_GITHUB = "github.com/"
_SCHEMES = frozenset({"http", "https", "ssh", "git"})
_SCHEME = re.compile(r"([a-zA-Z0-9]+)://")
_SECURE_SHELL = re.compile(r"([a-zA-Z0-9_-]+)@([a-zA-Z0-9.-]+):(.*?)(?:\?(.*?))?(?:#(.*))?")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


class AddressError(InvalidError):
    """An address is of git, and says what makes no sense."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(f"invalid git address {redacted(address)!r}: {why}")


@dataclass(frozen=True, slots=True)
class GitAddress:
    """A repository, and what of it is wanted. `remote` is what git is given.

    ref: a branch, a tag, a full name (`refs/…`) or a commit; empty for the default branch.
    directory: the one within the repository that counts, without a slash at either end.
    checksum: how the commit's id has to begin.
    mtime: "commit" gives every file the time of the commit.
    by_commit: `checksum` is fetched as it is, without asking what `ref` is now.
    like_local: a local directory of this name would come first.
    """

    remote: str
    ref: str = ""
    directory: str = ""
    checksum: str = ""
    keep_git_dir: bool | None = None
    submodules: bool = True
    mtime: str = ""
    by_commit: bool = False
    like_local: bool = False

    @property
    def shown(self) -> str:
        """The remote without credentials."""
        return redacted(self.remote)

    def with_flags(self, *, keep_git_dir: bool | None = None, checksum: str = "") -> GitAddress:
        """Return the address with what the flags of ADD say; raises AddressError."""
        if None not in (keep_git_dir, self.keep_git_dir) and keep_git_dir != self.keep_git_dir:
            raise AddressError(self.remote, "inconsistent keep-git-dir configuration")
        if checksum and self.checksum and checksum != self.checksum:
            raise AddressError(self.remote, f'checksum mismatch "{checksum}" != "{self.checksum}"')
        kept = self.keep_git_dir if self.keep_git_dir is not None else keep_git_dir
        return replace(self, keep_git_dir=kept, checksum=self.checksum or checksum)


@dataclass(frozen=True, slots=True)
class UrlAddress:
    """A file to download."""

    url: str


@dataclass(frozen=True, slots=True)
class ImageAddress:
    """An image, by a reference that has not been looked at yet."""

    reference: str


@dataclass(frozen=True, slots=True)
class PathAddress:
    """A path, of the client or in the context."""

    path: str


Address = GitAddress | UrlAddress | ImageAddress | PathAddress


def classify(text: str, *, is_context: bool = True) -> Address:
    """Say what a text names; raises AddressError.

    With `is_context` False the text is a source of ADD: no image, and `github.com/…` is a path.
    """
    git = parse_git(text)
    if git is not None and (is_context or not git.like_local):
        return git
    if is_url(text):
        return UrlAddress(text)
    if is_context and text.startswith(IMAGE_PREFIX):
        return ImageAddress(text.removeprefix(IMAGE_PREFIX))
    return PathAddress(text)


def is_url(text: str) -> bool:
    """Say whether a text begins like the address of something to download."""
    return text.startswith(("http://", "https://"))


def is_commit(text: str) -> bool:
    """Say whether a text is the full id of a commit, by SHA-1 or SHA-256."""
    return _COMMIT.fullmatch(text) is not None


def parse_git(text: str) -> GitAddress | None:
    """Return the git address that a text is, None if it is none; raises AddressError."""
    if text.startswith(_GITHUB):
        parts = _split(f"https://{text}")
    elif match := _SCHEME.match(text):
        parts = _split(text) if match[1].lower() in _SCHEMES else None
        if parts and text[:4].lower() == "http" and not parts.path.endswith(".git"):
            parts = None
    else:
        parts = _split_secure_shell(text)
    if parts is None:
        return None
    _refuse_options(text, parts)
    ref, _, directory = parts.fragment.partition(":")
    address = GitAddress(
        remote=parts.remote,
        ref=ref,
        directory=posixpath.normpath(f"/{directory}").strip("/"),
        like_local=text.startswith(_GITHUB),
    )
    return _with_query(address, text, parse_qs(parts.query, keep_blank_values=True))


def redacted(address: str) -> str:
    """Return an address without the user's name and password of a URL."""
    return re.sub(r"^(\w+://)([^/@:]*)(:[^/@]*)?@", _masked, address)


@dataclass(frozen=True, slots=True)
class _Parts:
    remote: str
    host: str
    path: str
    query: str
    fragment: str


def _split(text: str) -> _Parts | None:
    try:
        url = urlsplit(text)
        host = url.hostname or ""
    except ValueError:
        return None
    remote = text.partition("#")[0].partition("?")[0]
    remote = url.scheme + remote[len(url.scheme) :]
    return _Parts(remote, host, unquote(url.path), url.query, unquote(url.fragment))


def _split_secure_shell(text: str) -> _Parts | None:
    match = _SECURE_SHELL.fullmatch(text)
    if match is None:
        return None
    user, host, path, query, fragment = match.groups("")
    return _Parts(f"{user}@{host}:{path}", host, path, query, fragment)


def _refuse_options(text: str, parts: _Parts) -> None:
    """Refuse what git, or the programs it starts, would read as an option."""
    named = {"user": parts.remote, "host": parts.host, "path": parts.path}
    for what, value in named.items():
        if value.startswith("-"):
            raise AddressError(text, f"the {what} begins with a dash")
    if parts.fragment.startswith("-"):
        raise AddressError(text, f"invalid git ref {parts.fragment.partition(':')[0]!r}")
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise AddressError(text, "it contains control characters")


def _masked(match: re.Match[str]) -> str:
    scheme, user, password = match.groups()
    mask = "xxxxx"
    return f"{scheme}{mask if user else ''}{f':{mask}' if password else ''}@"


def _with_query(address: GitAddress, text: str, query: Mapping[str, list[str]]) -> GitAddress:
    """Return the address with what its query says."""
    refs = dict[str, str]()
    for key, values in query.items():
        value = _only(text, key, values)
        match key:
            case "ref" | "tag" | "branch":
                refs[key] = value
            case "subdir":
                address = _in_directory(address, text, value)
            case "checksum" | "commit":
                address = replace(address, checksum=value)
            case "keep-git-dir":
                address = replace(address, keep_git_dir=_boolean(text, key, value))
            case "submodules":
                address = replace(address, submodules=_boolean(text, key, value))
            case "fetch-by-commit":
                address = replace(address, by_commit=_boolean(text, key, value))
            case "mtime":
                if value not in ("checkout", "commit"):
                    why = f'invalid mtime value: "{value}" (must be "checkout" or "commit")'
                    raise AddressError(text, why)
                address = replace(address, mtime=value)
            case _:
                raise AddressError(text, f'unexpected query "{key}"')
    return _at(address, text, refs)


def _only(text: str, key: str, values: list[str]) -> str:
    if len(values) > 1:
        raise AddressError(text, f'query "{key}" has multiple values')
    if not values[0] and key not in ("submodules", "keep-git-dir", "fetch-by-commit"):
        raise AddressError(text, f'query "{key}" has no value')
    return values[0]


def _boolean(text: str, key: str, value: str) -> bool:
    if value and value not in _TRUE | _FALSE:
        raise AddressError(text, f'invalid {key} value: "{value}"')
    return value not in _FALSE


def _in_directory(address: GitAddress, text: str, value: str) -> GitAddress:
    directory = posixpath.normpath(f"/{value}").strip("/")
    if address.directory and address.directory != directory:
        raise AddressError(text, f'subdir conflicts: "{address.directory}" vs "{value}"')
    return replace(address, directory=directory)


def _at(address: GitAddress, text: str, refs: Mapping[str, str]) -> GitAddress:
    """Return the address with the one ref that it names in several ways."""
    if "tag" in refs and "branch" in refs:
        raise AddressError(text, "branch conflicts with tag")
    for key, prefix in (("ref", ""), ("tag", "refs/tags/"), ("branch", "refs/heads/")):
        if key not in refs:
            continue
        ref = prefix + refs[key].removeprefix(prefix)
        if address.ref and address.ref != ref:
            raise AddressError(text, f'ref conflicts: "{address.ref}" vs "{ref}"')
        if ref.startswith("-"):
            raise AddressError(text, f"invalid git ref {ref!r}")
        address = replace(address, ref=ref)
    return address
