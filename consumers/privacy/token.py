"""Tokens: words that stand for personal values of one session, and can be opened by whoever has the key.

A token holds its value, encrypted: AES-SIV (RFC 5297) under a key derived from `privacy.key`, with tenant, session and
kind as associated data. So nothing is stored that could be lost, the same value of a session has the same token always,
and a token of another session, an altered or an invented one does not open.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, Final, Literal

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from consumers.session.key import SessionKey

Kind = Literal["iban", "card", "number", "text"]
Scalar = str | int | float
"""A value that a token can stand for."""

KEY_CHARS: Final = 32
"""The shortest secret that is accepted as a key: 128 bits where it is written in hex."""
# Whatever a model may have made of a token is found, too: cut, put in capitals, with another kind.
TOKEN: Final = re.compile(
    r"pii_(?:(?:iban|card|number|text)_[A-Za-z0-9_-]*|[a-z]+_[A-Za-z0-9_-]{16,})", re.IGNORECASE
)
"""What is taken for a token; whether it is one shows when it is opened."""
TOKEN_CHARS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
"""No such character may follow a token: it would be taken for a part of it."""

_INFO: Final = b"pointsman personal data tokens, version 1"
_SHOWN: Final = 16


class TokenError(ValueError):
    """A token does not open: it is of another session or key, altered, or invented. The message shows its beginning, not in its form."""

    def __init__(self, token: str) -> None:
        said = token.partition("_")[2]
        shown = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"
        super().__init__(f"the token of personal data `{shown}` is none of this session")


class Keys:
    """Derived keys: the first one seals, all of them open."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """Derive them.

        Raises:
            ValueError: there is none, or one is shorter than `KEY_CHARS`.
        """
        if not secrets or any(len(secret) < KEY_CHARS for secret in secrets):
            raise ValueError(f"has fewer than {KEY_CHARS} characters")
        self.ciphers: Final = tuple(AESSIV(_derived(secret)) for secret in secrets)

    def of(self, key: SessionKey) -> "Seal":
        """Return what makes and opens the tokens of a session."""
        return Seal(self, key)


class Seal:
    """Makes and opens the tokens of one session."""

    def __init__(self, keys: Keys, key: SessionKey) -> None:
        self._ciphers = keys.ciphers
        self._about = (key.tenant.encode(), key.session_id.encode())

    def token(self, value: Scalar, kind: Kind) -> str:
        """Return the token of a value: always the same one."""
        sealed = self._ciphers[0].encrypt(orjson.dumps(value), self._data(kind))
        return f"pii_{kind}_{urlsafe_b64encode(sealed).rstrip(b'=').decode()}"

    def open(self, token: str) -> Scalar:
        """Return the value of a token.

        Raises:
            TokenError: it does not open.
        """
        _, kind, text = token.split("_", 2)
        try:
            sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            raise TokenError(token) from None
        if urlsafe_b64encode(sealed).rstrip(b"=").decode() != text or not token.startswith("pii_"):
            raise TokenError(token)  # spelled otherwise than we spell it
        for cipher in self._ciphers:
            try:
                value: Any = orjson.loads(cipher.decrypt(sealed, self._data(kind)))
            except (InvalidTag, ValueError):
                continue
            return value
        raise TokenError(token)

    def _data(self, kind: str) -> list[bytes]:
        return [*self._about, kind.encode()]


def _derived(secret: str) -> bytes:
    return HKDF(SHA256(), length=64, salt=None, info=_INFO).derive(secret.encode())
