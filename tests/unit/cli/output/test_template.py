"""Templates of `--format`, as scripts use them."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.cli.output.functions import Record
from wherry.cli.output.lexer import TemplateError
from wherry.cli.output.template import Template

DATA: dict[str, Any] = {
    "Name": "/web",
    "Args": ["a", "b > c"],
    "Mounts": [{"Type": "bind", "RW": True}],
    "State": {"Running": True, "Pid": 42, "Status": "running"},
    "Config": {"Labels": {"a": "b", "com.x": "1"}, "Entrypoint": None, "Tty": False},
    "NetworkSettings": {
        "Ports": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]},
        "Networks": {"n": {"IPAddress": "10.0.0.2"}},
    },
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{.Name}} {{ .State.Pid }}", "/web 42"),
        ("{{json .Args}}", '["a","b > c"]'),
        ('{{index .Config.Labels "com.x"}}|{{index .Config.Labels "no"}}', "1|"),
        ("{{.Config.Labels.no}}", "<no value>"),
        (
            '{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}}{{end}}',
            'n=10.0.0.2',
        ),
        ('{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', "8080"),
        ("{{if .State.Running}}up{{else}}down{{end}}", "up"),
        ("{{if .State.Health}}{{.State.Health.Status}}{{else if .Name}}named{{end}}", "named"),
        ("{{with .State}}{{.Pid}}{{end}}{{with .Config.Entrypoint}}x{{else}}none{{end}}", "42none"),
        (
            '{{join .Args ","}} {{upper .Name}} {{len .Args}} {{len .Config.Entrypoint}}',
            'a,b > c /WEB 2 0',
        ),
        ('{{printf "%-6s|%03d|%q" "x" .State.Pid .Name}}', 'x     |042|"/web"'),
        ('{{.State.Pid | printf "%d-%s" 1 | lower}}', "1-42"),
        (
            '{{$f := true}}{{range .Args}}{{if $f}}{{$f = false}}{{else}},{{end}}{{.}}{{end}}',
            'a,b > c',
        ),
        ("{{range .Args}}{{if eq . \"a\"}}{{continue}}{{end}}{{.}}{{break}}{{end}}", "b > c"),
        ("{{range .Config.Entrypoint}}x{{else}}empty{{end}}", "empty"),
        ("a {{- /* c */ -}}  b{{- .Name -}}  c", "ab/webc"),
        (
            '{{`raw "x"`}} {{"}}"}} {{and 1 0}} {{or 0 "y"}} {{not true}}',
            'raw "x" }} 0 y false',
        ),
        ("{{.State}} {{.Mounts}}", "{true 42 running} [{bind true}]"),
        ("{{.NetworkSettings.Ports}} {{.Config.Labels}}", "map[80/tcp:[{ 8080}]] map[a:b com.x:1]"),
        ("{{.Config.Entrypoint}} {{.SizeRw}} {{println 1 2}}", "[] <nil> 1 2\n"),
        (
            '{{slice .Name 1 3}} {{truncate .Name 2}} {{split .Name "e"}} {{title "ab"}}',
            'we /w [/w b] Ab',
        ),
    ],
)  # fmt: skip
def test_rendered(text: str, expected: str) -> None:
    assert Template(text, typed=True).render(DATA) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{", "template: :1: unclosed action"),
        ("{{}}", "template: :1: missing value for command"),
        ("{{end}}", "template: :1: unexpected {{end}}"),
        ("{{if}}", "template: :1: missing value for if"),
        ("{{range .x}}", "template: :1: unexpected EOF"),
        ("{{nofunc .x}}", 'template: :1: function "nofunc" not defined'),
        ("{{break}}", "template: :1: {{break}} outside {{range}}"),
        ("{{.Name.}}", "template: :1: unexpected <.> in operand"),
        ('{{"x}}', "template: :1: unclosed action"),
        ("{{1x}}", 'template: :1: bad number syntax: "1x"'),
    ],
)
def test_not_a_template(text: str, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template(text)
    assert (caught.value.reason, caught.value.parsing) == (reason, True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x{{.Foo}}", '1:3: executing "" at <.Foo>: map has no entry for key "Foo"'),
        ("{{.State.Foo}}", '1:8: executing "" at <.State.Foo>: map has no entry for key "Foo"'),
        ("{{.Name.Foo}}", '1:7: executing "" at <.Name.Foo>: can\'t evaluate field Foo in type'),
        ("{{.Nmae}}", 'no entry for key "Nmae" (did you mean .Name?)'),
        ("{{index .Args 5}}", "at <index .Args 5>: error calling index: index out of range: 5"),
        ("{{range .Name}}{{end}}", "at <.Name>: range can't iterate over /web"),
        ("{{$x}}", 'undefined variable "$x"'),
        ("{{lt 1 .Name}}", "error calling lt"),
    ],
)
def test_does_not_fit(text: str, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template(text, typed=True).render(DATA)
    assert reason in caught.value.reason


def test_rows_have_fields_that_take_arguments_and_escaped_json() -> None:
    row = Record({"Ports": "80->80", "Label": lambda name: f"<{name}>"})
    assert Template('{{.Label "x"}} {{json .}}').render(row) == '<x> {"Ports":"80-\\u003e80"}'
    with pytest.raises(
        TemplateError, match=r"can't evaluate field Prots \(did you mean .Ports\?\)"
    ):
        Template("{{.Prots}}").render(row)
