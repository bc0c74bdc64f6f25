"""Which engine is looked at, and how that one is started."""

from __future__ import annotations

from pathlib import Path

from wherry.doctor.machine import Machine
from wherry.doctor.main import flags_of_service, without
from wherry.doctor.settings import Settings, settings_for

SYSTEMD = {"run/systemd/system/x": "", "usr/lib/systemd/system/wherry.service": "", "proc/x": ""}


def machine(root: Path, files: dict[str, str], settings: Settings | None = None) -> Machine:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return Machine(settings or Settings(), {}, 0, 0.0, str(root))


def test_flags_that_were_given_replace_those_of_the_engine() -> None:
    told = ["-D", "--host", "unix:///a", "-H", "unix:///b", "--data-root=/a", "--mtu", "1400"]
    assert without(told, {"--host", "--data-root"}) == ["-D", "--mtu", "1400"]
    assert without(told, set()) == told


def test_flags_of_the_service(tmp_path: Path) -> None:
    default = "# for flags\nWHERRYD_OPTIONS=\"--data-root '/srv/a b' -D\"\nHTTPS_PROXY=x\n"
    assert flags_of_service(machine(tmp_path, {"etc/default/wherry": default})) == [
        "--data-root", "/srv/a b", "-D",
    ]  # fmt: skip
    broken = {"etc/default/wherry": "WHERRYD_OPTIONS='--data-root\n"}
    assert flags_of_service(machine(tmp_path, broken)) == []


def test_the_service_is_asked_where_there_is_one(tmp_path: Path) -> None:
    installed = machine(tmp_path, SYSTEMD)
    assert installed.start_engine() == ("systemctl start wherry",)
    assert installed.restart_engine() == ("systemctl restart wherry",)
    by_hand = Settings(flags=("--data-root", "/srv/a b"), named=True)
    assert machine(tmp_path, {}, by_hand).start_engine() == ("wherryd --data-root '/srv/a b'",)
    assert machine(tmp_path, {}, by_hand).restart_engine() == (
        "kill $(cat /run/wherry/wherryd.pid)", "wherryd --data-root '/srv/a b'",
    )  # fmt: skip


def test_a_script_is_asked_where_there_is_no_systemd(tmp_path: Path) -> None:
    installed = machine(tmp_path, {"etc/init.d/wherry": "", "proc/x": ""})
    assert installed.start_engine() == ("service wherry start",)


def test_an_engine_by_hand_beside_a_service(tmp_path: Path) -> None:
    pidfile = tmp_path / "pid"
    pidfile.write_text("7\n")
    files = SYSTEMD | {"proc/7/cmdline": "python\0/bin/wherryd\0-D\0"}
    settings = Settings(flags=("-D",))
    both = machine(tmp_path, files, settings)
    assert both.start_engine() == ("systemctl start wherry",)
    elsewhere = machine(tmp_path, files, Settings(pidfile=str(pidfile), flags=("-D",)))
    assert elsewhere.start_engine() == ("wherryd -D",)


def test_the_file_is_named_by_its_flag(tmp_path: Path) -> None:
    file = tmp_path / "daemon.json"
    file.write_text('{"data-root": "/srv/w", "exec-root": "/run/w", "group": "nobody-has-it"}')
    settings = settings_for([f"--config-file={file}"])
    assert (settings.data_root, settings.pidfile) == ("/srv/w", "/run/w/wherryd.pid")
    assert settings.config_file == str(file)
    assert settings.group == "nobody-has-it"
    assert settings_for(["--config-file", str(file), "--data-root", "/x"]).data_root == "/x"
    file.write_text("{")
    assert settings_for(["--config-file", str(file), "--data-root", "/x"]).data_root == "/x"


UNIX = """\
Num       RefCount Protocol Flags    Type St Inode Path
0000: 00000002 00000000 00010000 0001 01 100 /run/wherry/wherry.sock
0000: 00000002 00000000 00000000 0002 01 101 /run/other.sock
0000: 00000003 00000000 00000000 0001 03 102
"""


def test_sockets_that_systemd_listens_on(tmp_path: Path) -> None:
    there = machine(tmp_path, {"proc/net/unix": UNIX})
    assert there.is_activated("/run/wherry/wherry.sock")
    assert not there.is_activated("/run/other.sock")
    assert not there.is_activated("/run/wherry/wherry")
