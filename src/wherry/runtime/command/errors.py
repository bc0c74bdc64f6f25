"""What a command refuses; the words are runc's where callers look for them."""

from __future__ import annotations

from wherry.base.errors import ConflictError, InvalidError, NotFoundError


class NoContainerError(NotFoundError):
    """There is no container of this name; podman and containerd look for these words."""

    def __init__(self, identifier: str) -> None:
        super().__init__(f'container "{identifier}" does not exist')


class ContainerExistsError(ConflictError):
    """The name is taken."""

    def __init__(self, identifier: str) -> None:
        super().__init__(f'container with given ID already exists: "{identifier}"')


class WrongStatusError(ConflictError):
    """The container is not in a state where this can be done."""


class ConfigError(InvalidError):
    """The configuration asks for what makes no sense, or for what this runtime does not do."""


class LaunchFailedError(ConflictError):
    """The container's own process could not be prepared, or could not run its program."""
