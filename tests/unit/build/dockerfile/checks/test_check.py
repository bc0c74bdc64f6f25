"""Every published rule on real files: what is found, where, in which words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.base.errors import InvalidError
from wherry.build.dockerfile.checks import RULES, Base, Outside, check, violation
from wherry.build.dockerfile.ignore import Matcher
from wherry.build.dockerfile.instructions import Warned
from wherry.build.dockerfile.parse import parse

KNOWN = Outside(bases=dict.fromkeys(range(9), Base()))


def found(text: str, **facts: object) -> list[str]:
    """Return findings as `line rule: message`."""
    facts.setdefault("outside", KNOWN)
    findings = check(parse(text), **facts)  # type: ignore[arg-type]
    return [f"{one.place.first} {one.rule}: {one.message}" for one in findings]


def only(rule: str, text: str, **facts: object) -> list[str]:
    """Return the findings of one rule as `line message`."""
    lines = [line.split(" ", 2) for line in found(text, **facts)]
    return [f"{number} {message}" for number, name, message in lines if name == f"{rule}:"]


CASES = [
    # rule, file, findings
    ("StageNameCasing", "FROM x AS Bad", ["1 Stage name 'Bad' should be lowercase"]),
    ("StageNameCasing", "FROM --platform=$BUILDPLATFORM x AS Bad", 1),
    ("StageNameCasing", "FROM x AS good\nFROM X", []),
    ("FromAsCasing", "FROM x as a", ["1 'as' and 'FROM' keywords' casing do not match"]),
    ("FromAsCasing", "from x AS a", ["1 'AS' and 'from' keywords' casing do not match"]),
    ("FromAsCasing", "FROM x As a", 1),
    ("FromAsCasing", "FROM x AS a\nfrom x as b\nFrom x As c", []),
    ("NoEmptyContinuation", "FROM x\nCOPY a \\\n\n  b", ["4 Empty continuation line"]),
    ("NoEmptyContinuation", "FROM x\nRUN a \\\n \t\n# c\n\n  b \\\n  && c\nRUN d", ["7"]),
    ("NoEmptyContinuation", "FROM x\nRUN a \\\n# comment\n b", []),
    ("NoEmptyContinuation", "FROM x\nRUN a\n\n\nRUN b", []),
    ("NoEmptyContinuation", "FROM x\nCOPY <<EOF /f\na \\\n\nEOF\nRUN b", []),
    ("NoEmptyContinuation", "# escape=`\nFROM x\nRUN a `\n\n b", ["5"]),
    (
        "ConsistentInstructionCasing",
        "From x\nFROM y",
        ["1 Command 'From' should match the case of the command majority (uppercase)"],
    ),
    (
        "ConsistentInstructionCasing",
        "FROM x\ncopy a b\nrun c",
        ["1 Command 'FROM' should match the case of the command majority (lowercase)"],
    ),
    ("ConsistentInstructionCasing", "from x\nCOPY a b", ["1"]),
    ("ConsistentInstructionCasing", "arg A\nFROM x\nRUN <<E\nenv\nE", []),
    ("ConsistentInstructionCasing", "from x\ncopy a b", []),
    (
        "DuplicateStageName",
        "FROM x AS b\nFROM x AS B",
        ['2 Duplicate stage name "b", stage names should be unique'],
    ),
    ("DuplicateStageName", "FROM x\nFROM y\nFROM x AS a\nFROM x AS b", []),
    (
        "ReservedStageName",
        "FROM x AS scratch\nFROM x AS context",
        [
            '1 Stage name should not use the same name as reserved stage "scratch"',
            '2 Stage name should not use the same name as reserved stage "context"',
        ],
    ),
    ("ReservedStageName", "FROM scratch\nFROM scratch AS a", []),
    (
        "JSONArgsRecommended",
        "FROM x\nCMD a\nENTRYPOINT b",
        [
            "2 JSON arguments recommended for CMD to prevent unintended behavior related to",
            "3 JSON arguments recommended for ENTRYPOINT to prevent unintended behavior rel",
        ],
    ),
    ("JSONArgsRecommended", 'FROM x\nCMD ["a"]\nENTRYPOINT ["b"]\nRUN c', []),
    ("JSONArgsRecommended", 'FROM x AS a\nSHELL ["s"]\nCMD b\nFROM a\nENTRYPOINT c', []),
    (
        "MaintainerDeprecated",
        "FROM x\nMAINTAINER me@example.org",
        ["2 Maintainer instruction is deprecated in favor of using label"],
    ),
    (
        "UndefinedArgInFrom",
        "FROM --platform=$BULIDPLATFORM x",
        ["1 FROM argument 'BULIDPLATFORM' is not declared (did you mean BUILDPLATFORM?)"],
    ),
    (
        "UndefinedArgInFrom",
        "ARG tag=1\nFROM x:${tag}${version} AS b",
        ["2 FROM argument 'version' is not declared"],
    ),
    ("UndefinedArgInFrom", "ARG A\nFROM x${A}\nFROM --platform=$TARGETPLATFORM y", []),
    (
        "WorkdirRelativePath",
        "FROM x\nWORKDIR app/",
        ['2 Relative workdir "app/" can have unexpected results if the base image changes'],
    ),
    ("WorkdirRelativePath", "FROM x\nARG d=/a\nWORKDIR $d\nWORKDIR b", []),
    ("WorkdirRelativePath", "FROM x\nWORKDIR a\nWORKDIR b", ["2"]),
    ("WorkdirRelativePath", "FROM x AS a\nWORKDIR /a\nFROM a\nWORKDIR b", []),
    ("UndefinedVar", "FROM x\nCOPY $foo .", ["2 Usage of undefined variable '$foo'"]),
    (
        "UndefinedVar",
        "FROM x\nENV PATH=$PAHT:/b",
        ["2 Usage of undefined variable '$PAHT' (did you mean $PATH?)"],
    ),
    (
        "UndefinedVar",
        "FROM x\nARG DIR_ASSETS=a\nCOPY $DIR_ASSET .",
        ["3 Usage of undefined variable '$DIR_ASSET' (did you mean $DIR_ASSETS?)"],
    ),
    ("UndefinedVar", "FROM x\nARG foo\nCOPY D${foo} .", []),
    ("UndefinedVar", "FROM x AS a\nARG foo=D\nFROM a\nCOPY $foo .", []),
    ("UndefinedVar", "FROM x AS a\nARG foo\nFROM a\nUSER $foo", []),
    ("UndefinedVar", "FROM x\nRUN echo $x\nCMD echo $y\nEXPOSE $z", []),
    ("UndefinedVar", "FROM x\nENV a=1 b=$a", ["2"]),
    ("UndefinedVar", "FROM x\nARG a=1 b=$a", []),
    ("UndefinedVar", "FROM x\nARG a=$b b=1", ["2"]),
    (
        "UndefinedVar",
        "FROM x\nCOPY <<A <<'B' /\n$a\nA\n$b\nB",
        ["2 Usage of undefined variable '$a'"],
    ),
    ("UndefinedVar", "FROM x\nLABEL a=$a\nVOLUME $b\nUSER $c\nSTOPSIGNAL $d", 4),
    ("UndefinedVar", "FROM x\nADD --chown=$a --chmod=$b c $d", 3),
    ("UndefinedVar", "FROM x\nRUN --mount=type=cache,target=$a b", 1),
    ("UndefinedVar", "FROM x\nCOPY $a $a $a/b", 1),
    (
        "MultipleInstructionsDisallowed",
        "FROM x\nENTRYPOINT a\nCMD a\nHEALTHCHECK NONE\nENTRYPOINT b\ncmd b\nHEALTHCHECK NONE",
        [
            "2 Multiple ENTRYPOINT instructions should not be used in the same stage becaus",
            "3 Multiple cmd instructions should not be used in the same stage because only ",
            "4 Multiple HEALTHCHECK instructions should not be used in the same stage becau",
        ],
    ),
    ("MultipleInstructionsDisallowed", 'FROM x AS a\nCMD ["a"]\nFROM a\nCMD ["b"]', []),
    (
        "LegacyKeyValueFormat",
        "FROM x\nENV a b\nlabel a b",
        [
            '2 "ENV key=value" should be used instead of legacy "ENV key value" format',
            '3 "label key=value" should be used instead of legacy "label key value" format',
        ],
    ),
    ("LegacyKeyValueFormat", "FROM x\nENV a=b\nLABEL a=b c=d", []),
    (
        "RedundantTargetPlatform",
        "FROM --platform=$TARGETPLATFORM x\nFROM --platform=${TARGETPLATFORM} x",
        [
            "1 Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this ",
            "2 Setting platform to predefined ${TARGETPLATFORM} in FROM is redundant as thi",
        ],
    ),
    ("RedundantTargetPlatform", "FROM --platform=$BUILDPLATFORM x\nFROM x", []),
    ("RedundantTargetPlatform", "FROM --platform=$TARGETOS/$TARGETARCH x", []),
    (
        "SecretsUsedInArgOrEnv",
        "FROM x\nARG SECRET_WORD\nENV password=a secret=b PUBLIC_KEY=c",
        [
            '2 Do not use ARG or ENV instructions for sensitive data (ARG "SECRET_WORD")',
            '3 Do not use ARG or ENV instructions for sensitive data (ENV "password")',
            '3 Do not use ARG or ENV instructions for sensitive data (ENV "secret")',
        ],
    ),
    ("SecretsUsedInArgOrEnv", "ARG TOKEN\nFROM x\nARG public_token AUTH_VERSION\nENV keys=a", []),
    ("SecretsUsedInArgOrEnv", "FROM x\nENV git_key= apikey=x authored=y", 2),
    (
        "FromPlatformFlagConstDisallowed",
        "FROM --platform=linux/amd64 x",
        ['1 FROM --platform flag should not use constant value "linux/amd64"'],
    ),
    ("FromPlatformFlagConstDisallowed", "FROM --platform=linux/aarch64 x AS my_arm64_stage", []),
    ("FromPlatformFlagConstDisallowed", "FROM --platform=linux/amd64 x AS linux", []),
    ("FromPlatformFlagConstDisallowed", "FROM --platform=arm64 x AS b", 1),
    ("FromPlatformFlagConstDisallowed", "FROM --platform=windows x AS win", 1),
    ("FromPlatformFlagConstDisallowed", "FROM --platform=linux/$TARGETARCH x", []),
    ("FromPlatformFlagConstDisallowed", "FROM --platform=a/b/c/d x", []),
    (
        "ExposeProtoCasing",
        "FROM x\nEXPOSE 80/TcP 8080/TCP 8080/udp 1:2/UDP 9/XX",
        [
            "2 Defined protocol '80/TcP' in EXPOSE instruction should be lowercase",
            "2 Defined protocol '8080/TCP' in EXPOSE instruction should be lowercase",
            "2 Defined protocol '1:2/UDP' in EXPOSE instruction should be lowercase",
        ],
    ),
    (
        "ExposeInvalidFormat",
        "FROM x\nARG p=1:2\nEXPOSE 127.0.0.1:80:80 [::1]:8080:8080 $p 8000 1-2/tcp",
        [
            "3 EXPOSE instruction should not define an IP address or host-port mapping, fou",
            "3 EXPOSE instruction should not define an IP address or host-port mapping, fou",
            "3 EXPOSE instruction should not define an IP address or host-port mapping, fou",
        ],
    ),
]


@pytest.mark.parametrize(("rule", "text", "expected"), CASES)
def test_a_rule(rule: str, text: str, expected: list[str] | int) -> None:
    lines = only(rule, text)
    if isinstance(expected, int):
        assert len(lines) == expected
    else:
        assert [line[: len(want)] for line, want in zip(lines, expected, strict=True)] == expected


def test_a_clean_file_has_no_findings() -> None:
    text = """
    # syntax=docker/dockerfile:1
    ARG VERSION=3
    FROM alpine:$VERSION AS build
    WORKDIR /src
    COPY . .
    ARG FLAGS
    RUN --mount=type=cache,target=/c make $FLAGS
    FROM scratch
    COPY --from=build /src/x /x
    EXPOSE 80
    ENTRYPOINT ["/x"]
    """
    assert found(text, ignored=Matcher(["node_modules"])) == []


def test_what_a_finding_carries() -> None:
    [finding] = check(parse("FROM scratch\nMAINTAINER x"))
    assert finding.place.last == 2
    assert finding.description == (
        "The MAINTAINER instruction is deprecated, use a label instead to define an image author"
    )
    assert finding.url == "https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/"


def test_findings_are_in_the_order_of_the_file() -> None:
    text = "from scratch AS A\nMAINTAINER x\nENV a b\nCMD c"
    lines = [line.split(":")[0] for line in found(text)]
    assert lines == [
        "1 StageNameCasing",
        "1 FromAsCasing",
        "1 ConsistentInstructionCasing",
        "2 MaintainerDeprecated",
        "3 LegacyKeyValueFormat",
        "4 JSONArgsRecommended",
    ]


# What only the outside knows.


def test_a_base_image_that_nobody_knows_may_have_any_variable() -> None:
    text = "FROM x AS a\nCOPY $foo .\nWORKDIR ${home}b\nFROM a\nUSER $bar"
    assert found(text, outside=Outside()) == []
    assert only("UndefinedVar", "FROM scratch\nCOPY $foo .", outside=Outside()) == [
        "2 Usage of undefined variable '$foo'"
    ]


def test_variables_of_the_base_image() -> None:
    outside = Outside(bases={0: Base({"HOME_DIR": "/h"}, own_shell=True)})
    assert found("FROM x\nWORKDIR $HOME_DIR\nCMD a", outside=outside) == []
    text = "FROM x\nCOPY $HOME_DIRS ."
    assert found(text, outside=outside)[0].endswith("(did you mean $HOME_DIR?)")


def test_only_stages_that_are_built_are_looked_into() -> None:
    text = "FROM x AS a\nENV a b\nFROM scratch AS B\nENV a b"
    one = Outside(bases=KNOWN.bases, stages={1})
    lines = [line.split(":")[0] for line in found(text, outside=one)]
    assert lines == ["3 StageNameCasing", "4 LegacyKeyValueFormat"]


@pytest.mark.parametrize(
    ("platform", "wanted", "warned"),
    [
        ("linux/arm64", "linux/amd64", True),
        ("linux/arm/v6", "linux/arm/v7", False),
        ("linux/amd64", "linux/amd64", False),
        ("windows/amd64", "linux/amd64", True),
        ("", "linux/amd64", False),
        ("linux/arm64", "", False),
    ],
)
def test_invalid_base_image_platform(platform: str, wanted: str, warned: bool) -> None:
    outside = Outside(bases={0: Base(platform=platform, wanted=wanted)})
    text = "ARG T=1\nFROM busybox:$T\nFROM scratch"
    words = f'Base image busybox:1 was pulled with platform "{platform}", expected "{wanted}" for'
    lines = found(text, outside=outside)
    assert lines == ([f"2 InvalidBaseImagePlatform: {words} current build"] if warned else [])
    assert RULES["InvalidBaseImagePlatform"].url == ""


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("ARG VERSION\nFROM busybox:$VERSION", "busybox:$VERSION"),
        ("ARG IMAGE\nFROM $IMAGE", "$IMAGE"),
        ('ARG SFX="box:"\nFROM busy${SFX}', "busy${SFX}"),
        ("ARG VERSION=latest\nFROM busybox:${VERSION}", ""),
        ("ARG V\nFROM busybox:stable${V}", ""),
        ("FROM $TARGETARCH/x", ""),
    ],
)
def test_invalid_default_arg_in_from(text: str, image: str) -> None:
    def is_reference(name: str) -> bool:
        return bool(name) and not name.endswith(":")

    outside = Outside(bases=KNOWN.bases, is_reference=is_reference)
    lines = found(text, outside=outside, build_arguments={"VERSION": "1", "IMAGE": "x", "SFX": "y"})
    words = f"Default value for ARG {image} results in empty or invalid base image name"
    assert lines == ([f"2 InvalidDefaultArgInFrom: {words}"] if image else [])
    assert found(text) == []


@pytest.mark.parametrize(
    ("patterns", "text", "expected"),
    [
        (
            "Dockerfile",
            "COPY Dockerfile .\nADD ./Dockerfile /w",
            [
                '2 Attempting to Copy file "Dockerfile" that is excluded by .dockerignore',
                '3 Attempting to Add file "Dockerfile" that is excluded by .dockerignore',
            ],
        ),
        ("docs", "COPY docs/a b /docs/c /", 2),
        ("a", "ARG f=a\nCOPY $f .", 1),
        ("foobar", "COPY --from=x foobar .\nCOPY a .\nCOPY <<foobar /\nfoobar", []),
        ("** !Dockerfile", "COPY ./Dockerfile .\nCOPY x .\nCOPY . .", []),
        (".*", "COPY . .", []),
        ("*", "COPY . .", ['2 Attempting to Copy file "." that is excluded by .dockerignore']),
        ("*", "ADD https://h/a git@h:b git://c ssh://d /", []),
    ],
)
def test_copy_ignored_file(patterns: str, text: str, expected: list[str] | int) -> None:
    ignored = Matcher(patterns.split())
    lines = only("CopyIgnoredFile", f"FROM scratch\n{text}", ignored=ignored)
    assert (len(lines) if isinstance(expected, int) else lines) == expected


def test_without_an_ignore_file_nothing_is_ignored() -> None:
    assert found("FROM scratch\nCOPY a .") == []


def test_build_arguments_win_over_defaults() -> None:
    text = "FROM x\nARG d=rel/$undefined\nWORKDIR $d"
    assert len(found(text)) == 2
    assert found(text, build_arguments={"d": "/abs"}) == []
    assert len(found(text, build_arguments={"d": None})) == 2


def test_arguments_from_before_the_first_from() -> None:
    text = "ARG d=/a\nFROM x\nARG d\nWORKDIR $d"
    assert found(text) == []


# Which rules are asked for.

CASING = "FROM scratch as base\ncopy a .\n"


@pytest.mark.parametrize(
    ("directive", "arguments", "rules"),
    [
        ("", {}, "FromAsCasing ConsistentInstructionCasing"),
        ("#check=skip=all\n", {}, ""),
        ("#check=skip=all;error=true\n", {}, ""),
        ("#check=skip=ConsistentInstructionCasing,FromAsCasing\n", {}, ""),
        ("#check=skip=ConsistentInstructionCasing\n", {}, "FromAsCasing"),
        ("#check=skip=all\n", {"BUILDKIT_DOCKERFILE_CHECK": "skip=FromAsCasing"}, "ConsistentIn"),
        ("#check=error=true\n", {"BUILDKIT_DOCKERFILE_CHECK": "skip=all"}, ""),
        ("#check=skip=FromAsCasing\n", {"BUILDKIT_DOCKERFILE_CHECK": ""}, "FromAs Consistent"),
    ],
)
def test_what_is_skipped(directive: str, arguments: dict[str, str], rules: str) -> None:
    findings = check(parse(directive + CASING), build_arguments=arguments)
    names = [finding.rule for finding in findings]
    wanted = rules.split()
    assert [n[: len(w)] for n, w in zip(names, wanted, strict=True)] == wanted


def test_a_comment_skips_for_its_instruction_only() -> None:
    text = """FROM scratch
# check=skip=SecretsUsedInArgOrEnv // it is no secret
ENV password=a
# other

# check=skip=all
ARG token
ENV password=b
# check=skip=all
#
ENV password=c
# check=nonsense
ENV password=d
"""
    assert [line.split()[0] for line in found(text)] == ["8", "11", "13"]


DESCRIBED = """# foo this is the foo
ARG foo=bar
# BasE this is the BasE image
FROM scratch AS base
# a bad comment
ARG version=latest

# baz this is the baz
ARG foo=baz baz=quux
# bad again
ARG foo=baz bar=qux
# not a description

ARG one
# part
#
ARG two
# about something else
COPY a .
"""


@pytest.mark.parametrize("asked", ["all", "InvalidDefinitionDescription"])
def test_experimental_rules_have_to_be_asked_for(asked: str) -> None:
    assert found(DESCRIBED) == []
    lines = found(f"# check=skip=all;experimental={asked}\n{DESCRIBED}")
    words = "InvalidDefinitionDescription: Comment for {} should follow the format: `# {} <descri"
    expected = [("5", "FROM", "base"), ("7", "ARG", "version"), ("12", "ARG", "<arg_key>")]
    for line, (number, keyword, name) in zip(lines, expected, strict=True):
        assert line.startswith(f"{number} {words.format(keyword, name)}")


def test_how_a_build_ends_for_which_findings_are_errors() -> None:
    findings = check(parse(CASING))
    assert violation([*findings, *findings]) == (
        "lint violation found for rules: ConsistentInstructionCasing, FromAsCasing"
    )


def test_all_published_rules_are_there() -> None:
    assert len(RULES) == 22
    pages = [rule.page for rule in RULES.values() if rule.page]
    assert len(set(pages)) == 21
    assert [rule.name for rule in RULES.values() if rule.experimental] == [
        "InvalidDefinitionDescription"
    ]
    for rule in RULES.values():
        words = "".join(f"-{c.lower()}" if c.isupper() else c for c in rule.name).lstrip("-")
        assert rule.page in (words, words.replace("j-s-o-n", "json"), "")


LINES = st.sampled_from(
    [
        *("FROM $a AS b", "FROM x", "ARG a=${b", "ARG a=$b c", "ENV a=$a", "COPY $x y", "CMD a"),
        *("EXPOSE $p/TCP", "WORKDIR $a", "# check=skip=all", "# comment", "", "RUN a \\", " b"),
        *("ONBUILD COPY $a b", "HEALTHCHECK NONE", "VOLUME $a", "LABEL a $b", 'SHELL ["s"]'),
        *("COPY <<E /x", "E", "USER ${a:?no}"),
    ]
)


@given(st.lists(LINES, max_size=12).map("\n".join))
def test_whatever_can_be_parsed_can_be_checked(text: str) -> None:
    try:
        dockerfile = parse(text)
    except InvalidError:
        return
    findings = check(dockerfile, ignored=Matcher(["*"]), outside=KNOWN)
    assert all(isinstance(finding, Warned) for finding in findings)
    assert all(1 <= finding.place.first <= len(dockerfile.lines) for finding in findings)
