"""`context create` and `update`: of what flags say, of another context, or of what is in use."""

from __future__ import annotations

from wherry.cli.command import Command, Context
from wherry.cli.contexts import settings, store
from wherry.cli.contexts.store import ContextExistsError
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options, declare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CHANGE_FLAGS = """\
   --description string  Description of the context
   --docker map  Set the engine: host, ca, cert, key, skip-tls-verify, from
"""


def create(context: Context, options: Options, arguments: list[str]) -> int:
    """Make a context: of what --docker says, of another, or of what is in use."""
    name = arguments[0]
    check_new(name)
    source = options.text("from")
    told = settings.read(options.all("docker"))
    if source and told:
        raise CommandError("cannot use --docker flag when --from is set")
    if options.given("docker"):
        content = settings.new(name)
        files = settings.apply(content, told, context)
    else:
        content, files = settings.copy(source or context.name, context)
        content["Name"] = name
    _describe(content, options)
    store.save(content, files)
    context.write(name)
    context.warn(f'Successfully created context "{name}"')
    return 0


def update(context: Context, options: Options, arguments: list[str]) -> int:
    """Change a context; what is not said stays."""
    name = arguments[0]
    store.check_name(name)
    content = store.load(name)
    files = None
    if options.given("docker"):
        files = settings.apply(content, settings.read(options.all("docker")), context)
    _describe(content, options)
    store.save(content, files)
    context.write(name)
    context.warn(f'Successfully updated context "{name}"')
    return 0


def check_new(name: str) -> None:
    """Raise for a name that no new context can have."""
    store.check_name(name)
    if store.exists(name):
        raise ContextExistsError(f'context "{name}" already exists')


def _describe(content: dict[str, Any], options: Options) -> None:
    if text := options.text("description"):
        content["Metadata"]["Description"] = text


CREATE = Command(
    "[OPTIONS] CONTEXT", "Create a context", create,
    flags=declare(f"{CHANGE_FLAGS}   --from string  Create context from a named context"),
    minimum=1, maximum=1,
    examples="""
    far --docker host=ssh://ann@far.example.com
    far --docker host=tcp://far:2376,ca=ca.pem,cert=cert.pem,key=key.pem
    """,
)  # fmt: skip
UPDATE = Command(
    "[OPTIONS] CONTEXT", "Update a context", update, flags=declare(CHANGE_FLAGS),
    minimum=1, maximum=1, examples="far --description 'the machine far away'",
)  # fmt: skip
