"""Every check: its name, its group, and what it looks at. The order is that of the answer."""

from __future__ import annotations

from typing import Final

from wherry.doctor import (
    certificates,
    cgroups,
    clock,
    configuration,
    disk,
    engine,
    filters,
    installation,
    kernel,
    limits,
    network,
    others,
    overlay,
    remains,
)
from wherry.doctor.check import Check

_KERNEL: Final = "Kernel"
_CGROUPS: Final = "Control groups"
_DISK: Final = "Disk and memory"
_NETWORK: Final = "Network"
_LIMITS: Final = "Limits"
_CLOCK: Final = "Clock"
_CONFIGURATION: Final = "Configuration"
_ENGINE: Final = "Engine"
_INSTALLATION: Final = "Installation"
_OTHERS: Final = "Others and remains"

CHECKS: Final = (
    Check("kernel-version", _KERNEL, "Linux is new enough", kernel.check_version),
    Check("system-calls", _KERNEL, "the calls of newer kernels are there, and not filtered",
          kernel.check_system_calls),
    Check("namespaces", _KERNEL, "every kind of namespace can be made (tries it)",
          kernel.check_namespaces, root=True),
    Check("capabilities", _KERNEL, "root has every capability that an engine needs",
          kernel.check_capabilities, root=True),
    Check("seccomp", _KERNEL, "the kernel filters system calls, and libseccomp is there",
          kernel.check_seccomp),
    Check("security-modules", _KERNEL, "SELinux and AppArmor", kernel.check_security_modules),

    Check("cgroup-hierarchy", _CGROUPS, "control groups are mounted", cgroups.check_hierarchy),
    Check("cgroup-controllers", _CGROUPS, "every controller that limits need is there",
          cgroups.check_controllers),
    Check("cgroup-writable", _CGROUPS, "groups can be made", cgroups.check_writable),
    Check("swap-limit", _CGROUPS, "swap can be limited", cgroups.check_swap),

    Check("overlay", _DISK, "overlayfs works on the data root's file system (tries it)",
          overlay.check_overlay, root=True),
    Check("disk-space", _DISK, "there is room for images", disk.check_space),
    Check("inodes", _DISK, "files can be made", disk.check_inodes),
    Check("read-only", _DISK, "the data root can be written", disk.check_read_only),
    Check("data-root-place", _DISK, "the data root is not in memory and not on the network",
          disk.check_place),
    Check("data-root-owner", _DISK, "only root can write to the data root", disk.check_owner),
    Check("database", _DISK, "the database is one, and not from a newer wherry",
          disk.check_database),
    Check("memory", _DISK, "there is memory left", disk.check_memory),

    Check("libnftables", _NETWORK, "the library that networks are made with is there",
          network.check_libnftables),
    Check("nftables", _NETWORK, "the kernel takes the engine's table (tries it)",
          network.check_nftables, root=True),
    Check("links", _NETWORK, "bridges and pairs of interfaces can be made (tries it)",
          network.check_links, root=True),
    Check("ip-forward", _NETWORK, "packets are forwarded", network.check_forwarding),
    Check("forward-drop", _NETWORK, "no other firewall drops what containers send",
          filters.check_forward_drop, root=True),
    Check("bridge-nf", _NETWORK, "frames on a bridge do not pass iptables", network.check_bridged),
    Check("dns", _NETWORK, "the host's resolvers are of use in containers", network.check_names),
    Check("address-pools", _NETWORK, "there are addresses for new networks", network.check_pools),
    Check("overlaps", _NETWORK, "no network of containers is in the way of another",
          network.check_overlaps),
    Check("proxies", _NETWORK, "the engine has the proxies that its users have",
          network.check_proxies),

    Check("open-files", _LIMITS, "the engine may open enough files", limits.check_open_files),
    Check("file-table", _LIMITS, "the machine's table of open files", limits.check_file_table),
    Check("processes", _LIMITS, "numbers for processes and threads", limits.check_processes),
    Check("inotify", _LIMITS, "watches on files for each user", limits.check_inotify),
    Check("neighbours", _LIMITS, "the neighbour table", limits.check_neighbours),
    Check("keyrings", _LIMITS, "keyrings of root", limits.check_keyrings),
    Check("terminals", _LIMITS, "pseudo-terminals", limits.check_terminals),
    Check("connections", _LIMITS, "tracked connections", limits.check_connections),

    Check("clock-sync", _CLOCK, "something keeps the clock right", clock.check_synchronised),
    Check("clock-jump", _CLOCK, "the clock was not set back", clock.check_jump),

    Check("configuration", _CONFIGURATION, "the engine accepts flags and configuration file",
          configuration.check_file),
    Check("configuration-owner", _CONFIGURATION, "only root can write the configuration file",
          configuration.check_owner),
    Check("tcp-without-tls", _CONFIGURATION, "no TCP address is open to everybody",
          certificates.check_exposed),
    Check("certificates", _CONFIGURATION, "the engine's certificates hold, its key is secret",
          certificates.check_server),
    Check("client-certificates", _CONFIGURATION, "the caller's certificates hold",
          certificates.check_client),

    Check("engine", _ENGINE, "an engine runs", engine.check_running),
    Check("engine-answers", _ENGINE, "it answers on its sockets", engine.check_answers),
    Check("engine-version", _ENGINE, "it is the version that is installed", engine.check_version),
    Check("keepers", _ENGINE, "it has keepers", engine.check_keepers),
    Check("socket-access", _ENGINE, "its socket is for root and its group",
          engine.check_socket_access),
    Check("group", _ENGINE, "the group of its socket is there", engine.check_group),
    Check("exec-root", _ENGINE, "only root can write to the exec root", engine.check_exec_root),

    Check("python", _INSTALLATION, "Python is new enough", installation.check_python),
    Check("libraries", _INSTALLATION, "every library is there", installation.check_libraries),
    Check("programs", _INSTALLATION, "the programs are this wherry's", installation.check_programs),
    Check("service", _INSTALLATION, "the engine comes back at boot", installation.check_service),

    Check("other-engines", _OTHERS, "Docker, containerd, podman", others.check_engines),
    Check("docker-remains", _OTHERS, "what a Docker that is gone left in the network",
          others.check_docker_remains),
    Check("remains", _OTHERS, "what an engine of wherry's that is gone left in the kernel",
          remains.check_remains, root=True),
    Check("mount-remains", _OTHERS, "nothing is mounted below the data root",
          remains.check_mounts),
)  # fmt: skip
