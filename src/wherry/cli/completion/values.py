"""Which words a flag's value, or an argument, can be. Pure: what the engine knows is for `names`.

A value is a tuple of words. `@containers`, `@images`, `@networks`, `@volumes` and `@contexts` in
a word stand for names that are looked up; `name=@containers` for `name=` and then one of these.
`FILES` and `FOLDERS` leave it to the shell. A word that ends in `=`, `:` or `,` wants more.
"""

from __future__ import annotations

from collections.abc import Mapping

FILES = ("@files",)
FOLDERS = ("@folders",)
NOTHING: tuple[str, ...] = ()

CONTAINERS = ("@containers",)
RUNNING = ("@running",)
STOPPED = ("@stopped",)
IMAGES = ("@images",)
NETWORKS = ("@networks",)
VOLUMES = ("@volumes",)
CONTEXTS = ("@contexts",)

PLATFORMS = (
    "linux/386", "linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64", "linux/ppc64le",
    "linux/riscv64", "linux/s390x",
)  # fmt: skip
SIGNALS = ("HUP", "INT", "KILL", "QUIT", "STOP", "CONT", "TERM", "USR1", "USR2", "WINCH")
CAPABILITIES = ("ALL", *(
    f"CAP_{word}" for word in (
        "AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN"
        " DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE"
        " LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST"
        " NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT"
        " SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG"
        " WAKE_ALARM"
    ).split()
))  # fmt: skip
LIMITS = tuple(
    f"{word}=" for word in (
        "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime"
        " sigpending stack"
    ).split()
)  # fmt: skip
FORMATS = ("table", "json")

# By the flag's name, for every command that has it; (command's place, name) wins.
FLAGS: Mapping[str, tuple[str, ...]] = {
    "attach": ("stdin", "stdout", "stderr"),
    "build-context": FOLDERS,
    "call": ("build", "check", "outline", "targets"),
    "cap-add": CAPABILITIES,
    "cap-drop": CAPABILITIES,
    "cgroupns": ("host", "private"),
    "cidfile": FILES,
    "config": FOLDERS,
    "context": CONTEXTS,
    "device": FILES,
    "env": ("@environment",),
    "env-file": FILES,
    "file": FILES,
    "format": FORMATS,
    "host": ("unix://", "tcp://", "ssh://"),
    "iidfile": FILES,
    "input": FILES,
    "ipc": ("none", "private", "shareable", "host", "container:@running"),
    "label-file": FILES,
    "link": ("@containers:",),
    "log-driver": ("json-file", "local", "none"),
    "log-level": ("debug", "info", "warn", "error", "fatal"),
    "log-opt": ("max-size=", "max-file=", "labels=", "env=", "tag=", "compress="),
    "metadata-file": FILES,
    "mount": ("type=bind,", "type=volume,", "type=tmpfs,"),
    "network": NETWORKS,
    "net": NETWORKS,
    "output": ("type=docker", "type=image", "type=local,dest=", "type=oci,dest=", "type=tar,dest="),
    "pid": ("host", "container:@running"),
    "platform": PLATFORMS,
    "progress": ("auto", "plain", "tty", "rawjson", "quiet", "none"),
    "pull": ("always", "missing", "never"),
    "restart": ("no", "always", "on-failure", "on-failure:", "unless-stopped"),
    "secret": ("id=",),
    "security-opt": ("no-new-privileges", "seccomp=", "systempaths=unconfined"),
    "signal": SIGNALS,
    "ssh": ("default",),
    "stop-signal": SIGNALS,
    "tlscacert": FILES,
    "tlscert": FILES,
    "tlskey": FILES,
    "ulimit": LIMITS,
    "userns": ("host",),
    "uts": ("host",),
    "volume": ("@volumes:", *FILES),
    "volume-driver": ("local",),
    "volumes-from": CONTAINERS,
}

TIMES = ("until=",)
LABELS = ("label=", "label!=")
OF_COMMANDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("containers.listing:PS", "filter"): (
        "ancestor=@images", "before=@containers", "exited=", "expose=",
        "health=", "health=healthy", "health=none", "health=starting", "health=unhealthy",
        "id=", "label=", "name=@containers", "network=@networks", "publish=", "since=@containers",
        "status=created", "status=dead", "status=exited", "status=paused", "status=removing",
        "status=restarting", "status=running", "volume=@volumes",
    ),
    ("images.listing:IMAGES", "filter"): (
        "before=@images", "dangling=true", "dangling=false", "label=", "reference=",
        "since=@images", *TIMES,
    ),
    ("images.search:SEARCH", "filter"): ("is-official=true", "is-official=false", "stars="),
    ("networks:LS", "filter"): (
        "dangling=true", "dangling=false", "driver=bridge", "driver=host", "driver=null", "id=",
        "label=", "name=@networks", "scope=local", "type=builtin", "type=custom",
    ),
    ("volumes:LS", "filter"): (
        "dangling=true", "dangling=false", "driver=local", "label=", "name=@volumes",
    ),
    ("system.events:EVENTS", "filter"): (
        "container=@containers", "daemon=", "event=", "image=@images", "label=",
        "network=@networks", "scope=local", "type=builder", "type=container", "type=daemon",
        "type=image", "type=network", "type=volume", "volume=@volumes",
    ),
    ("prune:CONTAINERS", "filter"): (*TIMES, *LABELS),
    ("prune:IMAGES", "filter"): (*TIMES, *LABELS),
    ("prune:NETWORKS", "filter"): (*TIMES, *LABELS),
    ("prune:VOLUMES", "filter"): ("all=true", *LABELS),
    ("prune:SYSTEM", "filter"): (*TIMES, *LABELS),
    ("builds.cache:PRUNE", "filter"): TIMES,
    ("networks:CREATE", "driver"): ("bridge",),
    ("volumes:CREATE", "driver"): ("local",),
    ("volumes:CREATE", "opt"): ("type=", "device=", "o="),
    ("inspect:INSPECT", "type"): ("container", "image", "network", "volume"),
    ("builds.build:BUILD", "network"): ("default", "host", "none"),
    ("builds.build:BUILD", "pull"): NOTHING,
    ("images.archive:SAVE", "output"): FILES,
    ("system.info:INFO", "format"): ("json",),
    ("system.about:VERSION", "format"): ("json",),
    ("system.events:EVENTS", "format"): ("json",),
    ("inspect:INSPECT", "format"): ("json",),
}  # fmt: skip

# By the word that a command's usage has for the argument.
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "CONTAINER": CONTAINERS,
    "IMAGE": IMAGES,
    "NETWORK": NETWORKS,
    "VOLUME": VOLUMES,
    "CONTEXT": CONTEXTS,
    "REPOSITORY": IMAGES,
    "SOURCE_IMAGE": IMAGES,
    "TARGET_IMAGE": IMAGES,
    "PATH": FOLDERS,
    "FILE": FILES,
    "FILE|-": FILES,
}
# Only containers in a state in which the command makes sense.
STATES: Mapping[str, tuple[str, ...]] = {
    "containers.start:START": STOPPED,
    "containers.attach:ATTACH": RUNNING,
    "containers.execute:EXEC": RUNNING,
    "containers.state:PORT": RUNNING,
    "containers.state:TOP": RUNNING,
    "containers.verbs:KILL": RUNNING,
    "containers.verbs:PAUSE": RUNNING,
    "containers.verbs:STOP": RUNNING,
    "containers.verbs:UNPAUSE": ("@paused",),
}
SPECIAL: Mapping[str, tuple[str, ...]] = {
    "inspect:INSPECT": (*CONTAINERS, *IMAGES, *NETWORKS, *VOLUMES),
    "images.pack:PACK": FILES,
    "images.make:IMPORT": FILES,
    "images.transfer:PUSH": IMAGES,
    "images.transfer:PULL": IMAGES,
    "registry:REGISTRY": ("serve", "account", "robot", "collect", "check", "repositories"),
    "volumes:CREATE": NOTHING,
    "networks:CREATE": NOTHING,
}


def of_flag(place: str, name: str) -> tuple[str, ...]:
    """Return the words for the value of a flag of the command at `place`."""
    found = OF_COMMANDS.get((place, name))
    return FLAGS.get(name, NOTHING) if found is None else found


def of_argument(place: str, usage: str, position: int) -> tuple[str, ...]:
    """Return the words for an argument of the command at `place`, by what its usage says."""
    if place in SPECIAL:
        return SPECIAL[place]
    slots = _slots(usage)
    if not slots:
        return NOTHING
    repeats = usage.rstrip().endswith("...]") and "[ARG...]" not in usage
    if position >= len(slots) and not repeats:
        return NOTHING
    word = slots[min(position, len(slots) - 1)]
    if word == "CONTAINER" and place in STATES:
        return STATES[place]
    if word in ("COMMAND", "ARG"):
        return NOTHING
    return ARGUMENTS.get(word, NOTHING)


def _slots(usage: str) -> list[str]:
    """Return the words for arguments: `[OPTIONS] NETWORK [NETWORK...]` has one, NETWORK."""
    found: list[str] = []
    for part in usage.split(" | ", maxsplit=1)[0].split():
        word = part.strip("[]").removesuffix("...").partition("[")[0].partition(":")[0]
        if word and word != "OPTIONS" and word.upper() == word and [word] != found[-1:]:
            found.append(word)
    return found
