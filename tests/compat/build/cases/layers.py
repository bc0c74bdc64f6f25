"""What RUN does to what lies below: removed and replaced files, and what of it is in the layers."""

from __future__ import annotations

from compat.build.cases.model import Case, File, Like, Link, a_file, a_folder, a_link

CASES = (
    Case(
        name="remove-a-file-of-the-base",
        dockerfile="""
            FROM base-tree
            RUN rm /f /d/one
            """,
        bases=("base-tree",),
        tree={"/f": None, "/d/one": None, "/d/other-one": "1\n", "/d/two": "2\n"},
    ),
    Case(
        name="remove-a-file-of-the-same-build",
        dockerfile="""
            FROM busybox
            COPY dir /dir
            RUN rm /dir/a
            """,
        context={"dir/a": "a", "dir/b": "b"},
        tree={"/dir/a": None, "/dir/b": "b"},
    ),
    Case(
        name="remove-what-the-same-step-made",
        dockerfile="""
            FROM busybox
            RUN echo x >/x && mkdir /y && rm -r /x /y
            """,
        tree={"/x": None, "/y": None},
    ),
    Case(
        name="remove-a-directory-of-the-base",
        dockerfile="""
            FROM base-tree
            RUN rm -r /d
            """,
        bases=("base-tree",),
        tree={"/d": None, "/d/one": None, "/d/sub/three": None},
    ),
    Case(
        name="replace-a-directory-by-a-new-one",
        dockerfile="""
            FROM base-tree
            RUN rm -r /d && mkdir /d && echo new >/d/new
            """,
        bases=("base-tree",),
        tree={"/d/new": "new\n", "/d/one": None, "/d/sub": None},
    ),
    Case(
        name="replace-a-directory-over-two-steps",
        dockerfile="""
            FROM base-tree
            RUN rm -r /d/sub
            RUN mkdir /d/sub && echo again >/d/sub/again
            """,
        bases=("base-tree",),
        tree={"/d/sub/again": "again\n", "/d/sub/three": None, "/d/sub": a_folder(0o755, (0, 0))},
    ),
    Case(
        name="replace-a-directory-by-a-file",
        dockerfile="""
            FROM base-tree
            RUN rm -r /d && echo file >/d
            """,
        bases=("base-tree",),
        tree={"/d": "file\n", "/d/one": None},
    ),
    Case(
        name="replace-a-file-by-a-directory",
        dockerfile="""
            FROM base-tree
            RUN rm /f && mkdir /f && echo x >/f/x
            """,
        bases=("base-tree",),
        tree={"/f": a_folder(), "/f/x": "x\n"},
    ),
    Case(
        name="replace-a-file-by-a-link",
        dockerfile="""
            FROM base-tree
            RUN ln -sf d/one /f && rm -r /d/sub && ln -s /etc /d/sub
            """,
        bases=("base-tree",),
        tree={"/f": a_link("d/one"), "/d/sub": a_link("/etc"), "/d/sub/three": None},
    ),
    Case(
        name="rename-a-file",
        dockerfile="""
            FROM base-tree
            RUN mv /f /g && mv /d/two /d/sub/
            """,
        bases=("base-tree",),
        tree={"/f": None, "/g": "f\n", "/d/two": None, "/d/sub/two": "2\n"},
    ),
    Case(
        name="rename-a-directory",
        dockerfile="""
            FROM base-tree
            RUN mv /d /e
            """,
        bases=("base-tree",),
        tree={"/d": None, "/e/one": "1\n", "/e/sub/three": "3\n"},
    ),
    Case(
        name="copy-over-what-was-removed",
        dockerfile="""
            FROM base-tree
            RUN rm -r /d
            COPY dir /d
            """,
        bases=("base-tree",),
        context={"dir/fresh": "f"},
        tree={"/d/fresh": "f", "/d/one": None, "/d/sub": None},
    ),
    Case(
        name="change-metadata-only",
        dockerfile="""
            FROM base-tree
            RUN chmod 600 /f && chown 5:6 /d/two && touch -d @111111111 /d/sub/three \\
                && chmod 1777 /d
            """,
        bases=("base-tree",),
        tree={
            "/f": a_file("f\n", mode=0o600),
            "/d/two": a_file("2\n", owner=(5, 6)),
            "/d/sub/three": a_file("3\n", mtime=111_111_111),
            "/d": a_folder(0o1777),
            "/d/one": "1\n",
        },
    ),
    Case(
        name="append-to-a-file-of-the-base",
        dockerfile="""
            FROM base-tree
            RUN echo more >>/f
            RUN echo most >>/f
            """,
        bases=("base-tree",),
        tree={"/f": "f\nmore\nmost\n"},
    ),
    Case(
        name="hard-links-made-by-run",
        dockerfile="""
            FROM busybox
            RUN echo x >/a && ln /a /b && mkdir /d && ln /a /d/c
            """,
        tree={"/b": a_file("x\n", same="/a"), "/d/c": a_file("x\n", same="/a")},
    ),
    Case(
        name="hard-link-to-a-file-of-the-base",
        dockerfile="""
            FROM base-tree
            RUN ln /f /g
            """,
        bases=("base-tree",),
        tree={"/g": a_file("f\n", same="/f")},
    ),
    Case(
        name="names-like-whiteouts",
        dockerfile="""
            FROM busybox
            RUN echo x >/wh.x && echo y >/.w && echo z >/x.wh.
            """,
        tree={"/wh.x": "x\n", "/.w": "y\n", "/x.wh.": "z\n"},
    ),
    Case(
        name="special-files-made-by-run",
        dockerfile="""
            FROM busybox
            RUN mkfifo -m 600 /fifo && mknod /c c 1 5 && mknod /b b 7 9 && chmod 666 /c
            """,
        tree={
            "/fifo": Like("fifo", mode=0o600),
            "/c": Like("character", mode=0o666),
            "/b": Like("block"),
        },
    ),
    Case(
        name="files-in-mounted-places-are-not-kept",
        dockerfile="""
            FROM busybox
            RUN echo x >/dev/shm/x && echo y >/dev/y && echo z >/etc/resolv.conf
            """,
        tree={"/dev/shm": None, "/dev/y": None, "/etc/resolv.conf": None},
    ),
    Case(
        name="steps-that-change-nothing",
        dockerfile="""
            FROM busybox
            RUN true
            RUN cat /etc/passwd >/dev/null
            ENV A=1
            RUN :
            """,
        env={"A": "1"},
    ),
    Case(
        name="many-steps",
        dockerfile="FROM busybox\n"
        + "".join(f"COPY dir/{n} /many/{n}\n" for n in range(12))
        + "RUN cat /many/* >/all\n",
        context={f"dir/{n}": f"{n}," for n in range(12)},
        tree={"/all": "0,1,10,11,2,3,4,5,6,7,8,9,", "/many/7": "7,"},
    ),
    Case(
        name="sparse-file",
        dockerfile="""
            FROM busybox
            RUN dd if=/dev/zero of=/sparse bs=1 count=0 seek=5000000 2>/dev/null
            RUN stat -c %s /sparse >/size
            """,
        tree={"/size": "5000000\n", "/sparse": a_file()},
    ),
    Case(
        name="scratch-with-a-program",
        dockerfile="""
            FROM scratch
            COPY --from=busybox /bin/busybox /bin/busybox
            RUN ["/bin/busybox", "mkdir", "/made"]
            RUN ["/bin/busybox", "touch", "/made/x"]
            """,
        tree={"/made/x": "", "/bin/busybox": a_file(mode=0o755), "/etc": None},
    ),
    Case(
        name="scratch-with-nothing",
        dockerfile="""
            FROM scratch
            COPY a /
            """,
        context={"a": "A", "b": Link("a"), "c": File("c")},
        tree={"/a": "A", "/b": None},
    ),
    Case(
        name="sticky-directory-of-the-base-stays",
        dockerfile="""
            FROM busybox
            USER nobody
            RUN echo x >/tmp/x
            """,
        tree={"/tmp": a_folder(0o1777), "/tmp/x": a_file("x\n", owner=(65534, 65534))},
    ),
)
