"""The machine as checks see it: its files, its processes, who asks, and the engine's settings.

Everything comes in as an argument. `root` stands before the paths of /proc, /sys, /etc, /run and
/usr, so that a test can show a check any machine; paths of the settings are taken as they are.
"""

from __future__ import annotations

import glob
import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from wherry.base.values import dataclass
from wherry.doctor.finding import command
from wherry.doctor.settings import DEFAULT_PIDFILE, Settings
from wherry.linux import unix_sockets
from wherry.service.files import INIT_SCRIPT, SERVICE

_UNITS: Final = tuple(
    f"{directory}/systemd/system/{SERVICE}" for directory in ("/etc", "/usr/lib", "/lib")
)


@dataclass(frozen=True, slots=True)
class Process:
    """A process and the words it was started with."""

    pid: int
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Machine:
    """See the module. `now` is in seconds since 1970; `uid` is the caller's."""

    settings: Settings
    environment: Mapping[str, str]
    uid: int
    now: float
    root: str = ""

    @property
    def is_root(self) -> bool:
        """Whether the caller may do everything."""
        return self.uid == 0

    def text(self, path: str) -> str:
        """Return the content of a file; raises OSError."""
        with open(self.root + path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    def text_or(self, path: str, default: str = "") -> str:
        """Return the content of a file without its last line's end, or what stands for none."""
        try:
            return self.text(path).rstrip("\n")
        except OSError:
            return default

    def number(self, path: str) -> int | None:
        """Return the first number in a file; None where there is no file, or no number in it."""
        word = self.text_or(path).partition("\n")[0].split()
        return int(word[0]) if word and word[0].lstrip("-").isdecimal() else None

    def exists(self, path: str) -> bool:
        """Tell whether there is such a file; a link that leads nowhere counts."""
        return os.path.lexists(self.root + path)

    def matches(self, pattern: str) -> list[str]:
        """Return the paths that a pattern of the shell matches, without the root, sorted."""
        found = glob.glob(glob.escape(self.root) + pattern)
        return sorted(path.removeprefix(self.root) for path in found)

    def program(self, name: str) -> str | None:
        """Return the path of a program, None where there is none; also where only root looks."""
        path = self.environment.get("PATH", os.defpath)
        return shutil.which(name, path=f"{path}:/usr/local/sbin:/usr/sbin:/sbin")

    def processes(self) -> Iterator[Process]:
        """Yield every process that has a command line."""
        for name in filter(str.isdecimal, os.listdir(f"{self.root}/proc")):
            words = self.text_or(f"/proc/{name}/cmdline").rstrip("\0").split("\0")
            if words != [""]:
                yield Process(int(name), words)

    def engines(self) -> list[Process]:
        """Return every wherryd that runs, whatever its roots."""
        return [process for process in self.processes() if flags_of(process) is not None]

    def engine(self) -> Process | None:
        """Return the engine of these settings: the wherryd that its pidfile names."""
        pid = self.number_at(self.settings.pidfile)
        return next((process for process in self.engines() if process.pid == pid), None)

    def keepers(self) -> list[Process]:
        """Return the keepers that serve the exec root of these settings."""
        return [p for p in self.processes() if is_keeper(p) and self.settings.exec_root in p.words]

    def number_at(self, path: str) -> int | None:
        """Return the number in a file of the engine's."""
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                word = file.read(32).strip()
        except OSError:
            return None
        return int(word) if word.isdecimal() else None

    def distribution(self) -> frozenset[str]:
        """Return the ids of this distribution and of those it is like, such as `debian`."""
        lines = self.text_or("/etc/os-release", "").splitlines()
        fields = dict(line.partition("=")[::2] for line in lines)
        words = f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}"
        return frozenset(words.replace('"', "").split())

    def install(self, debian: str, fedora: str, suse: str = "") -> str:
        """Return the command that installs a package here, by its name in each family."""
        known = self.distribution()
        if known & {"fedora", "rhel", "centos"}:
            return f"dnf install -y {fedora}"
        if known & {"suse", "opensuse"}:
            return f"zypper install -y {suse or fedora}"
        if "alpine" in known:
            return f"apk add {fedora}"
        if "arch" in known:
            return f"pacman -S --noconfirm {fedora}"
        return f"apt-get install -y {debian}"

    def upgrade(self) -> tuple[str, ...]:
        """Return the command that brings the newest wherry, by the way in which this one came."""
        if not sys.prefix.startswith("/opt/wherry"):
            return (f"{sys.executable} -m pip install --upgrade wherry",)
        if self.distribution() & {"fedora", "rhel", "centos"}:
            return ("dnf upgrade -y wherry",)
        return ("apt-get update", "apt-get install -y --only-upgrade wherry")

    def has_unit(self) -> bool:
        """Tell whether the service is installed for systemd."""
        return any(self.exists(path) for path in _UNITS)

    def ask_service(self, verb: str) -> tuple[str, ...]:
        """Return the command that has the service start or restart the engine; none without one."""
        if not self._belongs_to_service():
            return ()
        if self.runs_systemd() and self.has_unit():
            return (f"systemctl {verb} wherry",)
        return (f"service wherry {verb}",) if self.exists(INIT_SCRIPT) else ()

    def _belongs_to_service(self) -> bool:
        """Tell whether the engine is the one that the service starts, and not one by hand."""
        if self.settings.named or self.settings.pidfile != DEFAULT_PIDFILE:
            return False
        engine = self.engine()
        if engine is None or not self.runs_systemd():
            return True
        return SERVICE in self.text_or(f"/proc/{engine.pid}/cgroup")

    def is_activated(self, path: str) -> bool:
        """Tell whether somebody listens at a path for an engine that is to be started, as systemd.

        Connecting would start it. An engine's own sockets were bound under another name.
        """
        return path in unix_sockets.listening(self.text_or(unix_sockets.PATH))

    def start_engine(self) -> tuple[str, ...]:
        """Return the command that starts the engine of these settings."""
        return self.ask_service("start") or (command("wherryd", *self.settings.flags),)

    def restart_engine(self) -> tuple[str, ...]:
        """Return the commands that replace the running engine; its containers go on."""
        by_hand = (f"kill $({command('cat', self.settings.pidfile)})", *self.start_engine())
        return self.ask_service("restart") or by_hand

    def configure(self, key: str, value: object) -> tuple[str, ...]:
        """Return the commands that set a key of the configuration file, and make it hold."""
        path = self.settings.config_file
        entry = f"{json.dumps(key)}: {json.dumps(value)}"
        if os.path.exists(path):
            edit: tuple[str, ...] = (f"${{EDITOR:-vi}} {shlex.quote(path)}  # add {entry}",)
        else:
            write = f"{command('echo', f'{{{entry}}}')} > {shlex.quote(path)}"
            edit = (command("mkdir", "-p", os.path.dirname(path)), write)
        return (*edit, *(self.restart_engine() if self.engine() else ()))

    def runs_systemd(self) -> bool:
        """Tell whether systemd is what services are asked of."""
        return self.exists("/run/systemd/system")


def flags_of(process: Process) -> list[str] | None:
    """Return the flags of a wherryd, None for another program (pure)."""
    for at, word in enumerate(process.words[:6]):
        if os.path.basename(word) == "wherryd" or word in ("wherry.daemon", "wherry.daemon.main"):
            return list(process.words[at + 1 :])
    return None


def is_keeper(process: Process) -> bool:
    """Tell whether a process is a keeper (pure)."""
    return any("wherry.keeper.serve" in word for word in process.words[:8])
