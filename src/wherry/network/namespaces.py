"""Network namespaces held by descriptors: made, entered and configured without a process in them.

Entering is done in a thread that lives for it alone: a thread's namespace is its own, and one that
could not go back would otherwise do somebody else's work in the wrong place.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Final, TypeVar

from wherry.base.values import dataclass
from wherry.linux import namespaces, netlink, pidfd

Result = TypeVar("Result")
_DEFAULT_IPV6: Final = "/proc/sys/net/ipv6/conf/default/disable_ipv6"


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network namespace: its descriptor, and a netlink socket that was made in it."""

    descriptor: int
    netlink: netlink.Netlink

    def close(self) -> None:
        """Let go; the namespace ends with the last process and descriptor in it."""
        os.close(self.descriptor)
        self.netlink.close()


def make() -> Namespace:
    """Make a namespace with its loopback up; new interfaces in it get no IPv6."""

    def inside() -> Namespace:
        namespaces.unshare(namespaces.CLONE_NEWNET)
        # A kernel without IPv6 has nothing to switch off.
        with contextlib.suppress(OSError), open(_DEFAULT_IPV6, "w", encoding="ascii") as file:
            file.write("1")
        return _here()

    made = _in_thread(inside)
    try:
        made.netlink.run([netlink.set_up(1)])
    except BaseException:
        made.close()
        raise
    return made


def of_process(pid: int) -> Namespace:
    """Open the namespace of a process."""
    return entered(f"/proc/{pid}/ns/net")


def entered(path: str) -> Namespace:
    """Open a namespace by a path that leads to it; it is not changed: it may be the host's."""
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return within(opened, _here)
    finally:
        os.close(opened)


def within(descriptor: int, function: Callable[[], Result]) -> Result:
    """Run a function in the namespace of a descriptor."""

    def inside() -> Result:
        pidfd.join_namespaces(descriptor, namespaces.CLONE_NEWNET)
        return function()

    return _in_thread(inside)


def _here() -> Namespace:
    descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return Namespace(descriptor, netlink.Netlink())
    except BaseException:
        os.close(descriptor)
        raise


def _in_thread(function: Callable[[], Result]) -> Result:
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(function())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="network-namespace")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]
