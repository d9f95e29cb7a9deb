"""Makes aiokafka see that a broker refuses a token.

A broker answers a bad token not with an error but with a JSON text, and with the error only once the client has sent
one byte in return (RFC 7628, section 3.2.3). aiokafka 0.14 takes the text for a success: the next request is answered
with nothing, `start()` returns, and a producer then waits for ever.
"""

from typing import Any, Final, Literal

from aiokafka.conn import AIOKafkaConnection, OAuthAuthenticator

_SEEN: Final = b"\x01"


class _Authenticator(OAuthAuthenticator):
    """Sends that byte, so that the broker's error arrives as any other refusal of a login does."""

    _seen = False

    async def step(self, payload: bytes | None) -> tuple[bytes, Literal[True]] | None:
        """Return what is sent next; None where the login is done."""
        if payload and not self._seen:
            self._seen = True
            return _SEEN, True
        return await super().step(payload)


def see_refused_tokens() -> None:
    """Change aiokafka in this process; again and again changes nothing more."""
    AIOKafkaConnection.authenticator_oauth = _authenticator  # pyright: ignore[reportAttributeAccessIssue] - differs in the name of `self` only


def _authenticator(connection: Any) -> _Authenticator:
    return _Authenticator(sasl_oauth_token_provider=connection._sasl_oauth_token_provider)  # noqa: SLF001 - the method replaced reads it too
