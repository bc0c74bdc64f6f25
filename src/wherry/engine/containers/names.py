"""Names for containers that nobody named, and the grammar of names."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from typing import Final

from wherry.base.errors import InvalidError

_ALLOWED: Final = re.compile(r"/?[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_TRIES: Final = 20

_HOW: Final = (
    "able agile amber ample bold brave bright brisk calm candid clear clever crisp deft eager early"
    " easy fair fleet fond frank fresh gentle glad golden grand hardy honest humble jolly keen kind"
    " light lively loyal lucky mellow merry mild modest neat nimble noble patient plain polite"
    " prompt proud quick quiet ready robust serene sharp silver smart snug sober solid spry steady"
    " sturdy sunny swift tender tidy trim trusty upbeat vivid warm wise witty young zesty"
).split()
_WHAT: Final = (
    "barge bark brig caique canoe caravel carrack catboat clipper cog coracle corvette cruiser"
    " curragh cutter dhow dinghy dory drifter felucca ferry frigate galleon galley gig gondola"
    " hoy hulk jolly junk kayak keelboat ketch knarr launch lighter longship lugger narrowboat"
    " packet pilot pinnace pirogue proa punt raft sampan schooner scow shallop skiff sloop smack"
    " steamer tender tjalk trawler trireme tug umiak wherry whaler xebec yacht yawl"
).split()


def check_name(name: str) -> str:
    """Return a name without its slash; raises InvalidError with Docker's words."""
    if not _ALLOWED.fullmatch(name):
        raise InvalidError(
            f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        )
    return name.removeprefix("/")


def draw_name(taken: Container[str], choose: Callable[[Sequence[str]], str]) -> str:
    """Return a name like `brisk_ketch` that is not taken."""
    for attempt in range(_TRIES):
        name = f"{choose(_HOW)}_{choose(_WHAT)}"
        if attempt:
            name += str(attempt)
        if name not in taken:
            return name
    raise InvalidError("could not find a free name: give one with --name")
