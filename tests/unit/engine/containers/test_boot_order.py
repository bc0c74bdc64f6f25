"""Who is started after whom."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.base.ids import ContainerId
from wherry.engine.containers.boot_order import Order, _without_circles, boot_order
from wherry.engine.containers.record import Container, State
from wherry.oci.digest import Digest
from wherry.wire.container_config import Config, EndpointSettings, HostConfig


def container(name: str, labels: dict[str, str] | None = None, **host: Any) -> Container:
    return Container(
        id=ContainerId(f"id-{name}"),
        name=name,
        created=0,
        config=Config(labels=labels),
        host_config=HostConfig(**host),
        image_id=Digest("sha256:" + "0" * 64),
        image_name="x",
        path="x",
        args=[],
        state=State(),
    )


def order(*records: Container, beside: tuple[Container, ...] = ()) -> Order:
    known: dict[str, Container] = {}
    for record in (*records, *beside):
        known |= {record.id: record, record.name: record}
    return boot_order(records, known.get)


@pytest.mark.parametrize(
    "needing",
    [
        {"network_mode": "container:id-web"},
        {"ipc_mode": "container:web"},
        {"pid_mode": "container:web"},
        {"volumes_from": ["web:ro"]},
        {"links": ["web:alias"]},
        {"links": ["/web:/other/alias"]},
    ],
)
def test_what_a_container_lives_in_comes_first(needing: dict[str, Any]) -> None:
    found = order(container("app", **needing), container("web"))
    assert found.needs == {"id-app": {"id-web"}, "id-web": frozenset()}
    assert not found.left_out


def test_links_of_an_endpoint_count_too() -> None:
    app = container("app")
    app.networks["own"] = EndpointSettings(links=["web:db"])
    assert order(app, container("web")).needs["id-app"] == {"id-web"}


def test_what_is_not_to_be_started_is_not_waited_for() -> None:
    found = order(
        container("app", network_mode="container:web", volumes_from=["gone"]),
        beside=(container("web"),),
    )
    assert found.needs == {"id-app": frozenset()}


def compose(service: str, project: str = "p", depends: str = "", **more: str) -> dict[str, str]:
    return {
        "com.docker.compose.project": project,
        "com.docker.compose.service": service,
        "com.docker.compose.depends_on": depends,
        **more,
    }


def test_compose_services_wait_for_all_containers_of_the_same_project() -> None:
    once = {"com.docker.compose.oneoff": "True"}
    depends = "db:service_healthy:false,cache:service_started:true"
    found = order(
        container("app", compose("app", depends=depends)),
        container("db-1", compose("db")),
        container("db-2", compose("db")),
        container("other", compose("db", project="q")),
        container("run", compose("db", **once)),
        container("cache", compose("cache")),
    )
    assert found.needs["id-app"] == {"id-db-1", "id-db-2", "id-cache"}
    assert found.needs["id-db-1"] == frozenset()


def test_a_circle_is_broken_and_said() -> None:
    found = order(
        container("a", links=["b:x"]), container("b", links=["c:x"]), container("c", links=["a:x"])
    )
    assert found.left_out == [("id-c", "id-a")]
    assert found.needs == {"id-a": {"id-b"}, "id-b": {"id-c"}, "id-c": frozenset()}


def test_who_needs_itself_needs_nobody() -> None:
    found = order(container("a", links=["a:x"]))
    assert found == Order({"id-a": frozenset()}, [])


def test_a_chain_may_be_as_long_as_there_are_containers() -> None:
    names = [f"c{number}" for number in range(3000)]
    records = [container(names[0])]
    records += [
        container(name, network_mode=f"container:{before}")
        for before, name in itertools.pairwise(names)
    ]
    found = order(*reversed(records))
    assert found.needs["id-c2999"] == {"id-c2998"}
    assert not found.left_out


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef")), min_size=6))
def test_whatever_is_needed_everybody_gets_a_turn(needs: dict[str, set[str]]) -> None:
    needs = {one: wanted - {one} for one, wanted in needs.items()}
    found = _without_circles(needs)
    started: set[str] = set()
    for _ in needs:
        started |= {one for one, wanted in found.needs.items() if wanted <= started}
    assert started == set(needs)
    for one, wanted in needs.items():
        assert wanted - found.needs[one] == {whom for who, whom in found.left_out if who == one}
