"""The builders: an engine through a client, and buildah. Each builds a case and tells what came.

Images of a builder have the case's name; bases are built once, when a case first needs them. A
builder may be used by several threads. What is on disk lies below a directory that is given.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from compat.build.cases.bases import BASES
from compat.build.cases.model import Case
from compat.build.harness.api import get_image
from compat.build.harness.compare import Built, configuration
from compat.build.harness.context import write_context
from compat.build.harness.trees import saved_configuration, tree_of

SECONDS = 100
Done = subprocess.CompletedProcess[bytes]


class Builder(ABC):
    """Builds cases in directories below `scratch`."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._bases: set[str] = set()
        self._lock = threading.Lock()

    def build(self, case: Case) -> Built:
        """Build a case; what it is built on is made first, where it has not been made."""
        for base in case.bases:
            self._make_base(base)
        tag = f"case-{case.name}"
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            context = Path(folder) / "context"
            write_context(case, context)
            done = self.run_build(case, context, tag)
            said = (done.stdout + done.stderr).decode("utf-8", "replace")
            return self.inspect(tag, said) if done.returncode == 0 else Built(False, said)

    def _make_base(self, name: str) -> None:
        with self._lock:
            if name in self._bases:
                return
            case = Case(name=name, dockerfile=BASES[name])
            with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
                context = Path(folder) / "context"
                write_context(case, context)
                done = self.run_build(case, context, name)
            if done.returncode:
                raise AssertionError(f"base {name}: {done.stderr.decode()}")
            self._bases.add(name)

    @abstractmethod
    def run_build(self, case: Case, context: Path, tag: str) -> Done:
        """Build a context and give the result a name."""

    @abstractmethod
    def inspect(self, tag: str, said: str) -> Built:
        """Tell what an image is."""


class EngineBuilder(Builder):
    """An engine, asked through the stock client's classic protocol."""

    def __init__(self, host: str, scratch: Path, *flags: str) -> None:
        super().__init__(scratch)
        self._host = host
        self._flags = flags

    def run_build(self, case: Case, context: Path, tag: str) -> Done:
        """`docker build` without BuildKit."""
        words = ["docker", "-H", self._host, "build", *self._flags, *_common_flags(case, context)]
        return _run([*words, "-t", tag, str(context)], case, DOCKER_BUILDKIT="0")

    def inspect(self, tag: str, said: str) -> Built:
        """What `docker inspect` and `docker save` ask for."""
        told = json.loads(get_image(self._host, tag, "json"))
        platform = f"{told['Os']}/{told['Architecture']}"
        config = configuration(told["Config"] or {}, told.get("Author"), platform)
        # dockerd does not save an image that has no layers.
        layers = told["RootFS"].get("Layers")
        tree = tree_of(get_image(self._host, tag, "get")) if layers else {}
        return Built(True, said, config, tree)


class OwnClientBuilder(EngineBuilder):
    """The engine, asked through its own client program."""

    def run_build(self, case: Case, context: Path, tag: str) -> Done:
        """`wherry build`."""
        program = str(Path(sys.executable).with_name("wherry"))
        # Without the cache, since the stock client has often built the same before.
        words = [program, "-H", self._host, "build", "--progress", "plain", "--no-cache"]
        words += [*_common_flags(case, context), *_secret_flags(case, context)]
        return _run([*words, "-t", tag, str(context)], case)


class BuildahBuilder(Builder):
    """buildah on a store of its own; `archive` is its base image."""

    def __init__(self, scratch: Path, archive: Path) -> None:
        super().__init__(scratch)
        self._buildah = [
            "buildah", "--root", str(scratch / "root"), "--runroot", str(scratch / "run"),
            "--storage-driver", "vfs",
        ]  # fmt: skip
        _checked([*self._buildah, "pull", f"docker-archive:{archive}"])

    def run_build(self, case: Case, context: Path, tag: str) -> Done:
        """`buildah bud`: no cache, no pull, and processes in a chroot only."""
        words = [
            *self._buildah, "bud", "--isolation", "chroot", "--layers=false", "--pull-never",
            "--format", "docker", "--identity-label=false",
        ]  # fmt: skip
        words += [*_common_flags(case, context), *_secret_flags(case, context)]
        return _run([*words, "-t", tag, str(context)], case)

    def inspect(self, tag: str, said: str) -> Built:
        """Read all from the archive that it writes."""
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            path = Path(folder) / "image.tar"
            _checked([*self._buildah, "push", tag, f"docker-archive:{path}"])
            archive = path.read_bytes()
        told = saved_configuration(archive)
        platform = f"{told['os']}/{told['architecture']}"
        parts = told["config"]
        assert isinstance(parts, dict)
        return Built(
            True, said, configuration(parts, told.get("author"), platform), tree_of(archive)
        )


def _common_flags(case: Case, context: Path) -> Iterator[str]:
    if case.file != "Dockerfile":
        yield from ("-f", str(context / case.file))
    if case.target:
        yield from ("--target", case.target)
    for name, value in case.arguments.items():
        yield from ("--build-arg", name if value is None else f"{name}={value}")
    yield from case.flags


def _secret_flags(case: Case, context: Path) -> Iterator[str]:
    for name, value in case.secrets.items():
        path = context.parent / f"secret-{name}"
        path.write_text(value)
        yield from ("--secret", f"id={name},src={path}")


def _run(words: list[str], case: Case, **environment: str) -> Done:
    return subprocess.run(
        words,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        env={**os.environ, **environment, **case.environment},
    )


def _checked(words: list[str]) -> bytes:
    done = subprocess.run(words, check=False, capture_output=True, timeout=SECONDS)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.stderr.decode()}")
    return done.stdout
