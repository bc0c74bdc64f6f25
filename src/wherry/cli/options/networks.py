"""`--network`, in its short and its long form, and the flags that belong to the first network.

The long form is `name=N,alias=A,ip=I,...`, fields separated by commas.
"""

from __future__ import annotations

from wherry.cli.errors import UsageError
from wherry.cli.flags import Options

Json = dict[str, object]

FIELDS = ("alias", "driver-opt", "gw-priority", "ip", "ip6", "link-local-ip", "mac-address", "name")
PREDEFINED = ("default", "bridge", "host", "none")
ADDRESSES = (("ip", "IPv4Address"), ("ip6", "IPv6Address"))


class Network:
    """One `--network`: its name, and all values of its other fields."""

    __slots__ = ("fields", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.fields: dict[str, list[str]] = {}

    def add(self, field: str, values: list[str]) -> None:
        """Add values of a field."""
        if values:
            self.fields.setdefault(field, []).extend(values)

    def settings(self) -> Json:
        """Return the API's EndpointSettings."""
        last = {field: values[-1] for field, values in self.fields.items()}
        addresses: Json = {key: last[field] for field, key in ADDRESSES if field in last}
        if "link-local-ip" in self.fields:
            addresses["LinkLocalIPs"] = self.fields["link-local-ip"]
        found: Json = {"IPAMConfig": addresses} if addresses else {}
        if "alias" in self.fields:
            found["Aliases"] = self.fields["alias"]
        if "link" in self.fields:
            found["Links"] = self.fields["link"]
        if "mac-address" in last:
            found["MacAddress"] = last["mac-address"]
        if "driver-opt" in self.fields:
            found["DriverOpts"] = dict(
                text.partition("=")[::2] for text in self.fields["driver-opt"]
            )
        if "gw-priority" in last:
            found["GwPriority"] = int(last["gw-priority"])
        return found


def parse(text: str) -> Network:
    """Read one `--network` value."""
    if "=" not in text:
        return Network(text)
    found = Network("")
    for part in text.split(","):
        key, separator, value = part.partition("=")
        key = key.strip().lower()
        if not separator:
            raise UsageError(f"invalid field {part}")
        if key not in FIELDS:
            raise UsageError(f"invalid field key {key}")
        if key == "gw-priority" and not value.removeprefix("-").isdecimal():
            raise UsageError(f"invalid gw-priority ({value})")
        if key == "name":
            found.name = value
        else:
            found.add(key, [value])
    if not found.name:
        raise UsageError("network name/id is not specified")
    return found


def chosen(options: Options) -> tuple[str, Json]:
    """Return NetworkMode and EndpointsConfig of `run` and `create`."""
    found = [*options.read_all("network", parse), *options.read_all("net", parse)]
    networks = found or [Network("default")]
    first = networks[0]
    first.add("alias", options.all("network-alias") + options.all("net-alias"))
    for field in ("ip", "ip6", "mac-address", "link-local-ip"):
        first.add(field, options.all(field))
    mode = first.name
    own = mode not in PREDEFINED and not mode.startswith("container:")
    if own:  # on the default bridge a link is the container's, not the endpoint's
        first.add("link", options.all("link"))
    if "alias" in first.fields and mode in PREDEFINED:
        raise UsageError("network-scoped aliases are only supported for user-defined networks")
    endpoints: Json = {}
    for network in networks:
        if network.name in endpoints:
            raise UsageError(f'network "{network.name}" is specified multiple times')
        settings = network.settings()
        shares = network.name.startswith("container:") or network.name in ("host", "none")
        if settings or (found and not shares):
            endpoints[network.name] = settings
    return mode, endpoints
