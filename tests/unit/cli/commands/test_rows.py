"""What lists show of the engine's entries."""

from __future__ import annotations

from typing import Any

from wherry.cli.commands.containers.listing import ports, row
from wherry.cli.commands.images.listing import image_rows


def port(inside: int, outside: int = 0, address: str = "", kind: str = "tcp") -> dict[str, Any]:
    found: dict[str, Any] = {"PrivatePort": inside, "Type": kind}
    return found | ({"PublicPort": outside, "IP": address} if outside else {})


def test_adjacent_ports_become_ranges() -> None:
    assert ports([port(81), port(80), port(90, kind="udp")]) == "80-81/tcp, 90/udp"
    same = [port(80, 80, "0.0.0.0"), port(81, 81, "0.0.0.0")]
    assert ports(same) == "0.0.0.0:80-81->80-81/tcp"
    assert ports([port(80, 8080, "::")]) == "[::]:8080->80/tcp"
    assert ports([]) == ""


def test_a_container_of_which_little_is_known() -> None:
    shown = row({"Id": "f" * 64, "Names": ["/web", "/other/alias"]}, 0.0, whole=False)
    assert (shown["ID"], shown["Names"], shown["Command"]) == ("f" * 12, "web", '""')
    assert row({"Id": "f" * 64, "Names": ["/web", "/a/b"]}, 0.0, whole=True)["Names"] == "web,a/b"


def rows(image: dict[str, Any], **flags: bool) -> list[tuple[object, ...]]:
    common = {"Id": f"sha256:{'a' * 64}", "Created": 1, "Size": 1}
    found = image_rows({**common, **image}, 100.0, whole=False, **flags)
    return [(row["Repository"], row["Tag"], row["Digest"]) for row in found]


def test_a_row_per_tag_and_for_what_has_digests_only() -> None:
    tagged = {"RepoTags": ["r:5000/a:1", "r:5000/a:2"], "RepoDigests": ["r:5000/a@sha256:1"]}
    assert rows(tagged) == [("r:5000/a", "1", "<none>"), ("r:5000/a", "2", "<none>")]
    assert rows(tagged, digests=True)[0] == ("r:5000/a", "1", "sha256:1")
    untagged = {"RepoTags": [], "RepoDigests": ["a@sha256:1", "a@sha256:2"]}
    assert rows(untagged) == [("a", "<none>", "")]
    assert len(rows(untagged, digests=True, each=True)) == 2
    assert rows({}) == [("<none>", "<none>", "<none>")]
