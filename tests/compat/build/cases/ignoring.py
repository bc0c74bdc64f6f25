""".dockerignore: what of the context is not there for COPY."""

from __future__ import annotations

from compat.build.cases.model import BY_NOBODY, Case, Given, Wanted

TREE: dict[str, Given] = {
    "a.txt": "a",
    "b.md": "b",
    "README.md": "r",
    ".hidden": "h",
    "dir/a.txt": "da",
    "dir/b.md": "db",
    "dir/sub/a.txt": "dsa",
    "dir/sub/c.tmp": "dsc",
    "other/a.txt": "oa",
    "other/sub/d.tmp": "osd",
}


def _case(name: str, ignored: str, absent: str, present: str) -> Case:
    """Return a case that copies everything; the last two are names of files."""
    tree: dict[str, Wanted] = {f"/all/{path}": None for path in absent.split()}
    for path in present.split():
        given = TREE[path]
        assert isinstance(given, str)
        tree[f"/all/{path}"] = given
    return Case(
        name=f"ignore-{name}",
        dockerfile="""
            FROM busybox
            COPY . /all/
            """,
        context={**TREE, ".dockerignore": ignored},
        tree=tree,
        also_own_client=True,
    )


CASES = (
    _case("names", "a.txt\ndir\n", "a.txt dir", "b.md other/a.txt .hidden"),
    _case("is-rooted", "a.txt\n", "a.txt", "dir/a.txt other/a.txt"),
    _case("leading-slash", "/a.txt\n/dir/sub\n", "a.txt dir/sub", "dir/a.txt"),
    _case("trailing-slash", "dir/\nother/sub/\n", "dir other/sub", "other/a.txt"),
    _case("star", "*.md\n*/*.md\n", "b.md README.md dir/b.md", "a.txt dir/a.txt"),
    _case("star-does-not-cross", "*/a.txt\n", "dir/a.txt other/a.txt", "a.txt dir/sub/a.txt"),
    _case("question-mark", "?.md\ndir/su?\n", "b.md dir/sub", "README.md dir/a.txt"),
    _case("class", "[a-b].*\n[^R]*.md\n", "a.txt b.md", "README.md"),
    _case("double-star", "**/*.tmp\n", "dir/sub/c.tmp other/sub/d.tmp", "dir/sub/a.txt"),
    _case("double-star-everywhere", "**/a.txt\n", "a.txt dir/a.txt dir/sub/a.txt", "b.md"),
    _case("double-star-inside", "dir/**/a.txt\n", "dir/a.txt dir/sub/a.txt", "a.txt other/a.txt"),
    _case("double-star-below", "dir/**\n", "dir/a.txt dir/sub/c.tmp", "a.txt"),
    _case("exception", "*.md\n!README.md\n", "b.md", "README.md dir/b.md"),
    _case("exception-in-a-directory", "dir\n!dir/b.md\n", "dir/a.txt dir/sub", "dir/b.md"),
    _case("exception-deep", "*\n!dir/sub/a.txt\n", "a.txt dir/a.txt other", "dir/sub/a.txt"),
    _case("last-one-counts", "!README.md\n*.md\n", "b.md README.md", "dir/b.md"),
    _case("again-after-an-exception", "*.md\n!*.md\nb.md\n", "b.md", "README.md"),
    _case("comments-and-blanks", "# a.txt\n\n  b.md  \n\n#!x\n", "b.md", "a.txt"),
    _case("dots", "./a.txt\ndir/../b.md\n", "a.txt b.md", "dir/a.txt"),
    _case("carriage-returns", "a.txt\r\nb.md\r\n", "a.txt b.md", "README.md"),
    _case("byte-order-mark", "\ufeffa.txt\n", "a.txt", "b.md"),
    _case("hidden", ".*\n", ".hidden .dockerignore", "a.txt"),
    Case(
        # The stock client does not look into a directory that only such an exception could mean.
        name="ignore-everything-but",
        dockerfile="""
            FROM busybox
            COPY . /all/
            """,
        context={**TREE, ".dockerignore": "**\n!**/*.md\n"},
        tree={"/all/b.md": "b", "/all/dir/b.md": "db", "/all/a.txt": None, "/all/other": None},
        judges=BY_NOBODY,
        own_client=True,
    ),
    Case(
        name="ignore-the-files-of-the-build",
        dockerfile="""
            FROM busybox
            COPY . /all/
            """,
        context={"a": "A", ".dockerignore": "Dockerfile\n.dockerignore\n"},
        tree={"/all/a": "A", "/all/Dockerfile": None, "/all/.dockerignore": None},
        also_own_client=True,
    ),
    Case(
        name="ignore-nothing-keeps-the-files-of-the-build",
        dockerfile="""
            FROM busybox
            COPY . /all/
            """,
        context={"a": "A", ".dockerignore": "nothing\n"},
        tree={
            "/all/Dockerfile": "FROM busybox\nCOPY . /all/\n",
            "/all/.dockerignore": "nothing\n",
        },
        also_own_client=True,
    ),
    Case(
        name="ignored-file-is-not-found",
        dockerfile="""
            FROM busybox
            COPY a /a
            """,
        context={"a": "A", "b": "B", ".dockerignore": "a\n"},
        fails="a",
        fails_there="file not found in build context or excluded by .dockerignore: "
        "stat a: file does not exist",
        also_own_client=True,
    ),
    Case(
        name="ignore-file-of-the-dockerfile",
        dockerfile="""
            FROM scratch
            COPY . /all/
            """,
        file="special.Dockerfile",
        context={
            "a": "A",
            "b": "B",
            ".dockerignore": "a\n",
            "special.Dockerfile.dockerignore": "b\n",
        },
        tree={"/all/a": "A", "/all/b": None},
        judges=BY_NOBODY,
        own_client=True,
    ),
    Case(
        name="ignore-counts-for-add-and-wildcards",
        dockerfile="""
            FROM busybox
            ADD dir /dir/
            COPY *.txt /txt/
            """,
        context={**TREE, ".dockerignore": "dir/sub\na.txt\n", "c.txt": "c"},
        tree={"/dir/a.txt": "da", "/dir/sub": None, "/txt/c.txt": "c", "/txt/a.txt": None},
        also_own_client=True,
    ),
)
