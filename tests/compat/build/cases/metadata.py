"""STOPSIGNAL, VOLUME and EXPOSE."""

from __future__ import annotations

from compat.build.cases.model import DEFAULT_PATH, Case, classic_differs

VOLUME_REASON = "the classic builder throws away what RUN writes below a volume"

CASES = (
    Case(
        name="stopsignal-name",
        dockerfile="""
            FROM busybox
            STOPSIGNAL SIGTERM
            STOPSIGNAL QUIT
            """,
        config={"StopSignal": "QUIT"},
    ),
    Case(
        name="stopsignal-number",
        dockerfile="""
            FROM busybox
            STOPSIGNAL 9
            """,
        config={"StopSignal": "9"},
    ),
    Case(
        name="stopsignal-real-time",
        dockerfile="""
            FROM busybox
            STOPSIGNAL SIGRTMIN+3
            """,
        config={"StopSignal": "SIGRTMIN+3"},
    ),
    Case(
        name="stopsignal-invalid",
        dockerfile="""
            FROM busybox
            STOPSIGNAL SIGNONE
            """,
        fails="nvalid signal: SIGNONE",
    ),
    Case(
        name="volume-forms",
        dockerfile="""
            FROM busybox
            VOLUME /a /b
            VOLUME ["/c", "/two words"]
            VOLUME /a relative
            """,
        config={"Volumes": ["/a", "/b", "/c", "/two words", "relative"]},
    ),
    Case(
        name="volume-of-the-base",
        dockerfile="""
            FROM base-rich
            VOLUME /own
            """,
        bases=("base-rich",),
        config={"Volumes": ["/base-volume", "/own"]},
    ),
    Case(
        name="volume-then-run",
        dockerfile="""
            FROM busybox
            RUN mkdir /data && echo before >/data/before
            VOLUME /data
            RUN echo after >/data/after
            """,
        tree={"/data/before": "before\n", "/data/after": "after\n"},
        differs=classic_differs(VOLUME_REASON, "/data/after"),
    ),
    Case(
        name="volume-then-run-sees-what-was-there",
        dockerfile="""
            FROM busybox
            RUN mkdir /data && echo before >/data/before
            VOLUME /data
            RUN cat /data/before >/seen
            """,
        tree={"/seen": "before\n"},
    ),
    Case(
        name="volume-then-copy",
        dockerfile="""
            FROM busybox
            VOLUME /data
            COPY a /data/a
            """,
        context={"a": "A"},
        tree={"/data/a": "A"},
    ),
    Case(
        name="volume-is-not-made",
        dockerfile="""
            FROM busybox
            VOLUME /data
            ENV A=1
            """,
        tree={"/data": None},
    ),
    Case(
        name="volume-made-by-run",
        dockerfile="""
            FROM busybox
            VOLUME /data
            RUN true
            """,
        tree={"/data": None},
        differs=classic_differs(VOLUME_REASON + ", and leaves its mount point", "/data"),
    ),
    Case(
        name="volume-empty",
        dockerfile="""
            FROM busybox
            VOLUME [""]
            """,
        fails="VOLUME specified can not be an empty string",
    ),
    Case(
        name="expose-forms",
        dockerfile="""
            FROM busybox
            EXPOSE 80 443/tcp 53/udp 9/sctp
            EXPOSE 8000-8003
            EXPOSE 9000-9001/udp 80
            """,
        config={
            "ExposedPorts": [
                "443/tcp",
                "53/udp",
                "80/tcp",
                "8000/tcp",
                "8001/tcp",
                "8002/tcp",
                "8003/tcp",
                "9/sctp",
                "9000/udp",
                "9001/udp",
            ]
        },
    ),
    Case(
        name="expose-protocol-letters",
        dockerfile="""
            FROM busybox
            EXPOSE 80/TCP 53/Udp
            """,
        config={"ExposedPorts": ["53/udp", "80/tcp"]},
    ),
    Case(
        name="expose-of-the-base",
        dockerfile="""
            FROM base-rich
            EXPOSE 2000
            """,
        bases=("base-rich",),
        config={"ExposedPorts": ["1000/tcp", "2000/tcp"]},
    ),
    Case(
        name="expose-invalid",
        dockerfile="""
            FROM busybox
            EXPOSE port
            """,
        fails="nvalid containerPort: port",
    ),
    Case(
        name="expose-invalid-protocol",
        dockerfile="""
            FROM busybox
            EXPOSE 80/none
            """,
        fails="nvalid proto: none",
    ),
    Case(
        name="expose-out-of-range",
        dockerfile="""
            FROM busybox
            EXPOSE 70000
            """,
        fails="nvalid containerPort: 70000",
    ),
    Case(
        name="expose-range-backwards",
        dockerfile="""
            FROM busybox
            EXPOSE 82-80
            """,
        fails="nvalid",
    ),
    Case(
        name="metadata-makes-no-layer",
        dockerfile="""
            FROM scratch
            LABEL a=1
            EXPOSE 80
            CMD ["/none"]
            """,
        config={"Labels": {"a": "1"}, "Cmd": ["/none"]},
        env={"PATH": DEFAULT_PATH},
        tree={"/bin": None},
    ),
)
