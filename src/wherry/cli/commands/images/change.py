"""`tag` and `rmi`."""

from __future__ import annotations

from wherry.cli.command import Command, Context
from wherry.cli.each import for_each
from wherry.cli.errors import UsageError
from wherry.cli.flags import Options, declare
from wherry.cli.options.references import split_reference
from wherry.client.errors import ApiError

RMI_FLAGS = declare("""
-f --force  Force removal of the image
   --no-prune  Do not delete untagged parents
""")


def tag(context: Context, _options: Options, arguments: list[str]) -> int:
    """Give an image another name."""
    try:
        repository, name = split_reference(arguments[1])
    except UsageError as error:
        raise UsageError(
            f'Error parsing reference: "{arguments[1]}" is not a valid repository/tag: {error}'
        ) from error
    context.engine.post(f"/images/{arguments[0]}/tag", {"repo": repository, "tag": name or None})
    return 0


def rmi(context: Context, options: Options, arguments: list[str]) -> int:
    """Remove names of images, and the images that have no other."""
    force = options.flag("force")
    query = {"force": force, "noprune": options.flag("no-prune")}

    def act(name: str) -> str:
        try:
            removed = context.engine.delete(f"/images/{name}", query)
        except ApiError as error:
            if not force or error.status != 404:
                raise
            context.warn(f"Error response from daemon: {error.message}")
            return ""
        return "\n".join(
            f"Deleted: {entry['Deleted']}"
            if entry.get("Deleted")
            else f"Untagged: {entry['Untagged']}"
            for entry in removed or ()
        )

    return for_each(context, arguments, act)


TAG = Command(
    "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    tag,
    minimum=2,
    maximum=2,
    examples="app localhost:5000/app:1.0",
)
RMI = Command(
    "[OPTIONS] IMAGE [IMAGE...]", "Remove one or more images", rmi, flags=RMI_FLAGS, minimum=1,
    examples="""
    app:1.0                        the name; and the image, if it has no other
    -f app:1.0                     also if stopped containers were made of it
    """,
)  # fmt: skip
