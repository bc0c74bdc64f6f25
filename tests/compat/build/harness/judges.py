"""The judges of a session: started when first needed, and asked ahead of the tests."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from compat.build.cases.model import Case, Judge
from compat.build.harness.builders import BuildahBuilder, Builder, EngineBuilder
from compat.build.harness.compare import Built
from fixtures.busybox import busybox_archive
from fixtures.dockerd import running_dockerd

# dockerd mostly waits while it builds, so that two builds take little longer than one.
AT_ONCE = 2
# A network of its own for each step takes dockerd half of the step's time, and changes no result.
DOCKERD_FLAGS = ("--network", "host")


class Judges:
    """Gives each judge's result for a case; everything is built once."""

    def __init__(self, root: Path, stack: contextlib.ExitStack) -> None:
        self._root = root
        self._stack = stack
        self._builders: dict[Judge, Builder] = {}
        self._results: dict[tuple[Judge, str], Future[Built]] = {}
        self._pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))

    def ask_ahead(self, asked: Iterable[tuple[Judge, Case]]) -> None:
        """Begin to build, in this order."""
        for judge, case in asked:
            self._future(judge, case)

    def result(self, judge: Judge, case: Case) -> Built:
        """Return what the judge makes of a case."""
        return self._future(judge, case).result()

    def cancel(self) -> None:
        """Give up what nobody has asked for yet."""
        self._pool.shutdown(cancel_futures=True)

    def _future(self, judge: Judge, case: Case) -> Future[Built]:
        key = (judge, case.name)
        if key not in self._results:
            builder = self._builder(judge)
            self._results[key] = self._pool.submit(builder.build, case)
        return self._results[key]

    def _builder(self, judge: Judge) -> Builder:
        if judge not in self._builders:
            scratch = self._root / judge.value
            scratch.mkdir()
            start = self._dockerd if judge is Judge.CLASSIC else self._buildah
            self._builders[judge] = start(scratch)
        return self._builders[judge]

    def _dockerd(self, scratch: Path) -> Builder:
        daemon = self._stack.enter_context(running_dockerd(scratch / "dockerd"))
        load = ["docker", "-H", daemon.host, "load"]
        subprocess.run(load, input=busybox_archive(), check=True, capture_output=True)
        return EngineBuilder(daemon.host, scratch, *DOCKERD_FLAGS)

    def _buildah(self, scratch: Path) -> Builder:
        archive = scratch / "busybox.tar"
        archive.write_bytes(busybox_archive())
        return BuildahBuilder(scratch, archive)


@contextlib.contextmanager
def running_judges() -> Iterator[Judges]:
    """Yield the judges of a session; afterwards end them and remove all that they made."""
    root = Path(tempfile.mkdtemp(prefix="wherry-judges."))
    try:
        with contextlib.ExitStack() as stack:
            judges = Judges(root, stack)
            try:
                yield judges
            finally:
                judges.cancel()
    finally:
        shutil.rmtree(root, ignore_errors=True)
