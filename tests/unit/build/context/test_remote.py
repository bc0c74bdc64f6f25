"""What texts name, by the tables of BuildKit's tests and the reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.build.context.remote import (
    Address,
    AddressError,
    GitAddress,
    ImageAddress,
    PathAddress,
    UrlAddress,
    classify,
    is_commit,
    parse_git,
    redacted,
)

BAR = "https://github.com/foo/bar.git"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.com/foo.git", GitAddress("https://example.com/foo.git")),
        (f"{BAR}#deadbeef", GitAddress(BAR, "deadbeef")),
        (f"{BAR}#release/1.2", GitAddress(BAR, "release/1.2")),
        (f"{BAR}#baz/qux:quux/quuz", GitAddress(BAR, "baz/qux", "quux/quuz")),
        (f"{BAR}#:part", GitAddress(BAR, "", "part")),
        (f"{BAR}#:../../part/", GitAddress(BAR, "", "part")),
        (f"{BAR}#a%2Fb", GitAddress(BAR, "a/b")),
        ("HTTPS://host/x.git", GitAddress("https://host/x.git")),
        ("http://host:80/x.git", GitAddress("http://host:80/x.git")),
        ("https://u:p@host/x.git", GitAddress("https://u:p@host/x.git")),
        ("https://host/-/x.git", GitAddress("https://host/-/x.git")),
        ("git://example.com/foo", GitAddress("git://example.com/foo")),
        ("ssh://git@host:22/foo", GitAddress("ssh://git@host:22/foo")),
        ("git@github.com:foo/bar", GitAddress("git@github.com:foo/bar")),
        ("git@github.com:foo/bar.git#v1:x", GitAddress("git@github.com:foo/bar.git", "v1", "x")),
        ("u@h.org:/srv/p.git?ref=v1", GitAddress("u@h.org:/srv/p.git", "v1")),
        ("git@h:x.git?subdir=/s#v1", GitAddress("git@h:x.git", "v1", "s")),
        ("github.com/foo/bar", GitAddress("https://github.com/foo/bar", like_local=True)),
        (
            "github.com/foo/bar?tag=v1",
            GitAddress("https://github.com/foo/bar", "refs/tags/v1", like_local=True),
        ),
        (f"{BAR}?ref=v1.0.0&subdir=/s", GitAddress(BAR, "v1.0.0", "s")),
        (f"{BAR}?subdir=/s#v1", GitAddress(BAR, "v1", "s")),
        (f"{BAR}?subdir=s#v1:s", GitAddress(BAR, "v1", "s")),
        (f"{BAR}?subdir=../s", GitAddress(BAR, "", "s")),
        (f"{BAR}?tag=v1", GitAddress(BAR, "refs/tags/v1")),
        (f"{BAR}?tag=refs/tags/v1#refs/tags/v1", GitAddress(BAR, "refs/tags/v1")),
        (f"{BAR}?branch=v1", GitAddress(BAR, "refs/heads/v1")),
        (f"{BAR}?checksum=abc", GitAddress(BAR, checksum="abc")),
        (f"{BAR}?commit=abc", GitAddress(BAR, checksum="abc")),
        (f"{BAR}?keep-git-dir=true", GitAddress(BAR, keep_git_dir=True)),
        (f"{BAR}?keep-git-dir", GitAddress(BAR, keep_git_dir=True)),
        (f"{BAR}?keep-git-dir=0", GitAddress(BAR, keep_git_dir=False)),
        (f"{BAR}?submodules=false", GitAddress(BAR, submodules=False)),
        (f"{BAR}?mtime=commit", GitAddress(BAR, mtime="commit")),
        (f"{BAR}?fetch-by-commit&checksum=a", GitAddress(BAR, checksum="a", by_commit=True)),
        (f"{BAR}?fetch-by-commit=false", GitAddress(BAR)),
    ],
)
def test_git(text: str, expected: GitAddress) -> None:
    assert parse_git(text) == expected
    assert classify(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.com/", UrlAddress("https://example.com/")),
        ("https://github.com/moby/buildkit", UrlAddress("https://github.com/moby/buildkit")),
        ("https://example.com/foo.git/", UrlAddress("https://example.com/foo.git/")),
        ("https://example.com/foo.git.bar", UrlAddress("https://example.com/foo.git.bar")),
        ("http://h/docker.git:#branch", UrlAddress("http://h/docker.git:#branch")),
        ("docker-image://alpine:3", ImageAddress("alpine:3")),
        ("docker-image://a@sha256:0", ImageAddress("a@sha256:0")),
        ("custom.xyz/moby/buildkit.git", PathAddress("custom.xyz/moby/buildkit.git")),
        (".git", PathAddress(".git")),
        ("./x.git", PathAddress("./x.git")),
        ("../a@b:c/x.git", PathAddress("../a@b:c/x.git")),
        ("file:///x.git", PathAddress("file:///x.git")),
        ("httpx://github.com/x.git", PathAddress("httpx://github.com/x.git")),
        ("-", PathAddress("-")),
        ("", PathAddress("")),
        ("a/b", PathAddress("a/b")),
        ("a@b:c\nd", PathAddress("a@b:c\nd")),
        ("http://[x/y.git", UrlAddress("http://[x/y.git")),
    ],
)
def test_other_things(text: str, expected: Address) -> None:
    assert parse_git(text) is None
    assert classify(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("github.com/foo/bar", PathAddress("github.com/foo/bar")),
        ("docker-image://x", PathAddress("docker-image://x")),
        ("https://h/x.tar", UrlAddress("https://h/x.tar")),
        (BAR, GitAddress(BAR)),
    ],
)
def test_sources_of_add(text: str, expected: Address) -> None:
    assert classify(text, is_context=False) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{BAR}?ref=v1.0.0#v1.2.3", 'ref conflicts: "v1.2.3" vs "v1.0.0"'),
        (f"{BAR}?ref=v1&tag=v2", 'ref conflicts: "v1" vs "refs/tags/v2"'),
        (f"{BAR}?tag=v1&branch=v1", "branch conflicts with tag"),
        (f"{BAR}?subdir=a#:b", 'subdir conflicts: "b" vs "a"'),
        (f"{BAR}?mtime=x", 'invalid mtime value: "x"'),
        (f"{BAR}?fetch-by-commit=x", 'invalid fetch-by-commit value: "x"'),
        (f"{BAR}?invalid=123", 'unexpected query "invalid"'),
        (f"{BAR}?ref=a&ref=b", 'query "ref" has multiple values'),
        (f"{BAR}?tag=", 'query "tag" has no value'),
        (f"{BAR}#--upload-pack=x", "invalid git ref '--upload-pack=x'"),
        (f"{BAR}?ref=-x", "invalid git ref '-x'"),
        ("-oProxyCommand=x@h:p", None),
        ("-x@h:p", "the user begins with a dash"),
        ("u@-oProxyCommand:p", "the host begins with a dash"),
        ("ssh://-oProxyCommand=x/y", "the host begins with a dash"),
        ("u@h:-p", "the path begins with a dash"),
        (f"{BAR}#a\x01", "control characters"),
    ],
)
def test_git_addresses_that_make_no_sense(text: str, words: str | None) -> None:
    if words is None:
        assert classify(text) == PathAddress(text)
        return
    with pytest.raises(AddressError) as caught:
        classify(text)
    assert words in str(caught.value)
    assert str(caught.value).startswith("invalid git address ")


def test_messages_have_no_credentials() -> None:
    with pytest.raises(AddressError) as caught:
        parse_git("https://user:secret@host/x.git?x=y")
    assert "secret" not in str(caught.value)
    assert "https://xxxxx:xxxxx@host/x.git" in str(caught.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://u:p@h/x", "https://xxxxx:xxxxx@h/x"),
        ("https://u@h/x", "https://xxxxx@h/x"),
        ("https://:p@h/x", "https://:xxxxx@h/x"),
        ("https://h/x@y", "https://h/x@y"),
        ("git@h:x", "git@h:x"),
    ],
)
def test_redacted(address: str, shown: str) -> None:
    assert redacted(address) == shown
    assert GitAddress(address).shown == shown


def test_flags_of_add_and_the_address_agree() -> None:
    plain = GitAddress(BAR)
    assert plain.with_flags(keep_git_dir=True, checksum="a") == GitAddress(
        BAR, checksum="a", keep_git_dir=True
    )
    said = GitAddress(BAR, checksum="a", keep_git_dir=False)
    assert said.with_flags() == said
    assert said.with_flags(keep_git_dir=False, checksum="a") == said
    with pytest.raises(AddressError, match="inconsistent keep-git-dir configuration"):
        said.with_flags(keep_git_dir=True)
    with pytest.raises(AddressError, match='checksum mismatch "b" != "a"'):
        said.with_flags(checksum="b")


def test_commits() -> None:
    assert is_commit("a" * 40)
    assert is_commit("0" * 64)
    assert not is_commit("A" * 40)
    assert not is_commit("a" * 39)


@given(st.text(), st.sampled_from(["", "https://", "git@h:", "ssh://", "github.com/", f"{BAR}?"]))
def test_any_text_is_something(text: str, prefix: str) -> None:
    try:
        found = classify(prefix + text)
    except AddressError:
        return
    if isinstance(found, GitAddress):
        assert not found.remote.startswith("-")
        assert not found.ref.startswith("-")
        assert ".." not in found.directory.split("/")
