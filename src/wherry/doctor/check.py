"""What a check is: a function with a name, a group, and one line on what it looks at."""

from __future__ import annotations

from collections.abc import Callable

from wherry.base.values import dataclass
from wherry.doctor.finding import Finding
from wherry.doctor.machine import Machine


@dataclass(frozen=True, slots=True)
class Check:
    """An entry of the table. `root` for what only root can look at."""

    name: str
    group: str
    about: str
    run: Callable[[Machine], list[Finding]]
    root: bool = False
