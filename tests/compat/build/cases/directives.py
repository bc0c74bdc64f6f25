"""The text itself: parser directives, comments, continued lines, the letters of keywords."""

from __future__ import annotations

from compat.build.cases.model import BY_BUILDAH, BY_NOBODY, Case

CASES = (
    Case(
        name="keywords-in-any-letters",
        dockerfile="""
            from busybox
            eNv A=1
            Label a=1
            cmd ["x"]
            """,
        env={"A": "1"},
        config={"Labels": {"a": "1"}, "Cmd": ["x"]},
    ),
    Case(
        name="comments-between-instructions",
        dockerfile="""
            # a comment first
            FROM busybox
                # an indented one
            ENV A=1 # no comment=2

            #ENV B=2
            ENV C=3
            """,
        fails='Syntax error - can\'t find = in "#"',
    ),
    Case(
        name="comment-signs-inside-values",
        dockerfile="""
            FROM busybox
            ENV A="1 # 2"
            LABEL b=#3
            RUN echo "#4" >/four # a comment of the shell
            """,
        env={"A": "1 # 2"},
        config={"Labels": {"b": "#3"}},
        tree={"/four": "#4\n"},
    ),
    Case(
        name="continued-lines",
        dockerfile=r"""
            FROM busybox
            ENV A=1 \
                B=2 \
              C=3
            RUN echo one \
              two >/words
            """,
        env={"A": "1", "B": "2", "C": "3"},
        tree={"/words": "one two\n"},
    ),
    Case(
        name="continued-lines-with-comments",
        dockerfile=r"""
            FROM busybox
            ENV A=1 \
            # a comment in between
                B=2 \
                # an indented comment
                C=3
            RUN echo one && \
                # of the middle
                echo two >/two
            """,
        env={"A": "1", "B": "2", "C": "3"},
        tree={"/two": "two\n"},
    ),
    Case(
        name="continued-lines-with-empty-ones",
        dockerfile="FROM busybox\nENV A=1 \\\n\n  B=2 \\\n\n\n  C=3\n",
        env={"A": "1", "B": "2", "C": "3"},
    ),
    Case(
        name="continued-with-blanks-behind",
        dockerfile="FROM busybox\nENV A=1 \\  \n  B=2\n",
        env={"A": "1", "B": "2"},
    ),
    Case(
        name="continued-in-a-word",
        dockerfile="FROM busybox\nENV A=on\\\ne B=t\\\n  wo=3\n",
        env={"A": "one", "B": "t", "wo": "3"},
    ),
    Case(
        name="continued-at-the-end",
        dockerfile="FROM busybox\nENV A=1 \\\n",
        env={"A": "1"},
    ),
    Case(
        name="carriage-returns",
        dockerfile="FROM busybox\r\nENV A=1 \\\r\n  B=2\r\nRUN echo x >/x\r\n",
        env={"A": "1", "B": "2"},
        tree={"/x": "x\n"},
    ),
    Case(
        name="byte-order-mark",
        dockerfile="\ufeffFROM busybox\nENV A=1\n",
        env={"A": "1"},
    ),
    Case(
        name="tabs-and-blanks",
        dockerfile="\n  FROM\tbusybox  \n\tENV\tA=1\tB=2\n   LABEL   c=3   \n",
        env={"A": "1", "B": "2"},
        config={"Labels": {"c": "3"}},
    ),
    Case(
        name="no-newline-at-the-end",
        dockerfile="FROM busybox\nENV A=1",
        env={"A": "1"},
    ),
    Case(
        name="escape-backtick",
        dockerfile="""
            # escape=`
            FROM busybox
            ENV A=1 `
                B=C:\\dir `
                C="a`"b" D=`$A
            """,
        env={"A": "1", "B": "C:\\dir", "C": 'a"b', "D": "$A"},
    ),
    Case(
        name="escape-directive-with-blanks",
        dockerfile="""
            #   EsCaPe =  `
            FROM busybox
            ENV A=1 `
                B=2
            """,
        env={"A": "1", "B": "2"},
    ),
    Case(
        name="escape-after-a-comment-is-a-comment",
        dockerfile="""
            # about this file
            # escape=`
            FROM busybox
            ENV A=1 \\
                B=2
            """,
        env={"A": "1", "B": "2"},
    ),
    Case(
        name="escape-twice",
        dockerfile="""
            # escape=\\
            # escape=`
            FROM busybox
            """,
        fails="only one escape parser directive can be used",
    ),
    Case(
        name="escape-invalid",
        dockerfile="""
            # escape=x
            FROM busybox
            """,
        fails="invalid escape token 'x' does not match ` or \\",
    ),
    Case(
        name="syntax-directive",
        dockerfile="""
            # syntax=docker/dockerfile:1
            FROM busybox
            ENV A=1
            """,
        env={"A": "1"},
    ),
    Case(
        name="check-directive",
        dockerfile="""
            # check=skip=all;error=true
            FROM busybox
            ENV A=1
            """,
        env={"A": "1"},
        judges=BY_BUILDAH,
    ),
    Case(
        name="check-directive-makes-findings-fail",
        dockerfile="""
            # check=error=true
            FROM busybox
            MAINTAINER somebody
            """,
        fails="MaintainerDeprecated",
        judges=BY_NOBODY,
    ),
    Case(
        name="unknown-directive-is-a-comment",
        dockerfile="""
            # unknown=directive
            # escape=`
            FROM busybox
            ENV A=1 \\
                B=2
            """,
        env={"A": "1", "B": "2"},
    ),
    Case(
        name="empty-line-ends-directives",
        dockerfile="\n\n# escape=`\nFROM busybox\nENV A=1 \\\n  B=2\n",
        env={"A": "1", "B": "2"},
    ),
    Case(
        name="another-file-name",
        dockerfile="""
            FROM busybox
            ENV A=1
            COPY nested /n
            """,
        file="nested/build.dockerfile",
        context={"Dockerfile": "FROM nowhere", "nested/x": "x"},
        env={"A": "1"},
        tree={"/n/x": "x", "/n/build.dockerfile": "FROM busybox\nENV A=1\nCOPY nested /n\n"},
        also_own_client=True,
    ),
)
