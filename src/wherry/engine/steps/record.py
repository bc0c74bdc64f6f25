"""From a step to a container's record, which is never stored: pure."""

from __future__ import annotations

from wherry.base.ids import ContainerId
from wherry.build.ports import Step
from wherry.engine.containers.record import Container, State
from wherry.engine.spec import environment, resources
from wherry.oci.digest import Digest
from wherry.wire.build import Limits
from wherry.wire.container_config import Config, HostConfig, Ulimit

_NAME_DIGITS = 12


def record_of(step: Step, cpus: int) -> Container:
    """Return the record that the engine's parts work by; raises InvalidError in Docker's words.

    An insecure step is a privileged container.
    """
    line = environment.command(step.arguments, ())
    host = _host_config(step, step.limits)
    resources.check(host, cpus)
    return Container(
        id=ContainerId(step.id),
        name=step.id[:_NAME_DIGITS],
        created=0,
        config=Config(
            hostname=step.hostname,
            user=step.user,
            env=list(step.environment),
            working_dir=step.working_directory,
            open_stdin=bool(step.stdin),
            stdin_once=True,
        ),
        host_config=host,
        image_id=Digest(""),
        image_name="",
        path=line[0],
        args=line[1:],
        state=State(),
    )


def _host_config(step: Step, limits: Limits) -> HostConfig:
    return HostConfig(
        network_mode=step.network or "default",
        extra_hosts=list(step.extra_hosts),
        privileged=step.insecure,
        shm_size=limits.shm_size,
        # A step is a program that ends, and nobody's parent.
        init=False,
        memory=limits.memory,
        memory_swap=limits.memory_swap,
        cpu_shares=limits.cpu_shares,
        cpu_period=limits.cpu_period,
        cpu_quota=limits.cpu_quota,
        cpuset_cpus=limits.cpuset_cpus,
        cpuset_mems=limits.cpuset_mems,
        cgroup_parent=limits.cgroup_parent,
        ulimits=[Ulimit(name, soft, hard) for name, soft, hard in limits.ulimits],
    )
