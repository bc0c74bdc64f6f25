"""Steps of builds on a real kernel: what they see, what they leave behind, and nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from fixtures.own_network import in_own_network, process_in
from fixtures.steps import Said, StepBench, step_bench
from fixtures.waiting import PATIENCE
from wherry.base.errors import InvalidError, NotFoundError
from wherry.base.ids import ContainerId, new_id
from wherry.build.ports import StepMount
from wherry.engine.containers.prepare import StartError
from wherry.engine.containers.record import Container, State, Status
from wherry.engine.steps.runner import StepStoppedError
from wherry.linux.process import start_ticks
from wherry.network import namespaces
from wherry.oci.digest import digest_bytes
from wherry.wire.build import Limits
from wherry.wire.container_config import Config, HostConfig
from wherry.wire.requests import NetworkCreate

MEBIBYTE = 1 << 20


@in_own_network
async def test_a_step_runs_and_leaves_what_it_wrote(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        step = bench.shell("echo out; echo err >&2; echo kept > /kept; exit 3")
        code, said = await bench.run(step)
        assert (code, bytes(said.stdout), bytes(said.stderr)) == (3, b"out\n", b"err\n")
        assert said.started == 1
        assert bench.upper(step) == ["kept"]
        assert await bench.left(step) == []
        assert list(bench.table) == []


@in_own_network
async def test_how_it_ends_is_told(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        for script, code in (("true", 0), ("exit 77", 77), ("kill -9 $$", 0), ("exec false", 1)):
            # The first process of a PID namespace is deaf to its own signals.
            assert (await bench.run(bench.shell(script)))[0] == code
        step = bench.shell("echo up; sleep 60")
        said = Said()
        running = asyncio.create_task(bench.runner.run(step, said.output, said.begun))
        await until(lambda: said.stdout == b"up\n")
        custody = bench.keepers.held(step.id)
        assert custody is not None
        os.kill(custody.pid, 15)
        os.kill(custody.pid, 9)
        assert await running == 137


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nothing-here"], 127, 'exec: "nothing-here": executable file not found in $PATH'),
        (["/etc/passwd"], 126, 'exec: "/etc/passwd": permission denied'),
        (["/no/such"], 127, 'exec: "/no/such": stat /no/such: no such file or directory'),
    ],
)
@in_own_network
async def test_what_cannot_be_executed_is_named(
    tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    async with step_bench(tmp_path) as bench:
        step = bench.step(*arguments)
        with pytest.raises(StartError) as caught:
            await bench.run(step)
        assert isinstance(caught.value, InvalidError)
        assert caught.value.exit_code == code
        assert "OCI runtime create failed: " in str(caught.value)
        assert str(caught.value).endswith(f"{words}: unknown")
        assert await bench.left(step) == []


@in_own_network
async def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        for more, error in (
            ({"user": "nobody-knows"}, InvalidError),
            ({"limits": Limits(memory=4096)}, InvalidError),
            ({"network": "no-such-network"}, NotFoundError),
            ({"extra_hosts": ["a b:1.2.3.4"]}, InvalidError),
            ({"mounts": [StepMount("tmpfs", "/")]}, InvalidError),
        ):
            step = bench.step("true", **more)
            with pytest.raises(error):
                await bench.run(step)
            assert await bench.left(step) == []


@in_own_network
async def test_the_environment_is_that_of_a_container(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        below = bench.layer("users")
        os.makedirs(f"{below}/etc")
        Path(f"{below}/etc/passwd").write_text("root:x:0:0::/root:\napp:x:7:8::/srv/app:\n")
        Path(f"{below}/etc/group").write_text("app:x:9:\nmore:x:10:app\n")
        step = bench.shell(
            "env; id -u; id -g; id -G; pwd; hostname; readlink /proc/self/fd/0; tty",
            lowers=[below, bench.busybox], user="app:app", environment=["A=b", "PATH=/bin"],
            working_directory="/tmp",
        )  # fmt: skip
        _, said = await bench.run(step)
        lines = said.stdout.decode().splitlines()
        assert "A=b" in lines
        assert "PATH=/bin" in lines
        assert "HOME=/srv/app" in lines
        assert not any(line.startswith("TERM=") for line in lines)
        assert lines[-7:-3] == ["7", "9", "9", "/tmp"]
        assert lines[-3:] == ["buildkitsandbox", "/dev/null", "not a tty"]
        member = bench.step("id", "-G", lowers=[below, bench.busybox], user="app")
        assert (await bench.run(member))[1].stdout == b"8 10\n"
        bare = bench.shell("echo $PATH")
        wanted = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
        assert (await bench.run(bare))[1].stdout == wanted


@in_own_network
async def test_input_is_given_and_ended(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        data = os.urandom(3 * MEBIBYTE)
        _, said = await bench.run(bench.step("cat", stdin=data))
        assert said.stdout == data
        # Nobody has to read it.
        code, _ = await bench.run(bench.step("true", stdin=data))
        assert code == 0


@in_own_network
async def test_all_of_much_output_comes_and_little_of_it_stays_on_disk(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        amount = (300 if PATIENCE == 1 else 30) * MEBIBYTE
        step = bench.shell(f"head -c {amount} /dev/zero; echo end >&2")
        counted = {"stdout": 0, "stderr": 0}
        largest = 0

        async def output(stream: str, data: bytes) -> None:
            nonlocal largest
            counted[stream] += len(data)
            largest = max(largest, len(data))

        holding = asyncio.create_task(most_on_disk(f"{step.directory}/logs"))
        assert await bench.runner.run(step, output, lambda: None) == 0
        assert counted == {"stdout": amount, "stderr": 4}
        assert largest <= MEBIBYTE
        assert await holding < amount


async def most_on_disk(directory: str) -> int:
    """Return the most that a log took, looking now and then until it is gone."""
    most = 0
    while not os.path.exists(directory):
        await asyncio.sleep(0.005)
    while os.path.exists(directory):
        try:
            told = os.stat(f"{directory}/stdout.0.raw")
            most = max(most, told.st_blocks * 512)
        except FileNotFoundError:
            pass
        await asyncio.sleep(0.02)
    return most


@in_own_network
async def test_want_of_memory_is_told(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        limits = Limits(memory=16 * MEBIBYTE, memory_swap=16 * MEBIBYTE)
        step = bench.step("tail", "/dev/zero", limits=limits)
        code, said = await bench.run(step)
        assert code == 137
        told = b"wherry: the kernel has killed a process for want of memory: its limit is 16 MiB\n"
        assert said.stderr == told
        assert await bench.left(step) == []


@in_own_network
async def test_limits_hold(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        limits = Limits(
            shm_size=MEBIBYTE, ulimits=[("nofile", 100, 200)], cgroup_parent="/wherry-test-parent",
            cpuset_cpus="0",
        )  # fmt: skip
        script = "ulimit -n; ulimit -Hn; nproc; df -k /dev/shm | tail -n 1; cat /proc/self/cgroup"
        step = bench.shell(script, limits=limits)
        _, said = await bench.run(step)
        lines = said.stdout.decode().splitlines()
        assert lines[:3] == ["100", "200", "1"]
        assert lines[3].split()[1] == "1024"
        assert any("/wherry-test-parent/" in line or line == "0::/" for line in lines[4:])
        assert await bench.left(step) == []
        for top in Path("/sys/fs/cgroup").glob("**/wherry-test-parent"):
            assert [path for path in top.iterdir() if path.is_dir()] == []
            top.rmdir()


@in_own_network
async def test_only_an_insecure_step_may_do_everything(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        script = "mkdir /m && mount -t tmpfs none /m && grep Seccomp: /proc/self/status"
        assert (await bench.run(bench.shell(script)))[0] != 0
        code, said = await bench.run(bench.shell(script, insecure=True))
        assert (code, said.stdout.split()) == (0, [b"Seccomp:", b"0"])


@in_own_network
async def test_networks(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        none = bench.shell("ip -o link | wc -l; cat /etc/hosts")
        assert (await bench.run(none))[1].stdout.startswith(b"1\n")
        hosts = ["there:10.0.0.9", "gate:host-gateway"]
        step = bench.shell(
            "ip -o -4 addr show eth0; ip route; cat /etc/hosts", network="", extra_hosts=hosts
        )
        _, said = await bench.run(step)
        gateway = str(bench.networks.find("bridge").gateway_address())
        text = said.stdout.decode()
        assert f"default via {gateway}" in text
        assert "10.0.0.9\tthere" in text
        assert f"{gateway}\tgate" in text
        assert await bench.left(step) == []
        host = bench.shell("readlink /proc/self/ns/net", network="host")
        own = os.readlink("/proc/thread-self/ns/net")
        assert (await bench.run(host))[1].stdout.decode().strip() == own


@in_own_network
async def test_a_network_of_a_users_and_its_names(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        await bench.networks.create(NetworkCreate("mine"))
        step = bench.shell("cat /etc/resolv.conf; nslookup buildkitsandbox", network="mine")
        code, said = await bench.run(step)
        assert b"nameserver 127.0.0.11" in said.stdout
        assert code == 0, said
        assert await bench.left(step) == []
        await bench.networks.remove("mine")


@in_own_network
async def test_the_network_of_a_container(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        made = namespaces.make()
        with process_in(made) as pid:
            inode = os.stat(f"/proc/{pid}/ns/net").st_ino
            other = running_container(bench, pid)
            step = bench.shell(
                "readlink /proc/self/ns/net; cat /etc/hosts", network=f"container:{other.name}"
            )
            _, said = await bench.run(step)
            assert said.stdout.decode().splitlines() == [f"net:[{inode}]", "hosts of another"]
            assert await bench.left(step) == []
        made.close()


def running_container(bench: StepBench, pid: int) -> Container:
    """Note a container whose first process is this one."""
    identifier = ContainerId(new_id())
    state = State(Status.RUNNING, pid=pid, start_ticks=start_ticks(pid) or 0)
    record = Container(
        identifier, "other", 1, Config(hostname="other"), HostConfig(), digest_bytes(b""),
        "busybox", "sh", [], state,
    )  # fmt: skip
    bench.table.insert(record)
    directory = Path(bench.bundles.directory(record))
    directory.mkdir(parents=True)
    for name in ("hosts", "hostname", "resolv.conf"):
        (directory / name).write_text(f"{name} of another\n")
    return record


@pytest.mark.parametrize("name", ["plain", "a:b,c\\d", "x" * 120])
@in_own_network
async def test_mounts(tmp_path: Path, name: str) -> None:
    """Paths may have characters that overlayfs splits at, and may be too long for its calls."""
    async with step_bench(tmp_path, data=name) as bench:
        low, high = bench.layer("low"), bench.layer("high")
        Path(f"{low}/a").write_text("low\n")
        Path(f"{high}/b").write_text("high\n")
        upper, work = bench.layer("upper"), bench.layer("work")
        file = tmp_path / "file"
        file.write_text("file\n")
        folder = bench.layer("folder")
        step = bench.shell(
            "cat /two/a /two/b /one/b /mnt/f; echo new > /two/a; echo kept > /cache/k;"
            " ! touch /one/x 2>/dev/null && ! touch /ro/x 2>/dev/null;"
            " df -k /var/t | tail -n 1; mkdir /after",
            mounts=[
                StepMount("overlay", "/two", lowers=[high, low], upper=upper, work=work),
                StepMount("overlay", "/one", lowers=[high], read_only=True),
                StepMount("overlay", "/ro", lowers=[high], upper=bench.layer("u2"),
                          work=bench.layer("w2"), read_only=True),
                StepMount("bind", "/mnt/f", source=str(file), read_only=True),
                StepMount("bind", "/cache", source=folder),
                StepMount("tmpfs", "/var/t", size=MEBIBYTE),
            ],
        )  # fmt: skip
        code, said = await bench.run(step)
        assert (code, said.stderr) == (0, b"")
        lines = said.stdout.decode().splitlines()
        assert lines[:4] == ["low", "high", "high", "file"]
        assert lines[4].split()[1] == "1024"
        assert Path(f"{low}/a").read_text() == "low\n"
        assert Path(f"{upper}/a").read_text() == "new\n"
        assert Path(f"{folder}/k").read_text() == "kept\n"
        assert bench.upper(step) == ["after"]
        assert await bench.left(step) == []


@in_own_network
async def test_a_layer_may_be_there_twice(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        more = bench.layer("more")
        Path(f"{more}/a").write_text("a")
        step = bench.shell("cat /a", lowers=[more, bench.busybox, more])
        assert (await bench.run(step))[1].stdout == b"a"


@in_own_network
async def test_nothing_is_left_of_what_mounting_needed(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        bare = bench.layer("bare")
        os.makedirs(f"{bare}/bin")
        os.link(f"{bench.busybox}/bin/busybox", f"{bare}/bin/busybox")
        secret = tmp_path / "secret"
        secret.write_text("s")
        mounts = [StepMount("bind", "/run/secrets/x", source=str(secret), read_only=True)]
        script = "/bin/busybox ls -a / && /bin/busybox cat /run/secrets/x"
        step = bench.step("/bin/busybox", "sh", "-c", script, lowers=[bare], mounts=mounts)
        code, said = await bench.run(step)
        shown = said.stdout.decode().split()
        assert code == 0
        assert {"proc", "sys", "dev", "etc", "run"} <= set(shown)
        assert bench.upper(step) == []


@in_own_network
async def test_what_the_process_changed_stays(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        secret = tmp_path / "secret"
        secret.write_text("s")
        mounts = [
            StepMount("bind", "/run/secrets/x", source=str(secret)),
            StepMount("bind", "/opt/a/b", source=str(secret)),
            StepMount("bind", "/srv/a/b", source=str(secret)),
        ]
        script = "echo > /etc/made; chmod 700 /opt/a; touch /run/pid; mv /srv/a /srv/c"
        step = bench.shell(script, mounts=mounts)
        code, said = await bench.run(step)
        assert (code, said.stderr) == (0, b"")
        wanted = ["etc", "etc/made", "opt", "opt/a", "run", "run/pid", "srv", "srv/c", "srv/c/b"]
        assert bench.upper(step) == wanted


@in_own_network
async def test_a_link_that_the_process_leaves_is_not_followed(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        outside = tmp_path / "outside" / "secrets"
        outside.mkdir(parents=True)
        (outside / "x").touch(0o755)
        mounts = [StepMount("bind", "/run/secrets/x", source=str(outside / "x"))]
        script = f"mv /run /moved; ln -s {tmp_path}/outside /run"
        step = bench.shell(script, mounts=mounts)
        assert (await bench.run(step))[0] == 0
        assert (outside / "x").exists()
        assert "run" in bench.upper(step)


@in_own_network
async def test_times_of_directories_are_the_images_or_the_process_s(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        below = bench.layer("below")
        for name in ("etc", "srv"):
            os.makedirs(f"{below}/{name}")
            Path(f"{below}/{name}/old").write_text("old")
            os.utime(f"{below}/{name}", ns=(5_000_000_007, 5_000_000_007))
        mounts = [StepMount("tmpfs", "/srv/here")]
        step = bench.shell(
            "echo more >> /etc/old; touch -d @99 /srv; echo > /srv/new; touch -d @77 /srv",
            lowers=[below, bench.busybox], mounts=mounts,
        )  # fmt: skip
        assert (await bench.run(step))[0] == 0
        assert bench.upper(step) == ["etc", "etc/old", "srv", "srv/new"]
        upper = f"{step.directory}/upper"
        assert os.stat(f"{upper}/etc").st_mtime_ns == 5_000_000_007
        assert os.stat(f"{upper}/srv").st_mtime_ns == 77_000_000_000


@in_own_network
async def test_a_cancelled_step_leaves_nothing(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        said = Said()
        step = bench.shell("sleep 100 & echo up; trap '' TERM; sleep 100", network="")
        running = asyncio.create_task(bench.runner.run(step, said.output, said.begun))
        await until(lambda: said.stdout == b"up\n")
        running.cancel()
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await bench.left(step) == []
        assert not running_in(step.id)


@in_own_network
async def test_cancelled_at_any_time_it_leaves_nothing(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        for delay in range(0, 60, 3):
            said = Said()
            step = bench.step("sleep", "100", network="" if delay % 2 else "none")
            running = asyncio.create_task(bench.runner.run(step, said.output, said.begun))
            await asyncio.sleep(delay / 1000)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert await bench.left(step) == []
            assert not running_in(step.id)
        assert bench.networks.fabric.links.ours() != []


@in_own_network
async def test_a_reader_that_fails_ends_the_step(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        step = bench.shell("echo x; sleep 100")

        async def output(stream: str, data: bytes) -> None:
            raise OSError(28, "no room")

        with pytest.raises(OSError, match="no room"):
            await bench.runner.run(step, output, lambda: None)
        assert await bench.left(step) == []


@in_own_network
async def test_an_engine_that_stops_ends_its_steps(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        said = Said()
        step = bench.shell("echo up; sleep 100")
        running = asyncio.create_task(bench.runner.run(step, said.output, said.begun))
        await until(lambda: said.stdout == b"up\n")
        await bench.runner.close()
        with pytest.raises(StepStoppedError):
            await running
        assert await bench.left(step) == []
        with pytest.raises(StepStoppedError):
            await bench.run(bench.step("true"))


@in_own_network
async def test_many_at_once(tmp_path: Path) -> None:
    async with step_bench(tmp_path, keepers=2) as bench:
        steps = [bench.shell(f"echo {n}; exit {n}", network="") for n in range(24)]
        done = await asyncio.gather(*map(bench.run, steps))
        for number, (code, said) in enumerate(done):
            assert (code, said.stdout) == (number, b"%d\n" % number)
        assert [left for step in steps for left in await bench.left(step)] == []


@in_own_network
async def test_a_keeper_that_dies_takes_no_step_along(tmp_path: Path) -> None:
    async with step_bench(tmp_path) as bench:
        step = bench.shell("echo up; while [ ! -e /go/on ]; do usleep 10000; done; echo on; exit 4",
                           mounts=[StepMount("bind", "/go", source=bench.layer("go"))])  # fmt: skip
        said = Said()
        running = asyncio.create_task(bench.runner.run(step, said.output, said.begun))
        await until(lambda: said.stdout == b"up\n")
        keeper = bench.keepers._slots[0]._keeper
        signal.pidfd_send_signal(keeper, signal.SIGKILL)
        Path(f"{bench.root}/made/go/on").touch()
        assert await running == 4
        assert said.stdout == b"up\non\n"
        assert await bench.left(step) == []


def running_in(identifier: str) -> list[str]:
    """Return the processes whose cgroup is that of a step."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if identifier in Path(f"/proc/{name}/cgroup").read_text():
                found.append(name)
        except OSError:
            continue
    return found


async def until(check: object) -> None:
    """Wait until something holds, which the step's own output tells."""
    assert callable(check)
    async with asyncio.timeout(20 * PATIENCE):
        while not check():
            await asyncio.sleep(0.005)
