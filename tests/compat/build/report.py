"""Print what the judges say of the corpus, without the engine under test.

    python tests/compat/build/report.py                what each judge makes of its cases
    python tests/compat/build/report.py --both         also what dockerd and buildah see differently
    python tests/compat/build/report.py copy-*         only these cases

For work on the corpus: a case is right when its expectations hold with its judge, apart from what
it is known to see otherwise. Needs root, Debian's docker.io, busybox-static and buildah.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from compat.build.cases import ALL
from compat.build.cases.buildah import APART, TRACES
from compat.build.cases.model import Case, Judge
from compat.build.harness.compare import Differences, between, shown, unexplained, unmet
from compat.build.harness.judges import Judges, running_judges


def main() -> int:
    """Build the chosen cases with their judges, print what is unexpected, then the known."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="patterns of names of cases")
    parser.add_argument("--both", action="store_true", help="compare the judges with each other")
    options = parser.parse_args()
    patterns = options.names or ["*"]
    cases = [c for c in ALL if any(fnmatchcase(c.name, pattern) for pattern in patterns)]
    asked = [(judge, case) for case in cases for judge in _judges(case, both=options.both)]
    wrong = 0
    with running_judges() as judges:
        judges.ask_ahead(asked)
        for judge, case in asked:
            if judge in case.judges and (found := _expectations(judges, judge, case)):
                wrong += 1
                print(shown(f"{case.name}, {judge}:", found), flush=True)
        if options.both:
            wrong += _count_between(judges, cases)
    _print_known(cases, both=options.both)
    return min(wrong, 1)


def _judges(case: Case, *, both: bool) -> Sequence[Judge]:
    return tuple(Judge) if both and Judge.CLASSIC in case.judges else case.judges


def _expectations(judges: Judges, judge: Judge, case: Case) -> Differences:
    words = (case.fails_there or case.fails) if judge is Judge.CLASSIC else ""
    # A case that says how a judge differs has to say in that part what is right.
    return unexplained(unmet(case, judges.result(judge, case), words), case.known_to_differ(judge))


def _count_between(judges: Judges, cases: Sequence[Case]) -> int:
    """Print what dockerd and buildah see differently without a reason; return how many cases."""
    wrong, met = 0, set[str]()
    for case in cases:
        if Judge.CLASSIC not in case.judges:
            continue
        dockerd, buildah = (judges.result(judge, case) for judge in Judge)
        found = between(dockerd, buildah, TRACES)
        for apart in APART:
            if any(fnmatchcase(case.name, pattern) for pattern in apart.cases):
                covered = {k for k in found if any(fnmatchcase(k, part) for part in apart.parts)}
                found = {key: told for key, told in found.items() if key not in covered}
                met |= {apart.reason} if covered else set()
        if found:
            wrong += 1
            print(shown(f"{case.name}: dockerd here, buildah there:", found), flush=True)
    for apart in APART:
        if apart.reason not in met:
            print(f"not seen: {apart.reason}")
    return wrong


def _print_known(cases: Sequence[Case], *, both: bool) -> None:
    if both:
        print("\nbuildah does otherwise than dockerd:")
        for apart in APART:
            print(f"  {apart.reason}: {' '.join(apart.cases)}")
    print("\nKnown to differ from the judge:")
    for case in cases:
        for one in case.differs:
            print(f"  {case.name}: {one.judge}, {' '.join(one.parts)}: {one.reason}")
    counts = Counter("+".join(case.judges) or "expectations only" for case in cases)
    print(f"\n{len(cases)} cases: " + ", ".join(f"{n} {what}" for what, n in counts.items()))


if __name__ == "__main__":
    sys.exit(main())
