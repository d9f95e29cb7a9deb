"""Secrets that are read where they stand, whenever they are asked for."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class ReadSecret:
    """An environment variable or a file, read whenever it is asked for. Implements `connectors.secret.SecretSource`.

    Attributes:
        reference: as the configuration has it.
        read: reads it, or raises LookupError.
    """

    reference: str
    read: Callable[[], SecretStr]

    async def fetch(self) -> str:
        """Return it; a file is local and small, so nothing waits."""
        return self.read().get_secret_value()

    def at_hand(self) -> str:
        """Return it."""
        return self.read().get_secret_value()

    def forget(self) -> None:
        """Nothing is kept."""
