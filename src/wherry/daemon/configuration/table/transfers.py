"""The settings of registries, pulls and pushes, builds, and of the engine's own registry."""

from __future__ import annotations

from typing import Final

from wherry.daemon.configuration import forms
from wherry.daemon.configuration.setting import Setting

_REGISTRIES: Final = "Registries"
_PROXIES: Final = "Proxies"
_BUILDS: Final = "Builds"
_OWN: Final = "Registry of this engine"
_PROXY: Final = " Containers do not get it. Unset, the environment says so, as {}."

TRANSFERS: Final = (
    Setting(
        "registry-mirrors", ("--registry-mirror",), forms.MIRRORS,
        "Mirrors of docker.io, asked first.",
        _REGISTRIES, default=[], example=["https://mirror.example.com"],
        into="engine.transfers.mirrors", reloads=True,
    ),
    Setting(
        "insecure-registries", ("--insecure-registry",), forms.REGISTRIES,
        "Registries, or networks of them, that are reached without TLS or with a certificate that"
        " nobody checks.",
        _REGISTRIES, default=[], example=["registry.example.com:5000", "10.0.0.0/8"],
        into="engine.transfers.insecure_registries", reloads=True,
    ),
    Setting(
        "max-concurrent-downloads", ("--max-concurrent-downloads",), forms.whole(),
        "How many layers a pull fetches at once.",
        _REGISTRIES, default=3, example=6, into="engine.transfers.downloads", reloads=True,
    ),
    Setting(
        "max-concurrent-uploads", ("--max-concurrent-uploads",), forms.whole(),
        "How many layers a push sends at once.",
        _REGISTRIES, default=5, example=2, into="engine.transfers.uploads", reloads=True,
    ),
    Setting(
        "max-download-attempts", ("--max-download-attempts",), forms.whole(),
        "How often a layer is tried before its pull fails.",
        _REGISTRIES, default=5, example=8, into="engine.transfers.attempts", reloads=True,
    ),
    Setting(
        "proxies.http-proxy", ("--http-proxy",), forms.PROXY,
        "The proxy for what the engine itself fetches by HTTP." + _PROXY.format("HTTP_PROXY"),
        _PROXIES, example="http://proxy.example.com:3128", into="engine.transfers.http_proxy",
        reloads=True,
    ),
    Setting(
        "proxies.https-proxy", ("--https-proxy",), forms.PROXY,
        "The proxy for what the engine itself fetches by HTTPS." + _PROXY.format("HTTPS_PROXY"),
        _PROXIES, example="http://proxy.example.com:3128", into="engine.transfers.https_proxy",
        reloads=True,
    ),
    Setting(
        "proxies.no-proxy", ("--no-proxy",), forms.TEXT,
        "Hosts that are reached without a proxy, with commas between them. Unset, the environment"
        " says so, as NO_PROXY.",
        _PROXIES, example="localhost,.example.com", into="engine.transfers.no_proxy",
        reloads=True,
    ),
    Setting(
        "builder.gc.enabled", (), forms.SWITCH,
        "Remove the oldest of the build cache when there is more than it may keep.",
        _BUILDS, default=True, example=False, into="build_cache",
    ),
    Setting(
        "builder.gc.defaultKeepStorage", ("--build-cache",), forms.SIZE,
        "What the build cache may keep; 0 for a tenth of the disk, at most 20GB.",
        _BUILDS, default="0", example="20GB", into="build_cache",
    ),
    Setting(
        "builder.gc.defaultReservedSpace", (), forms.SIZE,
        "Another name of defaultKeepStorage, of newer Dockers.",
        _BUILDS, example="20GB", into="build_cache",
    ),
    Setting(
        "builder.gc.defaultMaxUsedSpace", (), forms.SIZE,
        "What the build cache may keep at most; goes before defaultKeepStorage.",
        _BUILDS, example="20GB", into="build_cache",
    ),
    Setting(
        "registry", ("--registry",), forms.OWN_REGISTRY,
        "Serve the engine's images as a registry: 127.0.0.1:5001 for this machine, :5001 for"
        " others too. Without accounts they can pull, and push from this machine only. The port"
        " is 5000 unless it is said.",
        _OWN, example="127.0.0.1:5001", into="registry", docker=False,
    ),
    Setting(
        "registry-htpasswd", ("--registry-htpasswd",), forms.PATH,
        "Accounts of that registry, as `htpasswd -B` writes them: they pull and push, others do"
        " nothing.",
        _OWN, example="/etc/wherry/htpasswd", into="registry.htpasswd", docker=False,
    ),
    Setting(
        "registry-tls-certificate", ("--registry-tls-certificate",), forms.PATH,
        "Serve that registry by TLS: its certificate, PEM.",
        _OWN, example="/etc/wherry/tls/server-cert.pem", into="registry.certificate", docker=False,
    ),
    Setting(
        "registry-tls-key", ("--registry-tls-key",), forms.PATH,
        "The key of that certificate: PEM.",
        _OWN, example="/etc/wherry/tls/server-key.pem", into="registry.key", docker=False,
    ),
)  # fmt: skip
