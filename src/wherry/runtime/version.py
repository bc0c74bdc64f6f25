"""Which runtime-spec this runtime follows; any 1.x configuration is taken."""

from typing import Final

SPECIFICATION: Final = "1.2.0"
