from __future__ import annotations

import pytest

from wherry.registry.server.pages import text

NOW = 1_800_000_000.0
DAY = 86_400


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (3_240_000, "3.2 MB"),
        (99_940, "99.9 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_600, "1.0 MB"),
        (128_400_000_000, "128 GB"),
        (10**30, "1000000000000 EB"),
    ],
)
def test_sizes_are_those_of_docker(size: int, words: str) -> None:
    assert text.size_words(size) == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (-30, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (7200, "2 hours ago"),
        (DAY, "1 day ago"),
        (13 * DAY, "13 days ago"),
        (14 * DAY, "2 weeks ago"),
        (61 * DAY, "2 months ago"),
        (800 * DAY, "2 years ago"),
    ],
)
def test_times_are_told_as_ages(ago: float, words: str) -> None:
    told = text.moment(NOW - ago, NOW)
    assert told is not None
    assert told.words == words
    assert told.exact.endswith(" UTC")


def test_a_time_that_is_no_age_is_a_date() -> None:
    told = [text.moment(then, NOW) for then in (0.0, 1.0, NOW + 10 * DAY)]
    assert [one.words for one in told if one] == ["1970-01-01", "1970-01-01", "2027-01-25"]


@pytest.mark.parametrize("then", [float("nan"), float("inf"), 1e300, -1e300, 1e12])
def test_a_time_of_no_calendar_is_none(then: float) -> None:
    assert text.moment(then, NOW) is None


@pytest.mark.parametrize(
    ("written", "exact"),
    [
        ("2026-11-20T10:11:12.123456789Z", "2026-11-20 10:11:12 UTC"),
        ("2026-11-20T10:11:12+02:00", "2026-11-20 08:11:12 UTC"),
        ("2026-11-20T10:11:12", "2026-11-20 10:11:12 UTC"),
        ("0001-01-01T00:00:00Z", "1-01-01 00:00:00 UTC"),
        ("yesterday", None),
        ("9999-99-99", None),
        ("", None),
        ("<b>", None),
        ("0001-01-01T00:00:00+23:00", None),
    ],
)
def test_times_of_configurations_are_read(written: str, exact: str | None) -> None:
    told = text.moment_of(written, NOW)
    assert (told.exact.lstrip("0") if told else None) == exact


def test_what_a_stranger_wrote_hides_nothing() -> None:
    assert text.line("a\u202egnp.exe") == "a\\u202egnp.exe"
    assert text.line("\x1b[31m\x00\x7f") == "\\x1b[31m\\x00\\x7f"
    assert text.line("a\n b\t c") == "a b c"
    assert text.block("a\n\tb\r") == "a\n\tb\\x0d"
    assert text.block("\ud800\U000e0041\u200b") == "\\ud800\\U000e0041\\u200b"
    assert text.block("<b>שלום 日本語</b>") == "<b>שלום 日本語</b>"


def test_what_a_stranger_wrote_is_cut() -> None:
    assert text.block("x" * 5, 5) == "xxxxx"
    assert text.block("x" * 6, 5) == "xxxxx…"
    assert len(text.block("\u202e" * 10_000_000)) == 6 * text.LONGEST + 1


@pytest.mark.parametrize(
    ("created_by", "words"),
    [
        ('/bin/sh -c #(nop)  CMD ["bash"]', 'CMD ["bash"]'),
        ("/bin/sh -c #(nop) ADD file:1 in / ", "ADD file:1 in /"),
        ("/bin/sh -c apt-get update", "RUN apt-get update"),
        ("RUN /bin/sh -c make # buildkit", "RUN make"),
        ("RUN |1 A=b /bin/sh -c make # buildkit", "RUN make"),
        ("|2 A=b C=d /bin/sh -c make\n  all", "RUN make\n  all"),
        ("COPY . /srv # buildkit", "COPY . /srv"),
        ("WORKDIR /srv", "WORKDIR /srv"),
        ("", ""),
        ("bazel build ...", "bazel build ..."),
    ],
)
def test_history_is_told_as_a_dockerfile(created_by: str, words: str) -> None:
    assert text.instruction(created_by) == words


def test_numbers_have_words() -> None:
    assert text.count_words(1, "tag") == "1 tag"
    assert text.count_words(1204, "tag") == "1,204 tags"
    assert text.count_words(2, "entry", "entries") == "2 entries"
    assert [text.share_words(one) for one in (0, 0.001, 0.5, 1)] == ["0 %", "<1 %", "50 %", "100 %"]
    assert text.short_digest("sha256:" + "ab" * 32) == "sha256:abababababab"
