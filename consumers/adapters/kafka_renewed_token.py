"""A token for SASL OAUTHBEARER that is fetched when one is needed and renewed before it ends."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiokafka.abc import AbstractTokenProvider

from consumers.adapters.kafka_tokens import Granted, TokenError

_log = logging.getLogger(__name__)

_RENEWED_AFTER: Final = 0.8
"""Of its lifetime, as Kafka's own clients do."""
_PAUSE_S: Final = 1.0
"""The source is asked again after so long at the earliest: where a login fails, aiokafka tries ten times a second."""


class RenewedToken(AbstractTokenProvider):
    """Fetches a token, hands it to every connection, and fetches the next one before it ends.

    While a fetch fails, the token before it is handed out for as long as it is good. Use it in one event loop.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Granted]],
        *,
        extensions: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is fetched yet.

        Args:
            fetch: returns a new token or raises TokenError; bounded in time.
            extensions: names and values to send along (KIP-342).
            clock: seconds since any moment.
        """
        self._fetch = fetch
        self._extensions = dict(extensions)
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._token: str | None = None
        self._renew_at = self._ends_at = self._ask_again_at = float("-inf")
        self._problem = ""

    async def token(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride] - the base says None, means str
        """Return a token that is good now.

        Raises:
            TokenError: none could be fetched, and there is no other that is still good.
        """
        async with self._one_at_a_time:
            if self._clock() >= self._renew_at and self._clock() >= self._ask_again_at:
                await self._renew()
            if self._token is None or self._clock() >= self._ends_at:
                raise TokenError(self._problem)
            return self._token

    def extensions(self) -> dict[str, str]:
        """Return what is sent beside the token."""
        return self._extensions

    async def _renew(self) -> None:
        asked_at = self._clock()
        try:
            granted = await self._fetch()
        except TokenError as error:
            self._problem = str(error)
            if self._token is not None and self._clock() < self._ends_at:
                _log.warning(
                    "the token was not renewed; the one before is still good", extra={"error": error}
                )
        else:
            self._token = granted.token
            # From before the request, because the lifetime began somewhere within it.
            self._renew_at = asked_at + _RENEWED_AFTER * granted.lifetime_s
            self._ends_at = asked_at + granted.lifetime_s
            self._problem = "the token had ended when it arrived; compare the clocks"
        self._ask_again_at = self._clock() + _PAUSE_S
