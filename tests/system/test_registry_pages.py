"""The pages of a registry in a browser, as people see and use them."""

from __future__ import annotations

import base64
import contextlib
import http.server
import itertools
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from fixtures.browser import DESKTOP, ENTER, PHONE, TAB, Browser, BrowserError, running_browser
from fixtures.page_visits import PASSWORDS, write_accounts
from fixtures.raw_http import RawClient, described
from fixtures.waiting import eventually
from fixtures.wherry_registry import WherryRegistry, running_wherry_registry
from wherry.oci import image

SETTINGS = """
[listen]
address = "127.0.0.1"
port = {port}

[access]
htpasswd = "ACCOUNTS"

[[access.rule]]
repositories = ["public/*"]
pull = ["anyone"]
push = ["ann"]
delete = ["ann"]

[[access.rule]]
repositories = ["team/*"]
pull = ["ann"]
push = ["ann"]
delete = ["ann"]
"""
EVIL = "\"'><script>window.ran=1;alert(1)</script><img src=x onerror=alert(1)>\u202e\x1b[31m"
SHOWN = "\"'><script>window.ran=1;alert(1)</script><img src=x onerror=alert(1)>\\u202e\\x1b[31m"
LONG = "public/" + "a-very-long-name-without-an-end" * 4 + "/app"


@dataclass
class Place:
    """A registry, and a client that may push everything."""

    registry: WherryRegistry
    ann: RawClient

    @property
    def url(self) -> str:
        """Where the pages are."""
        return self.registry.url

    def tags(self, name: str) -> list[str]:
        """Return the tags of a repository."""
        found: list[str] = self.ann.ask("GET", f"/v2/{name}/tags/list").json()["tags"]
        return found


def configuration(text: str) -> bytes:
    """Return a configuration that says one thing everywhere."""
    run = {
        "Entrypoint": [text],
        "Cmd": [text],
        "Env": [f"{text}={text}"],
        "Labels": {text: text, "link": "javascript:alert(1)"},
        "ExposedPorts": {text: {}},
        "User": text,
    }
    history = [{"created_by": text}, {"created_by": text, "empty_layer": True}]
    plain = {"os": text, "architecture": text, "created": text, "author": text}
    return json.dumps({**plain, "config": run, "history": history}).encode()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a registry with a few repositories."""
    folder = tmp_path_factory.mktemp("registry")
    write_accounts(folder / "accounts", PASSWORDS)
    text = SETTINGS.replace("ACCOUNTS", str(folder / "accounts"))
    with running_wherry_registry(folder / "registry", text) as registry:
        given = base64.b64encode(f"ann:{PASSWORDS['ann']}".encode()).decode()
        ann = RawClient(("127.0.0.1", registry.port), f"Basic {given}")
        plain = json.dumps(
            {
                "os": "linux",
                "architecture": "amd64",
                "config": {"Cmd": ["/bin/app"], "Env": ["A=b"]},
                "history": [{"created_by": "RUN /bin/sh -c make # buildkit"}],
            }
        ).encode()
        ann.push_image("public/app", "1.0", b"layer" * 1000, config=plain)
        ann.push_image("public/evil", "1.0", b"x", config=configuration(EVIL))
        ann.push_image(LONG, "t" * 128, b"x", config=configuration("word" * 400))
        ann.push_image("team/app", "1.0", b"layer")
        yield Place(registry, ann)
        assert "Traceback" not in registry.logged()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Run a browser."""
    with running_browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def browser(program: Browser) -> Iterator[Browser]:
    """Give each test a visitor of its own, whose browser had nothing to complain of."""
    program.fresh()
    yield program
    # That a page was refused is for the visitor, and no fault of the page.
    refused = "Failed to load resource: the server responded with a status of 4"
    assert [one for one in program.logged() if refused not in one] == []


def log_in(browser: Browser, place: Place, name: str = "ann") -> None:
    """Log in as people do."""
    browser.open(place.url + "/login")
    browser.find("#name").type(name)
    browser.find("#password").type(PASSWORDS[name])
    browser.find("main button").follow()
    assert browser.find(".who bdi").text == name


def test_a_visitor_finds_an_image_and_how_to_pull_it(browser: Browser, place: Place) -> None:
    browser.open(place.url)
    assert browser.title.startswith("Repositories")
    browser.link("public/app").follow()
    browser.link("1.0").follow()
    assert browser.url == f"{place.url}/r/public/app/tags/1.0"
    for words in ("linux/amd64", "/bin/app", "RUN make", "5.0 kB"):
        assert words in browser.text
    command = f"docker pull {place.registry.host}/public/app:1.0"
    assert command in [one.text for one in browser.all("code")]
    browser.link("Raw manifest").follow()
    assert json.loads(browser.find("pre").text)["schemaVersion"] == 2


def test_a_search_finds(browser: Browser, place: Place) -> None:
    browser.open(place.url)
    browser.find("#q").enter("EVI")
    assert [one.text for one in browser.all("a.name")] == ["public/evil"]
    browser.link("Show all").follow()
    assert len(browser.all("a.name")) == 3
    browser.find("#q").enter("team")
    assert "No repository that you may see" in browser.text


def test_tags_are_found_by_their_beginning(browser: Browser, place: Place) -> None:
    for tag in ("v1", "v2", "w1"):
        place.ann.push_image("public/tags", tag, b"x")
    browser.open(place.url + "/r/public/tags")
    browser.find("#tag").enter("v")
    assert {one.text for one in browser.all("a.name")} == {"v1", "v2"}


def test_logging_in_and_out(browser: Browser, place: Place) -> None:
    browser.open(place.url + "/r/team/app")
    assert browser.url.startswith(place.url + "/login")
    assert "team" not in browser.text
    assert browser.focused.attribute("id") == "name"
    browser.focused.type("ann" + TAB)
    browser.focused.enter(PASSWORDS["ann"])
    assert browser.url == place.url + "/r/team/app"
    (cookie,) = [one for one in browser.ask("GET", "/cookie") if "session" in one["name"]]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert browser.run("return document.cookie") == ""
    browser.find(".account button").follow()
    assert "You are logged out." in browser.text
    browser.back()
    browser.reload()
    assert browser.url.startswith(place.url + "/login")


def test_a_wrong_password_is_told(browser: Browser, place: Place) -> None:
    browser.open(place.url + "/login")
    browser.find("#name").type("ann")
    browser.find("#password").enter("wrong")
    assert browser.find("#problem").text == "The name or the password is wrong."
    assert browser.focused.attribute("id") == "password"
    assert browser.find("#name").attribute("value") == "ann"
    assert browser.find("#password").attribute("value") is None


def test_a_tag_is_deleted_after_a_question(browser: Browser, place: Place) -> None:
    for tag in ("old", "new"):
        place.ann.push_image("public/waste", tag, tag.encode())
    log_in(browser, place)
    browser.open(place.url + "/r/public/waste/tags/old")
    browser.link("Delete tag").follow()
    assert "Delete tag old?" in browser.text
    browser.link("Keep it").follow()
    assert place.tags("public/waste") == ["new", "old"]
    browser.link("Delete tag").follow()
    browser.find("main button").follow()
    assert browser.url.startswith(place.url + "/r/public/waste")
    assert "The tag was deleted." in browser.text
    assert place.tags("public/waste") == ["new"]


def test_a_manifest_is_deleted_with_its_tag(browser: Browser, place: Place) -> None:
    digest = place.ann.push_image("public/gone", "1", b"gone")
    log_in(browser, place)
    browser.open(f"{place.url}/r/public/gone/@{digest}")
    browser.link("Delete manifest").follow()
    browser.find("main button").follow()
    assert "The manifest was deleted." in browser.text
    assert browser.url.startswith(place.url + "/?")


def test_who_may_not_delete_is_not_asked(browser: Browser, place: Place) -> None:
    log_in(browser, place, "bob")
    browser.open(place.url + "/r/public/app/tags/1.0")
    with pytest.raises(BrowserError):
        browser.link("Delete tag")
    browser.open(place.url + "/delete?repository=public/app&reference=1.0")
    assert "Not for you" in browser.text
    browser.link("To the repositories").follow()
    assert browser.title.startswith("Repositories")


def test_another_site_deletes_nothing(browser: Browser, place: Place) -> None:
    place.ann.push_image("public/kept", "1", b"kept")
    log_in(browser, place)
    form = (
        f'<form action="{place.url}/delete" method="post">'
        '<input name="repository" value="public/kept"><input name="reference" value="1">'
        '<input name="token" value="x"></form><script>document.forms[0].submit()</script>'
    )
    with page_elsewhere(form) as url:
        browser.open(url)
        eventually(lambda: browser.url == place.url + "/delete")
    assert "not sent by a page of this registry" in browser.text
    assert place.tags("public/kept") == ["1"]


def test_no_script_of_a_pusher_runs(browser: Browser, place: Place) -> None:
    paths = ("/r/public/evil/tags/1.0", "/r/public/evil", "/?q=%3Cscript%3Ealert(1)%3C/script%3E")
    for path in (*paths, "/login?next=javascript:alert(1)", "/r/%3Cscript%3Ealert(1)%3C/script%3E"):
        browser.open(place.url + path)
        assert browser.alert() is None
        assert browser.run("return window.ran") is None
        assert browser.run("return document.scripts.length") == 1
        assert browser.run("return document.images.length") == 0
    browser.open(place.url + paths[0])
    shown = [one.text for one in browser.all(".said")]
    assert shown.count(SHOWN) >= 5


def test_a_referrer_is_found_and_leads_back(browser: Browser, place: Place) -> None:
    digest = place.ann.push_image("public/signed", "1", b"signed")
    body = place.ann.ask("GET", f"/v2/public/signed/manifests/{digest}").body
    subject = described(image.OCI_MANIFEST, body)
    kind = "application/vnd.dev.cosign.artifact.sig.v1+json"
    place.ann.push_image("public/signed", "", b"{}", subject=subject, artifactType=kind)
    browser.open(place.url + "/r/public/signed/tags/1")
    browser.link("Signature (cosign)").follow()
    browser.link(digest).follow()
    assert browser.url == f"{place.url}/r/public/signed/@{digest}"


def test_all_can_be_reached_with_the_keyboard(browser: Browser, place: Place) -> None:
    browser.open(place.url)
    browser.press(TAB)
    assert browser.focused.text == "Skip to the content"
    browser.press(ENTER)
    browser.press(TAB)
    first = browser.all("a.name")[0]
    assert browser.focused == first
    with browser.leaving():
        browser.press(ENTER)
    assert "/r/public/" in browser.url
    seen = set()
    for _ in range(40):
        browser.press(TAB)
        if browser.run("return document.activeElement === document.body"):
            break  # behind the last one
        seen.add(browser.focused.attribute("id") or browser.focused.text)
        outline = "return getComputedStyle(document.activeElement).outlineStyle"
        assert browser.run(outline) != "none", seen
    assert {"q", "Search", "Log in", "Repositories", "Copy", "tag", "Find"} <= seen


@pytest.mark.parametrize("size", [DESKTOP, PHONE, (320, 640)], ids=["desktop", "phone", "small"])
def test_no_page_is_wider_than_the_screen(
    browser: Browser, place: Place, size: tuple[int, int]
) -> None:
    log_in(browser, place)
    browser.size(size)
    image_path = f"/r/{LONG}/tags/{'t' * 128}"
    delete = f"/delete?repository={LONG}&reference={'t' * 128}"
    evil = "/r/public/evil/tags/1.0"
    for path in ("/", f"/r/{LONG}", image_path, evil, delete, "/?q=" + "x" * 200, "/r/nothing"):
        browser.open(place.url + path)
        wide = browser.run(
            "return [...document.querySelectorAll('body *')]"
            ".filter(e => !e.closest('.unseen, .skip') && "
            "e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML)"
        )
        assert wide == [], path
        assert browser.run("return document.documentElement.scrollWidth") <= size[0], path


def test_everything_works_without_scripts(browser: Browser, place: Place) -> None:
    place.ann.push_image("public/quiet", "1", b"quiet")
    place.ann.push_image("public/quiet", "2", b"quieter")
    browser.scripts(allowed=False)
    log_in(browser, place)
    browser.link("public/quiet").follow()
    assert browser.all(".copy") == []
    browser.link("1").follow()
    browser.link("Delete tag").follow()
    browser.find("main button").follow()
    assert place.tags("public/quiet") == ["2"]
    browser.find("#q").enter("team")
    browser.link("team/app").follow()
    browser.find(".account button").follow()
    assert "You are logged out." in browser.text


def test_commands_are_copied(browser: Browser, place: Place) -> None:
    browser.open(place.url + "/r/public/app")
    label = browser.run(
        "const button = document.querySelector('.copy');"
        "return new Promise(done => {"
        "  new MutationObserver(() => done(button.textContent)).observe(button, {childList: true});"
        "  button.click(); })"
    )
    assert label in ("Copied", "Selected")


def test_pages_are_told_to_those_who_do_not_see_them(browser: Browser, place: Place) -> None:
    log_in(browser, place)
    for path in ("/", "/r/public/app", "/r/public/app/tags/1.0", "/r/nothing"):
        browser.open(place.url + path)
        assert len(browser.all("h1")) == 1
        assert len(browser.all("main")) == 1
        assert browser.run("return document.documentElement.lang") == "en"
        levels = browser.run(
            "return [...document.querySelectorAll('h1,h2,h3')].map(h => Number(h.tagName[1]))"
        )
        steps = itertools.pairwise(levels)
        assert all(after - before <= 1 for before, after in steps), (path, levels)
        unnamed = browser.run(
            "return [...document.querySelectorAll('input:not([type=hidden])')]"
            ".filter(i => !i.labels.length).length"
        )
        assert unnamed == 0


@contextlib.contextmanager
def page_elsewhere(text: str) -> Iterator[str]:
    """Serve one page from what a browser takes for another site."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
