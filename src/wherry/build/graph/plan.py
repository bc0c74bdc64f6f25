"""The plan of a build: which stages a target needs, each evaluated on what its base says.

The configuration of an image is all that has to be asked of the world; `make_plan` asks for it with
`images` and is pure otherwise. A stage that nothing needs is not even looked at.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Iterator, Mapping

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass, field
from wherry.build.dockerfile import instructions as i
from wherry.build.dockerfile.errors import DockerfileError
from wherry.build.graph.actions import (
    Action,
    CopyFiles,
    Execute,
    FromContext,
    FromImage,
    FromScratch,
    FromStage,
    Origin,
    Paths,
    StagePlan,
)
from wherry.build.graph.evaluate import Base, Surroundings, evaluate
from wherry.build.graph.variables import Given, Scope, outer_scope, platform_variables
from wherry.oci.image import ImageConfig, ImageRunConfig, Platform
from wherry.oci.platform import host_platform, parse_platform

SCRATCH = "scratch"
_IMAGE = "docker-image://"
ImageConfigs = Callable[[str, Platform | None], Awaitable[ImageConfig]]


class TargetNotFoundError(InvalidError):
    """No stage has the name that --target asks for."""

    def __init__(self, target: str) -> None:
        super().__init__(f'target stage "{target}" could not be found')


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the client asks for, as far as a plan depends on it."""

    target: str = ""
    arguments: Mapping[str, str | None] = field(default_factory=dict)
    platform: str = ""
    network: str = ""
    allowed: frozenset[str] = frozenset()
    contexts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """Stages in the order of the file, the last of which is what was asked for."""

    dockerfile: i.Dockerfile
    stages: tuple[StagePlan, ...]
    platforms: Mapping[int, Platform | None]
    unused_arguments: tuple[str, ...] = ()

    @property
    def target(self) -> StagePlan:
        """The stage that was asked for."""
        return self.stages[-1]

    def stage(self, index: int) -> StagePlan:
        """Return a stage by its number in the file."""
        return next(stage for stage in self.stages if stage.index == index)

    @property
    def steps(self) -> int:
        """How many steps are shown."""
        return sum(1 + len(stage.actions) for stage in self.stages)


def find_target(file: i.Dockerfile, target: str) -> int:
    """Return the number of a stage by its name; the last one for an empty name."""
    if not target:
        return len(file.stages) - 1
    named = [stage.index for stage in file.stages if stage.name == target.lower()]
    if named:
        return named[-1]
    raise TargetNotFoundError(target)


async def make_plan(
    file: i.Dockerfile,
    wanted: Wanted,
    images: ImageConfigs,
    is_remote: Callable[[str], bool],
) -> Plan:
    """Return the plan for a target."""
    return await _Planner(file, wanted, images, is_remote).plan()


class _Planner:
    def __init__(
        self,
        file: i.Dockerfile,
        wanted: Wanted,
        images: ImageConfigs,
        is_remote: Callable[[str], bool],
    ) -> None:
        self._file = file
        self._wanted = wanted
        self._images = images
        here = host_platform()
        self._platform = parse_platform(wanted.platform) if wanted.platform else None
        target = find_target(file, wanted.target)
        self._target = target
        given = Given(wanted.arguments)
        predefined = platform_variables(here, self._platform or here, wanted.target)
        escape = file.directives.escape
        self._outer: Scope = outer_scope(file.arguments, given, predefined, escape)
        self._around = Surroundings(
            file, given, self._outer.lookup, self.origin, is_remote, wanted.network, wanted.allowed
        )
        self._plans: dict[int, StagePlan] = {}
        self._platforms: dict[int, Platform | None] = {}

    async def plan(self) -> Plan:
        await self._visit(self._target)
        order = sorted(self._plans.values(), key=lambda s: (s.index == self._target, s.index))
        return Plan(
            self._file,
            tuple(_numbered(order)),
            self._platforms,
            tuple(self._around.given.unused()),
        )

    async def _visit(self, index: int) -> None:
        pending = [index]
        while pending:
            current = pending[-1]
            if current in self._plans:
                pending.pop()
                continue
            stage = self._file.stages[current]
            origin = self._base(stage)
            if isinstance(origin, FromStage) and origin.index not in self._plans:
                pending.append(origin.index)
                continue
            pending.pop()
            made = evaluate(stage, await self._start(stage, origin), self._around)
            self._plans[current] = made
            pending += [o.index for o in origins(made) if isinstance(o, FromStage)]

    def _base(self, stage: i.Stage) -> Origin:
        start = stage.start
        name = self._outer.expand(start.image)
        if not name:
            raise DockerfileError.at(
                self._file,
                start.place,
                f"base name ({start.image}) should not be blank: give its variables a value with"
                " ARG before the first FROM, or with --build-arg",
            )
        if name == SCRATCH and name not in self._wanted.contexts:
            return FromScratch()
        found = self._stage_or_context(name, stage.index)
        return found if found is not None else FromImage(name)

    async def _start(self, stage: i.Stage, origin: Origin) -> Base:
        platform = self._platform
        if stage.start.platform:
            platform = parse_platform(self._outer.expand(stage.start.platform))
        self._platforms[stage.index] = platform
        if isinstance(origin, FromStage):
            below = self._plans[origin.index]
            return Base(origin, below.config, below.author, below.variables or {})
        if isinstance(origin, FromImage):
            config = await self._images(origin.reference, platform)
            return Base(origin, config.config or ImageRunConfig(), config.author)
        return Base(origin, ImageRunConfig())

    def origin(self, name: str, before: int) -> Origin:
        """Find what `--from` names: a context, an earlier stage, otherwise an image."""
        found = self._stage_or_context(name, before)
        if found is not None:
            return found
        if name.isdecimal():
            if int(name) < before:
                return FromStage(int(name))
            raise InvalidError(
                f"invalid from flag value {name}: there is no stage with this number before"
            )
        if self._file.stages[before].name == name.lower():
            raise InvalidError(f"circular dependency detected on stage: {name.lower()}")
        if any(stage.name == name.lower() for stage in self._file.stages):
            raise InvalidError(
                f"invalid from flag value {name}: the stage begins only after this one"
            )
        return FromScratch() if name == SCRATCH else FromImage(name)

    def _stage_or_context(self, name: str, before: int) -> Origin | None:
        context = self._wanted.contexts.get(name)
        if context is not None:
            image = context.removeprefix(_IMAGE)
            return FromImage(image) if image != context else FromContext(name)
        named = [s.index for s in self._file.stages[:before] if s.name == name.lower()]
        return FromStage(named[-1]) if named else None


def origins(plan: StagePlan) -> Iterator[Origin]:
    """Yield everything that a stage takes files from."""
    yield plan.base
    for action in plan.actions:
        if isinstance(action, CopyFiles):
            yield from (s.origin for s in action.sources if isinstance(s, Paths))
        elif isinstance(action, Execute):
            yield from (mount.origin for mount in action.mounts if mount.origin is not None)


def _numbered(stages: list[StagePlan]) -> Iterator[StagePlan]:
    """Number the actions of all stages in the order in which they are shown."""
    count = 0
    for stage in stages:
        start = dataclasses.replace(stage.start, number=count)
        actions: tuple[Action, ...] = tuple(
            dataclasses.replace(action, number=count + offset)
            for offset, action in enumerate(stage.actions, 1)
        )
        count += 1 + len(actions)
        yield dataclasses.replace(stage, start=start, actions=actions)
