"""Runs a plan: stages at once, the steps of each in their order, what the cache has not at all.

A step's layer is the directory that the step has written, renamed to its place once its digest is
known; the next step stands on it meanwhile. A step that fails ends all others. Whatever happens,
what was finished is in the cache, and directories of steps that were not are removed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Mapping
from typing import Any

from wherry.base.crossing import in_thread, to_the_end
from wherry.base.errors import WherryError
from wherry.base.ids import new_id
from wherry.base.values import dataclass
from wherry.build.graph.actions import (
    Action,
    CopyFiles,
    Execute,
    FromContext,
    FromStage,
    MakeDirectory,
    Note,
    Paths,
    StagePlan,
)
from wherry.build.graph.plan import Plan
from wherry.build.ops.execute import ExecuteStep
from wherry.build.ops.files import CopyStep, DirectoryStep
from wherry.build.ops.operation import Ground, Operation
from wherry.build.progress import Began, Ended
from wherry.build.solve import why
from wherry.build.solve.chain import Chain, Layer, pinned
from wherry.build.solve.keys import Inputs, Memory, memory_of
from wherry.build.solve.remember import Remember, Result, described, slot_of
from wherry.build.solve.tools import BaseImages, Tools
from wherry.build.solve.trees import Trees


@dataclass(slots=True)
class Outcome:
    """What became of a step: the layer that it made, if any, and when, in nanoseconds."""

    layer: Layer | None
    created: int


@dataclass(frozen=True, slots=True)
class _Work:
    """A step that is executed. `slot` is its name across builds, `files` what it reads."""

    action: Action
    slot: str
    inputs: Inputs
    files: Mapping[str, str]

    def memory(self, below: str) -> Memory:
        """Return what is remembered of it on top of layers."""
        return memory_of(self.inputs, below, self.files)


class Solver:
    """One run of one plan."""

    def __init__(self, tools: Tools, plan: Plan, images: BaseImages) -> None:
        self._tools = tools
        self._plan = plan
        options = tools.options
        self._remember = Remember(tools, options.no_cache, frozenset(options.no_cache_stages))
        self._trees = Trees(tools.contexts, tools.store.layers, images, self._stage)
        self._stages: dict[int, asyncio.Task[Chain]] = {}
        self._finishing: set[asyncio.Task[None]] = set()
        self._directories: list[str] = []
        self.outcomes: dict[int, Outcome] = {}
        self.cached = 0
        # What is left of steps, out of the way, for `trash.empty`.
        self.discarded: list[str] = []

    async def solve(self) -> Chain:
        """Return the layers of the target, all of which have settled."""
        try:
            for stage in self._plan.stages:
                self._stages[stage.index] = asyncio.create_task(self._run(stage))
            await _all(self._stages.values())
            chain = self._stages[self._plan.target.index].result()
            await chain.settled()
            await _all(self._finishing)
            return chain
        finally:
            await self._close()

    async def _close(self) -> None:
        """End what is at work; what was done is kept, what was begun is removed."""
        for task in self._stages.values():
            task.cancel()
        await asyncio.gather(*self._stages.values(), return_exceptions=True)
        await asyncio.gather(*self._finishing, return_exceptions=True)
        await to_the_end(self._discard_directories)
        await self._remember.close()

    def _discard_directories(self) -> None:
        discard = self._tools.store.snapshots.discard
        self.discarded += filter(None, map(discard, self._directories))

    async def _stage(self, index: int) -> Chain:
        return await asyncio.shield(self._stages[index])

    async def _run(self, stage: StagePlan) -> Chain:
        chain = await self._base(stage)
        for place, action in enumerate(stage.actions):
            if isinstance(action, Note):
                self._tools.report(Ended(action.number))
            else:
                chain = await self._step(stage, place, action, chain)
        return chain

    async def _base(self, stage: StagePlan) -> Chain:
        report, number = self._tools.report, stage.start.number
        if isinstance(stage.base, FromStage):
            await self._stage(stage.base.index)  # its own steps tell of the time that takes
        report(Began(number))
        begun = time.monotonic()
        chain = await self._trees.chain(stage.base, self._plan.platforms[stage.index])
        if chain is None:
            assert isinstance(stage.base, FromContext)
            return await self._step(stage, -1, _whole(stage, stage.base), Chain())
        report(Ended(number, seconds=time.monotonic() - begun))
        return chain

    async def _step(self, stage: StagePlan, place: int, action: Action, chain: Chain) -> Chain:
        self._tools.report(Began(action.number))
        begun = time.monotonic()
        try:
            async with contextlib.AsyncExitStack() as held:
                operation = self._operation(action, chain, held)
                inputs = await operation.inputs()
                if not self._remember.ignores(stage.name):
                    hit = await self._cached(inputs, chain)
                    if hit is not None:
                        return self._found(action, chain, hit, time.monotonic() - begun)
                work = _Work(action, self._slot(stage, place), inputs, await operation.files())
                reason = await self._reason(stage, work, chain)
                layer = await self._perform(operation, action, chain)
            self._finish(work, chain, layer)
        except (WherryError, OSError) as error:
            seconds = time.monotonic() - begun
            self._tools.report(Ended(action.number, seconds=seconds, error=str(error)))
            raise
        self._tools.report(
            Ended(
                action.number,
                seconds=time.monotonic() - begun,
                why=reason.text,
                changed=reason.changed,
            )
        )
        return chain.on_top(layer)

    def _operation(
        self, action: Action, chain: Chain, held: contextlib.AsyncExitStack
    ) -> Operation:
        if isinstance(action, Execute):
            return ExecuteStep(self._tools, self._trees, action, chain, held)
        if isinstance(action, CopyFiles):
            return CopyStep(self._tools, self._trees, action, held)
        assert isinstance(action, MakeDirectory), "all that is left"
        return DirectoryStep(action)

    async def _cached(self, inputs: Inputs, chain: Chain) -> Outcome | None:
        """Look a step up; waits for the digests below only if they could matter."""
        if not chain.has_settled and not await self._remember.may_have(inputs):
            return None
        hit = await self._remember.find(inputs, await chain.identity())
        if hit is None:
            return None
        layer = None
        if hit.layer is not None:
            path = self._tools.store.layers.path(hit.layer.diff_id)
            layer = Layer(path, hit.layer)
        return Outcome(layer, hit.created)

    def _found(self, action: Action, chain: Chain, hit: Outcome, seconds: float) -> Chain:
        self.outcomes[action.number] = hit
        self.cached += 1
        self._tools.report(Ended(action.number, cached=True, seconds=seconds, why=why.HIT))
        return chain.on_top(hit.layer)

    async def _reason(self, stage: StagePlan, work: _Work, chain: Chain) -> why.Why:
        if self._remember.ignores(stage.name):
            return why.Why(why.NO_CACHE)
        # What is below may not have a name yet; then it is not what it was, or nobody knows.
        below = await chain.identity() if chain.has_settled else ""
        return await self._remember.explain(work.slot, work.memory(below))

    def _slot(self, stage: StagePlan, place: int) -> str:
        options = self._tools.options
        return slot_of([options.scope, options.dockerfile], stage.shown, place)

    async def _perform(self, operation: Operation, action: Action, chain: Chain) -> Layer | None:
        """Execute a step on a writable layer; returns it unless nothing is in it."""
        identifier = new_id()
        self._directories.append(identifier)
        snapshots = self._tools.store.snapshots
        async with pinned(chain.layers) as release:
            paths = [layer.path for layer in reversed(chain.layers)]
            await in_thread(snapshots.prepare_on, identifier, paths)
            ground = Ground(identifier, snapshots.directory(identifier), paths, release)
            await operation.perform(ground)
        upper = snapshots.upper(identifier)
        created = self._tools.epoch_ns
        created = time.time_ns() if created is None else created
        empty = await in_thread(self._tools.store.layers.is_empty, upper)
        layer = None if empty else Layer(upper)
        self.outcomes[action.number] = Outcome(layer, created)
        return layer

    def _finish(self, work: _Work, chain: Chain, layer: Layer | None) -> None:
        """Begin to name a layer, and to remember the step."""
        created = self.outcomes[work.action.number].created

        async def finish() -> None:
            size = await self._seal(layer) if layer is not None else 0
            image = await layer.settled() if layer is not None else None
            below = await chain.identity()
            result = Result(image, created, size)
            await self._remember.keep(work.inputs, below, work.action.text, result)
            await self._remember.note(work.slot, work.memory(below))

        self._later(finish())

    async def _seal(self, layer: Layer) -> int:
        """Compute a layer's digest and give it its place; returns the size of its files."""
        layers = self._tools.store.layers
        try:
            upper = layer.path
            sealed = await in_thread(layers.seal, upper, clamp_ns=self._tools.epoch_ns)
            await in_thread(self._tools.lease.hold, sealed.diff_id)

            def rename() -> str:
                layers.adopt(upper, sealed)
                return layers.path(sealed.diff_id)

            await layer.move(rename)
            layer.settle(described(sealed.diff_id, sealed.tar_size))
        except BaseException as error:
            layer.fail(error)
            raise
        return sealed.size

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        self._finishing.add(asyncio.create_task(work))


def _whole(stage: StagePlan, origin: FromContext) -> CopyFiles:
    """A stage that begins with a context begins with all of its files."""
    start = stage.start
    return CopyFiles(
        number=start.number,
        place=start.place,
        text=start.text,
        created_by=start.created_by,
        keyword="COPY",
        sources=(Paths(origin, ("/",)),),
        destination="/",
        directory=True,
    )


async def _all(tasks: Any) -> None:
    """Wait for all, or for the first that fails, and raise what it raised."""
    pending = set(tasks)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
