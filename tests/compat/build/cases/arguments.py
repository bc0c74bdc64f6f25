"""ARG: where it is seen, what it defaults to, which values come from outside."""

from __future__ import annotations

from compat.build.cases.model import BY_NOBODY, Case, classic_differs

CASES = (
    Case(
        name="arg-default",
        dockerfile="""
            FROM busybox
            ARG A=one
            ENV B=$A
            RUN echo "$A" >/a
            """,
        env={"A": None, "B": "one"},
        tree={"/a": "one\n"},
    ),
    Case(
        name="arg-given",
        dockerfile="""
            FROM busybox
            ARG A=one
            ARG N
            ENV B=$A C=$N
            RUN echo "$A $N" >/a
            """,
        arguments={"A": "two", "N": "n"},
        env={"A": None, "B": "two", "C": "n"},
        tree={"/a": "two n\n"},
        also_own_client=True,
    ),
    Case(
        name="arg-given-empty",
        dockerfile="""
            FROM busybox
            ARG A=one
            ENV B=x$A
            """,
        arguments={"A": ""},
        env={"B": "x"},
    ),
    Case(
        name="arg-given-from-the-environment",
        dockerfile="""
            FROM busybox
            ARG A=one
            ARG B=two
            ENV C=$A D=$B
            """,
        arguments={"A": None, "B": None},
        environment={"A": "outside"},
        env={"C": "outside", "D": "two"},
        also_own_client=True,
    ),
    Case(
        name="arg-before-from",
        dockerfile="""
            ARG NAME=busybox
            ARG TAG=latest
            FROM ${NAME}:${TAG}
            ENV A=x$TAG
            """,
        env={"A": "x"},
    ),
    Case(
        name="arg-before-from-declared-again",
        dockerfile="""
            ARG TAG=latest
            FROM busybox:$TAG
            ARG TAG
            ENV A=$TAG
            """,
        env={"A": "latest"},
    ),
    Case(
        name="arg-before-from-given",
        dockerfile="""
            ARG TAG=nothing
            FROM busybox:$TAG
            ARG TAG=own
            ENV A=$TAG
            """,
        arguments={"TAG": "latest"},
        env={"A": "latest"},
    ),
    Case(
        name="arg-before-from-with-own-default",
        dockerfile="""
            ARG X=outer
            FROM busybox
            ARG X=inner
            ENV A=$X
            """,
        env={"A": "inner"},
    ),
    Case(
        name="arg-before-from-uses-another",
        dockerfile="""
            ARG A=busy
            ARG B=${A}box
            FROM $B
            ENV A=1
            """,
        env={"A": "1"},
    ),
    Case(
        name="arg-ends-with-its-stage",
        dockerfile="""
            FROM busybox AS one
            ARG A=1
            RUN echo "[$A]" >/a
            FROM busybox
            COPY --from=one /a /one
            RUN echo "[$A]" >/two
            """,
        tree={"/one": "[1]\n", "/two": "[]\n"},
    ),
    Case(
        name="arg-inherited-by-a-stage-built-on-it",
        dockerfile="""
            FROM busybox AS one
            ARG A=1
            ENV B=$A
            FROM one
            ENV C="[$A]" D=$B
            """,
        env={"C": "[1]", "D": "1"},
        differs=classic_differs("only BuildKit hands ARG on to stages built on the stage", "Env"),
    ),
    Case(
        name="arg-is-not-seen-before-its-line",
        dockerfile="""
            FROM busybox
            ENV A="[$X]"
            ARG X=1
            ENV B="[$X]"
            """,
        arguments={"X": "2"},
        env={"A": "[]", "B": "[2]"},
    ),
    Case(
        name="arg-again-changes-its-value",
        dockerfile="""
            FROM busybox
            ARG A=1
            ENV B=$A
            ARG A=2
            ENV C=$A
            """,
        env={"B": "1", "C": "2"},
    ),
    Case(
        name="env-wins-over-arg",
        dockerfile="""
            FROM busybox
            ENV A=env
            ARG A=arg
            ENV B=$A
            RUN echo $A >/a
            """,
        arguments={"A": "given"},
        env={"A": "env", "B": "env"},
        tree={"/a": "env\n"},
    ),
    Case(
        name="env-after-arg-wins",
        dockerfile="""
            FROM busybox
            ARG A=arg
            ENV A=env-$A
            RUN echo $A >/a
            """,
        env={"A": "env-arg"},
        tree={"/a": "env-arg\n"},
    ),
    Case(
        name="env-defaults-to-arg",
        dockerfile="""
            FROM busybox
            ARG VERSION
            ENV VERSION=${VERSION:-v1}
            """,
        env={"VERSION": "v1"},
    ),
    Case(
        name="arg-several-in-one-line",
        dockerfile="""
            FROM busybox
            ARG A=1 B="two words" C
            ENV X="$A-$B-$C"
            """,
        arguments={"C": "3"},
        env={"X": "1-two words-3"},
    ),
    Case(
        name="arg-predefined",
        dockerfile="""
            FROM busybox
            RUN echo "[$HTTP_PROXY][$no_proxy]" >/a
            ENV A="[$HTTP_PROXY]"
            """,
        arguments={"HTTP_PROXY": "http://proxy", "no_proxy": "here"},
        env={"HTTP_PROXY": None, "A": "[]"},
        tree={"/a": "[http://proxy][here]\n"},
        differs=classic_differs(
            "the classic builder also puts proxies that are not declared into other instructions",
            "Env",
        ),
    ),
    Case(
        name="arg-platform",
        dockerfile="""
            FROM busybox
            ARG TARGETPLATFORM
            ARG TARGETOS
            ARG TARGETARCH
            ARG BUILDARCH
            ENV A=$TARGETPLATFORM B=$TARGETOS-$TARGETARCH-$BUILDARCH
            """,
        env={"A": "linux/amd64", "B": "linux-amd64-amd64"},
        judges=BY_NOBODY,
    ),
    Case(
        name="arg-platform-before-from",
        dockerfile="""
            FROM --platform=$BUILDPLATFORM busybox
            ENV A="[$BUILDPLATFORM]"
            """,
        env={"A": "[]"},
        judges=BY_NOBODY,
    ),
    Case(
        name="arg-not-declared",
        dockerfile="""
            FROM busybox
            ENV A="[$X]"
            RUN echo "[$X]" >/x
            """,
        arguments={"X": "1"},
        env={"A": "[]"},
        tree={"/x": "[]\n"},
        prints=("One or more build-args [X] were not consumed",),
    ),
    Case(
        name="arg-declared-in-an-unused-stage",
        dockerfile="""
            FROM busybox AS unused
            ARG X
            FROM busybox
            ENV A="[$X]"
            """,
        arguments={"X": "1"},
        env={"A": "[]"},
    ),
    Case(
        name="arg-value-with-quotes",
        dockerfile="""
            FROM busybox
            ARG A='single $X' B="double $A" C=back\\ slash
            ENV X="$A|$B|$C"
            """,
        env={"X": "single $X|double single $X|back slash"},
        differs=classic_differs("only BuildKit sees the arguments before in the same line", "Env"),
    ),
    Case(
        name="arg-changes-what-run-sees",
        dockerfile="""
            FROM busybox
            ARG A
            RUN env | grep '^A=' >/a; true
            """,
        arguments={"A": "x y"},
        tree={"/a": "A=x y\n"},
    ),
)
