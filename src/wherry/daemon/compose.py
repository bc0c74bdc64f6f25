"""Builds the engine: every part once, each with exactly what it uses."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from wherry.base.crossing import in_thread
from wherry.base.errors import WherryError
from wherry.daemon.configuration import Options
from wherry.daemon.recovery import Recovery
from wherry.daemon.services import Services
from wherry.engine.containers.attach import AttachToContainer
from wherry.engine.containers.bundle import Bundles
from wherry.engine.containers.create import CreateContainer
from wherry.engine.containers.exits import ExitHandler
from wherry.engine.containers.going_down import GoDown
from wherry.engine.containers.record import Container
from wherry.engine.containers.remove import RemoveContainer
from wherry.engine.containers.service import Containers
from wherry.engine.containers.show import ShowContainers
from wherry.engine.containers.start import StartContainer
from wherry.engine.containers.stop import StopContainer
from wherry.engine.containers.table import ContainerTable
from wherry.engine.containers.waiters import Waiters
from wherry.engine.events import Events
from wherry.engine.exec.service import Execs
from wherry.engine.images.proxies import proxies_of, with_environment
from wherry.engine.images.service import Images
from wherry.engine.networks.sandbox import Sandboxes
from wherry.engine.networks.service import Networks
from wherry.engine.settings import Live, Settings
from wherry.engine.spec import security
from wherry.engine.steps.orphans import end_orphans
from wherry.engine.supervision.keepers import Keepers
from wherry.engine.supervision.values import ExitRecord
from wherry.engine.system.info import Identity
from wherry.engine.system.service import System
from wherry.engine.volumes.service import Volumes
from wherry.keeper.start import default_count
from wherry.linux.boot import boot_id
from wherry.logs.watch import LogWatch
from wherry.oci.reference import Reference
from wherry.runtime.cgroups.manage import remove_parent
from wherry.store.store import Store

if TYPE_CHECKING:
    from wherry.build.service import Builds
    from wherry.daemon.systemd.scope import Scope
    from wherry.engine.steps.runner import StepRunner

log = logging.getLogger(__name__)

ENGINE_ID = "engine-id"
BOOT_ID = "boot-id"
# The build cache keeps a tenth of the disk, and at most this.
_LARGEST_BUDGET = 20 << 30
_MEMORY = "/dev/shm"


class Engine:
    """The parts that the daemon starts and stops; made by `open_engine` on a running loop."""

    def __init__(self, options: Options, stack: contextlib.AsyncExitStack) -> None:
        self._options = options
        self._stack = stack
        self.store = Store.open(options.data_root)
        stack.callback(self.store.close)
        self.id = self._identify()
        self.live = Live(with_environment(options.engine, os.environ))
        self.events = Events()
        self.waiters = Waiters()
        self.log_watch = LogWatch()
        stack.callback(self.log_watch.close)
        self.table = ContainerTable(self.store.metadata.records("containers"))
        known: set[str] = {record.id for record in self.table}
        end_orphans(self.store.layout.containers, options.exec_root, known)
        self.store.snapshots.remove_orphans(known)
        self.bundles = Bundles(self.id, options.exec_root, self.store.snapshots, self.live)
        stack.callback(self._remove_parent_cgroups)
        count = options.keepers or default_count()
        self.keepers = Keepers(options.exec_root, count, self._exited)
        stack.push_async_callback(self.keepers.close)
        self._build()

    def _identify(self) -> str:
        found = self.store.metadata.settings.get(ENGINE_ID)
        if found is None:
            found = secrets.token_hex(6)
            self.store.metadata.settings.set(ENGINE_ID, found)
        return found

    def _build(self) -> None:
        options, store = self._options, self.store
        self.networks = Networks(
            store.metadata.records("networks"), self.table, self.events, self.id, self.live
        )
        self.volumes = Volumes(
            store.metadata.records("volumes"),
            store.layers,
            f"{options.data_root}/volumes",
            self.events,
            self._volume_users,
        )
        self._stack.callback(self.networks.close)
        self.sandboxes = Sandboxes(self.networks, self.table, self.bundles.directory, self.live)
        self.start = StartContainer(
            self.table, self.bundles, self.keepers, self.sandboxes, self.volumes, self.events,
            self.log_watch, self._start_failed,
        )  # fmt: skip
        self.stop = StopContainer(
            self.table, self.bundles, self.keepers, self.waiters, self.events, self.start.run
        )
        self.remove = RemoveContainer(
            self.table, store.snapshots, self.volumes, self.sandboxes, self.waiters, self.events,
            self.log_watch, self.stop.kill_now,
        )  # fmt: skip
        self.exits = ExitHandler(
            self.table, self.bundles, self.keepers, self.sandboxes, self.waiters, self.events,
            self.log_watch, self.start.run, self.remove.remove,
        )  # fmt: skip
        self._stack.push_async_callback(self.exits.close)
        self.execs = Execs(self.table, self.bundles, self.keepers, self.events, options.exec_root)
        self.images = Images(
            store, self.events, self.table, self.stop, self.live.current.transfers,
            is_own=self._is_own(),
        )  # fmt: skip
        self._stack.push_async_callback(self.images.close)
        self._made_steps: StepRunner | None = None
        self._made_builds: Builds | None = None
        self._stack.push_async_callback(self._close_builds)
        # Where secrets of builds lie until a step has them mounted: in memory, and empty now.
        memory = os.path.ismount(_MEMORY)
        self._secrets_root = (
            f"{_MEMORY}/wherry-{self.id}" if memory else f"{options.exec_root}/secrets"
        )
        shutil.rmtree(self._secrets_root, ignore_errors=True)
        self._stack.callback(shutil.rmtree, self._secrets_root, ignore_errors=True)
        self.system = self._system()
        self.recovery = Recovery(
            self.table, self.bundles, self.keepers, self.sandboxes, self.exits, self.start,
            self.remove,
        )  # fmt: skip
        self.go_down = GoDown(self.table, self.stop, self.exits)

    def _is_own(self) -> Callable[[Reference], bool]:
        """Return what tells the names of the registry that this engine serves, if any."""
        if self._options.registry is None:
            return lambda _: False
        # Loaded by an engine that serves one.
        from wherry.daemon.registry import names_of  # noqa: PLC0415

        return names_of(self._options.registry).is_own

    def services(self) -> Services:
        """Return what the API is built on."""
        containers = Containers(
            self.table,
            self.waiters,
            self.events,
            create=self._create(),
            start=self.start,
            stop=self.stop,
            remove=self.remove,
            show=ShowContainers(
                self.table, self.store.snapshots, self.bundles, self.images.size_of,
                self.images.descendants, self.live,
            ),
            attach=AttachToContainer(
                self.table, self.bundles, self.keepers, self.log_watch, self.start.started
            ),
            renamed=self.sandboxes.names.renamed,
        )  # fmt: skip
        return Services(
            containers, self.execs, self.images, self.networks, self.volumes, self.system,
            self._builds,
        )  # fmt: skip

    def _system(self) -> System:
        options = self._options
        identity = Identity(
            self.id, options.data_root, options.hosts, encrypted=options.tls is not None,
            verified=options.tls is not None and options.tls.verify,
        )  # fmt: skip
        return System(
            identity, self.store, self.table, self.events, self.images.check_credentials, self.live,
            lambda: self.networks.fabric.in_use,
        )  # fmt: skip

    def reconfigure(self, settings: Settings) -> None:
        """Take up new settings, for what begins from now on; networks keep those of the start.

        Raises InvalidError where they cannot be; then everything is as it was.
        """
        wanted = with_environment(settings, os.environ)
        wanted = replace(wanted, networks=self.live.current.networks)
        restraints = security.defaults(wanted.containers)
        self.images.reconfigure(wanted.transfers)
        self.bundles.security, self.live.current = restraints, wanted
        self.system.reloaded()

    @property
    def steps(self) -> StepRunner:
        """What runs the steps of builds."""
        if self._made_steps is None:
            # With the first build, as below.
            from wherry.engine.steps.runner import StepRunner  # noqa: PLC0415

            self._made_steps = StepRunner(
                self.bundles, self.keepers, self.sandboxes, self.log_watch,
                self.store.layout.empty_layer,
            )  # fmt: skip
        return self._made_steps

    def _builds(self) -> Builds:
        # Loaded by the first who builds: it is a third of the engine.
        from wherry.build.service import Builds  # noqa: PLC0415
        from wherry.engine.images.building import BuildImages  # noqa: PLC0415

        images = BuildImages(self.images, self.store.images)
        disk = os.statvfs(self._options.data_root)
        budget = min(disk.f_blocks * disk.f_frsize // 10, _LARGEST_BUDGET)
        builds = Builds(
            self.store, images, images, self.steps, secrets_root=self._secrets_root,
            budget=self._options.build_cache or budget,
            proxies=lambda: proxies_of(self.live.current.transfers),
        )  # fmt: skip
        self._made_builds = builds
        return builds

    async def _close_builds(self) -> None:
        if self._made_builds is not None:
            await self._made_builds.close()
        if self._made_steps is not None:
            await self._made_steps.close()

    def _create(self) -> CreateContainer:
        return CreateContainer(
            self.table, self.store.images, self.store.snapshots, self.volumes, self.sandboxes,
            self.events, self.live,
        )  # fmt: skip

    def _volume_users(self, name: str) -> list[str]:
        """Return the ids of the containers that use a volume."""
        return [
            record.id
            for record in self.table
            if any(point.type == "volume" and point.name == name for point in record.mounts)
        ]

    def _exited(self, exited: ExitRecord) -> None:
        if self._made_steps is not None and self._made_steps.exited(exited):
            return
        if self.execs.exited(exited):
            self.exits.later(self.keepers.forget(exited.id))
            return
        record = self.table.get(exited.id)
        if record is None:
            self.exits.later(self.keepers.forget(exited.id))
            return
        self.execs.container_ended(record.id)
        self.exits.handle(record, exited)

    def _start_failed(self, record: Container) -> None:
        if record.host_config.auto_remove:
            self.exits.later(self._remove_failed(record))

    async def _remove_failed(self, record: Container) -> None:
        async with self.table.lock(record):
            if self.table.get(record.id) is not None and not record.state.running:
                await self.remove.remove(record)

    async def recover(self, scope: Scope | None = None) -> None:
        """Find out what became of everything; before anybody may ask.

        With `scope` new containers are put there, and those who hold them.
        """
        settings = self.store.metadata.settings
        boot = boot_id()
        await in_thread(self.sandboxes.restore_all)
        await self.recovery.recover(booted=settings.get(BOOT_ID) not in (None, boot))
        # Only now: a recovery that is cut short has to be done again.
        settings.set(BOOT_ID, boot)
        await in_thread(self.networks.configure)
        await in_thread(self.networks.sweep)
        if scope is not None:
            await self._move_to(scope)

    async def _move_to(self, scope: Scope) -> None:
        try:
            await in_thread(scope.take, self.keepers.pids())
        except (WherryError, OSError) as error:
            log.warning("systemd gives no cgroup for containers, which go on without: %s", error)
            return
        self.bundles.parent_cgroup = scope.path
        self.keepers.on_spawned = scope.take_one
        # What is left there of earlier ones.
        await in_thread(self.recovery.remove_stray_cgroups)

    def _remove_parent_cgroups(self) -> None:
        for parent in {self.bundles.own_cgroup, self.bundles.parent_cgroup}:
            remove_parent(parent)

    async def shut_down(self) -> None:
        """Take back what only a running engine needs; containers go on."""
        if not any(record.state.running for record in self.table):
            await in_thread(self.networks.teardown)
