"""`network`: create, ls, rm, connect, disconnect."""

from __future__ import annotations

from wherry.cli.command import Command, Context
from wherry.cli.commands.listing_flags import FILTER, FORMAT
from wherry.cli.each import for_each
from wherry.cli.errors import UsageError
from wherry.cli.flags import Options, declare
from wherry.cli.options.environment import pairs
from wherry.cli.options.values import filters
from wherry.cli.output.listing import Columns, Row, print_list
from wherry.client.errors import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CREATE_FLAGS = declare("""
   --attachable  Enable manual container attachment
   --aux-address map  Auxiliary IPv4 or IPv6 addresses used by Network driver
-d --driver string  Driver to manage the Network (default "bridge")
   --gateway list  IPv4 or IPv6 Gateway for the master subnet
   --internal  Restrict external access to the network
   --ip-range list  Allocate container ip from a sub-range
   --ipam-driver string  IP Address Management Driver
   --ipam-opt map  Set IPAM driver specific options
   --ipv6  Enable or disable IPv6 address assignment
   --label list  Set metadata on a network
-o --opt map  Set driver specific options
   --subnet list  Subnet in CIDR format that represents a network segment
""")
CONNECT_FLAGS = declare("""
   --alias list  Add network-scoped alias for the container
   --driver-opt list  driver options for the network
   --ip string  IPv4 address (e.g., "172.30.100.104")
   --ip6 string  IPv6 address (e.g., "2001:db8::33")
   --link list  Add link to another container
   --link-local-ip list  Add a link-local address for the container
""")
COLUMNS = {
    "ID": "NETWORK ID",
    "Name": "NAME",
    "Driver": "DRIVER",
    "Scope": "SCOPE",
    "IPv6": "IPV6",
    "IPv4": "IPV4",
    "Internal": "INTERNAL",
    "Labels": "LABELS",
    "CreatedAt": "CREATED AT",
}


def create(context: Context, options: Options, arguments: list[str]) -> int:
    """Create a network and print its id."""
    body: dict[str, object] = {
        "Name": arguments[0],
        "Driver": options.text("driver", "bridge"),
        "Internal": options.flag("internal"),
        "Attachable": options.flag("attachable"),
        "Options": pairs(options.all("opt")),
        "Labels": pairs(options.all("label")),
        "IPAM": {
            "Driver": options.text("ipam-driver", "default"),
            "Options": pairs(options.all("ipam-opt")),
            "Config": _pools(options),
        },
    }
    if options.given("ipv6"):
        body["EnableIPv6"] = options.flag("ipv6")
    reply = context.engine.post("/networks/create", None, body)
    if reply.get("Warning"):
        context.warn(f"WARNING: {reply['Warning']}")
    context.write(reply["Id"])
    return 0


def _pools(options: Options) -> list[dict[str, object]]:
    """Pair subnets with gateways and ranges, in the order in which they were written."""
    gateways, ranges = options.all("gateway"), options.all("ip-range")
    auxiliary = pairs(options.all("aux-address"))
    if max(len(gateways), len(ranges), bool(auxiliary)) > len(options.all("subnet")):
        raise UsageError("every ip-range or gateway must have a corresponding subnet")
    pools: list[dict[str, object]] = []
    for n, subnet in enumerate(options.all("subnet")):
        pool: dict[str, object] = {"Subnet": subnet}
        if n < len(gateways):
            pool["Gateway"] = gateways[n]
        if n < len(ranges):
            pool["IPRange"] = ranges[n]
        if n == 0 and auxiliary:
            pool["AuxiliaryAddresses"] = auxiliary
        pools.append(pool)
    return pools


def ls(context: Context, options: Options, _arguments: list[str]) -> int:
    """List networks."""
    found = context.engine.get("/networks", {"filters": filters(options)})
    whole = options.flag("no-trunc")
    rows = [_row(entry, whole=whole) for entry in sorted(found, key=lambda entry: entry["Name"])]
    print_list(context, rows, Columns(COLUMNS, ["ID", "Name", "Driver", "Scope"]), options)
    return 0


def _row(entry: dict[str, Any], *, whole: bool) -> Row:
    labels = entry.get("Labels") or {}
    return {
        "CreatedAt": _created(entry.get("Created", "")),
        "Driver": entry["Driver"],
        "ID": entry["Id"] if whole else entry["Id"][:12],
        "IPv4": _word(value=entry.get("EnableIPv4", False)),
        "IPv6": _word(value=entry.get("EnableIPv6", False)),
        "Internal": _word(value=entry.get("Internal", False)),
        "Labels": ",".join(f"{name}={value}" for name, value in sorted(labels.items())),
        "Name": entry["Name"],
        "Scope": entry.get("Scope", "local"),
        "Label": lambda name: labels.get(name, ""),
    }


def _created(text: str) -> str:
    """Return Go's form of a time: `2026-01-02 03:04:05.123456789 +0000 UTC`."""
    return text.replace("T", " ").replace("Z", " +0000 UTC")


def _word(*, value: bool) -> str:
    return "true" if value else "false"


def rm(context: Context, options: Options, arguments: list[str]) -> int:
    """Remove networks."""

    def act(name: str) -> str | None:
        try:
            context.engine.delete(f"/networks/{name}")
        except ApiError as error:
            if error.status == 404 and options.flag("force"):
                return ""
            raise
        return None

    return for_each(context, arguments, act)


def connect(context: Context, options: Options, arguments: list[str]) -> int:
    """Connect a container to a network."""
    addresses: dict[str, object] = {
        key: options.text(flag)
        for flag, key in (("ip", "IPv4Address"), ("ip6", "IPv6Address"))
        if options.given(flag)
    }
    if options.given("link-local-ip"):
        addresses["LinkLocalIPs"] = options.all("link-local-ip")
    settings = {
        "IPAMConfig": addresses,
        "Links": options.all("link") or None,
        "Aliases": options.all("alias"),
        "DriverOpts": pairs(options.all("driver-opt")),
    }
    body = {"Container": arguments[1], "EndpointConfig": settings}
    context.engine.post(f"/networks/{arguments[0]}/connect", None, body)
    return 0


def disconnect(context: Context, options: Options, arguments: list[str]) -> int:
    """Disconnect a container from a network."""
    body = {"Container": arguments[1], "Force": options.flag("force")}
    context.engine.post(f"/networks/{arguments[0]}/disconnect", None, body)
    return 0


CREATE = Command(
    "[OPTIONS] NETWORK",
    "Create a network",
    create,
    flags=CREATE_FLAGS,
    minimum=1,
    maximum=1,
    examples="""
    app                                          containers on it find each other by name
    --subnet 10.9.0.0/24 --gateway 10.9.0.1 lab  with addresses of your choice
    """,
)
LS = Command(
    "[OPTIONS]", "List networks", ls, flags=(*FILTER, *FORMAT), maximum=0,
    examples="""
    --filter type=custom                         without those of the engine
    --format 'table {{.Name}}\\t{{.CreatedAt}}'   two columns
    """,
)  # fmt: skip
RM = Command(
    "NETWORK [NETWORK...]",
    "Remove one or more networks",
    rm,
    flags=declare("-f --force  Do not error if the network does not exist"),
    minimum=1,
    examples="app",
)
CONNECT = Command(
    "[OPTIONS] NETWORK CONTAINER",
    "Connect a container to a network",
    connect,
    flags=CONNECT_FLAGS,
    minimum=2,
    maximum=2,
    examples="--alias db app postgres     containers on app reach postgres also as db",
)
DISCONNECT = Command(
    "[OPTIONS] NETWORK CONTAINER",
    "Disconnect a container from a network",
    disconnect,
    flags=declare("-f --force  Force the container to disconnect from a network"),
    minimum=2,
    maximum=2,
    examples="app postgres",
)
