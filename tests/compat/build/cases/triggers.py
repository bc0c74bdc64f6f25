"""ONBUILD: when triggers run, in which order, and what is left of them."""

from __future__ import annotations

from compat.build.cases.model import Case, a_file

CASES = (
    Case(
        name="onbuild-is-kept",
        dockerfile="""
            FROM busybox
            ONBUILD RUN echo "$HOME" >/x
            ONBUILD  copy  . /app
            ONBUILD CMD ["a", "b"]
            """,
        config={"OnBuild": ['RUN echo "$HOME" >/x', "copy  . /app", 'CMD ["a", "b"]']},
        tree={"/x": None, "/app": None},
    ),
    Case(
        name="onbuild-runs-first-and-in-order",
        dockerfile="""
            FROM base-trigger
            RUN echo own >>/trace
            """,
        bases=("base-trigger",),
        env={"TRIGGERED": "yes"},
        config={"OnBuild": None},
        tree={"/trace": "base\nfirst\nsecond yes\nown\n"},
    ),
    Case(
        name="onbuild-runs-once",
        dockerfile="""
            FROM base-trigger AS child
            RUN echo child >>/trace
            FROM child
            RUN echo grandchild >>/trace
            """,
        bases=("base-trigger",),
        tree={"/trace": "base\nfirst\nsecond yes\nchild\ngrandchild\n"},
    ),
    Case(
        name="onbuild-of-a-stage",
        dockerfile="""
            FROM busybox AS parent
            ONBUILD RUN echo triggered >/trace
            FROM parent
            RUN cat /trace >/seen
            """,
        config={"OnBuild": None},
        tree={"/seen": "triggered\n"},
    ),
    Case(
        name="onbuild-copies-from-the-context",
        dockerfile="""
            FROM base-trigger-copy
            """,
        bases=("base-trigger-copy",),
        context={"main": "m", "lib/x": "x"},
        arguments={"VERSION": "7"},
        config={"WorkingDir": "/app", "Labels": {"version": "7"}, "OnBuild": None},
        tree={"/app/main": "m", "/app/lib/x": "x"},
    ),
    Case(
        name="onbuild-add-user-cmd",
        dockerfile="""
            FROM base-trigger-add
            """,
        bases=("base-trigger-add",),
        context={"data/x": "x"},
        config={"User": "5", "Cmd": ["from", "trigger"]},
        tree={"/data/x": a_file("x", owner=(3, 4))},
    ),
    Case(
        name="onbuild-new-triggers-beside-old",
        dockerfile="""
            FROM base-trigger
            ONBUILD ENV NEXT=1
            """,
        bases=("base-trigger",),
        config={"OnBuild": ["ENV NEXT=1"]},
    ),
    Case(
        name="onbuild-copy-from-does-not-run-triggers",
        dockerfile="""
            FROM scratch
            COPY --from=base-trigger /trace /trace
            """,
        bases=("base-trigger",),
        tree={"/trace": "base\n"},
    ),
    Case(
        name="onbuild-from",
        dockerfile="""
            FROM busybox
            ONBUILD FROM busybox
            """,
        fails="FROM isn't allowed as an ONBUILD trigger",
    ),
    Case(
        name="onbuild-maintainer",
        dockerfile="""
            FROM busybox
            ONBUILD MAINTAINER x
            """,
        fails="MAINTAINER isn't allowed as an ONBUILD trigger",
    ),
    Case(
        name="onbuild-onbuild",
        dockerfile="""
            FROM busybox
            ONBUILD ONBUILD RUN true
            """,
        fails="Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
    ),
    Case(
        name="onbuild-failing",
        dockerfile="""
            FROM busybox AS parent
            ONBUILD RUN exit 4
            FROM parent
            """,
        fails="returned a non-zero code: 4",
    ),
)
