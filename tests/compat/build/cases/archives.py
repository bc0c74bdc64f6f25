"""ADD of archives: what is unpacked, what is not, and as whose."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile

from compat.build.cases.model import (
    BY_NOBODY,
    Case,
    File,
    Like,
    a_file,
    a_folder,
    a_link,
    classic_differs,
)

ENTRY_TIME = 800_000_000


def _entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mtime = kind, target, ENTRY_TIME
    entry.uid, entry.gid = 21, 22
    entry.mode = 0o755 if kind == tarfile.DIRTYPE else 0o640
    return entry


def _archive(form: int = tarfile.PAX_FORMAT) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as archive:
        archive.addfile(_entry("top", tarfile.DIRTYPE))
        for name, text in (("top/file", b"packed"), ("top/deep/file", b"deep")):
            entry = _entry(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
        archive.addfile(_entry("top/link", tarfile.SYMTYPE, "file"))
        archive.addfile(_entry("top/hard", tarfile.LNKTYPE, "top/file"))
    return sink.getvalue()


PLAIN = _archive()
FORMS = {
    "tar": PLAIN,
    "gzip": gzip.compress(PLAIN, mtime=0),
    "bzip2": bz2.compress(PLAIN),
    "xz": lzma.compress(PLAIN),
    "gnu": _archive(tarfile.GNU_FORMAT),
}
UNPACKED = {
    "/out/top": a_folder(0o755, (21, 22)),
    "/out/top/file": a_file("packed", mode=0o640, owner=(21, 22), mtime=ENTRY_TIME),
    "/out/top/deep": a_folder(),
    "/out/top/deep/file": "deep",
    "/out/top/link": a_link("file"),
    "/out/top/hard": a_file("packed", same="/out/top/file"),
}

CASES = (
    *(
        Case(
            name=f"add-archive-{form}",
            dockerfile="""
                FROM busybox
                ADD archive /out
                """,
            context={"archive": File(data)},
            tree=UNPACKED,
        )
        for form, data in FORMS.items()
    ),
    Case(
        name="add-archive-with-slash-and-new-parents",
        dockerfile="""
            FROM busybox
            ADD archive.tar /new/out/
            """,
        context={"archive.tar": File(PLAIN)},
        tree={"/new/out/top/file": "packed", "/new/out": a_folder(0o755, (0, 0))},
    ),
    Case(
        name="add-archive-over-what-is-there",
        dockerfile="""
            FROM base-tree
            RUN mkdir -p /out/top && echo old >/out/top/file && echo kept >/out/top/kept
            ADD archive.tar /out
            """,
        bases=("base-tree",),
        context={"archive.tar": File(PLAIN)},
        tree={"/out/top/file": "packed", "/out/top/kept": "kept\n"},
    ),
    Case(
        name="add-archive-with-chown",
        dockerfile="""
            FROM busybox
            ADD --chown=3:4 archive.tar /out
            """,
        context={"archive.tar": File(PLAIN)},
        tree={
            "/out": a_folder(owner=(3, 4)),
            "/out/top/file": a_file("packed", owner=(3, 4)),
            "/out/top": a_folder(owner=(3, 4)),
            "/out/top/link": Like("link", owner=(3, 4)),
        },
        differs=classic_differs(
            "the classic builder keeps the owners of the archive", "/out", "/out/*"
        ),
    ),
    Case(
        name="add-several-archives-and-files",
        dockerfile="""
            FROM busybox
            ADD archive.tar plain.txt second.tgz /out/
            """,
        context={
            "archive.tar": File(PLAIN),
            "plain.txt": "text",
            "second.tgz": File(FORMS["gzip"]),
        },
        tree={"/out/top/file": "packed", "/out/plain.txt": "text", "/out/archive.tar": None},
    ),
    Case(
        name="add-what-is-only-called-an-archive",
        dockerfile="""
            FROM busybox
            ADD fake.tar.gz /out/
            ADD empty.tar /out/
            """,
        context={"fake.tar.gz": "no archive at all", "empty.tar": ""},
        tree={"/out/fake.tar.gz": "no archive at all", "/out/empty.tar": ""},
    ),
    Case(
        name="add-compressed-file-that-is-no-archive",
        dockerfile="""
            FROM busybox
            ADD text.gz /out/
            """,
        context={"text.gz": File(gzip.compress(b"only text, and not a tar archive", mtime=0))},
        tree={"/out/text.gz": a_file()},
    ),
    Case(
        name="copy-does-not-unpack",
        dockerfile="""
            FROM busybox
            COPY archive.tar /out/
            """,
        context={"archive.tar": File(PLAIN)},
        tree={"/out/archive.tar": a_file(), "/out/top": None},
    ),
    Case(
        name="add-archive-inside-a-directory-stays",
        dockerfile="""
            FROM busybox
            ADD dir /out
            """,
        context={"dir/archive.tar": File(PLAIN)},
        tree={"/out/archive.tar": a_file(), "/out/top": None},
    ),
    Case(
        name="add-archive-unpack-false",
        dockerfile="""
            FROM busybox
            ADD --unpack=false archive.tar /out/
            """,
        context={"archive.tar": File(PLAIN)},
        tree={"/out/archive.tar": a_file(), "/out/top": None},
        judges=BY_NOBODY,
    ),
    Case(
        name="add-archive-into-a-link",
        dockerfile="""
            FROM base-links
            ADD archive.tar /to-dir
            """,
        bases=("base-links",),
        context={"archive.tar": File(PLAIN)},
        tree={"/to-dir": a_link("/real"), "/real/top/file": "packed", "/real/file": "old\n"},
    ),
    Case(
        name="add-archive-to-a-file",
        dockerfile="""
            FROM base-tree
            ADD archive.tar /f
            """,
        bases=("base-tree",),
        context={"archive.tar": File(PLAIN)},
        fails="/f",
        fails_there="not a directory",
    ),
    Case(
        name="add-archive-by-wildcard",
        dockerfile="""
            FROM busybox
            ADD *.tar /out/
            """,
        context={"one.tar": File(PLAIN), "other": "o"},
        tree={"/out/top/file": "packed", "/out/one.tar": None},
    ),
)
