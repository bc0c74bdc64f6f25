"""Objects whose fields have other names in templates than in JSON."""

from __future__ import annotations

import json

import pytest

from wherry.cli.output.lexer import TemplateError
from wherry.cli.output.struct import Struct
from wherry.cli.output.template import Template

ENGINE = Struct(
    {"ApiVersion": "1.51", "Os": "linux"},
    {"APIVersion": "ApiVersion", "Other": "Nothing"},
    {"BuildTime": "", "Experimental": False},
)


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("{{.APIVersion}} {{.ApiVersion}} {{.Os}}", "1.51 1.51 linux"),
        ("[{{.BuildTime}}{{.Other}}] {{.Experimental}}", "[] false"),
        ("{{json .}}", '{"ApiVersion":"1.51","Os":"linux"}'),
    ],
)
def test_templates(template: str, shown: str) -> None:
    assert Template(template, typed=True).render(ENGINE) == shown


def test_what_is_no_field_is_an_error() -> None:
    with pytest.raises(TemplateError, match="Nope"):
        Template("{{.Nope}}", typed=True).render(ENGINE)


def test_json_has_what_is_there_only() -> None:
    assert json.loads(json.dumps(ENGINE)) == {"ApiVersion": "1.51", "Os": "linux"}
