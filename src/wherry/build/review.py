"""The published checks over a Dockerfile that is about to be built: what they find, as events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wherry.base.errors import InvalidError
from wherry.build.dockerfile.checks import Base, Outside, check, effective, violation
from wherry.build.dockerfile.errors import snippet
from wherry.build.dockerfile.ignore import Matcher
from wherry.build.dockerfile.instructions import Dockerfile, Warned
from wherry.build.graph.actions import FromImage
from wherry.build.graph.plan import Plan
from wherry.build.options import BuildOptions
from wherry.build.progress import Found
from wherry.oci.environment import mapping
from wherry.oci.image import ImageConfig, ImageRunConfig
from wherry.oci.platform import format_platform, platform_of
from wherry.oci.reference import InvalidReferenceError, parse_reference


class LintFailedError(InvalidError):
    """The Dockerfile, or the client, says that what a check finds is an error."""


def review(
    file: Dockerfile,
    plan: Plan,
    configs: Mapping[str, ImageConfig],
    options: BuildOptions,
    ignored: Matcher | None,
) -> list[Found]:
    """Return what the checks find, in the order of the file."""
    outside = Outside(
        bases=dict(_bases(plan, configs)),
        stages={stage.index for stage in plan.stages},
        is_reference=_is_reference,
    )
    warned = check(file, build_arguments=options.arguments, ignored=ignored, outside=outside)
    return [_found(file, one) for one in warned]


def require_none(file: Dockerfile, options: BuildOptions, found: list[Found]) -> None:
    """Raise LintFailedError where findings are to end the build."""
    if found and effective(file, options.arguments).fails:
        warned = [Warned(one.rule, one.message, file.stages[0].start.place) for one in found]
        raise LintFailedError(violation(warned))


def _bases(plan: Plan, configs: Mapping[str, ImageConfig]) -> Iterator[tuple[int, Base]]:
    for stage in plan.stages:
        if isinstance(stage.base, FromImage):
            config = configs[stage.base.reference]
            run = config.config or ImageRunConfig()
            wanted = plan.platforms[stage.index]
            yield (
                stage.index,
                Base(
                    environment=mapping(run.env or ()),
                    own_shell=bool(run.shell),
                    platform=format_platform(platform_of(config)),
                    wanted=format_platform(wanted) if wanted else "",
                ),
            )


def _is_reference(text: str) -> bool:
    try:
        parse_reference(text)
    except InvalidReferenceError:
        return False
    return True


def _found(file: Dockerfile, one: Warned) -> Found:
    return Found(
        one.rule,
        one.message,
        one.place.first,
        one.place.last,
        one.url,
        one.description,
        snippet(file.lines, one.place),
    )
