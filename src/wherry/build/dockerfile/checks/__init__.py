"""The published build checks: what a Dockerfile does that works, and should not be done so.

`check` runs all of them over a parsed file. What only the outside knows comes in as `Outside`; a
rule whose facts are not there says nothing, rather than something that may be wrong.
"""

from wherry.build.dockerfile.checks.check import check, violation
from wherry.build.dockerfile.checks.options import Options, OptionsError, effective, parse_options
from wherry.build.dockerfile.checks.outside import Base, Outside
from wherry.build.dockerfile.checks.rules import RULES, Rule

__all__ = [
    "RULES",
    "Base",
    "Options",
    "OptionsError",
    "Outside",
    "Rule",
    "check",
    "effective",
    "parse_options",
    "violation",
]
