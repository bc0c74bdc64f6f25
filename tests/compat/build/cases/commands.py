"""CMD, ENTRYPOINT and HEALTHCHECK: their forms, and what becomes of the base's."""

from __future__ import annotations

from compat.build.cases.model import BY_NOBODY, Case, classic_differs

SECOND = 1_000_000_000

COMMANDS = (
    Case(
        name="cmd-forms",
        dockerfile="""
            FROM busybox
            CMD ["exec", "two words", ""]
            """,
        config={"Cmd": ["exec", "two words", ""]},
    ),
    Case(
        name="cmd-shell-form",
        dockerfile=r"""
            FROM busybox
            CMD  echo  "two   words" $HOME \
                 continued
            """,
        config={"Cmd": ["/bin/sh", "-c", 'echo  "two   words" $HOME      continued']},
    ),
    Case(
        name="cmd-last-one-counts",
        dockerfile="""
            FROM busybox
            CMD ["first"]
            CMD second
            """,
        config={"Cmd": ["/bin/sh", "-c", "second"]},
    ),
    Case(
        name="cmd-json-with-escapes",
        dockerfile=r"""
            FROM busybox
            CMD ["a\"b", "c\\d", "e\tf", "\u00fc"]
            """,
        config={"Cmd": ['a"b', "c\\d", "e\tf", "ü"]},
    ),
    Case(
        name="cmd-json-over-several-lines",
        dockerfile=r"""
            FROM busybox
            CMD [ "a", \
                  "b" ]
            """,
        config={"Cmd": ["a", "b"]},
    ),
    Case(
        name="cmd-json-that-is-none",
        dockerfile="""
            FROM busybox
            CMD ["a", "b"
            ENTRYPOINT ['x']
            """,
        config={
            "Cmd": ["/bin/sh", "-c", '["a", "b"'],
            "Entrypoint": ["/bin/sh", "-c", "['x']"],
        },
    ),
    Case(
        name="cmd-empty",
        dockerfile="""
            FROM base-cmd
            CMD []
            """,
        bases=("base-cmd",),
        config={"Cmd": None},
    ),
    Case(
        name="cmd-of-the-base",
        dockerfile="""
            FROM base-cmd
            ENV A=1
            """,
        bases=("base-cmd",),
        config={"Cmd": ["cmd", "base"]},
    ),
    Case(
        name="entrypoint-forms",
        dockerfile="""
            FROM busybox
            ENTRYPOINT ["exec", "form"]
            CMD ["default"]
            """,
        config={"Entrypoint": ["exec", "form"], "Cmd": ["default"]},
    ),
    Case(
        name="entrypoint-shell-form",
        dockerfile="""
            FROM busybox
            ENTRYPOINT exec top -b
            """,
        config={"Entrypoint": ["/bin/sh", "-c", "exec top -b"], "Cmd": None},
    ),
    Case(
        name="entrypoint-clears-the-cmd-of-the-base",
        dockerfile="""
            FROM base-cmd
            ENTRYPOINT ["entry"]
            """,
        bases=("base-cmd",),
        config={"Entrypoint": ["entry"], "Cmd": None},
    ),
    Case(
        name="entrypoint-keeps-a-cmd-set-before",
        dockerfile="""
            FROM base-cmd
            CMD ["own"]
            ENTRYPOINT ["entry"]
            """,
        bases=("base-cmd",),
        config={"Entrypoint": ["entry"], "Cmd": ["own"]},
    ),
    Case(
        name="entrypoint-empty",
        dockerfile="""
            FROM base-rich
            ENTRYPOINT []
            """,
        bases=("base-rich",),
        config={"Entrypoint": None, "Cmd": None},
    ),
    Case(
        name="cmd-alone-keeps-the-entrypoint-of-the-base",
        dockerfile="""
            FROM base-rich
            CMD ["own"]
            """,
        bases=("base-rich",),
        config={"Entrypoint": ["entry", "base"], "Cmd": ["own"]},
    ),
    Case(
        name="everything-of-the-base",
        dockerfile="""
            FROM base-rich
            """,
        bases=("base-rich",),
        config={
            "Entrypoint": ["entry", "base"],
            "Cmd": ["cmd", "base"],
            "User": "nobody",
            "WorkingDir": "/base-dir",
            "Volumes": ["/base-volume"],
            "ExposedPorts": ["1000/tcp"],
            "StopSignal": "SIGINT",
            "Healthcheck": {
                "Test": ["CMD-SHELL", "check base"],
                "Interval": 7 * SECOND,
                "Retries": 2,
            },
        },
    ),
    Case(
        name="run-ignores-entrypoint",
        dockerfile="""
            FROM busybox
            ENTRYPOINT ["/bin/false"]
            RUN echo ran >/out
            """,
        tree={"/out": "ran\n"},
    ),
)

HEALTH = (
    Case(
        name="healthcheck-shell-form",
        dockerfile="""
            FROM busybox
            HEALTHCHECK CMD wget -q http://localhost/ || exit 1
            """,
        config={
            "Healthcheck": {"Test": ["CMD-SHELL", "wget -q http://localhost/ || exit 1"]},
        },
    ),
    Case(
        name="healthcheck-exec-form",
        dockerfile="""
            FROM busybox
            HEALTHCHECK CMD ["check", "two words"]
            """,
        config={"Healthcheck": {"Test": ["CMD", "check", "two words"]}},
    ),
    Case(
        name="healthcheck-flags",
        dockerfile=r"""
            FROM busybox
            HEALTHCHECK --interval=1m30s --timeout=2500ms --start-period=1h \
                --retries=5 CMD check
            """,
        config={
            "Healthcheck": {
                "Test": ["CMD-SHELL", "check"],
                "Interval": 90 * SECOND,
                "Timeout": 2_500_000_000,
                "StartPeriod": 3600 * SECOND,
                "Retries": 5,
            }
        },
    ),
    Case(
        name="healthcheck-start-interval",
        dockerfile="""
            FROM busybox
            HEALTHCHECK --start-interval=3s CMD check
            """,
        config={"Healthcheck": {"Test": ["CMD-SHELL", "check"], "StartInterval": 3 * SECOND}},
        judges=BY_NOBODY,
    ),
    Case(
        name="healthcheck-zero-flags",
        dockerfile="""
            FROM busybox
            HEALTHCHECK --interval=0s --retries=0 CMD check
            """,
        config={"Healthcheck": {"Test": ["CMD-SHELL", "check"]}},
        differs=classic_differs("newer frontends take an interval of 0 as unset", "build"),
    ),
    Case(
        name="healthcheck-none",
        dockerfile="""
            FROM base-rich
            HEALTHCHECK NONE
            """,
        bases=("base-rich",),
        config={"Healthcheck": {"Test": ["NONE"]}},
        differs=classic_differs(
            "the classic builder completes a check with what the one before has", "Healthcheck"
        ),
    ),
    Case(
        name="healthcheck-last-one-counts",
        dockerfile="""
            FROM busybox
            HEALTHCHECK --interval=5s CMD first
            HEALTHCHECK --timeout=6s cmd second
            """,
        config={"Healthcheck": {"Test": ["CMD-SHELL", "second"], "Timeout": 6 * SECOND}},
        differs=classic_differs(
            "the classic builder completes a check with what the one before has", "Healthcheck"
        ),
    ),
    Case(
        name="healthcheck-over-the-base",
        dockerfile="""
            FROM base-rich
            HEALTHCHECK CMD own
            """,
        bases=("base-rich",),
        config={"Healthcheck": {"Test": ["CMD-SHELL", "own"]}},
        differs=classic_differs(
            "the classic builder completes a check with what the one before has", "Healthcheck"
        ),
    ),
    Case(
        name="healthcheck-interval-too-short",
        dockerfile="""
            FROM busybox
            HEALTHCHECK --interval=1us CMD check
            """,
        fails='Interval "interval" cannot be less than 1ms',
    ),
    Case(
        name="healthcheck-negative-retries",
        dockerfile="""
            FROM busybox
            HEALTHCHECK --retries=-1 CMD check
            """,
        fails="--retries cannot be negative",
        fails_there="--retries",
    ),
    Case(
        name="healthcheck-unknown-kind",
        dockerfile="""
            FROM busybox
            HEALTHCHECK WHATEVER x
            """,
        fails="nknown type",
    ),
    Case(
        name="healthcheck-none-with-arguments",
        dockerfile="""
            FROM busybox
            HEALTHCHECK NONE x
            """,
        fails="HEALTHCHECK NONE takes no arguments",
    ),
    Case(
        name="healthcheck-without-command",
        dockerfile="""
            FROM busybox
            HEALTHCHECK CMD
            """,
        fails="issing command after HEALTHCHECK CMD",
    ),
)

CASES = (*COMMANDS, *HEALTH)
