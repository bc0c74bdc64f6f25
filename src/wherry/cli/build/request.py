"""The flags of `build` as the message that asks for a build (`wherry.wire.build`).

Pure but for what flags name: secrets are read, directories of named contexts looked at. What wherry
cannot do is refused where it would change the result, and told where it would not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from wherry.base.values import dataclass, field
from wherry.cli.build import agents, outputs, secrets, source
from wherry.cli.build.outputs import Output
from wherry.cli.errors import UsageError
from wherry.cli.flags import FALSE, Options
from wherry.cli.options import environment, numbers, values
from wherry.cli.options.fields import fields, pairs

EPOCH = "SOURCE_DATE_EPOCH"
_HERE = "context:"
_ELSEWHERE = ("docker-image://", "http://", "https://", "git://", "ssh://", "git@", "github.com/")
_REFUSED_ELSEWHERE = ("oci-layout://", "target:")
_CALLS = ("build", "check", "outline", "targets")
_PROXIES = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "noProxy": "NO_PROXY",
    "ftpProxy": "FTP_PROXY",
    "allProxy": "ALL_PROXY",
}
_SIZES = (("memory", "memory"), ("shm-size", "shm_size"))
_NUMBERS = (
    ("cpu-shares", "cpu_shares"), ("cpu-period", "cpu_period"), ("cpu-quota", "cpu_quota"),
)  # fmt: skip
_TEXTS = (
    ("cpuset-cpus", "cpuset_cpus"), ("cpuset-mems", "cpuset_mems"),
    ("cgroup-parent", "cgroup_parent"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked for: build, check, outline or targets."""

    name: str = "build"
    as_json: bool = False
    ignore_status: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the flags say. `message` lacks what the source of the build adds.

    `directories` are those of named contexts, `agents` what is behind each id of `--ssh`.
    """

    message: dict[str, Any]
    outputs: Sequence[Output] = ()
    directories: Mapping[str, str] = field(default_factory=dict)
    agents: Mapping[str, list[str]] = field(default_factory=dict)
    warnings: Sequence[str] = ()


def read(options: Options, own: Mapping[str, str], proxies: Mapping[str, str]) -> Wanted:
    """Read the flags; `own` are the caller's variables, `proxies` those of its configuration."""
    _refuse(options)
    if options.flag("no-cache") and options.given("no-cache-filter"):
        raise UsageError("--no-cache and --no-cache-filter cannot currently be used together")
    made = _outputs(options)
    contexts, directories = _contexts(options)
    forwarded = agents.parse(options.all("ssh"), own)
    message = {
        "tags": options.all("tag"),
        "target": options.text("target"),
        "arguments": _arguments(options, own, proxies),
        "labels": environment.pairs(options.read_all("label", environment.label)),
        "platform": _platform(options, own),
        "no_cache": options.flag("no-cache"),
        "no_cache_stages": _words(options, "no-cache-filter"),
        "cache_from": options.all("cache-from"),
        "pull": options.flag("pull"),
        "network": options.text("network"),
        "extra_hosts": [values.extra_host(text) for text in _words(options, "add-host")],
        "limits": _limits(options),
        "contexts": contexts,
        "secrets": secrets.read(options.all("secret"), own),
        "ssh": list(forwarded),
        "outputs": [output.message() for output in made],
        "allow": _words(options, "allow"),
    }
    return Wanted(message, made, directories, forwarded, tuple(_warnings(options)))


def call(options: Options) -> Call:
    """Read `--call` and `--check`."""
    if options.flag("check"):
        return Call("check")
    name, told = "", {}
    for part in fields(options.text("call", "build")):
        key, equals, value = part.partition("=")
        if not equals and not name:
            name = key
        elif equals and key in ("format", "ignorestatus"):
            told[key] = value
        else:
            raise UsageError(f"invalid call value: {part}")
    name = "check" if name == "lint" else name
    if name not in _CALLS:
        raise UsageError(f"invalid call {name!r}: use {', '.join(_CALLS)}")
    ignore = told.get("ignorestatus", "false") not in FALSE
    return Call(name, told.get("format") == "json", ignore)


def proxies_of(configuration: Mapping[str, Any], host: str) -> dict[str, str]:
    """Return the build arguments that the configuration file asks for: both spellings of each."""
    known = configuration.get("proxies") or {}
    found = {}
    for key, value in (known.get(host) or known.get("default") or {}).items():
        if key in _PROXIES and value:
            found[_PROXIES[key]] = found[_PROXIES[key].lower()] = str(value)
    return found


def _words(options: Options, name: str) -> list[str]:
    """Return the values of a flag that may hold several, separated by commas."""
    return [word for text in options.all(name) for word in text.split(",") if word]


def _arguments(
    options: Options, own: Mapping[str, str], proxies: Mapping[str, str]
) -> dict[str, str]:
    found = dict(proxies)
    if own.get(EPOCH):
        found[EPOCH] = own[EPOCH]
    for text in options.all("build-arg"):
        name, equals, value = text.partition("=")
        if not name:
            raise UsageError(f'invalid key-value pair "{text}": empty key')
        if equals:
            found[name] = value
        elif name in own:
            found[name] = own[name]
    return found


def _platform(options: Options, own: Mapping[str, str]) -> str:
    found = dict.fromkeys(_words(options, "platform"))
    if len(found) > 1:
        raise UsageError(
            f"multi-platform builds are not supported: build {', '.join(found)} one after the other"
        )
    return next(iter(found), own.get("DOCKER_DEFAULT_PLATFORM", ""))


def _limits(options: Options) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for flag, key in _SIZES:
        if options.given(flag):
            found[key] = options.read(flag, numbers.size)
    if options.given("memory-swap"):
        found["memory_swap"] = options.read("memory-swap", numbers.swap)
    for flag, key in _NUMBERS:
        if options.given(flag):
            found[key] = options.number(flag)
    for flag, key in _TEXTS:
        if options.given(flag):
            found[key] = options.text(flag)
    ulimits = options.read_all("ulimit", values.ulimit)
    if ulimits:
        found["ulimits"] = [[one["Name"], one["Soft"], one["Hard"]] for one in ulimits]
    for text in options.all("resource"):
        found |= _resources(text)
    return found


def _resources(text: str) -> dict[str, Any]:
    """Read `memory=2g,cpu-quota=50000`: another spelling of the flags of these names."""
    given = Options()
    for key, value in pairs(text).items():
        known = [*_SIZES, *_NUMBERS, *_TEXTS, ("memory-swap", "")]
        if key not in {name for name, _ in known} or key in ("shm-size", "cgroup-parent"):
            raise UsageError(f"unknown resource {key!r} in --resource {text}")
        given.add(key, value)
    try:
        return _limits(given)
    except ValueError as error:
        raise UsageError(f"invalid value in --resource {text}: {error}") from error


def _contexts(options: Options) -> tuple[dict[str, str], dict[str, str]]:
    """Return addresses by name, and the directories among them."""
    addresses, directories = {}, {}
    for text in filter(None, options.all("build-context")):
        name, equals, address = text.partition("=")
        if not equals or not name:
            raise UsageError(f"invalid context value: {text}, expected key=value")
        name = name.removeprefix("docker.io/").removeprefix("library/").removesuffix(":latest")
        if address.startswith(_REFUSED_ELSEWHERE):
            scheme = address.partition(":")[0]
            raise UsageError(
                f"--build-context {text}: {scheme} is not supported; use a directory, "
                "docker-image://, a URL or a git address"
            )
        if address.startswith(_ELSEWHERE) and not os.path.isdir(address):
            addresses[name] = address
        else:
            directories[name] = source.find_directory(address, name)
            addresses[name] = f"{_HERE}{name}"
    return addresses, directories


def _outputs(options: Options) -> list[Output]:
    load, push = options.flag("load"), options.flag("push")
    given = [outputs.parse(text) for text in options.all("output") if text]
    found = outputs.completed(given, load=load, push=push)
    named = options.given("tag") or any(output.attributes.get("name") for output in found)
    if any(output.pushed for output in found) and not named:
        raise UsageError("tag is needed when pushing to registry: give one with -t")
    if options.given("iidfile") and any(output.kind in ("local", "tar") for output in found):
        raise UsageError("local and tar exporters are incompatible with image ID file")
    annotations = dict(_annotation(text) for text in filter(None, options.all("annotation")))
    if annotations and not found:
        found.append(Output("image"))
    for output in found:
        if output.kind not in ("local", "tar"):
            output.attributes.update(annotations)
    return found


def _annotation(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f'invalid annotation "{text}", expected key=value')
    kind, colon, name = key.partition(":")
    if colon and kind != "manifest":
        raise UsageError(f"annotation type {kind!r} is not supported: there is a manifest only")
    return f"annotation.{name if colon else key}", value


def _refuse(options: Options) -> None:
    for flag in ("sbom", "provenance"):
        if options.text(flag, "false") not in (*FALSE, "", "disabled=true"):
            raise UsageError(f"--{flag} is not supported: attestations are not made; use false")
    for text in options.all("attest"):
        if pairs(text).get("disabled") != "true":
            raise UsageError(f"--attest {text} is not supported: attestations are not made")
    if options.flag("squash"):
        raise UsageError(
            "--squash is not supported: copy the result into a stage of its own "
            "(FROM scratch, COPY --from=build / /)"
        )
    if options.text("isolation") not in ("", "default"):
        raise UsageError(f"invalid isolation {options.text('isolation')!r} on linux: use default")
    if options.text("builder") not in ("", "default"):
        raise UsageError(
            f"no builder {options.text('builder')!r} found: the engine is the only one"
        )
    if options.given("policy"):
        raise UsageError("--policy is not supported")


def _warnings(options: Options) -> list[str]:
    found = []
    if options.given("cache-to"):
        found.append("--cache-to is not supported: the cache stays in the engine")
    if options.given("security-opt"):
        found.append("--security-opt has no effect: use RUN --security=insecure")
    return found
