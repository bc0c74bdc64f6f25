"""`version` and `info`."""

from __future__ import annotations

import platform

from wherry import __version__
from wherry.base.errors import WherryError
from wherry.cli.command import Command, Context
from wherry.cli.flags import Options, declare
from wherry.cli.output.units import binary_size
from wherry.client.engine import API_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FLAGS = declare("-f --format string  Format output: 'json', or a Go template")
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def version(context: Context, options: Options, _arguments: list[str]) -> int:
    """Show the versions of client and engine."""
    client = {
        "Version": __version__,
        "ApiVersion": API_VERSION,
        "DefaultAPIVersion": API_VERSION,
        "Python": platform.python_version(),
        "Os": "linux",
        "Arch": MACHINES.get(platform.machine(), platform.machine()),
        "Context": "default",
    }
    server: dict[str, Any] | None = None
    failure: WherryError | None = None
    try:
        server = context.engine.get("/version")
        client["ApiVersion"] = context.engine.version
    except WherryError as error:
        failure = error
    if template := options.text("format"):
        _templated(context, {"Client": client, "Server": server}, template)
    else:
        context.write("\n".join(_client_lines(client)))
        if server is not None:
            context.write("\n".join(["", *_server_lines(server)]))
    if failure is not None:
        raise failure
    return 0


def _client_lines(client: dict[str, str]) -> list[str]:
    return [
        "Client:",
        f" Version:           {client['Version']}",
        f" API version:       {client['ApiVersion']}",
        f" Python version:    {client['Python']}",
        f" OS/Arch:           {client['Os']}/{client['Arch']}",
        f" Context:           {client['Context']}",
    ]


def _server_lines(server: dict[str, Any]) -> list[str]:
    name = (server.get("Platform") or {}).get("Name", "")
    lines = [f"Server: {name}".rstrip() if name else "Server:"]
    components = server.get("Components") or [{"Name": "Engine", **server}]
    for component in components:
        details = component.get("Details") or {}
        lines += [f" {component['Name']}:", f"  Version:          {component['Version']}"]
        if component["Name"] == "Engine":
            api = details.get("ApiVersion") or server.get("ApiVersion", "")
            oldest = details.get("MinAPIVersion") or server.get("MinAPIVersion", "")
            lines.append(f"  API version:      {api} (minimum version {oldest})")
            lines.append(f"  OS/Arch:          {server.get('Os')}/{server.get('Arch')}")
            lines.append(f"  Kernel version:   {server.get('KernelVersion', '')}")
        elif details.get("GitCommit"):
            lines.append(f"  GitCommit:        {details['GitCommit']}")
    return lines


def info(context: Context, options: Options, _arguments: list[str]) -> int:
    """Show the state of the engine."""
    found = context.engine.get("/info")
    if template := options.text("format"):
        client = {"ClientInfo": {"Version": __version__, "Context": "default"}}
        _templated(context, {**found, **client}, template)
        return 0
    context.write(
        f"Client:\n Version:    {__version__}\n Context:    default\n Debug Mode: false\n\nServer:"
    )
    context.write("\n".join(info_lines(found)))
    for warning in found.get("Warnings") or ():
        context.warn(warning)
    return 0


def info_lines(found: dict[str, Any]) -> list[str]:
    """Return the lines about the server, in docker's order and words."""
    lines = [
        f" Containers: {found.get('Containers', 0)}",
        f"  Running: {found.get('ContainersRunning', 0)}",
        f"  Paused: {found.get('ContainersPaused', 0)}",
        f"  Stopped: {found.get('ContainersStopped', 0)}",
        f" Images: {found.get('Images', 0)}",
        f" Server Version: {found.get('ServerVersion', '')}",
        f" Storage Driver: {found.get('Driver', '')}",
        *[f"  {name}: {value}" for name, value in found.get("DriverStatus") or ()],
        f" Logging Driver: {found.get('LoggingDriver', '')}",
        f" Cgroup Driver: {found.get('CgroupDriver', '')}",
        f" Cgroup Version: {found.get('CgroupVersion', '')}",
        " Plugins:",
        *[
            f"  {kind}: {' '.join(names or ())}"
            for kind, names in (found.get("Plugins") or {}).items()
            if names
        ],
        f" Swarm: {(found.get('Swarm') or {}).get('LocalNodeState', 'inactive')}",
        f" Runtimes: {' '.join(sorted(found.get('Runtimes') or ()))}",
        f" Default Runtime: {found.get('DefaultRuntime', '')}",
        f" Init Binary: {found.get('InitBinary', '')}",
        " Security Options:",
        *[f"  {_security(text)}" for text in found.get("SecurityOptions") or ()],
    ]
    for title, key in (
        ("Kernel Version", "KernelVersion"), ("Operating System", "OperatingSystem"),
        ("OSType", "OSType"), ("Architecture", "Architecture"), ("CPUs", "NCPU"),
    ):  # fmt: skip
        lines.append(f" {title}: {found.get(key, '')}")
    lines += [
        f" Total Memory: {binary_size(found.get('MemTotal') or 0)}",
        f" Name: {found.get('Name', '')}",
        f" ID: {found.get('ID', '')}",
        f" Docker Root Dir: {found.get('DockerRootDir', '')}",
        f" Debug Mode: {'true' if found.get('Debug') else 'false'}",
        f" Experimental: {'true' if found.get('ExperimentalBuild') else 'false'}",
    ]
    registries = (found.get("RegistryConfig") or {}).get("InsecureRegistryCIDRs") or ()
    lines += [" Insecure Registries:", *[f"  {name}" for name in registries]]
    lines.append(f" Live Restore Enabled: {'true' if found.get('LiveRestoreEnabled') else 'false'}")
    return lines


def _security(text: str) -> str:
    fields = dict(part.partition("=")[::2] for part in text.split(","))
    rest = [f"\n   {key.title()}: {value}" for key, value in fields.items() if key != "name"]
    return fields.get("name", text) + "".join(rest)


def _templated(context: Context, data: dict[str, Any], template: str) -> None:
    from wherry.cli.output.functions import to_json  # noqa: PLC0415 - only with --format
    from wherry.cli.output.template import Template  # noqa: PLC0415 - only with --format

    if template == "json":
        context.write(to_json(data))
    else:
        context.write(Template(template, typed=True).render(data))


VERSION = Command(
    "[OPTIONS]", "Show the wherry version information", version, flags=FLAGS, maximum=0,
    examples="""
    --format json
    -f '{{.Server.Version}}'
    """,
)  # fmt: skip
INFO = Command(
    "[OPTIONS]", "Display system-wide information", info, flags=FLAGS, maximum=0,
    examples="-f '{{.Driver}} {{.NCPU}}'",
)  # fmt: skip
