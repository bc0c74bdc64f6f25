"""COPY and ADD: which sources are meant, and what comes of each kind of them."""

from __future__ import annotations

from compat.build.cases.model import (
    BY_NOBODY,
    Case,
    File,
    Folder,
    Hard,
    Like,
    Link,
    a_file,
    a_folder,
    a_link,
    classic_differs,
)

TREE = {
    "dir/one": "1",
    "dir/two": "2",
    "dir/.hidden": "h",
    "dir/sub/three": "3",
    "dir/sub/.dot/four": "4",
    "dir/empty": Folder(),
}
# cap_net_bind_service=ep, revision 2.
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")

SOURCES = (
    Case(
        name="copy-file",
        dockerfile="""
            FROM busybox
            COPY a /b
            COPY ./a /new/dir/c
            """,
        context={"a": "A"},
        tree={"/b": "A", "/new/dir": a_folder(0o755, (0, 0)), "/new/dir/c": "A"},
        also_own_client=True,
    ),
    Case(
        name="copy-directory-is-its-content",
        dockerfile="""
            FROM busybox
            COPY dir /out
            """,
        context=TREE,
        tree={
            "/out/one": "1",
            "/out/.hidden": "h",
            "/out/sub/.dot/four": "4",
            "/out/empty": a_folder(),
            "/out/dir": None,
        },
        also_own_client=True,
    ),
    Case(
        name="copy-directory-with-slashes",
        dockerfile="""
            FROM busybox
            COPY dir/ /out/
            COPY dir/sub/ /out2
            """,
        context=TREE,
        tree={"/out/one": "1", "/out2/three": "3"},
    ),
    Case(
        name="copy-the-whole-context",
        dockerfile="""
            FROM busybox
            COPY . /all
            """,
        context={**TREE, ".dot": "d", "name": Link("dir/one")},
        tree={
            "/all/Dockerfile": "FROM busybox\nCOPY . /all\n",
            "/all/dir/sub/three": "3",
            "/all/.dot": "d",
            "/all/name": a_link("dir/one"),
        },
        also_own_client=True,
    ),
    Case(
        name="copy-root-and-parents-mean-the-context",
        dockerfile="""
            FROM busybox
            COPY / /all
            COPY /dir/one /abs
            COPY dir/../dir/two /dots
            """,
        context=TREE,
        tree={"/all/dir/one": "1", "/abs": "1", "/dots": "2"},
    ),
    Case(
        name="copy-several",
        dockerfile="""
            FROM busybox
            COPY dir/one dir/two dir/sub /out/
            """,
        context=TREE,
        tree={"/out/one": "1", "/out/two": "2", "/out/three": "3", "/out/sub": None},
    ),
    Case(
        name="copy-same-name-last-one-counts",
        dockerfile="""
            FROM busybox
            COPY a/x b/x /out/
            """,
        context={"a/x": "first", "b/x": "second"},
        tree={"/out/x": "second"},
    ),
    Case(
        name="copy-exec-form",
        dockerfile="""
            FROM busybox
            COPY ["two words", "with,comma", "/out dir/"]
            ADD ["two words", "/added file"]
            """,
        context={"two words": "A", "with,comma": "B"},
        tree={"/out dir/two words": "A", "/out dir/with,comma": "B", "/added file": "A"},
    ),
    Case(
        name="copy-wildcards",
        dockerfile="""
            FROM busybox
            COPY *.txt /star/
            COPY ?.txt /one/
            COPY [ab].* /class/
            COPY [^a]?.txt /not/
            """,
        context={"a.txt": "a", "b.txt": "b", "bb.txt": "bb", "a.md": "m", ".txt": "dot"},
        tree={
            "/star/a.txt": "a",
            "/star/bb.txt": "bb",
            "/star/.txt": "dot",
            "/one/a.txt": "a",
            "/one/bb.txt": None,
            "/class/a.md": "m",
            "/not/bb.txt": "bb",
            "/not/a.txt": None,
        },
    ),
    Case(
        name="copy-wildcards-in-directories",
        dockerfile="""
            FROM busybox
            COPY */one /files/
            COPY d*/s* /dirs/
            COPY dir/* /all/
            """,
        context={**TREE, "other/one": "o"},
        tree={
            "/files/one": "o",
            "/dirs/three": "3",
            "/dirs/sub": None,
            "/all/one": "1",
            "/all/three": "3",
            "/all/.hidden": "h",
        },
    ),
    Case(
        name="copy-wildcard-of-one-file-to-a-file",
        dockerfile="""
            FROM busybox
            COPY na*e /target
            """,
        context={"name": "n"},
        tree={"/target": "n"},
    ),
    Case(
        name="copy-escaped-wildcard",
        dockerfile="""
            FROM busybox
            COPY [[]x].txt /a
            """,
        context={"[x].txt": "brackets", "x.txt": "x"},
        tree={"/a": "brackets"},
    ),
    Case(
        name="copy-double-star",
        dockerfile="""
            FROM busybox
            COPY --parents **/*.go /src/
            """,
        context={"a.go": "a", "x/b.go": "b", "x/y/c.go": "c", "x/y/c.txt": "t"},
        tree={"/src/a.go": "a", "/src/x/b.go": "b", "/src/x/y/c.go": "c", "/src/x/y/c.txt": None},
        judges=BY_NOBODY,
    ),
)

KINDS = (
    Case(
        name="copy-links-inside-a-directory",
        dockerfile="""
            FROM busybox
            COPY dir /out
            """,
        context={
            "dir/file": "f",
            "dir/to-file": Link("file"),
            "dir/to-dir": Link("sub"),
            "dir/sub/x": "x",
            "dir/dangling": Link("nowhere"),
            "dir/absolute": Link("/etc/passwd"),
            "dir/climbs": Link("../../../../etc/shadow"),
        },
        tree={
            "/out/to-file": a_link("file"),
            "/out/to-dir": a_link("sub"),
            "/out/dangling": a_link("nowhere"),
            "/out/absolute": a_link("/etc/passwd"),
            "/out/climbs": a_link("../../../../etc/shadow"),
        },
        also_own_client=True,
    ),
    Case(
        name="copy-a-link-is-followed",
        dockerfile="""
            FROM busybox
            COPY to-file /file
            COPY to-dir /dir
            COPY to-dir/x /through
            COPY twice /twice
            """,
        context={
            "file": "f",
            "to-file": Link("file"),
            "sub/x": "x",
            "to-dir": Link("sub"),
            "twice": Link("to-file"),
        },
        tree={"/file": a_file("f"), "/dir/x": "x", "/through": "x", "/twice": a_file("f")},
    ),
    Case(
        name="copy-a-link-stays-in-the-context",
        dockerfile="""
            FROM busybox
            COPY absolute /a
            COPY climbs /b
            """,
        context={
            "inside/file": "f",
            "absolute": Link("/inside/file"),
            "climbs": Link("../../../inside/file"),
        },
        tree={"/a": a_file("f"), "/b": a_file("f")},
    ),
    Case(
        name="copy-a-link-by-wildcard",
        dockerfile="""
            FROM busybox
            COPY lin* /out/
            """,
        context={"file": "f", "link": Link("file")},
        tree={"/out/link": a_file("f")},
    ),
    Case(
        name="copy-a-dangling-link-fails",
        dockerfile="""
            FROM busybox
            COPY dangling /x
            """,
        context={"dangling": Link("nowhere")},
        fails="dangling",
        fails_there="stat dangling: file does not exist",
    ),
    Case(
        name="copy-hard-links",
        dockerfile="""
            FROM busybox
            COPY dir /out
            """,
        context={"dir/a": "same", "dir/b": Hard("dir/a"), "dir/sub/c": Hard("dir/a")},
        tree={"/out/b": a_file("same"), "/out/sub/c": a_file("same")},
    ),
    Case(
        name="copy-hard-link-alone",
        dockerfile="""
            FROM busybox
            COPY b /out
            """,
        context={"a": "same", "b": Hard("a")},
        tree={"/out": a_file("same")},
    ),
    Case(
        name="copy-empty-files-and-directories",
        dockerfile="""
            FROM busybox
            COPY dir /out
            COPY empty /alone
            """,
        context={"dir/file": "", "dir/sub": Folder(), "empty": Folder()},
        tree={"/out/file": "", "/out/sub": a_folder(), "/alone": a_folder()},
    ),
    Case(
        name="copy-names-of-all-kinds",
        dockerfile="""
            FROM busybox
            COPY dir /out
            """,
        context={
            "dir/two words": "1",
            "dir/ leading": "2",
            "dir/tab\there": "3",
            "dir/new\nline": "4",
            "dir/grün": "5",
            "dir/日本": "6",
            "dir/back\\slash": "7",
            "dir/-dash": "8",
            "dir/*star?": "9",
            "dir/.wh": "10",
            "dir/" + "long" * 40: "11",
        },
        tree={
            "/out/two words": "1",
            "/out/new\nline": "4",
            "/out/grün": "5",
            "/out/back\\slash": "7",
            "/out/" + "long" * 40: "11",
        },
        also_own_client=True,
    ),
    Case(
        name="copy-names-that-are-no-text",
        dockerfile="""
            FROM busybox
            COPY dir /out
            """,
        context={"dir/\udcff\udcfe": "bytes", "dir/la\udcf6\udce9": Link("\udcff")},
        tree={"/out/\udcff\udcfe": "bytes", "/out/la\udcf6\udce9": a_link("\udcff")},
        also_own_client=True,
    ),
    Case(
        name="copy-deep-path",
        dockerfile="""
            FROM busybox
            COPY a /
            """,
        context={"a/" + "/".join(["deeply-nested-directory"] * 12) + "/file": "deep"},
        tree={"/" + "/".join(["deeply-nested-directory"] * 12) + "/file": "deep"},
    ),
    Case(
        name="copy-large-file",
        dockerfile="""
            FROM busybox
            COPY large /large
            RUN sha256sum /large | cut -d' ' -f1 >/sum
            """,
        context={"large": File(bytes(range(256)) * 20_000)},
        tree={"/sum": "13fbe33cdd58fa5b9025c6eebae5b36b2d822086ad9a93a82a2ec18bb7d0531a\n"},
    ),
    Case(
        name="copy-extended-attributes",
        dockerfile="""
            FROM busybox
            COPY tool /tool
            COPY dir /dir
            """,
        context={
            "tool": File("t", 0o755, xattrs={"security.capability": CAPABILITY}),
            "dir/tool": File("u", 0o755, xattrs={"security.capability": CAPABILITY}),
        },
        tree={
            "/tool": Like("file", xattrs={"security.capability": CAPABILITY}),
            "/dir/tool": Like("file", xattrs={"security.capability": CAPABILITY}),
        },
        differs=classic_differs(
            "the classic builder changes the owner afterwards, and so loses capabilities",
            "/tool",
            "/dir/tool",
        ),
    ),
)

ADD = (
    Case(
        name="add-file-and-directory",
        dockerfile="""
            FROM busybox
            ADD a /b
            ADD dir /out
            ADD dir/one dir/two /files/
            """,
        context={"a": "A", **TREE},
        tree={"/b": "A", "/out/sub/three": "3", "/files/one": "1"},
    ),
    Case(
        name="add-wildcards",
        dockerfile="""
            FROM busybox
            ADD *.txt /star/
            """,
        context={"a.txt": "a", "b.txt": "b", "c.md": "c"},
        tree={"/star/a.txt": "a", "/star/b.txt": "b", "/star/c.md": None},
    ),
)

CASES = (*SOURCES, *KINDS, *ADD)
