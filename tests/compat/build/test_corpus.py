"""Every case of the corpus, built by the engine, beside what it has to be and what judges make."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from compat.build.cases import ALL
from compat.build.cases.buildah import TRACES
from compat.build.cases.model import Case, Judge
from compat.build.harness.builders import Builder, EngineBuilder, OwnClientBuilder
from compat.build.harness.compare import between, shown, unexplained, unmet
from compat.build.harness.judges import Judges
from fixtures.engine import Engine

pytestmark = pytest.mark.dockerd

BuilderMaker = Callable[[bool], Builder]


@pytest.fixture(scope="module")
def builder(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> BuilderMaker:
    """The engine, asked through the stock client or through its own."""
    scratch = tmp_path_factory.mktemp("builds")
    builders = {
        False: EngineBuilder(engine.host, scratch),
        True: OwnClientBuilder(engine.host, scratch),
    }
    return builders.__getitem__


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in ALL])
def test_it_builds_as_it_should(case: Case, builder: BuilderMaker, judges: Judges) -> None:
    built = builder(case.own_client).build(case)
    wrong = []
    if found := unmet(case, built, case.fails):
        wrong.append(shown("expected otherwise:", found))
    for judge in case.judges:
        apart_from = TRACES if judge is Judge.BUILDAH else ()
        differences = between(built, judges.result(judge, case), apart_from)
        if found := unexplained(differences, case.known_to_differ(judge)):
            wrong.append(shown(f"beside {judge}:", found))
    assert not wrong, "\n".join([case.text, *wrong])


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name) for case in ALL if case.also_own_client]
)
def test_its_own_client_asks_for_the_same(case: Case, builder: BuilderMaker) -> None:
    own, stock = (builder(client).build(case) for client in (True, False))
    assert not between(own, stock), shown("own client here:", between(own, stock))
    assert not unmet(case, own, case.fails)
