"""The settings of the engine itself: listening, directories, log."""

from __future__ import annotations

from typing import Final

from wherry.daemon.configuration import forms
from wherry.daemon.configuration.options import (
    DEFAULT_DATA_ROOT,
    DEFAULT_EXEC_ROOT,
    DEFAULT_HOST,
    PIDFILE,
)
from wherry.daemon.configuration.setting import Setting

_LISTENING: Final = "Listening"
_DIRECTORIES: Final = "Directories"
_LOG: Final = "Log of the engine"

ENGINE: Final = (
    Setting(
        "hosts", ("-H", "--host"), forms.HOSTS,
        "Where the API is served: unix:///path, tcp://host:port, or fd:// for the sockets that"
        " systemd passes. Whoever can connect is root on this machine: keep TCP for TLS.",
        _LISTENING, default=[DEFAULT_HOST], into="hosts",
        example=[DEFAULT_HOST, "tcp://0.0.0.0:2376"],
    ),
    Setting(
        "group", ("-G", "--group"), forms.TEXT,
        "The group that may use the unix sockets, beside root; a name or a number.",
        _LISTENING, example="wherry", into="group",
    ),
    Setting(
        "tls", ("--tls",), forms.SWITCH,
        "Serve TCP by TLS; needs tlscert and tlskey. tlsverify says so, too. An explicit false"
        " is needed to serve other machines without it.",
        _LISTENING, default=False, into="tls",
    ),
    Setting(
        "tlsverify", ("--tlsverify",), forms.SWITCH,
        "Ask clients on TCP for a certificate that tlscacert has signed. With tls it is on unless"
        " this is false; true switches tls on.",
        _LISTENING, default=False, into="tls.verify",
    ),
    Setting(
        "tlscacert", ("--tlscacert",), forms.PATH,
        "The authority that signs the certificates of clients: PEM.",
        _LISTENING, example="/etc/wherry/tls/ca.pem", into="tls.authority",
    ),
    Setting(
        "tlscert", ("--tlscert",), forms.PATH,
        "The certificate of the engine: PEM. SIGHUP reads the files again.",
        _LISTENING, example="/etc/wherry/tls/server-cert.pem", into="tls.certificate",
    ),
    Setting(
        "tlskey", ("--tlskey",), forms.PATH,
        "The key of that certificate: PEM, without a password.",
        _LISTENING, example="/etc/wherry/tls/server-key.pem", into="tls.key",
    ),
    Setting(
        "data-root", ("--data-root",), forms.PATH,
        "What is kept: images, containers, volumes, the build cache.",
        _DIRECTORIES, default=DEFAULT_DATA_ROOT, example="/srv/wherry", into="data_root",
    ),
    Setting(
        "exec-root", ("--exec-root",), forms.PATH,
        "What a running engine needs: sockets of its helpers, state of running containers.",
        _DIRECTORIES, default=DEFAULT_EXEC_ROOT, example="/run/wherry-2", into="exec_root",
    ),
    Setting(
        "pidfile", ("-p", "--pidfile"), forms.PATH,
        f"Where the engine writes its pid; {PIDFILE} in exec-root unless it is set.",
        _DIRECTORIES, default=f"{DEFAULT_EXEC_ROOT}/{PIDFILE}", example="/run/wherry-2.pid",
        into="pidfile",
    ),
    Setting(
        "debug", ("-D", "--debug"), forms.SWITCH,
        "Log what the engine does, step by step; `info` shows that it is on.",
        _LOG, default=False, into="engine.debug", reloads=True,
    ),
    Setting(
        "log-level", ("-l", "--log-level"), forms.LEVEL,
        "The least level that is logged: debug, info, warn, error, fatal.",
        _LOG, default="info", example="warn", into="log_level", reloads=True,
    ),
    Setting(
        "log-format", ("--log-format",), forms.choice("text", "json"),
        "How a line of the log looks.",
        _LOG, default="text", example="json", into="log_format",
    ),
    Setting(
        "labels", ("--label",), forms.LABELS,
        "Labels of this engine, for `info`.",
        "Engine", default=[], example=["rack=4", "tier=test"], into="engine.labels", reloads=True,
    ),
    Setting(
        "keepers", ("--keepers",), forms.whole(0, 64),
        "How many processes hold the output and the end of containers; 0 for as many as there"
        " are CPUs, at most 4.",
        "Engine", default=0, example=2, into="keepers", docker=False,
    ),
)  # fmt: skip
