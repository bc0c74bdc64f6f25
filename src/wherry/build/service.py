"""The verb: build. Reads the Dockerfile, checks it, plans, solves, exports.

Nothing is named before all of it is there. After a failure what was finished is in the cache and
nothing else is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from wherry.base.crossing import in_thread
from wherry.base.errors import InvalidError, WherryError
from wherry.build.chores import Chores, empty_all, until_done
from wherry.build.context.remote import PathAddress, classify
from wherry.build.contexts import Contexts
from wherry.build.dockerfile.instructions import Dockerfile
from wherry.build.dockerfile.parse import parse
from wherry.build.export.image import Made
from wherry.build.export.outputs import Built, Exporter
from wherry.build.graph.actions import Note
from wherry.build.graph.plan import Plan, Wanted, make_plan
from wherry.build.graph.variables import EPOCH
from wherry.build.ops.cachemounts import CacheMounts
from wherry.build.options import BuildOptions
from wherry.build.ports import Images, Published, Runner, Session
from wherry.build.progress import Finished, Planned, PlannedStep, Report, Said
from wherry.build.review import require_none, review
from wherry.build.solve.solver import Solver
from wherry.build.solve.tools import BaseImages, Tools
from wherry.build.source import read_dockerfile
from wherry.oci.image import ImageConfig, Platform
from wherry.registry.client.proxies import Proxies
from wherry.store.buildcache import CacheUsage
from wherry.store.lease import Lease
from wherry.store.store import Store

_SECOND_NS: Final = 1_000_000_000
log = logging.getLogger(__name__)


class Builds:
    """Builds images; one for the engine."""

    def __init__(
        self,
        store: Store,
        images: Images,
        published: Published,
        runner: Runner,
        *,
        secrets_root: str,
        budget: int,
        proxies: Callable[[], Proxies | None] = lambda: None,
    ) -> None:
        """`proxies` are for what a build downloads; those of the environment if None."""
        self._store = store
        self._images = images
        self._published = published
        self._runner = runner
        self._secrets_root = secrets_root
        self._budget = budget
        self._proxies = proxies
        self._cache_mounts = CacheMounts(store.build_cache)
        self._at_work: set[str] = set()
        self._cancellable: dict[str, asyncio.Task[Any]] = {}
        self._chores = Chores()

    @property
    def spool_directory(self) -> str:
        """Where contexts are kept while a build needs them."""
        return self._store.layout.partials

    @contextlib.contextmanager
    def cancellable(self, identity: str) -> Iterator[None]:
        """Let `cancel` end what the present task does inside, under this name."""
        task = asyncio.current_task()
        assert task is not None, "builds are made on the event loop"
        if identity:
            self._cancellable[identity] = task
        try:
            yield
        finally:
            self._cancellable.pop(identity, None)

    def cancel(self, identity: str) -> None:
        """End the build of this name, if there is one."""
        if task := self._cancellable.get(identity):
            task.cancel()

    async def build(self, options: BuildOptions, session: Session, report: Report) -> Built:
        """Build. Raises DockerfileError, StepFailedError, and what a source or the store says."""
        begun = time.monotonic()
        lease = Lease(self._store, f"build-{time.time_ns():x}")
        self._at_work.add(lease.name)
        contexts = Contexts(self._store, session, options, report, self._proxies())
        try:
            tools = Tools(
                self._store, self._runner, self._images, session, contexts, self._cache_mounts,
                lease, options, report, self._secrets_root, _epoch(options.arguments),
            )  # fmt: skip
            built = await self._build(tools, begun)
        except BaseException:
            self._chores.later(until_done(lease.discard, "removing what a build has left"))
            raise
        finally:
            await contexts.close()
            self._at_work.discard(lease.name)
        try:
            await in_thread(lease.release)
        except (WherryError, OSError):
            # It is built all the same: on a full disk not even this can be written.
            self._chores.later(until_done(lease.release, "ending a build"))
        self._chores.later(self.keep_budget())
        return built

    async def _build(self, tools: Tools, begun: float) -> Built:
        source = await read_dockerfile(tools.options, tools.contexts.whole)
        file = parse(source.text, source.name)
        images = BaseImages(tools)
        try:
            plan, configs = await self._plan(tools, file, images)
            if tools.options.check:
                return Built()
            return await self._execute(tools, plan, configs, images, begun)
        finally:
            await images.close()

    async def _plan(
        self, tools: Tools, file: Dockerfile, images: BaseImages
    ) -> tuple[Plan, Mapping[str, ImageConfig]]:
        """Plan, and review what is planned."""
        configs: dict[str, ImageConfig] = {}

        async def config_of(reference: str, platform: Platform | None) -> ImageConfig:
            configs[reference] = (await images.find(reference, platform)).config
            return configs[reference]

        plan = await make_plan(file, _wanted(tools.options), config_of, _is_remote)
        ignored = await tools.contexts.ignored()
        found = review(file, plan, configs, tools.options, ignored)
        for one in found:
            tools.report(one)
        require_none(file, tools.options, found)
        return plan, configs

    async def _execute(
        self,
        tools: Tools,
        plan: Plan,
        configs: Mapping[str, ImageConfig],
        images: BaseImages,
        begun: float,
    ) -> Built:
        tools.report(_planned(plan))
        if plan.unused_arguments:
            names = " ".join(plan.unused_arguments)
            tools.report(Said(f"[Warning] One or more build-args [{names}] were not consumed"))
        solver = Solver(tools, plan, images)
        try:
            chain = await solver.solve()
        finally:
            if solver.discarded:
                self._chores.later(in_thread(empty_all, solver.discarded))
        made = {n: Made(o.layer is not None, o.created) for n, o in solver.outcomes.items()}
        built = await Exporter(tools, self._published, plan, configs, made).export(chain)
        seconds = time.monotonic() - begun
        report = Finished(built.image, built.names, seconds, solver.cached, plan.steps)
        tools.report(report)
        return built

    async def usage(self) -> Sequence[CacheUsage]:
        """Return what the cache holds."""
        cache = self._store.build_cache
        return await in_thread(cache.usage, lambda: self._cache_mounts.in_use)

    async def prune(
        self,
        *,
        all_: bool = False,
        keep_bytes: int = 0,
        filters: Mapping[str, Sequence[str]] | None = None,
        older_than_ns: int | None = None,
    ) -> tuple[Sequence[str], int]:
        """Remove steps that no build is using now; returns their keys, and the bytes freed."""
        return await in_thread(
            self._store.build_cache.prune,
            all_=all_,
            keep_bytes=keep_bytes,
            filters=filters or {},
            older_than_ns=older_than_ns,
            mounts_in_use=lambda: self._cache_mounts.in_use,
        )

    async def keep_budget(self) -> None:
        """Remove the steps that were not used for longest, until the rest fits the budget."""
        if self._at_work:
            return  # whoever ends last does it
        try:
            await self.prune(keep_bytes=self._budget)
        except (WherryError, OSError) as error:
            log.warning("the build cache could not be brought below its budget: %s", error)

    async def close(self) -> None:
        """End what is done in the background."""
        await self._chores.close()


def _wanted(options: BuildOptions) -> Wanted:
    allowed = set(options.allow)
    if options.network == "host":
        allowed.add("network.host")  # whoever asks for all of the build asks for its steps
    return Wanted(
        options.target,
        options.arguments,
        options.platform,
        options.network,
        frozenset(allowed),
        options.contexts,
    )


def _is_remote(text: str) -> bool:
    return not isinstance(classify(text, is_context=False), PathAddress)


def _planned(plan: Plan) -> Planned:
    steps = [
        PlannedStep(
            action.number,
            stage.shown,
            action.text,
            action.place.first,
            note=isinstance(action, Note) and action is not stage.start,
        )
        for stage in plan.stages
        for action in (stage.start, *stage.actions)
    ]
    return Planned(steps, plan.target.shown)


def _epoch(arguments: Mapping[str, str | None]) -> int | None:
    text = arguments.get(EPOCH)
    if not text:
        return None
    if not text.isdecimal():
        raise InvalidError(f"invalid {EPOCH} {text!r}: give seconds since 1970")
    return int(text) * _SECOND_NS
