"""Every instruction: its values, and BuildKit's words where it is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.build.dockerfile import instructions as i
from wherry.build.dockerfile.errors import GrammarError
from wherry.build.dockerfile.lines import Line
from wherry.build.dockerfile.statements import read_instruction

SECOND = 1_000_000_000


def read(text: str, *heredocs: i.Heredoc, escape: str = "\\") -> i.Instruction:
    return read_instruction(Line(text, text, i.Place(1, 1), (), heredocs), escape)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("ARG a", {"values": (("a", None),)}),
        ("ARG a=", {"values": (("a", ""),)}),
        ("ARG a b=c d='e f'", {"values": (("a", None), ("b", "c"), ("d", "'e f'"))}),
        ("ARG a=b=c", {"values": (("a", "b=c"),)}),
        ("FROM x", {"image": "x", "platform": "", "alias": ""}),
        ("FROM --platform=$P x:$V aS Big", {"image": "x:$V", "platform": "$P", "alias": "big"}),
        ("ENV a=b", {"pairs": (("a", "b"),), "legacy": False}),
        ("ENV a=b c='d e' f=g\\ h", {"pairs": (("a", "b"), ("c", "'d e'"), ("f", "g\\ h"))}),
        ("ENV a b  c=d", {"pairs": (("a", "b  c=d"),), "legacy": True}),
        ("ENV a =b", {"pairs": (("a", "=b"),), "legacy": True}),
        ("env $a=$b", {"pairs": (("$a", "$b"),)}),
        ('LABEL "a.b"="c d" e=f', {"pairs": (('"a.b"', '"c d"'), ("e", "f"))}),
        ("LABEL a b", {"pairs": (("a", "b"),), "legacy": True}),
        ("MAINTAINER A. B. <c@d>", {"author": "A. B. <c@d>"}),
        ("CMD a  b", {"command": i.Command(("a  b",), True)}),
        ('CMD ["a", "b"]', {"command": i.Command(("a", "b"), False)}),
        ("CMD []", {"command": i.Command((), False)}),
        ("CMD ['a']", {"command": i.Command(("['a']",), True)}),
        ('CMD ["a"', {"command": i.Command(('["a"',), True)}),
        ("CMD", {"command": i.Command((), True)}),
        ('ENTRYPOINT ["/x"]', {"command": i.Command(("/x",), False)}),
        ("ENTRYPOINT exec x", {"command": i.Command(("exec x",), True)}),
        ('SHELL ["/bin/bash", "-c"]', {"words": ("/bin/bash", "-c")}),
        ("STOPSIGNAL SIG$X", {"signal": "SIG$X"}),
        ("USER a:b", {"user": "a:b"}),
        ("WORKDIR a b/$c", {"path": "a b/$c"}),
        ("VOLUME /a  /b", {"paths": ("/a", "/b")}),
        ('VOLUME [" /a ", "/b c"]', {"paths": ("/a", "/b c")}),
        ("EXPOSE 80 443/tcp $P-90/udp", {"ports": ("80", "443/tcp", "$P-90/udp")}),
        ("HEALTHCHECK NONE", {"test": ("NONE",)}),
        ("HEALTHCHECK cmd a  b", {"test": ("CMD-SHELL", "a  b")}),
        ('HEALTHCHECK CMD ["a", "b"]', {"test": ("CMD", "a", "b")}),
        (
            "HEALTHCHECK --interval=1m30s --timeout=0s --start-period=1.5s --retries=3 CMD x",
            {
                "interval": 90 * SECOND,
                "timeout": 0,
                "start_period": 1_500_000_000,
                "retries": 3,
            },
        ),
        ("HEALTHCHECK --start-interval=1ms CMD x", {"start_interval": 1_000_000}),
        ("HEALTHCHECK --interval= CMD x", {"interval": 0}),
        ("ONBUILD run a  b", {"trigger": "run a  b"}),
        ("ONBUILD COPY --chown=a b c", {"trigger": "COPY --chown=a b c"}),
        ("RUN a && b", {"command": i.Command(("a && b",), True), "network": "", "security": ""}),
        ('RUN ["a", "$b"]', {"command": i.Command(("a", "$b"), False)}),
        ("RUN --network=host x", {"network": "host"}),
        ("RUN --network=default --security=insecure x", {"security": "insecure"}),
        ("RUN -- --network", {"command": i.Command(("--network",), True)}),
        ('RUN --mount="type=tmpfs,target=/a b" x', {"command": i.Command(("x",), True)}),
        ("COPY a b", {"sources": ("a",), "destination": "b", "link": False, "parents": False}),
        ("COPY a\tb  c/", {"sources": ("a", "b"), "destination": "c/"}),
        ('COPY ["a b", "c"]', {"sources": ("a b",), "destination": "c"}),
        ('COPY ["<<E", "c"]', {"sources": ("<<E",), "destination": "c"}),
        (
            "COPY --from=B --chown=$U:g --chmod=u+x --link --parents --exclude=*.m --exclude=x a b",
            {
                "source_stage": "B",
                "chown": "$U:g",
                "chmod": "u+x",
                "link": True,
                "parents": True,
                "excludes": ("*.m", "x"),
            },
        ),
        ("COPY --link=false a b", {"link": False}),
        ("COPY --link=TRUE a b", {"link": True}),
        ("ADD a b", {"keep_git_dir": None, "unpack": None, "checksum": "", "excludes": ()}),
        (
            "ADD --checksum=sha256:$S --keep-git-dir --unpack=false https://h/x /y",
            {
                "checksum": "sha256:$S",
                "keep_git_dir": True,
                "unpack": False,
                "sources": ("https://h/x",),
            },
        ),
        (
            "ADD --chown=1 --chmod=644 --link --exclude=a b /y",
            {"chown": "1", "chmod": "644", "link": True, "excludes": ("a",)},
        ),
    ],
)
def test_values(text: str, fields: dict[str, Any]) -> None:
    found = read(text)
    assert {name: getattr(found, name) for name in fields} == fields
    assert found.keyword == text.split()[0].upper()
    assert found.text == text


DOCUMENT = i.Heredoc("EOF", "x\n", expand=True)
PRIVATE = i.Heredoc("a.txt", "y\n", expand=False, strip_tabs=True)


def test_heredocs_of_copy() -> None:
    found = read("COPY <<EOF b <<-'a.txt' /d", DOCUMENT, PRIVATE)
    assert isinstance(found, i.Copy)
    assert found.sources == ("<<EOF", "b", "<<a.txt")
    assert found.destination == "/d"
    assert found.heredocs == (DOCUMENT, PRIVATE)


def test_heredocs_of_run_stay_in_its_text() -> None:
    found = read("RUN cat 3<<EOF <<-'a.txt' >/d", DOCUMENT, PRIVATE)
    assert isinstance(found, i.Run)
    assert found.command.text == "cat 3<<EOF <<-'a.txt' >/d"
    assert found.heredocs == (DOCUMENT, PRIVATE)


def test_heredocs_of_a_trigger_stand_below_it() -> None:
    found = read("onbuild  COPY <<EOF <<-'a.txt' /d", DOCUMENT, PRIVATE)
    assert isinstance(found, i.Onbuild)
    assert found.trigger == "COPY <<EOF <<-'a.txt' /d\nx\nEOF\ny\na.txt"


def test_mounts() -> None:
    found = read("RUN --mount=type=cache,target=/a --mount=target=/b,rw x")
    assert isinstance(found, i.Run)
    assert [mount.text for mount in found.mounts] == ["type=cache,target=/a", "target=/b,rw"]


def test_another_escape() -> None:
    found = read("ENV a=b` c d=`", escape="`")
    assert isinstance(found, i.Env)
    assert found.pairs == (("a", "b` c"), ("d", ""))


ONE = ["MAINTAINER", "STOPSIGNAL", "USER", "WORKDIR"]
SOME = ["ARG", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "RUN", "SHELL", "VOLUME"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *((keyword, f"{keyword} requires exactly one argument") for keyword in ONE),
        *((keyword, f"{keyword} requires at least one argument") for keyword in SOME),
        ("run []", "RUN requires at least one argument"),
        ("VOLUME []", "VOLUME requires at least one argument"),
        ("SHELL []", "SHELL requires at least one argument"),
        ("ADD", "ADD requires at least two arguments"),
        ("COPY a", "COPY requires at least two arguments, but only one was provided."),
        ('ADD ["a"]', "ADD requires at least two arguments, but only one was provided."),
        ("SHELL bash -c", "SHELL requires the arguments to be in JSON form"),
        ("ENV a", "ENV must have two arguments"),
        ("LABEL a", "LABEL must have two arguments"),
        ("ENV a=b c", 'Syntax error - can\'t find = in "c". Must be of the form: name=value'),
        ("ENV =b", "ENV names can not be blank"),
        ("LABEL a=b =c", "LABEL names can not be blank"),
        ("ARG =b", "ARG names can not be blank"),
        ("CMD [1]", "when using JSON array syntax, arrays must be comprised of strings only"),
        ('COPY ["a", null]', "when using JSON array syntax, arrays must be comprised of strings"),
        ('RUN ["a", ["b"]]', "when using JSON array syntax, arrays must be comprised of strings"),
        ('VOLUME ["/a", " "]', "VOLUME specified can not be an empty string"),
        ("MAINTAINER --boo a@b", "unknown flag: --boo"),
        ("USER --a b", "unknown flag: --a"),
        ("COPY --checksum=x a b", "unknown flag: --checksum"),
        ("ADD --from=x a b", "unknown flag: --from"),
        ("ADD --cown=x a b", "unknown flag: --cown (did you mean chown?)"),
        ("COPY --chown a b", "missing a value on flag: --chown"),
        ("COPY --link= a b", "missing a value on flag: --link"),
        ("COPY --link=1 a b", "expecting boolean value for flag --link, not: 1"),
        ("COPY --link --link a b", "duplicate flag specified: --link"),
        ("COPY --from=$a b c", "variable expansion is not supported for --from"),
        ("COPY a <<EOF", "COPY cannot accept a heredoc as a destination"),
        ("ADD <<EOF /x", "ADD cannot find its heredocs"),
        ("RUN --network=other x", 'invalid network mode "other"'),
        ("RUN --network= x", 'invalid network mode ""'),
        ("RUN --security=none x", 'security "none" is not valid'),
        ("RUN --device=gpu x", "RUN --device is not supported"),
        ("RUN --mount=type=x y", 'unsupported mount type "x"'),
        ("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"),
        ("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
        ("HEALTHCHECK CMD []", "Missing command after HEALTHCHECK CMD"),
        ("HEALTHCHECK curl x", 'Unknown type "CURL" in HEALTHCHECK (try CMD)'),
        ("HEALTHCHECK --interval=1 CMD x", 'time: missing unit in duration "1"'),
        ("HEALTHCHECK --timeout=1us CMD x", 'Interval "timeout" cannot be less than 1ms'),
        ("HEALTHCHECK --timeout=-1s CMD x", 'Interval "timeout" cannot be less than 1ms'),
        ("HEALTHCHECK --retries=x CMD x", '--retries "x" is no number'),
        ("HEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative (-1)"),
        ("HEALTHCHECK --retries=2147483648 CMD x", '--retries "2147483648" is too large'),
        ("HEALTHCHECK --retry=1 CMD x", "unknown flag: --retry"),
        ("ONBUILD ONBUILD RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
        ("ONBUILD from x", "FROM isn't allowed as an ONBUILD trigger"),
        ("ONBUILD MAINTAINER x", "MAINTAINER isn't allowed as an ONBUILD trigger"),
        ("ONBUILD RUNN x", "unknown instruction: RUNN (did you mean RUN?)"),
        ("ONBUILD COPY x", "COPY requires at least two arguments"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        read(text)
    assert str(caught.value).startswith(message)
