"""Variables: every form of their expansion, and every instruction that expands."""

from __future__ import annotations

from compat.build.cases.model import BY_NOBODY, Case, a_file, a_folder

FORMS = (
    Case(
        name="expand-plain-and-braces",
        dockerfile="""
            FROM busybox
            ENV A=one AB=both
            ENV X=$A Y=${A}B Z=$AB W=$A-$A/$AB.
            """,
        env={"X": "one", "Y": "oneB", "Z": "both", "W": "one-one/both."},
    ),
    Case(
        name="expand-not-set",
        dockerfile="""
            FROM busybox
            ENV X=[$NONE] Y=[${NONE}]
            """,
        env={"X": "[]", "Y": "[]"},
    ),
    Case(
        name="expand-default",
        dockerfile="""
            FROM busybox
            ENV SET=set EMPTY=
            ENV A=${SET:-d} B=${EMPTY:-d} C=${NONE:-d}
            """,
        env={"A": "set", "B": "d", "C": "d"},
    ),
    Case(
        name="expand-default-only-if-unset",
        dockerfile="""
            FROM busybox
            ENV SET=set EMPTY=
            ENV A=${SET-d} B=[${EMPTY-d}] C=${NONE-d}
            """,
        env={"A": "set", "B": "[]", "C": "d"},
        judges=BY_NOBODY,
    ),
    Case(
        name="expand-alternative",
        dockerfile="""
            FROM busybox
            ENV SET=set EMPTY=
            ENV A=${SET:+alt} B=[${EMPTY:+alt}] C=[${NONE:+alt}]
            """,
        env={"A": "alt", "B": "[]", "C": "[]"},
    ),
    Case(
        name="expand-alternative-if-set",
        dockerfile="""
            FROM busybox
            ENV SET=set EMPTY=
            ENV A=${SET+alt} B=[${EMPTY+alt}] C=[${NONE+alt}]
            """,
        env={"A": "alt", "B": "[alt]", "C": "[]"},
        judges=BY_NOBODY,
    ),
    Case(
        name="expand-required",
        dockerfile="""
            FROM busybox
            ENV A=set
            ENV B="${A:?has to be set}" C="${A?has to be set}"
            """,
        env={"B": "set", "C": "set"},
        judges=BY_NOBODY,
    ),
    Case(
        name="expand-required-fails",
        dockerfile="""
            FROM busybox
            ENV B="${NONE:?say who you are}"
            """,
        fails="NONE: say who you are",
        judges=BY_NOBODY,
    ),
    Case(
        name="expand-required-fails-if-empty",
        dockerfile="""
            FROM busybox
            ENV A=
            ENV B="${A:?say more}"
            """,
        fails="A: say more",
        judges=BY_NOBODY,
    ),
    Case(
        name="expand-nested",
        dockerfile="""
            FROM busybox
            ENV A=a B=b
            ENV X=${NONE:-$A} Y=${NONE:-${NONE:-x$B}} Z=${A:+<${B}>}
            """,
        env={"X": "a", "Y": "xb", "Z": "<b>"},
    ),
    Case(
        name="expand-remove-prefix",
        dockerfile="""
            FROM busybox
            ENV V=foobarfoobaz P=*bar
            ENV A=${V#foo} B=${V#f*o} C=${V##f*o} D=${V#x} E=${V#$P} F=${V#?}
            """,
        env={
            "A": "barfoobaz",
            "B": "obarfoobaz",
            "C": "baz",
            "D": "foobarfoobaz",
            "E": "foobaz",
            "F": "oobarfoobaz",
        },
        judges=BY_NOBODY,
    ),
    Case(
        name="expand-remove-suffix",
        dockerfile="""
            FROM busybox
            ENV V=a.tar.gz
            ENV A=${V%.gz} B=${V%.*} C=${V%%.*} D=${V%x} E=${V%?}
            """,
        env={"A": "a.tar", "B": "a.tar", "C": "a", "D": "a.tar.gz", "E": "a.tar.g"},
        judges=BY_NOBODY,
    ),
    Case(
        name="expand-replace",
        dockerfile=r"""
            FROM busybox
            ENV V=foobarfoobaz S=a/b/c
            ENV A=${V/foo/x} B=${V//foo/x} C=${V/fo*o/x} D=${V//o/} E=${S//\//_}
            """,
        env={"A": "xbarfoobaz", "B": "xbarxbaz", "C": "xbaz", "D": "fbarfbaz", "E": "a_b_c"},
        judges=BY_NOBODY,
    ),
    Case(
        name="expand-single-quotes",
        dockerfile="""
            FROM busybox
            ENV A=a
            ENV X='$A' Y='x'$A'y' Z='"'
            """,
        env={"X": "$A", "Y": "xay", "Z": '"'},
    ),
    Case(
        name="expand-double-quotes",
        dockerfile=r"""
            FROM busybox
            ENV A=a
            ENV X="$A b" Y="\$A" Z="say \"$A\"" W="back\\slash" V="a\b"
            """,
        env={"X": "a b", "Y": "$A", "Z": 'say "a"', "W": "back\\slash", "V": "a\\b"},
    ),
    Case(
        name="expand-escaped",
        dockerfile=r"""
            FROM busybox
            ENV A=a
            ENV X=\$A Y=\${A} Z=a\\b W=a\b V=one\ two U=\'$A\'
            """,
        env={"X": "$A", "Y": "${A}", "Z": "a\\b", "W": "ab", "V": "one two", "U": "'a'"},
    ),
    Case(
        name="expand-once",
        dockerfile=r"""
            FROM busybox
            ENV B=b A=\$B
            ENV X=$A
            """,
        env={"A": "$B", "X": "$B"},
    ),
    Case(
        name="expand-all-of-a-line-at-once",
        dockerfile="""
            FROM busybox
            ENV A=hello
            ENV A=bye B=$A
            ENV C=$A
            """,
        env={"A": "bye", "B": "hello", "C": "bye"},
    ),
    Case(
        name="expand-special",
        dockerfile="""
            FROM busybox
            ENV X=a$1b Y=[$@] Z=$ W="$ " V=a$.b
            """,
        env={"X": "ab", "Y": "[]", "Z": "$", "W": "$ ", "V": "a$.b"},
    ),
    Case(
        name="expand-values-with-blanks",
        dockerfile="""
            FROM busybox
            ENV A="two words"
            ENV B=$A C=x
            LABEL l=$A
            """,
        env={"B": "two words", "C": "x"},
        config={"Labels": {"l": "two words"}},
    ),
    Case(
        name="expand-in-names",
        dockerfile="""
            FROM busybox
            ENV N=NAME
            ENV $N=1 X_$N=2
            LABEL $N.label=3
            """,
        env={"NAME": "1", "X_NAME": "2"},
        config={"Labels": {"NAME.label": "3"}},
    ),
)

INSTRUCTIONS = (
    Case(
        name="expand-in-copy-and-add",
        dockerfile="""
            FROM busybox
            ENV SRC=a DST=/out
            COPY $SRC.txt ${DST}/$SRC
            ADD ${SRC}.txt $DST/added
            """,
        context={"a.txt": "A"},
        tree={"/out/a": "A", "/out/added": "A"},
    ),
    Case(
        name="expand-in-chown",
        dockerfile="""
            FROM busybox
            ARG OWNER=12
            COPY --chown=$OWNER:${OWNER}3 a /a
            ADD --chown=$OWNER a /b
            """,
        context={"a": "A"},
        tree={"/a": a_file("A", owner=(12, 123)), "/b": a_file("A", owner=(12, 12))},
    ),
    Case(
        name="expand-in-exec-form-of-copy",
        dockerfile="""
            FROM busybox
            ENV N="two words"
            COPY ["$N", "/out/$N"]
            """,
        context={"two words": "A"},
        tree={"/out/two words": "A"},
    ),
    Case(
        name="expand-in-expose",
        dockerfile="""
            FROM busybox
            ENV P=80 L="81 82/udp"
            EXPOSE $P ${P}80-8082 $L
            """,
        config={"ExposedPorts": ["80/tcp", "8080/tcp", "8081/tcp", "8082/tcp", "81/tcp", "82/udp"]},
    ),
    Case(
        name="expand-in-user-and-workdir",
        dockerfile="""
            FROM busybox
            ARG WHO=nobody WHERE=/some
            WORKDIR $WHERE/${WHO}
            USER ${WHO}
            """,
        config={"WorkingDir": "/some/nobody", "User": "nobody"},
        tree={"/some/nobody": a_folder(0o755, (0, 0))},
    ),
    Case(
        name="expand-in-volume",
        dockerfile="""
            FROM busybox
            ENV V=/data
            VOLUME $V ${V}2/x
            VOLUME ["$V/3"]
            """,
        config={"Volumes": ["/data", "/data/3", "/data2/x"]},
    ),
    Case(
        name="expand-in-stopsignal",
        dockerfile="""
            FROM busybox
            ENV S=QUIT
            STOPSIGNAL SIG$S
            """,
        config={"StopSignal": "SIGQUIT"},
    ),
    Case(
        name="expand-in-onbuild-later",
        dockerfile="""
            FROM busybox
            ENV A=a
            ONBUILD ENV B=$A
            """,
        config={"OnBuild": ["ENV B=$A"]},
    ),
    Case(
        name="expand-not-in-commands",
        dockerfile="""
            FROM busybox
            ENV A=a
            ENTRYPOINT ["echo", "$A"]
            CMD echo $A
            HEALTHCHECK CMD test $A
            """,
        config={
            "Entrypoint": ["echo", "$A"],
            "Cmd": ["/bin/sh", "-c", "echo $A"],
            "Healthcheck": {"Test": ["CMD-SHELL", "test $A"]},
        },
    ),
    Case(
        name="expand-not-in-exec-form-of-run",
        dockerfile="""
            FROM busybox
            ENV A=a
            RUN ["sh", "-c", "echo \\"$A ${A}\\" >/shell"]
            RUN ["touch", "/$A"]
            """,
        tree={"/shell": "a a\n", "/$A": a_file(""), "/a": None},
    ),
    Case(
        name="expand-not-in-shell-and-maintainer",
        dockerfile="""
            FROM busybox
            ENV A=a
            SHELL ["$A", "-c"]
            MAINTAINER some $A
            """,
        config={"Shell": ["$A", "-c"], "Author": "some $A"},
    ),
    Case(
        name="expand-path",
        dockerfile="""
            FROM busybox
            ENV PATH=/own:$PATH
            ENV HERE=${PATH%%:*}
            """,
        env={
            "PATH": "/own:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HERE": "/own",
        },
        judges=BY_NOBODY,
    ),
    Case(
        name="expand-what-the-base-has-set",
        dockerfile="""
            FROM base-rich
            ENV X=$FROM_BASE-$CHANGED
            ENV CHANGED=$CHANGED-now
            """,
        bases=("base-rich",),
        env={"X": "yes-base", "CHANGED": "base-now"},
    ),
)

CASES = (*FORMS, *INSTRUCTIONS)
