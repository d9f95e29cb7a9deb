"""What ids of a registry mean: the same as before, or nothing is read with them."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from schemas.errors import ChangedSchemaError

SEEN: Final = 10_000
"""Of so many ids it is remembered what they meant, long after the schemas themselves were pushed out."""


class Pinned:
    """Holds ids to what they meant first, or to what the configuration says they mean."""

    def __init__(self, pins: Mapping[int, str], *, seen: int = SEEN) -> None:
        """Nothing was seen yet.

        Args:
            pins: the digest of the schema that an id must mean.
            seen: of how many other ids to remember what they meant.
        """
        self._pins = dict(pins)
        self._most = seen
        self._seen: OrderedDict[int | str, str] = OrderedDict()

    def check(self, schema_id: int | str, digest: str) -> None:
        """Take note of what an id means now.

        Raises:
            ChangedSchemaError: it means something else than its pin says, or than it did before.
        """
        expected, whose = self._expected(schema_id, digest)
        if digest != expected:
            raise ChangedSchemaError(
                f"schema id {schema_id}: the registry answers with a schema whose SHA-256 is {digest}, {whose} {expected}; "
                "nothing is read with it: find out who changed the registry"
            )

    def _expected(self, schema_id: int | str, digest: str) -> tuple[str, str]:
        if isinstance(schema_id, int) and schema_id in self._pins:
            return self._pins[schema_id], "its pin is"
        expected = self._seen.setdefault(schema_id, digest)
        self._seen.move_to_end(schema_id)
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return expected, "it was"
