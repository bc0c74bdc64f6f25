"""Objects whose fields have other names in templates than in JSON. Pure.

Docker's templates name fields of Go's types, `{{.Client.APIVersion}}`; its JSON has `ApiVersion`.
"""

from __future__ import annotations

from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Struct(dict[str, "Any"]):
    """JSON with more names: `names` says which key stands behind a name of a template.

    `omitted` are fields that JSON leaves out where they are empty, with their empty values.
    """

    def __init__(
        self, content: Mapping[str, Any], names: Mapping[str, str], omitted: Mapping[str, Any]
    ) -> None:
        super().__init__(content)
        self._names = names
        self._omitted = omitted

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._names or name in self._omitted

    def __missing__(self, name: str) -> Any:
        key = self._names.get(name, name)
        return self.get(key, self._omitted.get(name, ""))
