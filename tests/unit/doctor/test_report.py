"""How answers look."""

from __future__ import annotations

import json

from wherry.doctor import report
from wherry.doctor.check import Check
from wherry.doctor.finding import note, ok, problem, warning
from wherry.doctor.run import Result


def result(name: str, group: str, *findings: object) -> Result:
    return Result(Check(name, group, "looks", lambda _: []), findings)  # type: ignore[arg-type]


RESULTS = [
    result("fine", "One", *ok("all is well")),
    result("bad", "One", problem("it is\x1b[2J broken", "nothing works", "mend 'a b'", "reboot")),
    result("both", "Two", warning("soon", "it will fail"), note("by the way")),
]


def lines(*, quiet: bool = False, colours: bool = False) -> list[str]:
    made = report.Lines(colours, quiet)
    return [line for one in RESULTS for line in made.of(one)]


def test_lines_in_groups_with_what_mends() -> None:
    assert lines() == [
        "One",
        "  ok       fine: all is well",
        r"  problem  bad: it is\x1b[2J broken",
        "           nothing works",
        "             mend 'a b'",
        "             reboot",
        "",
        "Two",
        "  warning  both: soon",
        "           it will fail",
        "  note     both: by the way",
    ]


def test_quiet_leaves_out_what_is_not_wrong() -> None:
    shown = lines(quiet=True)
    assert shown[:2] == ["One", r"  problem  bad: it is\x1b[2J broken"]
    assert "by the way" not in "".join(shown)


def test_colours_are_only_around_words() -> None:
    coloured = "".join(lines(colours=True))
    assert "\x1b[1;31mproblem  \x1b[0mbad" in coloured
    assert "\x1b[2J" not in coloured


def test_the_summary_counts_checks_by_their_worst() -> None:
    assert report.summary(RESULTS) == "3 checks: 1 ok, 1 warning, 1 problem"
    assert report.summary(RESULTS[:1] * 2) == "2 checks: 2 ok"
    assert report.summary([RESULTS[1]] * 2) == "2 checks: 2 problems"


def test_json_says_the_same() -> None:
    told = json.loads(report.as_json(RESULTS, quiet=False))
    assert told["Checks"] == {"ok": 1, "note": 0, "warning": 1, "problem": 1}
    assert told["Findings"][1] == {
        "Check": "bad", "Group": "One", "Level": "problem", "Text": r"it is\x1b[2J broken",
        "Effect": "nothing works", "Mend": ["mend 'a b'", "reboot"],
    }  # fmt: skip
    quiet = json.loads(report.as_json(RESULTS, quiet=True))
    assert [f["Level"] for f in quiet["Findings"]] == ["problem", "warning"]
