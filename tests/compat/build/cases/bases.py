"""Images that cases are built on, by name; each builder makes its own of them."""

from __future__ import annotations

from collections.abc import Mapping

BASES: Mapping[str, str] = {
    "base-rich": """
        FROM busybox
        ENV FROM_BASE=yes CHANGED=base
        LABEL from.base=yes changed=base
        EXPOSE 1000
        VOLUME /base-volume
        WORKDIR /base-dir
        USER nobody
        HEALTHCHECK --interval=7s --retries=2 CMD check base
        STOPSIGNAL SIGINT
        ENTRYPOINT ["entry", "base"]
        CMD ["cmd", "base"]
        """,
    "base-cmd": """
        FROM busybox
        CMD ["cmd", "base"]
        """,
    "base-shell": """
        FROM busybox
        SHELL ["/bin/sh", "-e", "-c"]
        """,
    "base-trigger": """
        FROM busybox
        RUN echo base >/trace
        ONBUILD RUN echo first >>/trace
        ONBUILD ENV TRIGGERED=yes
        ONBUILD RUN echo second $TRIGGERED >>/trace
        """,
    "base-trigger-copy": """
        FROM busybox
        ONBUILD WORKDIR /app
        ONBUILD COPY . .
        ONBUILD ARG VERSION=none
        ONBUILD LABEL version=$VERSION
        """,
    "base-trigger-add": """
        FROM busybox
        ONBUILD ADD --chown=3:4 data /data
        ONBUILD USER 5
        ONBUILD CMD ["from", "trigger"]
        """,
    "base-links": """
        FROM busybox
        RUN mkdir -p /real/deep && echo old >/real/file && ln -s /real /to-dir \\
            && ln -s real/file /to-file && ln -s ../../../../escape /climbs \\
            && ln -s /nowhere /dangling
        """,
    "base-tree": """
        FROM busybox
        RUN mkdir -p /d/sub && echo 1 >/d/one && echo 2 >/d/two && echo 3 >/d/sub/three \\
            && chmod 750 /d/sub && chown 7:8 /d/sub && echo f >/f && ln /d/one /d/other-one
        """,
}
