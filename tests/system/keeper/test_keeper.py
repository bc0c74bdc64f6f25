"""A keeper process, spoken to as the engine does."""

from __future__ import annotations

import asyncio
import os
import select
import signal

import pytest

from fixtures.keepers import Bench
from wherry.keeper import exits
from wherry.keeper.client import Exited, KeeperClient, LaunchError, Lost
from wherry.keeper.protocol import Phase
from wherry.keeper.start import Spawned
from wherry.logs.reader import Query, lines
from wherry.logs.record import Kind, decode


def output(bench: Bench, name: str) -> list[bytes]:
    return [line.data for line in lines(bench.log_directory(name), Query())]


async def test_it_runs_from_a_sealed_copy(keeper: KeeperClient, spawned: Spawned) -> None:
    await keeper.hello()
    exe = f"/proc/{spawned.pid}/exe"
    assert os.readlink(exe).startswith("/memfd:wherry-keeper")
    with pytest.raises(OSError, match=r"(?i)(busy|permitted|denied)"):
        os.open(exe, os.O_WRONLY)
    assert os.getsid(spawned.pid) == spawned.pid


async def test_a_container_from_create_to_forget(bench: Bench, keeper: KeeperClient) -> None:
    custody = await keeper.create(
        bench.container("c", "sh", "-c", "echo out; echo err >&2; exit 3")
    )
    assert custody.pidfd is not None
    assert custody.terminal is None
    started = await keeper.start("c")
    exited = await bench.event()
    assert exited == Exited("c", 3 << 8, exited.at_ns)
    assert exited.at_ns >= started.at_ns
    assert sorted(output(bench, "c")) == [b"err\n", b"out\n"]
    assert exits.read_all(bench.exec_root) == {"c": exited}
    assert [held.phase for held in (await keeper.hello()).held] == [Phase.EXITED]
    await keeper.forget("c")
    assert (await keeper.hello()).held == []
    assert exits.read_all(bench.exec_root) == {}
    assert os.listdir(f"{bench.exec_root}/stdio") == []
    custody.close()


async def test_a_run_is_framed_in_the_log(bench: Bench, keeper: KeeperClient) -> None:
    (await keeper.create(bench.container("c", "true"))).close()
    await keeper.start("c")
    await bench.event()
    with open(f"{bench.log_directory('c')}/index.0", "rb") as file:
        assert [record.kind for record in decode(file.read())] == [Kind.RUN_START, Kind.RUN_END]


async def test_a_command_that_is_not_there(bench: Bench, keeper: KeeperClient) -> None:
    (await keeper.create(bench.container("c", "nosuch"))).close()
    with pytest.raises(LaunchError, match="executable file not found") as caught:
        await keeper.start("c")
    assert (caught.value.exit_code, caught.value.step) == (127, "exec")
    assert (await keeper.hello()).held == []


async def test_a_bundle_that_is_not_there(bench: Bench, keeper: KeeperClient) -> None:
    request = bench.container("c", "true")
    os.unlink(f"{request.bundle}/config.json")
    with pytest.raises(LaunchError, match="gone"):
        await keeper.create(request)
    assert (await keeper.hello()).held == []


async def test_a_created_container_can_be_abandoned(bench: Bench, keeper: KeeperClient) -> None:
    custody = await keeper.create(bench.container("c", "true"))
    await keeper.kill_created("c")
    assert not os.path.exists(f"/proc/{custody.pid}")
    assert (await keeper.hello()).held == []
    custody.close()
    with pytest.raises(LaunchError, match="gone"):
        await keeper.start("c")


async def test_an_id_is_held_once(bench: Bench, keeper: KeeperClient) -> None:
    (await keeper.create(bench.container("c", "sleep", "60"))).close()
    with pytest.raises(LaunchError, match="held already"):
        await keeper.create(bench.container("c", "true"))
    await keeper.kill_created("c")


async def test_stdin_ends_when_both_have_closed_it(bench: Bench, keeper: KeeperClient) -> None:
    custody = await keeper.create(bench.container("c", "cat", open_stdin=True))
    await keeper.start("c")
    assert custody.stdin is not None
    os.write(custody.stdin, b"typed\n")
    await keeper.close_stdin("c")
    custody.close()
    assert (await bench.event()) is not None
    assert output(bench, "c") == [b"typed\n"]


async def test_a_terminal_is_logged_too(bench: Bench, keeper: KeeperClient) -> None:
    command = ("sh", "-c", "read line; echo got $line; test -t 0")
    custody = await keeper.create(bench.container("c", *command, terminal=True))
    assert custody.terminal is not None
    await keeper.start("c")
    os.write(custody.terminal, b"word\n")
    exited = await bench.event()
    assert isinstance(exited, Exited)
    assert exited.wait_status == 0
    assert output(bench, "c") == [b"word\r\n", b"got word\r\n"]
    custody.close()


async def test_exec_runs_and_is_reaped(bench: Bench, keeper: KeeperClient) -> None:
    custody = await keeper.create(bench.container("c", "sleep", "60"))
    await keeper.start("c")
    read, write = os.pipe()
    null = os.open("/dev/null", os.O_RDONLY)
    running = await keeper.exec(
        bench.exec("e", "c", "sh", "-c", "echo hi; exit 7", stdio=(null, write, write))
    )
    os.close(write)
    os.close(null)
    assert await bench.event() == Exited("e", 7 << 8, (await keeper.hello()).held[1].at_ns)
    assert os.read(read, 100) == b"hi\n"
    os.close(read)
    running.close()
    assert custody.pidfd is not None
    signal.pidfd_send_signal(custody.pidfd, signal.SIGKILL)
    killed = await bench.event()
    assert isinstance(killed, Exited)
    assert killed.wait_status == signal.SIGKILL
    custody.close()


async def test_exec_needs_a_running_container(bench: Bench, keeper: KeeperClient) -> None:
    with pytest.raises(LaunchError, match="not running"):
        await keeper.exec(bench.exec("e", "c", "true", stdio=(0, 1, 2)))


async def test_it_goes_on_without_the_engine(bench: Bench, spawned: Spawned) -> None:
    client = await KeeperClient.connect(spawned.path, bench.events.put_nowait)
    custody = await client.create(
        bench.container("c", "sh", "-c", "read x; echo after; exit 5", open_stdin=True)
    )
    await client.start("c")
    assert custody.stdin is not None
    client.close()
    os.write(custody.stdin, b"go\n")
    assert custody.pidfd is not None
    await asyncio.to_thread(wait_for_exit, custody.pidfd)
    custody.close()
    again = await KeeperClient.connect(spawned.path, bench.events.put_nowait)
    (held,) = (await again.hello()).held
    assert (held.phase, held.wait_status) == (Phase.EXITED, 5 << 8)
    assert output(bench, "c") == [b"after\n"]
    again.close()


def wait_for_exit(pidfd: int) -> None:

    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    assert poll.poll(10_000)


async def test_the_newest_connection_that_speaks_wins(
    bench: Bench, spawned: Spawned, keeper: KeeperClient
) -> None:
    await keeper.hello()
    newer = await KeeperClient.connect(spawned.path, bench.events.put_nowait)
    assert (await keeper.hello()).pid == spawned.pid
    assert (await newer.hello()).pid == spawned.pid
    assert await bench.event() == Lost()
    newer.close()


async def test_it_retires_only_with_nothing_held(
    bench: Bench, spawned: Spawned, keeper: KeeperClient
) -> None:
    (await keeper.create(bench.container("c", "sleep", "60"))).close()
    assert await keeper.retire() is False
    os.kill(spawned.pid, signal.SIGTERM)
    assert len((await keeper.hello()).held) == 1
    await keeper.kill_created("c")
    assert await keeper.retire() is True
    assert os.waitpid(spawned.pid, 0)[1] == 0
    assert not os.path.exists(spawned.path)
    assert os.path.getsize(f"{bench.exec_root}/keeper-0.log") == 0


async def test_told_to_end_without_an_engine_it_ends_after_its_last_container(
    bench: Bench, spawned: Spawned, keeper: KeeperClient
) -> None:
    custody = await keeper.create(bench.container("c", "sleep", "60"))
    await keeper.start("c")
    pidfd = os.pidfd_open(spawned.pid)
    try:
        os.kill(spawned.pid, signal.SIGTERM)
        assert len((await keeper.hello()).held) == 1  # the engine decides while it is there
        keeper.close()
        os.kill(custody.pid, signal.SIGKILL)
        await asyncio.to_thread(wait_for_exit, pidfd)
    finally:
        os.close(pidfd)
        custody.close()
    assert os.waitpid(spawned.pid, 0)[1] == 0
    assert exits.read_all(bench.exec_root)["c"].wait_status == signal.SIGKILL
