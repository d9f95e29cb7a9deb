"""Secrets that are looked up when they are used, so that a rotated one is used without a restart.

A connector declares `token: SecretStr` and hands it on, as ever; what it gets from the configuration is a `Secret`, which
is one. `open_http` fetches it for each request. Whoever uses `get_secret_value()` once, at the start, has what was there then.
"""

import asyncio
from collections import deque
from typing import Final, Protocol

from pydantic import SecretStr

from connectors.errors import NotSentError

_REMEMBERED: Final = 4
"""Values that are kept out of messages: the one in use and those before it, which may be in an answer under way."""


class SecretUnavailableError(NotSentError):
    """A secret cannot be had now, so nothing was sent. The message names where it was looked for, never its value."""


class SecretSource(Protocol):
    """Where one secret is: an environment variable, a file, a field in a vault."""

    @property
    def reference(self) -> str:
        """As the configuration refers to it, for messages."""
        ...

    async def fetch(self) -> str:
        """Return its present value; bounded in time.

        Raises:
            LookupError: it is not there, or whoever has it does not answer; the message says why, without any value.
        """
        ...

    def at_hand(self) -> str:
        """Return its present value without waiting: of a vault, the one that was fetched last, while it is good.

        Raises:
            LookupError: there is none at hand.
        """
        ...

    def forget(self) -> None:
        """Have the next `fetch` ask anew: the value was refused."""
        ...


class Secret(SecretStr):
    """A `SecretStr` whose value is looked up. Compared by identity; never shown."""

    def __init__(self, source: SecretSource) -> None:
        super().__init__("")
        self._source = source
        self._values: deque[str] = deque(maxlen=_REMEMBERED)

    async def fetch(self, within_s: float) -> str:
        """Return the present value.

        Raises:
            SecretUnavailableError: it cannot be had in that time.
        """
        try:
            return self._noted(self._source.at_hand())
        except LookupError:
            pass  # it is to be waited for
        try:
            async with asyncio.timeout(within_s):
                return self._noted(await self._source.fetch())
        except TimeoutError:
            problem = f"no answer within {within_s:g} s"
        except LookupError as error:
            problem = str(error)
        # Not in the handler: what a vault's client raised may hold its token.
        raise SecretUnavailableError(f"secret {self._source.reference}: {problem}")

    async def replacement(self, refused: str, within_s: float) -> str | None:
        """Return the present value, asked for anew, or None where it is the one that was refused.

        Raises:
            SecretUnavailableError: it cannot be had.
        """
        self._source.forget()
        value = await self.fetch(within_s)
        return None if value == refused else value

    def get_secret_value(self) -> str:
        """Return the value that is there without waiting: of a vault, the one that was fetched last.

        Raises:
            SecretUnavailableError: there is none.
        """
        try:
            return self._noted(self._source.at_hand())
        except LookupError as error:
            problem = str(error)
        raise SecretUnavailableError(f"secret {self._source.reference}: {problem}")

    @property
    def values(self) -> tuple[str, ...]:
        """The latest values that were handed out: what no message may show."""
        return tuple(self._values)

    def _noted(self, value: str) -> str:
        if value not in self._values:
            self._values.append(value)
        return value

    def __repr__(self) -> str:
        return f"<Secret {self._source.reference}>"

    __str__ = __repr__

    def __len__(self) -> int:
        return 1  # a secret that is referred to is there, for whoever asks whether it is

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


async def present_value(secret: SecretStr, within_s: float) -> str:
    """Return a secret's value: looked up where it is a `Secret`, the fixed one otherwise.

    Raises:
        SecretUnavailableError: it cannot be had in that time.
    """
    return await secret.fetch(within_s) if isinstance(secret, Secret) else secret.get_secret_value()
