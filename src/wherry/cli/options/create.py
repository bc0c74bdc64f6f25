"""The flags of `run` and `create`, and the request that they make."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.cli.errors import UsageError
from wherry.cli.flags import Options, declare
from wherry.cli.options import environment, mounts, networks, numbers, ports, values

Json = dict[str, object]

FLAGS = declare("""
    --add-host list  Add a custom host-to-IP mapping (host:ip)
    --annotation map  Add an annotation to the container
-a  --attach list  Attach to STDIN, STDOUT or STDERR
    --blkio-weight int  Block IO (relative weight), between 10 and 1000, or 0 to disable
    --blkio-weight-device list  Block IO weight for a disk (path:10 to 1000)
    --cap-add list  Add Linux capabilities
    --cap-drop list  Drop Linux capabilities
    --cgroup-parent string  Optional parent cgroup for the container
    --cgroupns string  Cgroup namespace to use (host|private)
    --cidfile string  Write the container ID to the file
    --cpu-period int  Limit CPU CFS (Completely Fair Scheduler) period
    --cpu-quota int  Limit CPU CFS (Completely Fair Scheduler) quota
    --cpu-rt-period int  Limit CPU real-time period in microseconds
    --cpu-rt-runtime int  Limit CPU real-time runtime in microseconds
-c  --cpu-shares int  CPU shares (relative weight)
    --cpus decimal  Number of CPUs
    --cpuset-cpus string  CPUs in which to allow execution (0-3, 0,1)
    --cpuset-mems string  MEMs in which to allow execution (0-3, 0,1)
    --device list  Add a host device to the container
    --device-cgroup-rule list  Add a rule to the cgroup allowed devices list
    --device-read-bps list  Limit read rate from a device (path:size, in a second)
    --device-read-iops list  Limit reads from a device (path:number, in a second)
    --device-write-bps list  Limit write rate to a device (path:size, in a second)
    --device-write-iops list  Limit writes to a device (path:number, in a second)
    --disable-content-trust  Accepted for compatibility; without effect
    --dns list  Set custom DNS servers
    --dns-option list  Set DNS options
    --dns-search list  Set custom DNS search domains
    --domainname string  Container NIS domain name
    --entrypoint string  Overwrite the default ENTRYPOINT of the image
-e  --env list  Set environment variables
    --env-file list  Read in a file of environment variables
    --expose list  Expose a port or a range of ports
    --group-add list  Add additional groups to join
    --health-cmd string  Command to run to check health
    --health-interval duration  Time between running the check (ms|s|m|h)
    --health-retries int  Consecutive failures needed to report unhealthy
    --health-start-interval duration  Time between checks during the start period (ms|s|m|h)
    --health-start-period duration  Time before failures are counted (ms|s|m|h)
    --health-timeout duration  Maximum time to allow one check to run (ms|s|m|h)
-h  --hostname string  Container host name
    --init  Run an init inside the container that forwards signals and reaps processes
-i  --interactive  Keep STDIN open even if not attached
    --ip string  IPv4 address (e.g., 172.30.100.104)
    --ip6 string  IPv6 address (e.g., 2001:db8::33)
    --ipc string  IPC mode to use
    --isolation string  Container isolation technology
    --kernel-memory bytes  Kernel memory limit
-l  --label list  Set meta data on a container
    --label-file list  Read in a line delimited file of labels
    --link list  Add link to another container
    --link-local-ip list  Container IPv4/IPv6 link-local addresses
    --log-driver string  Logging driver for the container
    --log-opt list  Log driver options
    --mac-address string  Container MAC address (e.g., 92:d0:c6:0a:29:33)
-m  --memory bytes  Memory limit
    --memory-reservation bytes  Memory soft limit
    --memory-swap bytes  Swap limit equal to memory plus swap: '-1' to enable unlimited swap
    --memory-swappiness int  Tune container memory swappiness (0 to 100)
    --mount mount  Attach a filesystem mount to the container
    --name string  Assign a name to the container
    --net list  Same as --network
    --net-alias list  Same as --network-alias
    --network list  Connect a container to a network
    --network-alias list  Add network-scoped alias for the container
    --no-healthcheck  Disable any container-specified HEALTHCHECK
    --oom-kill-disable  Disable OOM Killer
    --oom-score-adj int  Tune host's OOM preferences (-1000 to 1000)
    --pid string  PID namespace to use
    --pids-limit int  Tune container pids limit (set -1 for unlimited)
    --platform string  Set platform if server is multi-platform capable
    --privileged  Give extended privileges to this container
-p  --publish list  Publish a container's port(s) to the host
-P  --publish-all  Publish all exposed ports to random ports
    --pull string  Pull image before running ("always", "missing", "never")
-q  --quiet  Suppress the pull output
    --read-only  Mount the container's root filesystem as read only
    --restart string  Restart policy to apply when a container exits
    --rm  Remove the container and its anonymous volumes when it exits
    --runtime string  Runtime to use for this container
    --security-opt list  Security Options
    --shm-size bytes  Size of /dev/shm
    --stop-signal string  Signal to stop the container
    --stop-timeout int  Timeout (in seconds) to stop a container
    --storage-opt list  Storage driver options for the container
    --sysctl map  Sysctl options
    --tmpfs list  Mount a tmpfs directory
-t  --tty  Allocate a pseudo-TTY
    --ulimit ulimit  Ulimit options
-u  --user string  Username or UID (format: <name|uid>[:<group|gid>])
    --userns string  User namespace to use
    --uts string  UTS namespace to use
-v  --volume list  Bind mount a volume
    --volume-driver string  Optional volume driver for the container
    --volumes-from list  Mount volumes from the specified container(s)
-w  --workdir string  Working directory inside the container
""")

HEALTH = (
    ("health-interval", "Interval"),
    ("health-timeout", "Timeout"),
    ("health-start-period", "StartPeriod"),
    ("health-start-interval", "StartInterval"),
)
TEXTS = (
    ("cgroup-parent", "CgroupParent"), ("ipc", "IpcMode"), ("runtime", "Runtime"),
    ("cpuset-cpus", "CpusetCpus"), ("cpuset-mems", "CpusetMems"), ("isolation", "Isolation"),
    ("volume-driver", "VolumeDriver"), ("cidfile", "ContainerIDFile"),
)  # fmt: skip
NAMESPACES = (
    ("cgroupns", "CGROUP", "CgroupnsMode"), ("pid", "PID", "PidMode"),
    ("userns", "USER", "UsernsMode"), ("uts", "UTS", "UTSMode"),
)  # fmt: skip
NUMBERS = (
    ("cpu-period", "CpuPeriod"), ("cpu-quota", "CpuQuota"), ("cpu-shares", "CpuShares"),
    ("cpu-rt-period", "CpuRealtimePeriod"), ("cpu-rt-runtime", "CpuRealtimeRuntime"),
    ("blkio-weight", "BlkioWeight"), ("oom-score-adj", "OomScoreAdj"),
    ("memory-swappiness", "MemorySwappiness"), ("pids-limit", "PidsLimit"),
)  # fmt: skip
RATES = (
    ("device-read-bps", "BlkioDeviceReadBps"), ("device-read-iops", "BlkioDeviceReadIOps"),
    ("device-write-bps", "BlkioDeviceWriteBps"), ("device-write-iops", "BlkioDeviceWriteIOps"),
)  # fmt: skip
LISTS = (
    ("dns-option", "DnsOptions"), ("dns-search", "DnsSearch"), ("group-add", "GroupAdd"),
    ("link", "Links"), ("volumes-from", "VolumesFrom"),
)  # fmt: skip


def request(
    options: Options,
    words: list[str],
    own: Mapping[str, str],
    folder: str,
    *,
    detach: bool,
    size: tuple[int, int] | None = None,
) -> Json:
    """Return the body of POST /containers/create; `words` are the image and its command.

    `own` are the caller's variables, `folder` its working directory, `size` (rows, columns) those
    of its terminal: a program that asks at its start shall not find 0 x 0.
    """
    attached = attached_streams(options, detach=detach)
    binds, anonymous = mounts.volumes(options.all("volume"), folder)
    bindings = ports.published(options.all("publish"))
    exposed = [*bindings, *ports.exposed(options.all("expose"))]
    body: Json = {
        "Image": words[0],
        "Cmd": words[1:] or None,
        "Hostname": options.text("hostname"),
        "Domainname": options.text("domainname"),
        "User": options.text("user"),
        "AttachStdin": "stdin" in attached,
        "AttachStdout": "stdout" in attached,
        "AttachStderr": "stderr" in attached,
        "Tty": options.flag("tty"),
        "OpenStdin": options.flag("interactive"),
        "StdinOnce": options.flag("interactive") and "stdin" in attached,
        "Env": environment.variables(
            options.all("env-file"), options.read_all("env", environment.variable), own
        ),
        "ExposedPorts": {port: {} for port in exposed},
        "Volumes": anonymous,
        "WorkingDir": options.text("workdir"),
        "Labels": environment.labels(
            options.all("label-file"), options.read_all("label", environment.label)
        ),
    }
    if options.given("entrypoint"):
        # An empty text clears the image's entry point; docker sends one empty word for it.
        body["Entrypoint"] = [options.text("entrypoint")]
    if options.given("stop-signal"):
        body["StopSignal"] = options.text("stop-signal")
    if options.given("stop-timeout"):
        body["StopTimeout"] = options.number("stop-timeout")
    if health := _health(options):
        body["Healthcheck"] = health
    host = _host(options, folder)
    host["Binds"] = binds or None
    host["PortBindings"] = bindings
    mode, endpoints = networks.chosen(options)
    host["NetworkMode"] = mode
    if size is not None and options.flag("tty"):
        host["ConsoleSize"] = list(size)
    body["HostConfig"] = host
    body["NetworkingConfig"] = {"EndpointsConfig": endpoints}
    return body


def attached_streams(options: Options, *, detach: bool) -> set[str]:
    """Return which streams the client attaches to."""
    asked = set(options.read_all("attach", _stream))
    if detach:
        return set()
    if not asked:
        asked = {"stdout", "stderr"}
        if options.flag("interactive"):
            asked.add("stdin")
    return asked


def _stream(text: str) -> str:
    if text.lower() not in ("stdin", "stdout", "stderr"):
        raise UsageError("valid streams are STDIN, STDOUT and STDERR")
    return text.lower()


def _host(options: Options, folder: str) -> Json:
    added, dropped = values.capabilities(options.all("cap-add"), options.all("cap-drop"))
    host: Json = {
        "AutoRemove": options.flag("rm"),
        "Privileged": options.flag("privileged"),
        "ReadonlyRootfs": options.flag("read-only"),
        "PublishAllPorts": options.flag("publish-all"),
        "RestartPolicy": values.restart_policy(options.text("restart", "no")),
        "LogConfig": {
            "Type": options.text("log-driver"),
            "Config": environment.pairs(options.all("log-opt")),
        },
        "CapAdd": added or None,
        "CapDrop": dropped or None,
        "Dns": options.read_all("dns", values.address),
        "DeviceCgroupRules": options.read_all("device-cgroup-rule", values.device_rule) or None,
        "ExtraHosts": options.read_all("add-host", values.extra_host) or None,
        "SecurityOpt": values.security_options(options.all("security-opt")) or None,
        "BlkioWeightDevice": options.read_all("blkio-weight-device", values.disk_weight),
        "Devices": [values.device(text) for text in options.all("device")],
        "Ulimits": sorted(
            options.read_all("ulimit", values.ulimit), key=lambda limit: str(limit["Name"])
        ),
        "Tmpfs": mounts.tmpfs(options.all("tmpfs")) or None,
        "Sysctls": environment.pairs(options.all("sysctl")) or None,
        "Annotations": environment.pairs(options.all("annotation")) or None,
        "StorageOpt": environment.pairs(options.all("storage-opt")) or None,
        # What docker says where nothing was asked for; `inspect` shows it.
        "MemorySwappiness": -1,
        "OomKillDisable": False,
        "PidsLimit": 0,
    }
    if options.given("mount"):
        host["Mounts"] = options.read_all("mount", lambda text: mounts.mount(text, folder))
    for flag, name in TEXTS:
        host[name] = options.text(flag)
    for flag, kind, name in NAMESPACES:
        host[name] = values.namespace(flag, kind, options.text(flag))
    for flag, name in LISTS:
        host[name] = options.all(flag) or None
    for flag, name in RATES:
        host[name] = options.read_all(flag, values.bytes_rate if "bps" in flag else values.rate)
    for flag, name in NUMBERS:
        if options.given(flag):
            host[name] = options.number(flag)
    if not -1 <= options.number("memory-swappiness", -1) <= 100:
        raise UsageError(
            f"invalid value: {options.text('memory-swappiness')}. "
            "Valid memory swappiness range is 0-100"
        )
    for flag, name in (("init", "Init"), ("oom-kill-disable", "OomKillDisable")):
        if options.given(flag):
            host[name] = options.flag(flag)
    host |= _memory(options)
    return {name: value for name, value in host.items() if value not in ("", None)}


def _memory(options: Options) -> Json:
    found: Json = {}
    for flag, name in (
        ("memory", "Memory"),
        ("memory-reservation", "MemoryReservation"),
        ("kernel-memory", "KernelMemory"),
        ("shm-size", "ShmSize"),
    ):
        if options.given(flag):
            found[name] = options.read(flag, numbers.size)
    if options.given("memory-swap"):
        found["MemorySwap"] = options.read("memory-swap", numbers.swap)
    if options.given("cpus"):
        found["NanoCpus"] = options.read("cpus", numbers.cpus)
    return found


def _health(options: Options) -> Json:
    flags = ("health-cmd", "health-retries", *(flag for flag, _ in HEALTH))
    given = any(options.given(flag) for flag in flags)
    if options.flag("no-healthcheck"):
        if given:
            raise UsageError("--no-healthcheck conflicts with --health-* options")
        return {"Test": ["NONE"]}
    if not given:
        return {}
    health: Json = {name: options.read(flag, numbers.duration, "0s") for flag, name in HEALTH}
    health["Retries"] = options.number("health-retries")
    for flag in (*(flag for flag, _ in HEALTH), "health-retries"):
        if options.text(flag).startswith("-"):
            raise UsageError(f"--{flag} cannot be negative")
    if options.given("health-cmd"):
        health["Test"] = ["CMD-SHELL", options.text("health-cmd")]
    return health
