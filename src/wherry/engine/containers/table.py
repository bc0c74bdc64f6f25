"""All containers of the engine, in memory and in the database.

What is looked up comes from memory; what changes is written to the database before anybody is told.
Records are small and a write takes some hundred microseconds, less than a hop to a thread and back:
it is done on the event loop. To wait for the disk takes longer: whoever is about to tell somebody
that a change is done awaits `flushed` before, and many that wait share one sync. A container's lock
is held while its state changes; looking never waits, so that one stuck container never holds up a
list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec

from wherry.base.crossing import in_thread
from wherry.base.errors import ConflictError, InvalidError, NotFoundError
from wherry.engine.containers.record import Container
from wherry.oci.reading import read
from wherry.store.metadata.records import NameTakenError, Records


class NoSuchContainerError(NotFoundError):
    """No container has that name or id."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"No such container: {reference}")


class NameInUseError(ConflictError):
    """Another container has the name."""

    def __init__(self, name: str, holder: str) -> None:
        super().__init__(
            f'Conflict. The container name "/{name}" is already in use by container "{holder}".'
            " You have to remove (or rename) that container to be able to reuse that name."
        )


class ContainerTable:
    """The containers by id, name and prefix of the id."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._by_id: dict[str, Container] = {}
        self._ids: dict[str, str] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        for identifier, name, body in records.all():
            self._by_id[identifier] = read(body, Container)
            self._ids[name] = identifier

    def __iter__(self) -> Iterator[Container]:
        return iter(list(self._by_id.values()))

    def __contains__(self, name: object) -> bool:
        return name in self._ids

    def get(self, identifier: str) -> Container | None:
        """Return a container by its whole id."""
        return self._by_id.get(identifier)

    def find(self, reference: str) -> Container:
        """Return a container by id, name or unique prefix of the id."""
        if found := self._by_id.get(reference):
            return found
        if identifier := self._ids.get(reference.removeprefix("/")):
            return self._by_id[identifier]
        matching = [key for key in list(self._by_id) if reference and key.startswith(reference)]
        if len(matching) > 1:
            raise InvalidError(
                f"multiple IDs found with provided prefix: {reference}: give more of the id"
            )
        if not matching:
            raise NoSuchContainerError(reference)
        return self._by_id[matching[0]]

    def insert(self, container: Container) -> None:
        """Add a container, durably; raises NameInUseError."""
        body = msgspec.json.encode(container)
        try:
            self._records.insert(container.id, container.name, body)
        except NameTakenError as error:
            raise NameInUseError(container.name, error.holder) from error
        self._by_id[container.id] = container
        self._ids[container.name] = container.id

    def save(self, container: Container) -> None:
        """Write a changed record; it survives a power cut once `flushed` has returned."""
        if container.id in self._by_id:
            body = msgspec.json.encode(container)
            self._records.put(container.id, container.name, body, durable=False)

    def rename(self, container: Container, name: str) -> None:
        """Give a container another name; raises NameInUseError and changes nothing."""
        body = msgspec.json.encode(msgspec.structs.replace(container, name=name))
        try:
            self._records.put(container.id, name, body)
        except NameTakenError as error:
            raise NameInUseError(name, error.holder) from error
        del self._ids[container.name]
        container.name = name
        self._ids[name] = container.id

    def remove(self, container: Container) -> None:
        """Forget a container; a power cut may bring it back until `flushed` has returned."""
        self._records.delete(container.id, durable=False)
        self._by_id.pop(container.id, None)
        self._ids.pop(container.name, None)
        self._locks.pop(container.id, None)

    async def flushed(self) -> None:
        """Return when all that was saved and removed is on the disk; raises OSError."""
        await in_thread(self._records.flush)

    def lock(self, container: Container) -> asyncio.Lock:
        """Return what to hold while the container's state changes."""
        return self._locks.setdefault(container.id, asyncio.Lock())
