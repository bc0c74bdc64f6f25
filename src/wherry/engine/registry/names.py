"""Which repository has which of the engine's references. Pure.

A repository is called what the engine's images are called. Repository `team/app` has the references
that a user would write as `team/app`, so everything that was pulled or built is there without any
push (`debian` is docker.io/library/debian, `quay.io/team/app` is itself); and it has those of the
registry's own addresses, `localhost:5001/team/app`, which come first.

What is pushed gets the first of the own addresses, `localhost:<port>`: the same name as a push from
this machine uses, so that an image is called alike whoever pushed it. It never gets the bare name,
for whoever may push must not decide what `debian` means on this machine. A reference to a registry
with a port in its name cannot be a repository's, and is not served.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from wherry.base.values import dataclass
from wherry.oci.reference import InvalidReferenceError, Reference, parse_reference
from wherry.registry.server.backend import RepositoryNameError, check_name

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Names:
    """`own` are the addresses of this registry as references have them, `localhost:5001` first."""

    own: tuple[str, ...]

    def repositories(self, name: str) -> list[str]:
        """Return which domain and path a repository's references can have, the first before all."""
        found = [f"{domain}/{name}" for domain in self.own]
        # What is too long, or looks like an id, is the name of nothing.
        with contextlib.suppress(InvalidReferenceError):
            found.append(parse_reference(name).repository)
        return found

    def pushed(self, name: str) -> Reference:
        """Return what is pushed to a repository is called, without tag; RepositoryNameError."""
        try:
            return parse_reference(f"{self.own[0]}/{name}")
        except InvalidReferenceError:
            raise RepositoryNameError(name) from None

    def is_own(self, reference: Reference) -> bool:
        """Tell whether a reference names this registry."""
        return reference.domain in self.own

    def repository_of(self, reference: Reference) -> str | None:
        """Return the repository that has a reference; None when it cannot be served."""
        name = reference.path if self.is_own(reference) else reference.familiar_name
        try:
            return check_name(name)
        except RepositoryNameError:
            return None


def own_names(host: str, port: int, nodename: str) -> Names:
    """Return the names of a registry that listens at `host`, "" for every address."""
    hosts: Sequence[str] = LOCAL_NAMES if not host else (*LOCAL_NAMES, _written(host))
    return Names(tuple(dict.fromkeys(f"{one}:{port}" for one in (*hosts, nodename) if one)))


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host
