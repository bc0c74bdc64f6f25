"""What clients ask for, apart from the create request of a container: bodies and queries."""

from __future__ import annotations

import msgspec

from wherry.wire.container_config import EndpointSettings


class ContainerFilter(msgspec.Struct, frozen=True):
    """GET /containers/json: `limit` 0 for all; with a limit, stopped ones count too."""

    all: bool = False
    limit: int = 0
    size: bool = False
    filters: dict[str, list[str]] = msgspec.field(default_factory=dict)


class AttachRequest(msgspec.Struct, frozen=True):
    """POST /containers/{id}/attach: `logs` for what was written, `stream` for what comes."""

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    logs: bool = False
    stream: bool = False
    detach_keys: str | None = None


class ExecCreate(msgspec.Struct, rename="pascal"):
    """POST /containers/{id}/exec."""

    user: str = ""
    privileged: bool = False
    tty: bool = False
    console_size: list[int] | None = None
    attach_stdin: bool = False
    attach_stdout: bool = False
    attach_stderr: bool = False
    detach_keys: str = ""
    env: list[str] | None = None
    working_dir: str = ""
    cmd: list[str] | str | None = None


class ExecStart(msgspec.Struct, rename="pascal"):
    """POST /exec/{id}/start."""

    detach: bool = False
    tty: bool = False
    console_size: list[int] | None = None


class IPAMPool(msgspec.Struct):
    """One subnet of a network."""

    subnet: str = msgspec.field(default="", name="Subnet")
    ip_range: str = msgspec.field(default="", name="IPRange")
    gateway: str = msgspec.field(default="", name="Gateway")
    auxiliary: dict[str, str] | None = msgspec.field(default=None, name="AuxiliaryAddresses")


class IPAM(msgspec.Struct, rename="pascal"):
    """How a network's addresses are chosen."""

    driver: str = "default"
    config: list[IPAMPool] | None = None
    options: dict[str, str] | None = None


class ConfigReference(msgspec.Struct, rename="pascal"):
    """The network whose configuration another one takes."""

    network: str = ""


class NetworkCreate(msgspec.Struct, rename="pascal"):
    """POST /networks/create."""

    name: str = ""
    check_duplicate: bool = False
    driver: str = ""
    scope: str = ""
    enable_ipv6: bool = msgspec.field(default=False, name="EnableIPv6")
    ipam: IPAM | None = msgspec.field(default=None, name="IPAM")
    internal: bool = False
    attachable: bool = False
    ingress: bool = False
    config_only: bool = False
    config_from: ConfigReference | None = None
    enable_ipv4: bool | None = msgspec.field(default=None, name="EnableIPv4")
    options: dict[str, str] | None = None
    labels: dict[str, str] | None = None


class NetworkConnect(msgspec.Struct, rename="pascal"):
    """POST /networks/{id}/connect."""

    container: str = ""
    endpoint_config: EndpointSettings | None = None


class NetworkDisconnect(msgspec.Struct, rename="pascal"):
    """POST /networks/{id}/disconnect."""

    container: str = ""
    force: bool = False


class VolumeCreate(msgspec.Struct, rename="pascal"):
    """POST /volumes/create."""

    name: str = ""
    driver: str = ""
    driver_opts: dict[str, str] | None = None
    labels: dict[str, str] | None = None


class AuthConfig(msgspec.Struct, rename="lower"):
    """X-Registry-Auth and POST /auth."""

    username: str = ""
    password: str = ""
    auth: str = ""
    serveraddress: str = ""
    identitytoken: str = ""
    registrytoken: str = ""
    email: str = ""


class PackRequest(msgspec.Struct):
    """POST /wherry/images/pack: what to make an image of. `exposed` is like `80/tcp`."""

    name: str = ""
    paths: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    env: list[str] | None = None
    workdir: str = ""
    user: str = ""
    labels: dict[str, str] | None = None
    include: list[str] | None = None
    exposed: list[str] | None = None
