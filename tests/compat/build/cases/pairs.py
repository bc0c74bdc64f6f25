"""ENV, LABEL and MAINTAINER: how names and values are written, and what the base has of them."""

from __future__ import annotations

from compat.build.cases.model import Case

CASES = (
    Case(
        name="env-legacy-form",
        dockerfile="""
            FROM busybox
            ENV A one two   three
            ENV B "quoted words"
            ENV C with=equals
            """,
        env={"A": "one two   three", "B": "quoted words", "C": "with=equals"},
    ),
    Case(
        name="env-legacy-form-with-quotes-inside",
        dockerfile=r"""
            FROM busybox
            ENV A it's a 'test' here's
            ENV B say \"hi\"
            """,
        env={"A": "its a test heres", "B": 'say "hi"'},
    ),
    Case(
        name="env-quoting",
        dockerfile=r"""
            FROM busybox
            ENV A="one two" B='three four' C=five\ six D="" E='' F=
            ENV G=a"b c"d'e f'g
            """,
        env={
            "A": "one two",
            "B": "three four",
            "C": "five six",
            "D": "",
            "E": "",
            "F": "",
            "G": "ab cde fg",
        },
    ),
    Case(
        name="env-value-with-equals",
        dockerfile="""
            FROM busybox
            ENV A=b=c=d OPTS="-Dx=y -Dz"
            """,
        env={"A": "b=c=d", "OPTS": "-Dx=y -Dz"},
    ),
    Case(
        name="env-quoted-name",
        dockerfile="""
            FROM busybox
            ENV "A"=1 'B'=2 C.D=3 e-f=4
            """,
        env={"A": "1", "B": "2", "C.D": "3", "e-f": "4"},
    ),
    Case(
        name="env-order-and-replacement",
        dockerfile="""
            FROM busybox
            ENV B=1 A=2
            ENV C=3 B=4
            """,
        config={
            "Env": [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "B=4",
                "A=2",
                "C=3",
            ]
        },
    ),
    Case(
        name="env-over-the-base",
        dockerfile="""
            FROM base-rich
            ENV CHANGED=new ADDED=1
            """,
        bases=("base-rich",),
        env={"FROM_BASE": "yes", "CHANGED": "new", "ADDED": "1"},
    ),
    Case(
        name="env-several-lines-in-a-value",
        dockerfile="FROM busybox\nENV A=\"one\\\n  two\" B='x\\\ny'\n",
        env={"A": "one  two", "B": "xy"},
    ),
    Case(
        name="env-letters-of-the-world",
        dockerfile="""
            FROM busybox
            ENV A=grün B="日本 語" ÄÖ=1
            RUN echo "$A $B" >/out
            """,
        env={"A": "grün", "B": "日本 語", "ÄÖ": "1"},
        tree={"/out": "grün 日本 語\n"},
    ),
    Case(
        name="env-is-seen-by-run",
        dockerfile="""
            FROM busybox
            ENV A="a  b" Q='"' D='$x'
            RUN printf '%s|%s|%s' "$A" "$Q" "$D" >/out
            """,
        tree={"/out": 'a  b|"|$x'},
    ),
    Case(
        name="label-forms",
        dockerfile=r"""
            FROM busybox
            LABEL "com.example.vendor"="ACME Inc" version="1.0" plain=x
            LABEL description="spans \
            lines" empty=""
            LABEL old way of writing
            """,
        config={
            "Labels": {
                "com.example.vendor": "ACME Inc",
                "description": "spans lines",
                "empty": "",
                "old": "way of writing",
                "plain": "x",
                "version": "1.0",
            }
        },
    ),
    Case(
        name="label-names-with-blanks",
        dockerfile="""
            FROM busybox
            LABEL "two words"=x 'single quotes'='y z'
            """,
        config={"Labels": {"two words": "x", "single quotes": "y z"}},
    ),
    Case(
        name="label-over-the-base",
        dockerfile="""
            FROM base-rich
            LABEL changed=new added=1
            """,
        bases=("base-rich",),
        config={"Labels": {"from.base": "yes", "changed": "new", "added": "1"}},
    ),
    Case(
        name="label-of-the-command-line",
        dockerfile="""
            FROM busybox
            LABEL a=file b=file
            """,
        flags=("--label", "b=line", "--label", "c=line"),
        config={"Labels": {"a": "file", "b": "line", "c": "line"}},
        also_own_client=True,
    ),
    Case(
        name="label-json",
        dockerfile="""
            FROM busybox
            LABEL data='{"a": [1, 2], "b": "x y"}'
            """,
        config={"Labels": {"data": '{"a": [1, 2], "b": "x y"}'}},
    ),
    Case(
        name="maintainer",
        dockerfile="""
            FROM busybox
            MAINTAINER "Jo Doe" <jo@example.com>
            """,
        config={"Author": '"Jo Doe" <jo@example.com>'},
    ),
    Case(
        name="maintainer-last-one-counts",
        dockerfile="""
            FROM busybox AS one
            MAINTAINER first
            FROM one
            LABEL a=1
            MAINTAINER second
            """,
        config={"Author": "second"},
    ),
)
