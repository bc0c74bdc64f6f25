"""Whatever is killed, no process, no line and no exit code is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

import pytest

from fixtures.keepers import Bench, keepers_of
from fixtures.waiting import PATIENCE
from wherry.engine.supervision.values import KnownProcess
from wherry.keeper.client import KeeperLostError, LaunchError
from wherry.keeper.protocol import Custody, send
from wherry.logs.reader import Query, lines

Engines = Callable[..., Any]

# Writes numbered lines until its standard input ends, then exits with the code that it read.
WRITER = """
i=0
while :; do
  i=$((i+1)); echo "line $i"
  if [ $((i % 50)) = 0 ] && [ -e "$1" ]; then break; fi
done
echo "$i" > "$1.count"
exit "$2"
"""


def writer(bench: Bench, number: int) -> Any:
    stop = str(bench.root / f"stop-{number}")
    return bench.container(f"c{number}", "bash", "-c", WRITER, "writer", stop, str(number))


def known(custody: Custody) -> KnownProcess:
    return KnownProcess(
        custody.id, custody.pid, custody.start_ticks, custody.log_directory, custody.log_options
    )


def stop(bench: Bench, number: int) -> None:
    (bench.root / f"stop-{number}").touch()


def assert_all_lines(bench: Bench, number: int) -> None:
    count = int((bench.root / f"stop-{number}.count").read_text())
    found = [line.data for line in lines(bench.log_directory(f"c{number}"), Query())]
    assert found == [b"line %d\n" % n for n in range(1, count + 1)]


async def started(engine: Any, requests: list[Any]) -> list[Custody]:
    custodies = []
    for request in requests:
        custodies.append(await engine.keepers.create(request))
        await engine.keepers.start(request.id)
    return custodies


async def collect(bench: Bench, engine: Any, count: int) -> None:
    """Stop `count` writers and check how they ended and what they said."""
    for number in range(count):
        stop(bench, number)
    codes = {}
    for _ in range(count):
        record = await engine.exit()
        codes[record.id] = record.exit_code
        await engine.keepers.forget(record.id)
    assert codes == {f"c{number}": number for number in range(count)}
    for number in range(count):
        assert_all_lines(bench, number)


async def test_it_spreads_and_ends_with_nothing_left(bench: Bench, engines: Engines) -> None:
    engine = engines(2)
    assert await engine.keepers.recover([]) == []
    custodies = await started(engine, [writer(bench, number) for number in range(4)])
    parents = {parent_of(custody.pid) for custody in custodies}
    assert parents == set(keepers_of(bench))
    assert len(parents) == 2
    await collect(bench, engine, 4)
    await engine.keepers.close()
    assert keepers_of(bench) == []
    left = [name for name in os.listdir(bench.exec_root) if not name.endswith(".log")]
    assert sorted(left) == ["exits", "stdio"]
    assert os.listdir(f"{bench.exec_root}/exits") == []
    assert os.listdir(f"{bench.exec_root}/stdio") == []


def parent_of(pid: int) -> int:
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[1])


async def test_killed_keepers_are_replaced(bench: Bench, engines: Engines) -> None:
    engine = engines(2)
    await engine.keepers.recover([])
    await started(engine, [writer(bench, number) for number in range(6)])
    for _ in range(3):
        before = keepers_of(bench)
        os.kill(before[0], signal.SIGKILL)
        while len(now := keepers_of(bench)) < 2 or before[0] in now:
            await asyncio.sleep(0.01)
    await collect(bench, engine, 6)


async def test_an_exit_while_no_keeper_is_there(bench: Bench, engines: Engines) -> None:
    engine = engines(1)
    await engine.keepers.recover([])
    (custody,) = await started(engine, [writer(bench, 0)])
    (keeper,) = keepers_of(bench)
    os.kill(keeper, signal.SIGSTOP)
    stop(bench, 0)
    # The pipe may be full by now, for nobody reads. Take the keeper away altogether.
    os.kill(keeper, signal.SIGKILL)
    while not (bench.root / "stop-0.count").exists():
        await asyncio.sleep(0.01)
    record = await engine.exit()
    assert (record.id, record.exit_code, record.signal) == ("c0", 0, None)
    assert_all_lines(bench, 0)
    assert custody.pid > 0


async def test_the_next_engine_takes_over(bench: Bench, engines: Engines) -> None:
    first = engines(2)
    await first.keepers.recover([])
    custodies = await started(first, [writer(bench, number) for number in range(5)])
    processes = [known(custody) for custody in custodies]
    first.drop()
    stop(bench, 4)
    while not (bench.root / "stop-4.count").exists():
        await asyncio.sleep(0.01)
    second = engines(2)
    recovered = {each.id: each for each in await second.keepers.recover(processes)}
    running = {i for i, each in recovered.items() if each.custody is not None}
    assert running >= {"c0", "c1", "c2", "c3"}
    if "c4" not in running:
        assert recovered["c4"].exit.exit_code == 4
        await second.keepers.forget("c4")
        assert_all_lines(bench, 4)
        await collect(bench, second, 4)
    else:
        await collect(bench, second, 5)
    await second.keepers.close()
    assert keepers_of(bench) == []


async def test_both_dead_loses_no_line(bench: Bench, engines: Engines) -> None:
    first = engines(1)
    await first.keepers.recover([])
    custodies = await started(first, [writer(bench, number) for number in range(3)])
    processes = [known(custody) for custody in custodies]
    for pid in keepers_of(bench):
        os.kill(pid, signal.SIGKILL)
    first.drop()
    second = engines(1)
    recovered = await second.keepers.recover(processes)
    assert all(each.custody is not None for each in recovered)
    await collect(bench, second, 3)


async def test_a_process_that_is_gone(bench: Bench, engines: Engines) -> None:
    engine = engines(1)
    here = os.getpid()
    (found,) = await engine.keepers.recover([KnownProcess("old", here, 1)])
    assert (found.custody, found.exit) == (None, None)


async def test_a_killed_process_and_an_exec(bench: Bench, engines: Engines) -> None:
    engine = engines(1)
    await engine.keepers.recover([])
    (custody,) = await started(engine, [bench.container("c", "sleep", "60")])
    null = os.open("/dev/null", os.O_RDWR)
    await engine.keepers.exec(bench.exec("e", "c", "sh", "-c", "exit 9", stdio=(null,) * 3))
    os.close(null)
    record = await engine.exit()
    assert (record.id, record.exit_code) == ("e", 9)
    await engine.keepers.forget("e")
    signal.pidfd_send_signal(custody.pidfd, signal.SIGTERM)
    record = await engine.exit()
    assert (record.id, record.exit_code, record.signal) == ("c", 143, 15)


async def test_a_created_container_does_not_outlive_its_keeper(
    bench: Bench, engines: Engines
) -> None:
    engine = engines(1)
    await engine.keepers.recover([])
    custody = await engine.keepers.create(bench.container("c", "true"))
    os.kill(keepers_of(bench)[0], signal.SIGKILL)
    with pytest.raises((LaunchError, KeeperLostError)):
        await engine.keepers.start("c")
    await engine.keepers.abandon("c")
    while os.path.exists(f"/proc/{custody.pid}"):
        await asyncio.sleep(0.01)
    await started(engine, [bench.container("c", "sh", "-c", "exit 1")])
    assert (await engine.exit()).exit_code == 1


async def test_a_failed_start_leaves_nothing(bench: Bench, engines: Engines) -> None:
    engine = engines(1)
    await engine.keepers.recover([])
    with pytest.raises(LaunchError, match="not found"):
        await started(engine, [bench.container("c", "nosuch")])
    assert engine.keepers.held("c") is None
    await engine.keepers.close()
    assert keepers_of(bench) == []


async def replaced(bench: Bench) -> None:
    """Kill the one keeper and wait for the next."""
    (keeper,) = keepers_of(bench)
    os.kill(keeper, signal.SIGKILL)
    while keepers_of(bench) in ([], [keeper]):
        await asyncio.sleep(0.01)


async def test_a_terminal_outlives_its_keeper(bench: Bench, engines: Engines) -> None:
    engine = engines(1)
    await engine.keepers.recover([])
    script = "while read line; do echo got $line; done; exit 2"
    request = bench.container("c", "sh", "-c", script, terminal=True)
    (custody,) = await started(engine, [request])
    for word in ("before", "between", "after"):
        os.write(custody.terminal, word.encode() + b"\n")
        if word != "after":
            await replaced(bench)
    os.write(custody.terminal, b"\x04")
    assert (await engine.exit()).exit_code == 2
    text = b"".join(line.data for line in lines(bench.log_directory("c"), Query()))
    for word in (b"before", b"between", b"after"):
        assert text.count(b"got " + word + b"\r\n") == 1


async def test_standard_input_outlives_its_keeper(bench: Bench, engines: Engines) -> None:
    engine = engines(1)
    await engine.keepers.recover([])
    (custody,) = await started(engine, [bench.container("c", "cat", open_stdin=True)])
    os.write(custody.stdin, b"one\n")
    await replaced(bench)
    os.write(custody.stdin, b"two\n")
    await engine.keepers.close_stdin("c")
    assert (await engine.exit()).exit_code == 0
    assert [line.data for line in lines(bench.log_directory("c"), Query())] == [b"one\n", b"two\n"]


async def test_an_engine_that_died_before_the_start(bench: Bench, engines: Engines) -> None:
    first = engines(1)
    await first.keepers.recover([])
    custody = await first.keepers.create(bench.container("c", "true"))
    first.drop()
    second = engines(1)
    assert await second.keepers.recover([]) == []
    assert not os.path.exists(f"/proc/{custody.pid}")
    await started(second, [bench.container("c", "sh", "-c", "exit 6")])
    assert (await second.exit()).exit_code == 6


async def test_exits_that_were_not_acknowledged_are_told_again(
    bench: Bench, engines: Engines
) -> None:
    first = engines(1)
    await first.keepers.recover([])
    (custody,) = await started(first, [bench.container("c", "sh", "-c", "exit 8")])
    assert (await first.exit()).exit_code == 8
    process = known(custody)
    first.drop()
    for pid in keepers_of(bench):
        os.kill(pid, signal.SIGKILL)
    second = engines(1)
    (recovered,) = await second.keepers.recover([process])
    assert recovered.exit is not None
    assert recovered.exit.exit_code == 8
    await second.keepers.forget("c")
    assert os.listdir(f"{bench.exec_root}/exits") == []


async def test_what_the_engine_does_not_know_is_told_too(bench: Bench, engines: Engines) -> None:
    first = engines(1)
    await first.keepers.recover([])
    await started(first, [bench.container("c", "sleep", "60")])
    first.drop()
    second = engines(1)
    (recovered,) = await second.keepers.recover([])
    assert recovered.id == "c"
    assert recovered.custody is not None


async def test_a_keeper_whose_connection_was_lost_ends_with_the_engine(
    bench: Bench, engines: Engines
) -> None:
    engine = engines()
    await engine.keepers.recover([])
    [slot] = engine.keepers._slots
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
        other.connect(slot.path)
        send(other, {"op": "hello", "seq": 1})  # takes the engine's place
        async with asyncio.timeout(10 * PATIENCE):
            while not slot.connection().closed:
                await asyncio.sleep(0.001)
    await engine.keepers.close()
    assert keepers_of(bench) == []
