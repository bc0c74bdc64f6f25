"""The harness itself: how layers are applied, and what counts as a difference."""

from __future__ import annotations

import io
import re
import tarfile

import pytest

from compat.build.cases import ALL
from compat.build.cases.bases import BASES
from compat.build.cases.buildah import APART
from compat.build.cases.model import Case, Differs, Judge, a_file
from compat.build.harness.compare import Built, between, unexplained, unmet
from compat.build.harness.trees import Tree, apply_layers


def layer(*names: str, **contents: str) -> bytes:
    """Return a layer: directories end with a slash, `a=b` is a hard link, the rest are files."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name in (*names, *contents):
            path, _, target = name.partition("=")
            entry = tarfile.TarInfo(path.rstrip("/"))
            data = contents.get(name, "").encode()
            entry.size, entry.mode = len(data), 0o644
            if name.endswith("/"):
                entry.type = tarfile.DIRTYPE
            elif target:
                entry.type, entry.linkname = tarfile.LNKTYPE, target
            archive.addfile(entry, io.BytesIO(data))
    return sink.getvalue()


@pytest.mark.parametrize(
    ("upper", "left"),
    [
        (("d/.wh.a",), ["/d", "/d/b", "/f"]),
        ((".wh.d",), ["/f"]),
        (("d/.wh..wh..opq", "d/c"), ["/d", "/d/c", "/f"]),
        (("d/c", "d/.wh..wh..opq"), ["/d", "/d/c", "/f"]),
        (("d",), ["/d", "/f"]),
        (("d/",), ["/d", "/d/a", "/d/b", "/f"]),
        (("./f/", "./f/x"), ["/d", "/d/a", "/d/b", "/f", "/f/x"]),
        ((".wh.f", "f/"), ["/d", "/d/a", "/d/b", "/f"]),
    ],
)
def test_layers_are_applied_in_their_order(upper: tuple[str, ...], left: list[str]) -> None:
    assert list(apply_layers([layer("d/", "d/a", "d/b", "f"), layer(*upper)])) == left


def test_names_of_one_file_are_known_until_one_is_written_again() -> None:
    below, above = layer("a", "b=a", "c=a"), layer(b="new")
    assert apply_layers([below])["/a"].same == ("/a", "/b", "/c")
    assert apply_layers([below, above])["/a"].same == ("/a", "/c")
    assert apply_layers([below, above])["/b"].same == ()


def built(tree: Tree | None = None, **config: object) -> Built:
    """Return the result of a successful build."""
    return Built(True, "Step 1/1", config, tree or {})


def test_what_differs_is_named_and_shown() -> None:
    ours = built(apply_layers([layer("only", same="1", other="2")]), Cmd=["a"])
    theirs = built(apply_layers([layer(same="1", other="3")]), Cmd=["a"], User="u")
    found = between(ours, theirs)
    assert set(found) == {"User", "/only", "/other"}
    assert "here b'2', there b'3'" in found["/other"]
    assert between(ours, ours) == {}
    assert set(between(ours, theirs, apart_from=["/only"])) == {"User", "/other"}


def test_success_and_failure_differ_as_a_whole() -> None:
    assert set(between(built(Cmd=["a"]), Built(False, "why"))) == {"build"}
    assert between(Built(False, "one"), Built(False, "other")) == {}


def test_expectations_that_do_not_hold_are_all_told() -> None:
    case = Case(
        name="x",
        dockerfile="",
        env={"A": "1"},
        config={"User": "u"},
        prints=("out",),
        tree={"/f": "text", "/gone": None, "/m": a_file(mode=0o600)},
    )
    tree = apply_layers([layer("gone", f="other", m="")])
    assert set(unmet(case, built(tree, Env=["A=2"]), "")) == {
        "Env", "User", "prints", "/f", "/gone", "/m",
    }  # fmt: skip


def test_failures_are_expected_by_their_words() -> None:
    case = Case(name="x", dockerfile="", fails="wrong")
    assert unmet(case, Built(False, "all wrong"), "wrong") == {}
    assert set(unmet(case, Built(False, "all right"), "wrong")) == {"build"}
    assert set(unmet(case, built(), "wrong")) == {"build"}


def test_a_reason_covers_its_parts_only_and_has_to_show() -> None:
    known = (Differs(Judge.CLASSIC, ("/d/*", "Env"), "because"),)
    assert unexplained({"/d/a": "x", "/e": "y", "Env": "z"}, known) == {"/e": "y"}
    assert set(unexplained({"/d/a": "x"}, known)) == {"Env"}


def test_cases_have_names_that_images_can_have() -> None:
    names = [case.name for case in ALL]
    assert len(set(names)) == len(names) >= 220
    assert [name for name in names if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)] == []


def test_cases_speak_of_what_there_is() -> None:
    used = {base for case in ALL for base in case.bases}
    assert used == set(BASES)
    assert [c.name for c in ALL for d in c.differs if d.judge not in c.judges] == []
    named = {name for apart in APART for name in apart.cases if "*" not in name}
    assert named <= {case.name for case in ALL}
