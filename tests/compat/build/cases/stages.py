"""Several stages: how they are named, what they take from each other, which of them are built."""

from __future__ import annotations

from compat.build.cases.model import (
    BY_BUILDAH,
    BY_NOBODY,
    DEFAULT_PATH,
    Case,
    a_file,
    classic_differs,
)

CASES = (
    Case(
        name="stage-by-name",
        dockerfile="""
            FROM busybox AS maker
            RUN echo made >/made
            FROM busybox
            COPY --from=maker /made /out
            """,
        tree={"/out": "made\n", "/made": None},
    ),
    Case(
        name="stage-by-number",
        dockerfile="""
            FROM busybox
            RUN echo zero >/made
            FROM busybox
            RUN echo one >/made
            FROM busybox
            COPY --from=0 /made /zero
            COPY --from=1 /made /one
            """,
        tree={"/zero": "zero\n", "/one": "one\n"},
    ),
    Case(
        name="stage-name-in-other-letters",
        dockerfile="""
            FROM busybox AS Maker
            RUN echo made >/made
            FROM busybox as other
            COPY --from=MAKER /made /out
            """,
        tree={"/out": "made\n"},
    ),
    Case(
        name="stage-built-on-a-stage",
        dockerfile="""
            FROM busybox AS one
            ENV A=1
            WORKDIR /w
            RUN echo x >x
            FROM one AS two
            ENV B=$A
            RUN cat x >y
            FROM two
            CMD ["c"]
            """,
        env={"A": "1", "B": "1"},
        config={"WorkingDir": "/w", "Cmd": ["c"]},
        tree={"/w/x": "x\n", "/w/y": "x\n"},
    ),
    Case(
        name="stage-from-an-image",
        dockerfile="""
            FROM scratch
            COPY --from=base-tree /d/one /one
            COPY --from=base-tree /d/sub /sub
            """,
        bases=("base-tree",),
        tree={"/one": "1\n", "/sub/three": "3\n", "/bin": None},
    ),
    Case(
        name="stage-named-as-an-image-wins",
        dockerfile="""
            FROM busybox AS base-tree
            RUN echo stage >/f
            FROM busybox
            COPY --from=base-tree /f /f
            """,
        bases=("base-tree",),
        tree={"/f": "stage\n"},
    ),
    Case(
        name="target-by-name",
        dockerfile="""
            FROM busybox AS one
            ENV A=1
            FROM busybox AS two
            ENV B=2
            """,
        target="one",
        env={"A": "1", "B": None},
        also_own_client=True,
    ),
    Case(
        name="target-in-other-letters",
        dockerfile="""
            FROM busybox AS One
            ENV A=1
            FROM busybox
            ENV B=2
            """,
        target="ONE",
        env={"A": "1", "B": None},
    ),
    Case(
        name="target-by-number",
        dockerfile="""
            FROM busybox
            ENV A=1
            FROM busybox
            ENV B=2
            """,
        target="0",
        fails='target stage "0" could not be found',
        fails_there="failed to reach build target 0 in Dockerfile",
    ),
    Case(
        name="target-not-found",
        dockerfile="""
            FROM busybox AS one
            """,
        target="nowhere",
        fails='target stage "nowhere" could not be found',
        fails_there="failed to reach build target nowhere in Dockerfile",
    ),
    Case(
        name="stages-that-nothing-needs-are-not-built",
        dockerfile="""
            FROM busybox AS broken
            RUN false
            FROM busybox
            ENV A=1
            """,
        env={"A": "1"},
        differs=classic_differs(
            "the classic builder builds every stage before the target", "build"
        ),
    ),
    Case(
        name="stages-behind-the-target-are-not-built",
        dockerfile="""
            FROM busybox AS wanted
            ENV A=1
            FROM busybox
            RUN false
            """,
        target="wanted",
        env={"A": "1"},
    ),
    Case(
        name="stage-copies-a-tree",
        dockerfile="""
            FROM base-tree AS source
            FROM busybox
            COPY --from=source /d /copy
            COPY --from=source /d/one /f /files/
            """,
        bases=("base-tree",),
        tree={
            "/copy/one": a_file("1\n", same="/copy/other-one"),
            "/copy/sub/three": "3\n",
            "/files/one": "1\n",
            "/files/f": "f\n",
        },
    ),
    Case(
        name="stage-copy-with-a-pattern",
        dockerfile="""
            FROM base-tree AS source
            FROM scratch
            COPY --from=source /d/o* /out/
            """,
        bases=("base-tree",),
        tree={"/out/one": "1\n", "/out/other-one": "1\n", "/out/two": None},
    ),
    Case(
        name="stage-copy-keeps-owners",
        dockerfile="""
            FROM base-tree AS source
            RUN echo o >/owned && chown 3:4 /owned && chmod 640 /owned
            FROM busybox
            COPY --from=source /owned /owned
            COPY --from=source --chown=5:6 /owned /changed
            COPY --from=source /d /d
            """,
        bases=("base-tree",),
        tree={
            "/owned": a_file("o\n", owner=(3, 4), mode=0o640),
            "/changed": a_file("o\n", owner=(5, 6), mode=0o640),
        },
    ),
    Case(
        name="stage-copy-sees-what-was-removed",
        dockerfile="""
            FROM base-tree AS source
            RUN rm /d/two && rm -r /d/sub && mkdir /d/sub && echo new >/d/sub/new
            FROM scratch
            COPY --from=source /d /d
            """,
        bases=("base-tree",),
        tree={"/d/two": None, "/d/sub/three": None, "/d/sub/new": "new\n"},
    ),
    Case(
        name="stage-of-scratch-alone",
        dockerfile="""
            FROM busybox AS maker
            RUN mkdir /out && echo a >/out/a
            FROM scratch AS export
            COPY --from=maker /out /
            LABEL l=1
            """,
        env={"PATH": DEFAULT_PATH},
        config={"Labels": {"l": "1"}},
        tree={"/a": "a\n", "/bin": None},
    ),
    Case(
        name="stage-name-used-twice",
        dockerfile="""
            FROM busybox AS one
            RUN echo first >/x
            FROM busybox AS one
            RUN echo second >/x
            FROM busybox
            COPY --from=one /x /x
            """,
        tree={"/x": "second\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="stage-name-invalid",
        dockerfile="""
            FROM busybox AS 1st
            """,
        fails='invalid name for build stage: "1st", name can\'t start with a number or contain',
    ),
    Case(
        name="stage-from-itself",
        dockerfile="""
            FROM busybox AS one
            COPY --from=one /etc/passwd /x
            """,
        fails="circular dependency detected on stage: one",
        fails_there="invalid from flag value one",
    ),
    Case(
        name="stage-by-a-number-that-is-none",
        dockerfile="""
            FROM busybox
            COPY --from=7 /x /x
            """,
        fails="7",
        fails_there="invalid from flag value 7",
    ),
    Case(
        name="from-platform",
        dockerfile="""
            FROM --platform=linux/amd64 busybox
            ENV A=1
            """,
        env={"A": "1"},
        config={"Platform": "linux/amd64"},
    ),
    Case(
        name="from-expanded-with-default",
        dockerfile="""
            ARG KIND
            FROM ${KIND:-busybox} AS chosen
            ENV A=1
            """,
        env={"A": "1"},
    ),
    Case(
        name="from-stage-chosen-by-argument",
        dockerfile="""
            ARG KIND=two
            FROM busybox AS stage-one
            ENV A=1
            FROM busybox AS stage-two
            ENV A=2
            FROM stage-$KIND
            ENV B=x$A
            """,
        env={"A": "2", "B": "x2"},
    ),
    Case(
        name="copy-from-expanded",
        dockerfile="""
            FROM busybox AS maker
            RUN echo made >/made
            FROM busybox
            ARG WHICH=maker
            COPY --from=$WHICH /made /out
            """,
        fails="variable expansion is not supported for --from",
        judges=BY_NOBODY,
    ),
    Case(
        name="mount-from-a-stage",
        dockerfile="""
            FROM busybox AS maker
            RUN mkdir /made && echo made >/made/x
            FROM busybox
            RUN --mount=type=bind,from=maker,source=/made,target=/m cat /m/x >/out
            """,
        tree={"/out": "made\n"},
        judges=BY_BUILDAH,
    ),
)
