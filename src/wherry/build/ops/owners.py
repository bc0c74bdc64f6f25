"""Whom copied files belong to: names become numbers by the image's own files."""

from __future__ import annotations

from wherry.base.errors import InvalidError
from wherry.oci.users import NoSuchUserError, resolve
from wherry.store.layers.view import LayerView

Owner = tuple[int, int]


class UnknownOwnerError(InvalidError):
    """The image has no such user or group."""


def owner_of(chown: str, view: LayerView) -> Owner:
    """Return the numbers of `user` or `user:group`, either of which is a name or a number.

    A name without a group has the user's own group, a number without one is both (BuildKit,
    solver/llbsolver/file/backend.go).
    """
    both = f"{chown}:{chown}" if chown.isdecimal() else chown
    try:
        found = resolve(both, (), *_files(view))
    except NoSuchUserError as error:
        raise UnknownOwnerError(
            f"unable to convert uid/gid chown string {chown!r} to host mapping: {error}"
        ) from error
    return found.uid, found.gid


def user_of(user: str, view: LayerView) -> Owner:
    """Return the numbers of what USER names."""
    found = resolve(user, (), *_files(view))
    return found.uid, found.gid


def _files(view: LayerView) -> tuple[bytes | None, bytes | None]:
    return view.read("/etc/passwd"), view.read("/etc/group")
