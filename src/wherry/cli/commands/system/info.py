"""`info`: the state of client and engine, in docker's order and words."""

from __future__ import annotations

import os
from collections.abc import Iterable

from wherry.base.errors import WherryError
from wherry.cli import credentials, plugins, program
from wherry.cli.command import Command, Context
from wherry.cli.commands.system import about as own
from wherry.cli.commands.system.about import FLAGS, client, parsed, render
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options
from wherry.cli.options.references import HUB
from wherry.cli.output.units import binary_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Go's names of fields, which templates use, and their keys in JSON.
NAMES = {
    "CPUCfsPeriod": "CpuCfsPeriod", "CPUCfsQuota": "CpuCfsQuota", "HTTPProxy": "HttpProxy",
    "HTTPSProxy": "HttpsProxy",
}  # fmt: skip
# What JSON leaves out where it is empty.
OMITTED = {
    "CgroupVersion": "", "ClientErrors": None, "Containerd": None, "DefaultAddressPools": None,
    "FirewallBackend": None, "ProductLicense": "", "ServerErrors": None, "SystemStatus": None,
    "BridgeNfIPTables": False, "BridgeNfIP6tables": False, "KernelMemory": False,
}  # fmt: skip


def info(context: Context, options: Options, _arguments: list[str]) -> int:
    """Show the state of client and engine."""
    template = parsed(options.text("format"))
    about = _client(context)
    if template is not None and _asks_the_client_only(options.text("format")):
        render(context, {"ClientInfo": about}, template, None)
        return 0
    found: dict[str, Any] = {}
    failure: WherryError | None = None
    try:
        found = context.engine.get("/info")
        about["ApiVersion"] = context.engine.version
    except WherryError as error:
        failure = error
    if template is not None:
        from wherry.cli.output.struct import Struct  # noqa: PLC0415 - only with --format

        render(context, Struct({**found, "ClientInfo": about}, NAMES, OMITTED), template, failure)
    else:
        _print(context, about, found)
    if failure is not None:
        raise failure
    return 0


def _asks_the_client_only(template: str) -> bool:
    """Whether the engine need not be asked: every field that is named is the client's."""
    fields = [text for text in template.split("{{")[1:] if "." in text.partition("}}")[0]]
    return bool(fields) and all(".ClientInfo" in text for text in fields)


def _client(context: Context) -> dict[str, Any]:
    from wherry.cli.output.struct import Struct  # noqa: PLC0415 - light, but --help needs none

    found: list[dict[str, str]] = []
    warnings: list[str] = []
    for name, path in sorted(plugins.names(plugins.directories(os.environ)).items()):
        try:
            plugin = plugins.load(name, path)
        except CommandError as error:
            warnings.append(f"WARNING: {error}")
            continue
        found.append(
            {
                "SchemaVersion": plugins.SCHEMA, "Vendor": plugin.vendor,
                "Version": plugin.version, "ShortDescription": plugin.summary,
                "Name": plugin.name, "Path": plugin.path,
            }
        )  # fmt: skip
    about = {"Debug": context.debug, **client(context), "Plugins": found, "Warnings": warnings}
    return Struct(about, own.NAMES, own.OF_CLIENT)


def _print(context: Context, about: dict[str, Any], found: dict[str, Any]) -> None:
    context.write("\n".join(["Client:", *_client_lines(about), "", "Server:"]))
    for warning in about["Warnings"]:
        context.warn(warning)
    if found:
        context.write("\n".join([*info_lines(found, debug=about["Debug"]), ""]))
        for warning in found.get("Warnings") or ():
            context.warn(warning)


def _client_lines(about: dict[str, Any]) -> list[str]:
    lines = [
        f" Version:    {about['Version']}",
        f" Context:    {about['Context']}",
        f" Debug Mode: {_word(about['Debug'])}",
    ]
    if about["Plugins"]:
        lines.append(" Plugins:")
    for plugin in about["Plugins"]:
        lines.append(f"  {plugin['Name']}: {plugin['ShortDescription']} ({plugin['Vendor']})")
        lines += _filled(("   Version", f" {plugin['Version']}" if plugin["Version"] else ""))
        lines += _filled(("   Path", f"    {plugin['Path']}"))
    return lines


def info_lines(found: dict[str, Any], *, debug: bool = False) -> list[str]:
    """Return the lines about the server; `debug`: the client wants to know more."""
    return [
        *_counts(found),
        *_drivers(found),
        *_runtimes(found),
        *_machine(found, debug=debug),
        *_registries(found),
        f" Live Restore Enabled: {_word(found.get('LiveRestoreEnabled'))}",
        *_filled(("Product License", found.get("ProductLicense"))),
        *_section("Default Address Pools", _pools(found)),
    ]


def _counts(found: dict[str, Any]) -> list[str]:
    return [
        f" Containers: {found.get('Containers', 0)}",
        f"  Running: {found.get('ContainersRunning', 0)}",
        f"  Paused: {found.get('ContainersPaused', 0)}",
        f"  Stopped: {found.get('ContainersStopped', 0)}",
        f" Images: {found.get('Images', 0)}",
    ]


def _drivers(found: dict[str, Any]) -> list[str]:
    known = found.get("Plugins") or {}
    lines = [
        *_filled(
            ("Server Version", found.get("ServerVersion")), ("Storage Driver", found.get("Driver"))
        ),
        *[f"  {name}: {value}" for name, value in found.get("DriverStatus") or ()],
        *_filled(
            ("Logging Driver", found.get("LoggingDriver")),
            ("Cgroup Driver", found.get("CgroupDriver")),
            ("Cgroup Version", found.get("CgroupVersion")),
        ),
        " Plugins:",
    ]
    for kind in ("Volume", "Network", "Authorization", "Log"):
        names = known.get(kind) or ()
        if names or kind != "Authorization":
            lines.append(f"  {kind}: {' '.join(names)}")
    return lines + _section("CDI spec directories", found.get("CDISpecDirs") or ())


def _runtimes(found: dict[str, Any]) -> list[str]:
    lines = [f" Swarm: {(found.get('Swarm') or {}).get('LocalNodeState', '')}"]
    if runtimes := found.get("Runtimes"):
        lines.append(f" Runtimes: {' '.join(sorted(runtimes))}")
        lines.append(f" Default Runtime: {found.get('DefaultRuntime', '')}")
    lines.append(f" Init Binary: {found.get('InitBinary', '')}")
    every_line = program.name() == program.DOCKER
    for title, key in (
        ("containerd version", "ContainerdCommit"),
        ("runc version", "RuncCommit"),
        ("init version", "InitCommit"),
    ):
        commit = (found.get(key) or {}).get("ID", "")
        if commit or every_line:
            lines.append(f" {title}: {commit}")
    if options := found.get("SecurityOptions"):
        lines += [" Security Options:", *[line for text in options for line in _security(text)]]
    return lines


def _machine(found: dict[str, Any], *, debug: bool) -> list[str]:
    lines = _filled(
        ("Kernel Version", found.get("KernelVersion")),
        ("Operating System", found.get("OperatingSystem")),
        ("OSType", found.get("OSType")),
        ("Architecture", found.get("Architecture")),
        ("CPUs", str(found.get("NCPU", 0))),
        ("Total Memory", binary_size(found.get("MemTotal") or 0)),
        ("Name", found.get("Name")),
        ("ID", found.get("ID")),
    )
    lines += [
        f" Docker Root Dir: {found.get('DockerRootDir', '')}",
        f" Debug Mode: {_word(found.get('Debug'))}",
    ]
    if found.get("Debug") or debug:
        lines += [
            f"  File Descriptors: {found.get('NFd', 0)}",
            f"  Goroutines: {found.get('NGoroutines', 0)}",
            f"  System Time: {found.get('SystemTime', '')}",
            f"  EventsListeners: {found.get('NEventsListener', 0)}",
        ]
    lines += _filled(
        ("HTTP Proxy", found.get("HttpProxy")),
        ("HTTPS Proxy", found.get("HttpsProxy")),
        ("No Proxy", found.get("NoProxy")),
        ("Username", credentials.lookup(HUB).get("username")),
    )
    lines += _section("Labels", found.get("Labels") or ())
    return [*lines, f" Experimental: {_word(found.get('ExperimentalBuild'))}"]


def _registries(found: dict[str, Any]) -> list[str]:
    settings = found.get("RegistryConfig") or {}
    indexes = settings.get("IndexConfigs") or {}
    names = [entry["Name"] for entry in indexes.values() if not entry.get("Secure")]
    insecure = [*names, *(settings.get("InsecureRegistryCIDRs") or ())]
    lines = [" Insecure Registries:", *[f"  {name}" for name in insecure]]
    return [
        *(lines if insecure or indexes else ()),
        *_section("Registry Mirrors", settings.get("Mirrors") or ()),
    ]


def _pools(found: dict[str, Any]) -> list[str]:
    pools = found.get("DefaultAddressPools") or ()
    return [f" Base: {pool['Base']}, Size: {pool['Size']}" for pool in pools]


def _security(text: str) -> list[str]:
    fields = dict(part.partition("=")[::2] for part in text.split(","))
    lines = [f"  {fields.get('name', text)}"]
    return lines + ([f"   Profile: {fields['profile']}"] if "profile" in fields else [])


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"  {line}" for line in lines]
    return [f" {title}:", *found] if found else []


def _filled(*fields: tuple[str, Any]) -> list[str]:
    """Return lines of what is not empty."""
    return [f" {name}: {value}" for name, value in fields if value]


def _word(value: object) -> str:
    return "true" if value else "false"


INFO = Command(
    "[OPTIONS]", "Display system-wide information", info, flags=FLAGS, maximum=0,
    examples="-f '{{.Driver}} {{.NCPU}}'",
)  # fmt: skip
