"""A token for SASL OAUTHBEARER that stands in a file or a variable, and that the platform renews there."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from aiokafka.abc import AbstractTokenProvider
from pydantic import SecretStr

from consumers.adapters.kafka_tokens import TokenError, ends_at, is_token

_SKEW_S: Final = 60.0
"""A token that ended less than this ago is left for the broker to judge: clocks differ."""


class MountedToken(AbstractTokenProvider):
    """Reads the token anew for each connection, from where the platform keeps it fresh."""

    def __init__(
        self,
        read: Callable[[], SecretStr],
        *,
        setting: str,
        extensions: Mapping[str, str],
        now: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is read yet.

        Args:
            read: returns the token, or raises LookupError saying where it was looked for.
            setting: its name in the configuration, for messages.
            extensions: names and values to send along (KIP-342).
            now: seconds since 1970.
        """
        self._read = read
        self._setting = setting
        self._extensions = dict(extensions)
        self._now = now

    async def token(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride] - the base says None, means str
        """Return the token that is there now.

        Raises:
            TokenError: there is none, it is none, or it has ended.
        """
        try:
            token = self._read().get_secret_value()
        except LookupError as error:
            raise TokenError(f"{self._setting}: {error}") from None
        if not is_token(token):
            raise TokenError(f"{self._setting}: what is there is no token (letters, digits and ._~+/-= only)")
        end = ends_at(token)
        if end is not None and end + _SKEW_S < self._now():
            ago = f"{self._now() - end:.0f} s ago"
            raise TokenError(f"{self._setting}: the token ended {ago}; see why it is not renewed there")
        return token

    def extensions(self) -> dict[str, str]:
        """Return what is sent beside the token."""
        return self._extensions
