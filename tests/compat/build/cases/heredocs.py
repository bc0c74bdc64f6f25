"""Heredocs, which only BuildKit's frontend knows."""

from __future__ import annotations

from compat.build.cases.model import BY_NOBODY, Case, a_file

CASES = (
    Case(
        name="heredoc-run",
        dockerfile="""
            FROM busybox
            RUN <<EOF
            echo one >/one
            echo two >/two
            EOF
            ENV A=1
            """,
        env={"A": "1"},
        tree={"/one": "one\n", "/two": "two\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-run-is-expanded-by-the-shell",
        dockerfile="""
            FROM busybox
            ARG A=arg
            RUN <<EOF
            B=own
            echo "$A $B $(echo sub)" >/out
            EOF
            """,
        tree={"/out": "arg own sub\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-run-quoted",
        dockerfile="""
            FROM busybox
            RUN <<'EOF'
            B=own
            echo "$B" >/out
            EOF
            """,
        tree={"/out": "own\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-run-with-another-interpreter",
        dockerfile="""
            FROM busybox
            RUN <<EOF
            #!/bin/awk -f
            BEGIN { print 6 * 7 > "/out" }
            EOF
            """,
        tree={"/out": "42\n", "/dev/pipes": None},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-run-as-input",
        dockerfile="""
            FROM busybox
            RUN cat >/out <<EOF
            text of $HOME
            EOF
            """,
        tree={"/out": "text of /root\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-run-as-input-quoted",
        dockerfile="""
            FROM busybox
            RUN cat >/out <<"EOF"
            text of $HOME
            EOF
            """,
        tree={"/out": "text of $HOME\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-run-followed-by-words",
        dockerfile="""
            FROM busybox
            RUN sh <<EOF && echo after >/after
            echo inside >/inside
            EOF
            """,
        tree={"/inside": "inside\n", "/after": "after\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-run-several",
        dockerfile="""
            FROM busybox
            RUN cat <<ONE >/one; cat <<TWO >/two
            first
            ONE
            second
            TWO
            """,
        tree={"/one": "first\n", "/two": "second\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-run-tabs-removed",
        dockerfile="FROM busybox\nRUN <<-EOF\n\techo one >/one\n\t\techo two >/two\n\tEOF\n",
        tree={"/one": "one\n", "/two": "two\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-run-fails-with-its-status",
        dockerfile="""
            FROM busybox
            RUN <<EOF
            exit 3
            EOF
            """,
        fails="returned a non-zero code: 3",
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-copy",
        dockerfile="""
            FROM busybox
            ARG A=arg
            COPY <<EOF /out
            text with $A and "quotes"
              indented
            EOF
            """,
        tree={"/out": a_file('text with arg and "quotes"\n  indented\n', mode=0o644, owner=(0, 0))},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-copy-quoted",
        dockerfile="""
            FROM busybox
            ARG A=arg
            COPY <<'EOF' /out
            text with $A and \\$A
            EOF
            """,
        tree={"/out": "text with $A and \\$A\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-copy-several-into-a-directory",
        dockerfile="""
            FROM busybox
            COPY <<one.txt <<two.txt file /dir/
            first
            one.txt
            second
            two.txt
            """,
        context={"file": "from context"},
        tree={"/dir/one.txt": "first\n", "/dir/two.txt": "second\n", "/dir/file": "from context"},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-copy-with-flags",
        dockerfile="""
            FROM busybox
            COPY --chmod=750 --chown=3:4 <<EOF /bin/tool
            #!/bin/sh
            EOF
            """,
        tree={"/bin/tool": a_file("#!/bin/sh\n", mode=0o750, owner=(3, 4))},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-copy-empty",
        dockerfile="""
            FROM busybox
            COPY <<EOF /empty
            EOF
            """,
        tree={"/empty": a_file("")},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-copy-tabs-removed",
        dockerfile="FROM busybox\nCOPY <<-EOF /out\n\tone\n\t  two\n\tEOF\n",
        tree={"/out": "one\n  two\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-add",
        dockerfile="""
            FROM busybox
            ADD <<EOF /out
            added
            EOF
            """,
        tree={"/out": "added\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-keeps-what-looks-like-an-instruction",
        dockerfile="""
            FROM busybox
            COPY <<EOF /out
            # no comment
            FROM nowhere

            RUN false
            EOF
            """,
        tree={"/out": "# no comment\nFROM nowhere\n\nRUN false\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-escapes-in-documents",
        dockerfile="""
            FROM busybox
            ARG A=arg
            COPY <<EOF /out
            \\$A ${A} ${NONE:-default}
            EOF
            """,
        tree={"/out": "$A arg default\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-in-a-trigger",
        dockerfile="""
            FROM busybox AS base
            ONBUILD RUN <<EOF
            echo triggered >/out
            EOF
            FROM base
            """,
        tree={"/out": "triggered\n"},
        judges=BY_NOBODY,
    ),
    Case(
        name="heredoc-not-ended",
        dockerfile="""
            FROM busybox
            RUN <<EOF
            echo one
            """,
        fails="unterminated heredoc",
        judges=BY_NOBODY,
    ),
)
