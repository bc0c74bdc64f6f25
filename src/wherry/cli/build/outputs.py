"""`--output`, `--load`, `--push`: what is made of the result, and where it is written.

The engine is asked for kinds and attributes; what leaves it arrives as bytes, which go to standard
output, into a file that has its name only when it is whole, or, unpacked, into a directory.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any, Protocol

from wherry.base.errors import WherryError
from wherry.base.values import dataclass, field
from wherry.cli.errors import CommandError, UsageError
from wherry.cli.options.fields import fields
from wherry.cli.terminal.session import STDOUT_FD, write_all
from wherry.client.build import Sink

STDOUT = "-"
_KINDS = ("image", "docker", "oci", "tar", "local")
_ARCHIVES = ("oci", "tar")
_FALSE = ("false", "0")


@dataclass(slots=True)
class Output:
    """One output, as the engine is asked for it."""

    kind: str
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def destination(self) -> str:
        """Where it is written, "" if it stays in the engine."""
        return self.attributes.get("dest", "")

    @property
    def pushed(self) -> bool:
        """Whether it goes to a registry."""
        return self.attributes.get("push") in ("true", "1")

    def message(self) -> dict[str, Any]:
        """Return what the engine is told."""
        return {"kind": self.kind, "attributes": self.attributes}


def parse(text: str) -> Output:
    """Read `type=tar,dest=file`, a directory alone, or `-`; raises UsageError in buildx's words."""
    if text == STDOUT:
        return Output("tar", {"dest": STDOUT})
    parts = fields(text)
    if parts == [text] and not text.startswith("type="):
        return _checked(Output("local", {"dest": text}))
    kind, attributes = "", {}
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals:
            raise UsageError(f"invalid value {part}")
        if key.strip().lower() == "type":
            kind = value
        else:
            attributes[key.strip().lower()] = value
    if not kind:
        raise UsageError("type is required for output")
    if kind == "registry":
        kind, attributes = "image", {"push": "true", **attributes}
    return _checked(Output(kind, attributes))


def _checked(output: Output) -> Output:
    kind, destination = output.kind, output.destination
    if kind not in _KINDS:
        raise UsageError(f"output type {kind} is not supported: use {', '.join(_KINDS)}")
    if output.attributes.get("tar") in _FALSE:
        raise UsageError(f"output type {kind} is written as a tar: leave tar=false out")
    if kind == "local":
        if not destination:
            raise UsageError("dest is required for local exporter")
        if os.path.exists(destination) and not os.path.isdir(destination):
            raise UsageError(f"destination directory {destination} is a file")
    elif kind != "image":
        if not destination and kind in _ARCHIVES:
            output.attributes["dest"] = STDOUT
        if destination and os.path.isdir(destination):
            raise UsageError(f"destination file {destination} is a directory")
    if output.destination == STDOUT and os.isatty(STDOUT_FD):
        raise UsageError(f"dest file is required for {kind} exporter. refusing to write to console")
    return output


def completed(outputs: list[Output], *, load: bool, push: bool) -> list[Output]:
    """Return the outputs with what `--load` and `--push` add."""
    found = list(outputs)
    if push:
        images = [output for output in found if output.kind == "image"]
        for output in images:
            output.attributes["push"] = "true"
        if not images:
            found.append(Output("image", {"push": "true"}))
    if load and not any(one.kind in ("docker", "image") and not one.destination for one in found):
        found.append(Output("docker"))
    if sum(output.destination == STDOUT for output in found) > 1:
        raise UsageError("only one output can be written to standard output")
    return found


class Abandonable(Sink, Protocol):
    """A place for an output that can be given up."""

    def abandon(self) -> None:
        """Remove what is half-made, as far as it can be."""


def open_sink(output: Output) -> Abandonable:
    """Return what takes the bytes of an output."""
    if output.kind == "local":
        return _DirectorySink(output.destination)
    if output.destination == STDOUT:
        return _StdoutSink()
    if os.path.exists(output.destination) and not os.path.isfile(output.destination):
        return _FileSink(output.destination, output.destination)  # a pipe or a device
    return _FileSink(f"{output.destination}.{os.getpid()}.partial", output.destination)


class _StdoutSink:
    """Standard output."""

    def write(self, data: bytes) -> None:
        write_all(STDOUT_FD, data)

    def close(self) -> None:
        """Leave it open: it is not ours alone."""

    def abandon(self) -> None:
        """What was written cannot be taken back."""


class _FileSink:
    """A file, which gets its name in the end."""

    def __init__(self, path: str, name: str) -> None:
        self._path, self._name = path, name
        try:
            self._file = open(path, "wb", buffering=0)  # noqa: SIM115 - open for longer than this
        except OSError as error:
            raise CommandError(f"cannot write {name}: {(error.strerror or '').lower()}") from error

    def write(self, data: bytes) -> None:
        write_all(self._file.fileno(), data)

    def close(self) -> None:
        self._file.close()
        if self._path != self._name:
            os.replace(self._path, self._name)

    def abandon(self) -> None:
        """Remove what is half-made."""
        self._file.close()
        if self._path != self._name and os.path.exists(self._path):
            os.unlink(self._path)


class _DirectorySink:
    """A directory; a thread unpacks what comes through a pipe."""

    def __init__(self, path: str) -> None:
        from wherry.client.unpack import Unpacker  # noqa: PLC0415 - loads tarfile, asked for rarely

        self._path = path
        self._error: Exception | None = None
        try:
            self._unpacker = Unpacker(path)
        except OSError as error:
            raise CommandError(f"cannot write {path}: {(error.strerror or '').lower()}") from error
        self._reading, self._writing = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._unpack, daemon=True)
        self._thread.start()

    def _unpack(self) -> None:
        import tarfile  # noqa: PLC0415 - as above

        try:
            with open(self._reading, "rb") as source:
                self._unpacker.unpack(source)
                while source.read(1 << 16):
                    pass  # what follows the end of an archive is of no interest
        except (WherryError, OSError, tarfile.TarError) as error:
            self._error = error

    def write(self, data: bytes) -> None:
        try:
            write_all(self._writing, data)
        except BrokenPipeError:
            self._fail()

    def close(self) -> None:
        os.close(self._writing)
        self._thread.join()
        if self._error is not None:
            self._fail()
        if skipped := self._unpacker.skipped:
            sys.stderr.write(f"left out of {self._path}: {', '.join(skipped)}: no files\n")

    def _fail(self) -> None:
        self._thread.join()
        error = self._error
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CommandError(f"cannot write the result to {self._path}: {reason}") from error

    def abandon(self) -> None:
        """Stop; what has been unpacked stays."""
        os.close(self._writing)
        self._thread.join()
