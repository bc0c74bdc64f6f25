"""COPY and ADD: owners, modes and times of what is written."""

from __future__ import annotations

from compat.build.cases.model import (
    BY_BUILDAH,
    BY_NOBODY,
    CONTEXT_TIME,
    DEFAULT_PATH,
    Case,
    File,
    Folder,
    Like,
    Link,
    a_file,
    a_folder,
    classic_differs,
)

MODES = {
    "plain": "p",
    "private": File("s", 0o600),
    "program": File("x", 0o755),
    "none": File("n", 0o000),
    "setuid": File("u", 0o4755),
    "setgid": File("g", 0o2755),
    "sticky": Folder(0o1777),
    "shared": Folder(0o2770),
}
CHMOD_REASON = "the classic builder has no --chmod"

CASES = (
    Case(
        name="modes-are-kept",
        dockerfile="""
            FROM busybox
            COPY files /files
            COPY files/setuid files/private /alone/
            ADD files /added
            """,
        context={f"files/{name}": given for name, given in MODES.items()},
        tree={
            "/files/private": a_file("s", mode=0o600),
            "/files/program": a_file("x", mode=0o755),
            "/files/none": a_file("n", mode=0),
            "/files/setuid": a_file("u", mode=0o4755),
            "/files/setgid": a_file("g", mode=0o2755),
            "/files/sticky": a_folder(0o1777),
            "/files/shared": a_folder(0o2770),
            "/alone/setuid": a_file("u", mode=0o4755),
            "/alone/private": a_file("s", mode=0o600),
            "/added/setuid": a_file("u", mode=0o4755),
        },
        also_own_client=True,
        differs=classic_differs(
            "the classic builder changes the owner afterwards, and so loses setuid and setgid",
            "*/setuid",
            "*/setgid",
        ),
    ),
    Case(
        name="mode-of-a-copied-directory",
        dockerfile="""
            FROM busybox
            COPY dir /new
            COPY dir/ /deep/new/
            """,
        context={"dir": Folder(0o700), "dir/x": "x"},
        tree={"/new/x": "x", "/deep": a_folder(0o755)},
    ),
    Case(
        name="modes-survive-the-umask",
        dockerfile="""
            FROM busybox
            COPY open /open
            COPY dir /dir
            """,
        context={"open": File("o", 0o666), "dir/all": File("a", 0o777), "dir/d": Folder(0o777)},
        tree={
            "/open": a_file("o", mode=0o666),
            "/dir/all": a_file("a", mode=0o777),
            "/dir/d": a_folder(0o777),
        },
    ),
    Case(
        name="owners-of-the-context-do-not-count",
        dockerfile="""
            FROM busybox
            COPY a /a
            COPY dir /dir
            ADD a /added
            """,
        context={
            "a": File("A", owner=(1000, 1001)),
            "dir/x": File("x", owner=(5, 6)),
            "dir/sub": Folder(owner=(7, 8)),
        },
        tree={
            "/a": a_file("A", owner=(0, 0)),
            "/dir/x": a_file("x", owner=(0, 0)),
            "/dir/sub": a_folder(owner=(0, 0)),
            "/added": a_file("A", owner=(0, 0)),
        },
        also_own_client=True,
    ),
    Case(
        name="chown-numbers",
        dockerfile="""
            FROM busybox
            COPY --chown=12:34 a /both
            COPY --chown=12 a /user
            COPY --chown=0:34 dir /dir
            ADD --chown=12:34 a /added
            """,
        context={"a": "A", "dir/x": "x", "dir/l": Link("x"), "dir/sub/y": "y"},
        tree={
            "/both": a_file("A", owner=(12, 34)),
            "/user": a_file("A", owner=(12, 12)),
            "/dir/x": a_file("x", owner=(0, 34)),
            "/dir/l": Like("link", owner=(0, 34)),
            "/dir/sub": a_folder(owner=(0, 34)),
            "/added": a_file("A", owner=(12, 34)),
        },
    ),
    Case(
        name="chown-names",
        dockerfile="""
            FROM busybox
            COPY --chown=nobody:wheel a /both
            COPY --chown=nobody:34 a /mixed
            COPY --chown=12:wheel a /other
            """,
        context={"a": "A"},
        tree={
            "/both": a_file("A", owner=(65534, 10)),
            "/mixed": a_file("A", owner=(65534, 34)),
            "/other": a_file("A", owner=(12, 10)),
        },
    ),
    Case(
        name="chown-names-made-before",
        dockerfile="""
            FROM busybox
            RUN echo 'made:x:77:78::/:' >>/etc/passwd && echo 'team:x:79:' >>/etc/group
            COPY --chown=made:team a /a
            """,
        context={"a": "A"},
        tree={"/a": a_file("A", owner=(77, 79))},
    ),
    Case(
        name="chown-user-alone",
        dockerfile="""
            FROM busybox
            COPY --chown=nobody a /a
            COPY --chown=root b /b
            """,
        context={"a": "A", "b": "B"},
        tree={"/a": a_file("A", owner=(65534, 65534)), "/b": a_file("B", owner=(0, 0))},
        differs=classic_differs("the classic builder wants a group of the same name", "build"),
    ),
    Case(
        name="chown-unknown-user",
        dockerfile="""
            FROM busybox
            COPY --chown=stranger a /a
            """,
        context={"a": "A"},
        fails="stranger",
        fails_there="unable to convert uid/gid chown string to host mapping: "
        "can't find uid for user stranger",
    ),
    Case(
        name="chown-unknown-group",
        dockerfile="""
            FROM busybox
            COPY --chown=0:strangers a /a
            """,
        context={"a": "A"},
        fails="strangers",
        fails_there="can't find gid for group strangers",
    ),
    Case(
        name="chown-in-scratch",
        dockerfile="""
            FROM scratch
            COPY --chown=3:4 a /a
            """,
        context={"a": "A"},
        env={"PATH": DEFAULT_PATH},
        tree={"/a": a_file("A", owner=(3, 4))},
    ),
    Case(
        name="chown-applies-to-made-parents",
        dockerfile="""
            FROM busybox
            COPY --chown=3:4 a /new/deep/a
            COPY --chown=3:4 dir /made/dir
            """,
        context={"a": "A", "dir/x": "x"},
        tree={
            "/new": a_folder(0o755, (3, 4)),
            "/new/deep": a_folder(0o755, (3, 4)),
            "/new/deep/a": a_file("A", owner=(3, 4)),
            "/made": a_folder(0o755, (3, 4)),
            "/made/dir/x": a_file("x", owner=(3, 4)),
        },
        differs=classic_differs(
            "the classic builder does not give the parent of a directory to the user", "/made"
        ),
    ),
    Case(
        name="chown-leaves-what-is-there",
        dockerfile="""
            FROM base-tree
            COPY --chown=3:4 a /d/a
            COPY --chown=3:4 a /d/sub/
            """,
        bases=("base-tree",),
        context={"a": "A"},
        tree={
            "/d/a": a_file("A", owner=(3, 4)),
            "/d": a_folder(owner=(0, 0)),
            "/d/sub": a_folder(0o750, (7, 8)),
            "/d/sub/three": a_file(owner=(0, 0)),
        },
    ),
    Case(
        name="chown-keeps-setuid",
        dockerfile="""
            FROM busybox
            COPY --chown=3:4 setuid /setuid
            """,
        context={"setuid": File("u", 0o4755)},
        tree={"/setuid": a_file("u", mode=0o4755, owner=(3, 4))},
        differs=classic_differs(
            "the classic builder changes the owner afterwards, and so loses setuid and setgid",
            "/setuid",
        ),
    ),
    Case(
        name="chmod-octal",
        dockerfile="""
            FROM busybox
            COPY --chmod=640 a /a
            COPY --chmod=0755 dir /dir
            ADD --chmod=4711 a /b
            """,
        context={"a": "A", "dir/x": "x", "dir/sub/y": "y"},
        tree={
            "/a": a_file("A", mode=0o640),
            "/dir/x": a_file("x", mode=0o755),
            "/dir/sub": a_folder(0o755),
            "/b": a_file("A", mode=0o4711),
        },
        judges=BY_BUILDAH,
    ),
    Case(
        name="chmod-symbolic",
        dockerfile="""
            FROM busybox
            COPY --chmod=u=rwX,go=rX dir /dir
            COPY --chmod=a+x a /a
            COPY --chmod=go-r a /b
            """,
        context={"a": "A", "dir/x": File("x", 0o600), "dir/p": File("p", 0o700)},
        tree={
            "/dir/x": a_file("x", mode=0o644),
            "/dir/p": a_file("p", mode=0o755),
            "/a": a_file("A", mode=0o755),
            "/b": a_file("A", mode=0o600),
        },
        judges=BY_NOBODY,
    ),
    Case(
        name="chmod-from-an-argument",
        dockerfile="""
            FROM busybox
            ARG MODE=751
            COPY --chmod=$MODE a /a
            """,
        context={"a": "A"},
        tree={"/a": a_file("A", mode=0o751)},
        judges=BY_NOBODY,
    ),
    Case(
        name="chmod-with-chown-and-from",
        dockerfile="""
            FROM base-tree AS source
            FROM busybox
            COPY --from=source --chown=3:4 --chmod=600 /d/two /two
            """,
        bases=("base-tree",),
        tree={"/two": a_file("2\n", owner=(3, 4), mode=0o600)},
        judges=BY_BUILDAH,
    ),
    Case(
        name="chmod-invalid",
        dockerfile="""
            FROM busybox
            COPY --chmod=nonsense a /a
            """,
        context={"a": "A"},
        fails="nonsense",
        judges=BY_BUILDAH,
    ),
    Case(
        name="times-of-files-are-kept",
        dockerfile="""
            FROM busybox
            COPY old /old
            COPY dir /dir
            ADD old /added
            """,
        context={
            "old": File("times: old", mtime=500_000_000),
            "dir/x": File("times: x", mtime=600_000_000),
            "dir/l": Link("x"),
            "dir/sub": Folder(mtime=700_000_000),
        },
        tree={
            "/old": a_file(mtime=500_000_000),
            "/dir/x": a_file(mtime=600_000_000),
            "/dir/sub": Like("directory", mtime=700_000_000),
            "/added": a_file(mtime=500_000_000),
        },
        also_own_client=True,
    ),
    Case(
        name="times-before-the-epoch",
        dockerfile="""
            FROM busybox
            COPY zero /zero
            """,
        context={"zero": File("times: zero", mtime=0)},
        tree={"/zero": a_file(mtime=0)},
    ),
    Case(
        name="times-from-a-stage-are-kept",
        dockerfile="""
            FROM busybox AS source
            RUN touch -d @400000000 /file && mkdir /dir && touch -d @300000000 /dir/x
            FROM busybox
            COPY --from=source /file /file
            COPY --from=source /dir /dir
            """,
        tree={"/file": a_file(mtime=400_000_000), "/dir/x": a_file(mtime=300_000_000)},
    ),
    Case(
        name="times-do-not-make-a-new-layer",
        dockerfile="""
            FROM busybox
            COPY dir /dir
            RUN touch -d @123456789 /dir/x
            """,
        context={"dir/x": "touched"},
        tree={"/dir/x": a_file("touched", mtime=123_456_789)},
    ),
    Case(
        name="times-of-files-over-others",
        dockerfile="""
            FROM base-tree
            COPY f /f
            """,
        bases=("base-tree",),
        context={"f": "newer"},
        tree={"/f": a_file("newer", mtime=CONTEXT_TIME)},
    ),
)
