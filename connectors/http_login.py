"""How requests of an HTTP connector prove who sends them: bearer token, password, API key; looked up for each request."""

import base64
import re
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from pydantic import SecretStr

from connectors.secret import Secret, SecretUnavailableError, present_value

_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
"""What a header can carry; a value with a line break would be another header."""
_COOKIE: Final = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")


@dataclass(frozen=True, slots=True)
class Proof:
    """What is added to one request.

    Attributes:
        secret: what it was made of, to be compared with what takes its place; never shown.
        headers: names and values.
        query: names and values.
    """

    secret: str
    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return "<Proof>"


class Login(Protocol):
    """Where a client's proofs come from. Both methods raise SecretUnavailableError or BusyError where there is none."""

    async def proof(self, within_s: float) -> Proof:
        """Return the present proof, within that many seconds."""
        ...

    async def renewed(self, refused: Proof, within_s: float) -> Proof | None:
        """Return the proof that has taken the place of one that was refused, or None where it is still the same."""
        ...


@dataclass(frozen=True, slots=True)
class SecretLogin:
    """A secret that is sent as it is: as bearer token, as password, or as API key.

    Attributes:
        secret: looked up for each request where it comes from the configuration.
        way: how it is sent.
        name: the user for `basic`; header, query parameter or cookie for an API key.
    """

    secret: SecretStr
    way: Literal["bearer", "basic", "header", "query", "cookie"] = "bearer"
    name: str = ""

    async def proof(self, within_s: float) -> Proof:
        """Return the present proof."""
        return self._made(await present_value(self.secret, within_s))

    async def renewed(self, refused: Proof, within_s: float) -> Proof | None:
        """Ask for the secret anew: it may have been rotated."""
        if not isinstance(self.secret, Secret):
            return None
        value = await self.secret.replacement(refused.secret, within_s)
        return None if value is None else self._made(value)

    def _made(self, value: str) -> Proof:
        if self.way == "basic":
            encoded = base64.b64encode(f"{self.name}:{value}".encode()).decode()
            return Proof(value, headers=(("Authorization", f"Basic {encoded}"),))
        if self.way == "query":
            return Proof(value, query=((self.name, value),))
        form = _COOKIE if self.way == "cookie" else _TOKEN
        if not form.fullmatch(value):
            raise SecretUnavailableError(
                f"{self.secret!r} is no token: it has spaces, line breaks or no ASCII in it"
            )
        match self.way:
            case "cookie":
                return Proof(value, headers=(("Cookie", f"{self.name}={value}"),))
            case "header":
                return Proof(value, headers=((self.name, value),))
            case _:
                return Proof(value, headers=(("Authorization", f"Bearer {value}"),))
