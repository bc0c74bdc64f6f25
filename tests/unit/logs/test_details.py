"""What `logs --details` shows of labels, environment and tag."""

from __future__ import annotations

import pytest

from wherry.base.errors import InvalidError
from wherry.logs import drivers
from wherry.logs.details import Origin, attributes, prefix

ORIGIN = Origin(
    "0123456789abcdef" * 4,
    "web",
    "fedcba9876543210" * 4,
    "nginx:1",
    {"team": "a b", "tier": "front", "other": "x"},
    {"LANG": "C", "LC_ALL": "de", "EMPTY": ""},
)


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, " "),
        ({"max-size": "1m"}, " "),
        ({"labels": "team,missing"}, "team=a+b "),
        ({"labels": "tier,team"}, "team=a+b,tier=front "),
        ({"labels-regex": "^t"}, "team=a+b,tier=front "),
        ({"env": "EMPTY,LANG"}, "EMPTY=,LANG=C "),
        ({"env-regex": "^L"}, "LANG=C,LC_ALL=de "),
        ({"labels": "other", "env": "LANG", "tag": "x"}, "LANG=C,other=x,tag=x "),
        ({"tag": "{{.Name}}/{{ .ID }}"}, "tag=web%2F0123456789ab "),
        ({"tag": "{{.ImageName}}-{{.ImageID}}"}, "tag=nginx%3A1-fedcba987654 "),
        ({"tag": "{{.DaemonName}}"}, "tag=docker "),
        ({"tag": "{{.FullID}}"}, f"tag={'0123456789abcdef' * 4} "),
        ({"tag": "{{.ImageFullID}}"}, f"tag={'fedcba9876543210' * 4} "),
    ],
)
def test_what_is_shown(options: dict[str, str], shown: str) -> None:
    drivers.check("json-file", options)
    assert prefix(attributes(options, ORIGIN)) == shown.encode()


@pytest.mark.parametrize(
    "options",
    [
        {"tag": "{{.Nothing}}"},
        {"tag": "{{"},
        {"tag": "{{lower .Name}}"},
        {"labels-regex": "("},
        {"env-regex": "[" },
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_by_name(options: dict[str, str]) -> None:
    [(key, value)] = options.items()
    with pytest.raises(InvalidError) as caught:
        drivers.check("json-file", options)
    assert f"invalid log opt {key}={value}: " in str(caught.value)
