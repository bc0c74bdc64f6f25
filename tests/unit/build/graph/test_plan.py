"""Plans: which stages are needed, and what becomes of their instructions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from wherry.base.errors import InvalidError
from wherry.build.dockerfile.errors import DockerfileError
from wherry.build.dockerfile.parse import parse
from wherry.build.graph.actions import (
    CopyFiles,
    Execute,
    FromContext,
    FromImage,
    FromScratch,
    FromStage,
    Inline,
    MakeDirectory,
    Note,
    Paths,
    Remote,
)
from wherry.build.graph.plan import Plan, TargetNotFoundError, Wanted, make_plan
from wherry.oci.image import ImageConfig, ImageRunConfig, Platform

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BASES = {
    "busybox": ImageConfig("amd64", "linux", config=ImageRunConfig(env=[PATH], cmd=["sh"])),
    "tools": ImageConfig(
        "amd64", "linux", author="somebody",
        config=ImageRunConfig(
            env=["PATH=/bin", "A=base"], user="nobody", working_dir="/srv", entrypoint=["/e"],
            on_build=["RUN first", "COPY . /onbuild"],
        ),
    ),
}  # fmt: skip


def plan(
    text: str,
    target: str = "",
    arguments: Mapping[str, str | None] | None = None,
    *,
    contexts: Mapping[str, str] | None = None,
    allowed: frozenset[str] = frozenset(),
) -> Plan:
    async def images(reference: str, platform: Platform | None) -> ImageConfig:
        return BASES[reference]

    wanted = Wanted(
        target, arguments or {}, "linux/amd64", allowed=allowed, contexts=contexts or {}
    )
    remote = ("http://", "https://")
    return asyncio.run(
        make_plan(parse(text, "Dockerfile"), wanted, images, lambda t: t.startswith(remote))
    )


def runs(made: Plan) -> list[Execute]:
    return [a for stage in made.stages for a in stage.actions if isinstance(a, Execute)]


def copies(made: Plan) -> list[CopyFiles]:
    return [a for stage in made.stages for a in stage.actions if isinstance(a, CopyFiles)]


STAGES = """
FROM busybox AS one
RUN one
FROM busybox AS unused
RUN unused
FROM one AS two
RUN two
FROM scratch
COPY --from=two /x /y
COPY --from=0 /x /z
COPY --from=tools /x /t
"""


def test_only_what_the_target_needs_is_planned() -> None:
    made = plan(STAGES)
    assert [stage.shown for stage in made.stages] == ["one", "two", "stage-3"]
    assert [stage.base for stage in made.stages] == [
        FromImage("busybox"),
        FromStage(0),
        FromScratch(),
    ]
    assert [one.sources for one in copies(made)] == [
        (Paths(FromStage(2), ("/x",)),),
        (Paths(FromStage(0), ("/x",)),),
        (Paths(FromImage("tools"), ("/x",)),),
    ]


def test_steps_are_numbered_in_the_order_in_which_they_are_shown() -> None:
    made = plan(STAGES)
    numbers = [a.number for stage in made.stages for a in (stage.start, *stage.actions)]
    assert numbers == list(range(made.steps)) == list(range(8))


@pytest.mark.parametrize(("target", "last"), [("two", 2), ("TWO", 2), ("", 3)])
def test_a_target_by_name(target: str, last: int) -> None:
    assert plan(STAGES, target).target.index == last


def test_a_target_that_is_not_there() -> None:
    with pytest.raises(TargetNotFoundError, match='target stage "three" could not be found'):
        plan(STAGES, "three")


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("ARG X=1\nRUN x", {}, ["X=1"]),
        ("ARG X=1\nRUN x", {"X": "2"}, ["X=2"]),
        ("ARG X\nRUN x", {}, []),
        ("ARG X\nRUN x", {"X": "2"}, ["X=2"]),
        ("ARG X=1\nENV X=3\nRUN x", {"X": "2"}, []),
        ("ARG X=1 Y=$X\nRUN x", {}, ["X=1", "Y=1"]),
        ("RUN x", {"X": "2"}, []),
        ("ARG GLOBAL\nRUN x", {}, ["GLOBAL=g"]),
        ("ARG GLOBAL=s\nRUN x", {}, ["GLOBAL=s"]),
        ("ARG TARGETARCH\nRUN x", {}, ["TARGETARCH=amd64"]),
        ("ENV Y=$TARGETARCH\nRUN x", {}, []),
    ],
)
def test_arguments_that_a_process_sees(
    text: str, arguments: dict[str, str | None], said: list[str]
) -> None:
    (run,) = runs(plan(f"ARG GLOBAL=g\nFROM scratch\n{text}\n", arguments=arguments))
    count = len(said)
    assert list(run.environment[:count]) == said
    assert run.environment[count].startswith("PATH=")


def test_arguments_are_inherited_by_stages_from_a_stage() -> None:
    made = plan("FROM scratch AS a\nARG X=1\nFROM a\nRUN x\n")
    assert runs(made)[0].environment[0] == "X=1"


def test_arguments_that_nobody_asked_for_are_named() -> None:
    made = plan("FROM scratch\nARG A\n", arguments={"A": "1", "B": "2", "HTTP_PROXY": "p"})
    assert made.unused_arguments == ("B",)


def test_a_proxy_is_seen_by_processes_and_is_no_part_of_the_image() -> None:
    made = plan("FROM scratch\nRUN x\n", arguments={"http_proxy": "p"})
    assert runs(made)[0].silent_environment == ("http_proxy=p",)
    assert "proxy" not in str(made.target.config) + runs(made)[0].created_by


def test_variables_of_one_env_do_not_see_each_other() -> None:
    made = plan("FROM scratch\nENV A=1\nENV A=2 B=$A\n")
    assert (made.target.config.env or [])[1:] == ["A=2", "B=1"]


def test_a_base_gives_its_configuration_and_its_triggers() -> None:
    made = plan("FROM tools\nRUN own\n")
    config = made.target.config
    assert (config.user, config.working_dir, config.on_build) == ("nobody", "/srv", None)
    assert made.target.author == "somebody"
    assert [run.arguments[-1] for run in runs(made)] == ["first", "own"]
    assert copies(made)[0].place.first == 1


def test_triggers_run_once() -> None:
    made = plan("FROM scratch AS a\nONBUILD RUN x\nFROM a AS b\nFROM b\n")
    assert len(runs(made)) == 1
    assert made.target.config.on_build is None
    assert made.stage(0).config.on_build == ["RUN x"]


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("RUN a b", ("/bin/sh", "-c", "a b")),
        ('RUN ["a", "b c"]', ("a", "b c")),
        ('SHELL ["/bin/ash", "-ec"]\nRUN a', ("/bin/ash", "-ec", "a")),
        ("RUN <<EOF\na\nb\nEOF", ("/bin/sh", "-c", "a\nb\n")),
        ("RUN cat <<EOF >x\na\nEOF", ("/bin/sh", "-c", "cat <<EOF >x\na\nEOF")),
        ("RUN cat <<A <<B\na\nA\nb\nB", ("/bin/sh", "-c", "cat <<A <<B\na\nA\nb\nB")),
        ("RUN <<EOF\n#!/bin/awk -f\nx\nEOF", ("/dev/pipes/EOF",)),
    ],
)
def test_what_is_executed(text: str, arguments: tuple[str, ...]) -> None:
    assert runs(plan(f"FROM scratch\n{text}\n"))[0].arguments == arguments


def test_a_heredoc_with_an_interpreter_is_a_script() -> None:
    (run,) = runs(plan("FROM scratch\nRUN <<EOF\n#!/bin/x\n$A\nEOF\n"))
    assert run.script == Inline("EOF", b"#!/bin/x\n$A\n")


@pytest.mark.parametrize(
    ("written", "destination", "directory"),
    [
        ("COPY a /b", "/b", False),
        ("COPY a b", "/w/b", False),
        ("COPY a b/", "/w/b", True),
        ("COPY a .", "/w", True),
        ("COPY a ./", "/w", True),
        ("COPY a ..", "/", True),
        ("COPY a b /c/", "/c", True),
        ("COPY a $D/x", "/d/x", False),
        ("COPY a /../../x", "/x", False),
    ],
)
def test_destinations(written: str, destination: str, directory: bool) -> None:
    (copy,) = copies(plan(f"FROM scratch\nENV D=/d\nWORKDIR /w\n{written}\n"))
    assert (copy.destination, copy.directory) == (destination, directory)


def test_heredocs_are_files_and_put_variables_in_unless_quoted() -> None:
    (copy,) = copies(plan("FROM scratch\nENV X=v\nCOPY <<a <<'b' /d/\n$X \"q\"\na\n$X\nb\n"))
    assert copy.sources == (Inline("a", b'v "q"\n'), Inline("b", b"$X\n"))


def test_add_fetches_addresses_and_unpacks_what_is_local() -> None:
    (add,) = copies(
        plan("FROM scratch\nADD --checksum=sha256:00 https://h/$X /d/\n", arguments={"X": "1"})
    )
    assert add.sources == (Remote("https://h/", "sha256:00"),)
    (add,) = copies(plan("FROM scratch\nADD a.tar /d/\n"))
    assert (add.sources, add.unpack) == ((Paths(FromContext(), ("a.tar",)),), None)
    assert copies(plan("FROM scratch\nCOPY a.tar /d/\n"))[0].unpack is False


def test_directories_are_made_for_the_user_of_the_moment() -> None:
    made = plan("FROM scratch\nUSER app\nWORKDIR /a\nWORKDIR b\n")
    found = [a for a in made.target.actions if isinstance(a, MakeDirectory)]
    assert [(one.path, one.user) for one in found] == [("/a", "app"), ("/a/b", "app")]


def test_named_contexts_come_first() -> None:
    text = "FROM busybox AS a\nFROM scratch\nCOPY --from=a / /\nCOPY --from=b / /\n"
    made = plan(text, contexts={"a": "context:a", "b": "docker-image://tools"})
    assert [one.sources[0] for one in copies(made)] == [
        Paths(FromContext("a"), ("/",)),
        Paths(FromImage("tools"), ("/",)),
    ]


def test_the_history_says_what_was_executed_with_which_arguments() -> None:
    (run,) = runs(plan("FROM scratch\nARG X=1\nRUN make\n"))
    assert run.created_by == "RUN |1 X=1 /bin/sh -c make"


def test_instructions_that_change_no_files_are_notes() -> None:
    made = plan('FROM scratch\nENV A=1\nLABEL b="c d"\nCMD ["x"]\nEXPOSE 80\n')
    assert all(isinstance(action, Note) for action in made.target.actions)
    assert [a.created_by for a in made.target.actions] == [
        "ENV A=1",
        "LABEL b=c d",
        'CMD ["x"]',
        "EXPOSE 80",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FROM scratch\nEXPOSE x\n", "line 2: invalid containerPort: x"),
        ("FROM scratch\nSTOPSIGNAL NOPE\n", "line 2: Invalid signal: NOPE"),
        ("FROM scratch\nCOPY --from=5 a b\n", "invalid from flag value 5"),
        (
            "FROM scratch AS first\nCOPY --from=later a b\nFROM scratch AS later\n",
            "begins only after",
        ),
        ("FROM scratch AS me\nCOPY --from=me a b\n", "circular dependency detected on stage: me"),
        ("FROM scratch\nCOPY a b /c\n", "must be a directory and end with a /"),
        ("FROM $X\n", "should not be blank"),
        ("FROM scratch\nRUN --network=host x\n", "network.host is not allowed"),
        ("FROM scratch\nRUN --security=insecure x\n", "security.insecure is not allowed"),
        ("FROM scratch\nADD --checksum=sha256:0 a b\n", "checksum requires"),
        ("FROM scratch\nRUN --mount=type=cache,target=/ x\n", "invalid mount target"),
    ],
)
def test_what_makes_no_sense_names_the_line(text: str, words: str) -> None:
    target = "first" if "later" in text else ""
    with pytest.raises((DockerfileError, InvalidError), match=words):
        plan(text, target)


def test_entitlements_allow_what_is_refused_otherwise() -> None:
    allowed = frozenset({"network.host", "security.insecure"})
    text = "FROM scratch\nRUN --network=host --security=insecure x\n"
    (run,) = runs(plan(text, allowed=allowed))
    assert (run.network, run.insecure) == ("host", True)
