"""Tokens for SASL OAUTHBEARER, and why there is none.

aiokafka asks for a token at each connection and cannot log in again on an open one (KIP-368). A broker that bounds
sessions (`connections.max.reauth.ms`) therefore closes the connection once its token has ended; the request that
meets this fails, the client connects again and logs in with the token of that moment. So a token must be good when
it is handed out, and nothing has to happen when it ends.
"""

import base64
import re
from dataclasses import dataclass, field
from typing import Final

import orjson
from aiokafka.errors import KafkaConnectionError

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""`b64token` of RFC 6750; anything else would break out of the login's message."""


class TokenError(KafkaConnectionError):
    """There is no token to log in with; says why and what to do. aiokafka logs it, then tries again or gives up."""

    def __str__(self) -> str:
        # Without the name of the class, which aiokafka's errors put before their text.
        return " ".join(map(str, self.args))


@dataclass(frozen=True, slots=True)
class Granted:
    """A token, and for how many seconds from now it is good."""

    token: str = field(repr=False)
    lifetime_s: float


def is_token(text: str) -> bool:
    """Return whether a text has only characters that a bearer token may have."""
    return _TOKEN.fullmatch(text) is not None


def ends_at(token: str) -> float | None:
    """Return when a JWT ends, in seconds since 1970, unverified; None where the token does not say."""
    parts = token.split(".")
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError):
        return None
