"""A Debian with apache2 and a site of its own: built of an archive, changed, and carried."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from fixtures.contexts import classic, context
from fixtures.debian import make_debian_tree
from fixtures.engine import Engine, running_engine
from fixtures.registry import free_port, running_registry
from fixtures.waiting import eventually

pytestmark = pytest.mark.timeout(600)

SITE = """
FROM scratch
ADD debian.tar /
COPY site/ /var/www/html/
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
EXPOSE 80
CMD ["apache2ctl", "-D", "FOREGROUND"]
"""


def page(port: int) -> str:
    curl = ["curl", "-fsS", "--max-time", "2", f"http://127.0.0.1:{port}/"]
    return subprocess.run(curl, capture_output=True, text=True, check=False).stdout


def serves(engine: Engine, image: str, words: str) -> None:
    """Run an image and fetch its page."""
    port = free_port()
    name = engine.docker("run", "-d", "-p", f"{port}:80", image).stdout.strip()
    eventually(lambda: page(port) == words)
    engine.docker("rm", "-f", name)


def test_a_site_is_built_changed_and_carried(engine: Engine, tmp_path: Path) -> None:
    folder = context(tmp_path / "site", SITE, {"site/index.html": "first\n", "site/other": "x"})
    make_debian_tree(folder / "debian.tar", "apache2")
    classic(engine, folder, "-t", "site", timeout=300)
    serves(engine, "site", "first\n")

    (folder / "site" / "index.html").write_text("second\n")
    began = time.monotonic()
    told = classic(engine, folder, "-t", "site").stdout
    rebuilt = time.monotonic() - began
    assert told.count("Using cache") == 1
    serves(engine, "site", "second\n")
    # Speed is a matter for benchmarks: this tells a copy of everything from one of a file.
    assert rebuilt < 30

    with running_registry(tmp_path / "registry") as address, running_engine() as second:
        engine.docker("tag", "site", f"{address}/site:2")
        engine.docker("push", f"{address}/site:2", timeout=300)
        second.docker("pull", f"{address}/site:2", timeout=300)
        serves(second, f"{address}/site:2", "second\n")
        same = "{{.Id}}"
        ids = [
            one.docker("image", "inspect", "-f", same, f"{address}/site:2").stdout
            for one in (engine, second)
        ]
        assert ids[0] == ids[1]
        second.remove_containers()
