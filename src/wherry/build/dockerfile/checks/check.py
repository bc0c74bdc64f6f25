"""All checks over one file. Pure: the same file and facts give the same findings, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from wherry.build.dockerfile.checks import naming, platforms, usage, variables
from wherry.build.dockerfile.checks.options import Options, effective, local
from wherry.build.dockerfile.checks.outside import Outside
from wherry.build.dockerfile.checks.subject import Subject, subject
from wherry.build.dockerfile.ignore import Matcher
from wherry.build.dockerfile.instructions import Dockerfile, Warned

_CHECKS: tuple[Callable[[Subject], Iterator[Warned]], ...] = (
    naming.no_empty_continuation,
    naming.stage_name_casing,
    naming.from_as_casing,
    naming.invalid_definition_description,
    naming.reserved_stage_name,
    naming.duplicate_stage_name,
    naming.consistent_instruction_casing,
    variables.invalid_default_arg_in_from,
    variables.undefined_arg_in_from,
    variables.undefined_var,
    variables.secrets_used_in_arg_or_env,
    platforms.redundant_target_platform,
    platforms.from_platform_flag_const_disallowed,
    platforms.invalid_base_image_platform,
    usage.maintainer_deprecated,
    usage.legacy_key_value_format,
    usage.json_args_recommended,
    usage.multiple_instructions_disallowed,
    usage.workdir_relative_path,
    usage.copy_ignored_file,
    usage.expose_proto_casing,
    usage.expose_invalid_format,
)


def check(
    dockerfile: Dockerfile,
    *,
    build_arguments: Mapping[str, str | None] | None = None,
    ignored: Matcher | None = None,
    outside: Outside | None = None,
) -> list[Warned]:
    """Return what the published rules find, in the order of the file; raises OptionsError.

    `ignored` has the patterns of .dockerignore where the context is a directory of the client's.
    """
    arguments = build_arguments or {}
    options = effective(dockerfile, arguments)
    examined = subject(dockerfile, arguments, ignored, outside or Outside())
    found = [finding for rule in _CHECKS for finding in rule(examined)]
    wanted = dict.fromkeys(f for f in found if _options_at(dockerfile, f, options).wants(f))
    return sorted(wanted, key=lambda finding: finding.place.first)


def violation(found: Iterable[Warned]) -> str:
    """Return how a build ends for which findings are errors (`Options.fails`)."""
    names = ", ".join(sorted({finding.rule for finding in found}))
    return f"lint violation found for rules: {names}"


def _options_at(dockerfile: Dockerfile, finding: Warned, options: Options) -> Options:
    """Return the options where a finding is, with those of the comments above its instruction."""
    first = finding.place.first
    for stage in dockerfile.stages:
        for instruction in (stage.start, *stage.instructions):
            if instruction.place.first <= first <= instruction.place.last:
                return options.merged(local(dockerfile, instruction.place.first))
    for arg in dockerfile.arguments:
        if arg.place.first <= first <= arg.place.last:
            return options.merged(local(dockerfile, arg.place.first))
    return options
