from __future__ import annotations

import re
from pathlib import Path

import pytest

from fixtures.page_visits import Visitor
from wherry.registry.server.pages import render
from wherry.registry.server.pages.render import Renderer, StaticUnknownError

STYLE = Path(render.__file__).parent / "static" / "pages.css"
TEMPLATES = Path(render.__file__).parent / "templates"


@pytest.mark.parametrize("path", ["/", "/r/nothing/here", "/login", "/static/x/pages.css"])
async def test_every_page_may_load_nothing_of_others(visitor: Visitor, path: str) -> None:
    headers = (await visitor.get(path)).headers
    policy = headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "base-uri 'none'" in policy
    assert not any("unsafe" in one or "*" in one for one in policy)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


async def test_style_and_script_are_kept_until_they_change(visitor: Visitor) -> None:
    page = await visitor.get("/")
    path = re.search(r'href="(/static/\w+/pages.css)"', page.text)
    assert path is not None
    kept = await visitor.get(path[1])
    assert kept.headers["Content-Type"] == "text/css; charset=utf-8"
    assert kept.headers["Cache-Control"] == "public, max-age=31536000"
    older = await visitor.get("/static/older/pages.css")
    assert older.text == kept.text
    assert older.headers["Cache-Control"] == "public, max-age=86400"


@pytest.mark.parametrize("name", ["", "..", "../render.py", "base.html", "pages.css\0"])
def test_only_static_files_are_given(name: str) -> None:
    with pytest.raises(StaticUnknownError):
        Renderer().static("/static/x/", name)


async def test_paths_to_static_files_lead_nowhere_else(visitor: Visitor) -> None:
    answer = await visitor.get("/static/..%2f..%2fsite.py")
    assert answer.status == 404


def test_templates_escape_everything_and_have_no_styles_or_scripts_of_their_own() -> None:
    for file in TEMPLATES.iterdir():
        text = file.read_text()
        for word in ("|safe", "autoescape", "style=", "<style", "onclick", "javascript:"):
            assert word not in text, (file.name, word)
        assert text.count("<script") == (1 if file.name == "base.html" else 0)


def test_every_colour_has_a_dark_one() -> None:
    light, dark = re.findall(r":root \{(.*?)\}", STYLE.read_text(), re.DOTALL)
    names = re.compile(r"(--[\w-]+): #")
    assert set(names.findall(light)) == set(names.findall(dark))


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(scheme: int) -> None:
    block = re.findall(r":root \{(.*?)\}", STYLE.read_text(), re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", block))
    pairs = [
        (ink, back) for ink in ("ink", "soft", "accent") for back in ("page", "card", "raised")
    ]
    pairs += [("danger", "card"), ("danger", "bad"), ("on-bar", "bar"), ("on-good", "good")]
    pairs += [("on-accent", "accent"), ("page", "danger")]
    for ink, back in pairs:
        assert contrast(colours[ink], colours[back]) >= 4.5, (ink, back)


def contrast(one: str, other: str) -> float:
    """Return the ratio that WCAG asks 4.5 of for text."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
