"""COPY and ADD: where it is written, and what happens to what is there."""

from __future__ import annotations

from compat.build.cases.model import (
    BY_NOBODY,
    DEFAULT_PATH,
    Case,
    File,
    Folder,
    Link,
    a_file,
    a_folder,
    a_link,
    classic_differs,
)

SEVERAL = (
    "When using COPY with more than one source file, the destination must be a directory "
    "and end with a /"
)

CASES = (
    Case(
        name="to-a-directory-that-is-there",
        dockerfile="""
            FROM base-tree
            COPY a /d
            COPY a /d/sub/
            """,
        bases=("base-tree",),
        context={"a": "A"},
        tree={"/d/a": "A", "/d/sub/a": "A", "/d/sub": a_folder(0o750, (7, 8)), "/d/one": "1\n"},
    ),
    Case(
        name="to-a-directory-that-is-not-there",
        dockerfile="""
            FROM busybox
            COPY a /new/
            COPY a /other/deep/name
            """,
        context={"a": "A"},
        tree={"/new": a_folder(0o755, (0, 0)), "/new/a": "A", "/other/deep/name": "A"},
    ),
    Case(
        name="to-the-root",
        dockerfile="""
            FROM busybox
            COPY a /
            COPY dir /
            """,
        context={"a": "A", "dir/b": "B", "dir/etc/added": "C"},
        tree={"/a": "A", "/b": "B", "/etc/added": "C", "/etc/passwd": a_file()},
    ),
    Case(
        name="to-dots",
        dockerfile="""
            FROM busybox
            WORKDIR /w
            COPY a .
            COPY a ./x/../y
            COPY a ../up
            """,
        context={"a": "A"},
        tree={"/w/a": "A", "/w/y": "A", "/up": "A"},
    ),
    Case(
        name="to-a-dot-behind-a-slash",
        dockerfile="""
            FROM busybox
            COPY a /new/.
            """,
        context={"a": "A"},
        tree={"/new/a": "A"},
        differs=classic_differs("the classic builder takes the name without the dot", "/new*"),
    ),
    Case(
        name="over-a-file",
        dockerfile="""
            FROM base-tree
            COPY a /f
            COPY b /d/one
            """,
        bases=("base-tree",),
        context={"a": File("A", 0o600), "b": "B"},
        tree={"/f": a_file("A", mode=0o600), "/d/one": "B", "/d/other-one": "1\n"},
    ),
    Case(
        name="over-a-file-of-the-same-build",
        dockerfile="""
            FROM busybox
            COPY long /x
            COPY short /x
            """,
        context={"long": "much longer", "short": "short"},
        tree={"/x": "short"},
    ),
    Case(
        name="over-a-directory-merges",
        dockerfile="""
            FROM base-tree
            COPY dir /d
            """,
        bases=("base-tree",),
        context={"dir/one": "new", "dir/sub/four": "4", "dir/more/x": "x"},
        tree={
            "/d/one": "new",
            "/d/two": "2\n",
            "/d/sub/three": "3\n",
            "/d/sub/four": "4",
            "/d/more/x": "x",
        },
    ),
    Case(
        name="over-a-directory-changes-its-mode",
        dockerfile="""
            FROM base-tree
            COPY dir /d
            """,
        bases=("base-tree",),
        context={"dir": Folder(0o700), "dir/sub": Folder(0o711), "dir/sub/x": "x"},
        tree={"/d/sub": a_folder(0o711, (0, 0)), "/d/sub/three": "3\n"},
    ),
    Case(
        name="file-over-a-directory-of-that-name",
        dockerfile="""
            FROM base-tree
            COPY dir /d
            """,
        bases=("base-tree",),
        context={"dir/sub": "a file now"},
        fails="cannot overwrite directory /d/sub with non-directory",
        differs=classic_differs("the classic builder replaces the directory", "build"),
    ),
    Case(
        name="directory-over-a-file-of-that-name",
        dockerfile="""
            FROM base-tree
            COPY dir /d
            """,
        bases=("base-tree",),
        context={"dir/one/x": "x"},
        fails="cannot copy to non-directory: /d/one",
        differs=classic_differs("the classic builder replaces the file", "build"),
    ),
    Case(
        name="directory-to-a-file",
        dockerfile="""
            FROM base-tree
            COPY dir /f
            """,
        bases=("base-tree",),
        context={"dir/x": "x"},
        fails="cannot copy to non-directory",
        fails_there="not a directory",
    ),
    Case(
        name="below-a-file",
        dockerfile="""
            FROM base-tree
            COPY a /f/x
            """,
        bases=("base-tree",),
        context={"a": "A"},
        fails="not a directory",
    ),
    Case(
        name="file-to-a-file-with-a-slash",
        dockerfile="""
            FROM base-tree
            COPY a /f/
            """,
        bases=("base-tree",),
        context={"a": "A"},
        fails="not a directory",
    ),
    Case(
        name="through-a-link-to-a-directory",
        dockerfile="""
            FROM base-links
            COPY a /to-dir/a
            COPY a /to-dir/
            COPY dir /to-dir
            COPY a /to-dir/deep/new/b
            """,
        bases=("base-links",),
        context={"a": "A", "dir/x": "x"},
        tree={
            "/to-dir": a_link("/real"),
            "/real/a": "A",
            "/real/x": "x",
            "/real/deep/new/b": "A",
            "/real/file": "old\n",
        },
    ),
    Case(
        name="over-a-link-to-a-file",
        dockerfile="""
            FROM base-links
            COPY a /to-file
            """,
        bases=("base-links",),
        context={"a": "A"},
        tree={"/to-file": a_link("real/file"), "/real/file": "A"},
    ),
    Case(
        name="over-a-dangling-link",
        dockerfile="""
            FROM base-links
            COPY a /dangling
            """,
        bases=("base-links",),
        context={"a": "A"},
        tree={"/dangling": a_link("/nowhere"), "/nowhere": "A"},
    ),
    Case(
        name="through-a-link-that-climbs",
        dockerfile="""
            FROM base-links
            COPY a /climbs/a
            """,
        bases=("base-links",),
        context={"a": "A"},
        tree={"/climbs": a_link("../../../../escape"), "/escape/a": "A"},
    ),
    Case(
        name="link-over-a-file",
        dockerfile="""
            FROM base-tree
            COPY dir /d
            """,
        bases=("base-tree",),
        context={"dir/one": Link("two")},
        tree={"/d/one": a_link("two"), "/d/two": "2\n"},
    ),
    Case(
        name="file-over-a-link-inside-a-directory",
        dockerfile="""
            FROM base-links
            COPY dir /
            """,
        bases=("base-links",),
        context={"dir/to-file": "now a file"},
        tree={"/to-file": a_file("now a file"), "/real/file": "old\n"},
    ),
    Case(
        name="directory-over-a-link-inside-a-directory",
        dockerfile="""
            FROM base-links
            COPY dir /
            """,
        bases=("base-links",),
        context={"dir/to-dir/x": "x"},
        tree={"/real/file": "old\n"},
    ),
    Case(
        name="several-to-a-file-name",
        dockerfile="""
            FROM busybox
            COPY a b /out
            """,
        context={"a": "A", "b": "B"},
        tree={"/out/a": "A", "/out/b": "B"},
        differs=classic_differs("it demands that the destination ends with a slash", "build"),
    ),
    Case(
        name="wildcard-of-several-to-a-file-name",
        dockerfile="""
            FROM busybox
            COPY *.txt /out
            """,
        context={"a.txt": "A", "b.txt": "B"},
        fails=SEVERAL,
    ),
    Case(
        name="to-a-volume-of-the-base",
        dockerfile="""
            FROM base-rich
            COPY a /base-volume/a
            """,
        bases=("base-rich",),
        context={"a": "A"},
        tree={"/base-volume/a": "A"},
    ),
    Case(
        name="to-names-with-blanks",
        dockerfile="""
            FROM busybox
            COPY ["a", "/two words/and more/"]
            """,
        context={"a": "A"},
        tree={"/two words/and more/a": "A"},
    ),
    Case(
        name="into-scratch",
        dockerfile="""
            FROM scratch
            COPY a /deep/a
            COPY dir /
            """,
        context={"a": "A", "dir/x": "x"},
        env={"PATH": DEFAULT_PATH},
        tree={"/deep": a_folder(0o755, (0, 0)), "/deep/a": "A", "/x": "x", "/bin": None},
    ),
    Case(
        name="copy-link-flag",
        dockerfile="""
            FROM base-tree
            COPY --link a /d/a
            COPY --link dir /d/sub/
            COPY --link a /brand/new/a
            """,
        bases=("base-tree",),
        context={"a": "A", "dir/x": "x"},
        tree={"/d/a": "A", "/d/sub/x": "x", "/d/sub/three": "3\n", "/brand/new/a": "A"},
        judges=BY_NOBODY,
    ),
    Case(
        name="copy-link-flag-does-not-follow",
        dockerfile="""
            FROM base-links
            COPY --link a /to-dir/a
            """,
        bases=("base-links",),
        context={"a": "A"},
        tree={"/to-dir": a_folder(0o755, (0, 0)), "/to-dir/a": "A", "/real/a": None},
        judges=BY_NOBODY,
    ),
    Case(
        name="copy-link-flag-false",
        dockerfile="""
            FROM base-links
            COPY --link=false a /to-dir/a
            """,
        bases=("base-links",),
        context={"a": "A"},
        tree={"/to-dir": a_link("/real"), "/real/a": "A"},
        judges=BY_NOBODY,
    ),
    Case(
        name="copy-parents",
        dockerfile="""
            FROM busybox
            COPY --parents x/a.txt x/y/b.txt /out/
            COPY x/a.txt x/y/b.txt /flat/
            """,
        context={"x/a.txt": "a", "x/y/b.txt": "b"},
        tree={"/out/x/a.txt": "a", "/out/x/y/b.txt": "b", "/flat/a.txt": "a", "/flat/b.txt": "b"},
        judges=BY_NOBODY,
    ),
    Case(
        name="copy-parents-pivot",
        dockerfile="""
            FROM busybox
            COPY --parents ./x/./y/*.txt /out/
            """,
        context={"x/y/b.txt": "b", "x/y/c.md": "c"},
        tree={"/out/y/b.txt": "b", "/out/x": None, "/out/y/c.md": None},
        judges=BY_NOBODY,
    ),
    Case(
        name="copy-parents-of-a-directory",
        dockerfile="""
            FROM busybox
            COPY --parents x/y /out/
            """,
        context={"x/y/b.txt": "b", "x/other": "o"},
        tree={"/out/x/y/b.txt": "b", "/out/x/other": None},
        judges=BY_NOBODY,
    ),
    Case(
        name="copy-exclude",
        dockerfile="""
            FROM busybox
            COPY --exclude=*.md --exclude=**/*.tmp . /out/
            """,
        context={"a.txt": "a", "a.md": "m", "sub/b.tmp": "t", "sub/b.md": "m"},
        tree={"/out/a.txt": "a", "/out/a.md": None, "/out/sub/b.tmp": None, "/out/sub/b.md": "m"},
        judges=BY_NOBODY,
    ),
    Case(
        name="copy-exclude-from-a-stage",
        dockerfile="""
            FROM base-tree AS source
            FROM busybox
            COPY --from=source --exclude=sub --exclude=t* /d /out
            """,
        bases=("base-tree",),
        tree={"/out/one": "1\n", "/out/two": None, "/out/sub": None},
        judges=BY_NOBODY,
    ),
    Case(
        name="copy-exclude-with-wildcards",
        dockerfile="""
            FROM busybox
            COPY --exclude=*b* *.txt /out/
            """,
        context={"a.txt": "a", "b.txt": "b", "c.txt": "c"},
        tree={"/out/a.txt": "a", "/out/b.txt": None, "/out/c.txt": "c"},
        judges=BY_NOBODY,
    ),
)
