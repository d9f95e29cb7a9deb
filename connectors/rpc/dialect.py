"""What systems that are called by JSON-RPC or XML-RPC differ in: where a call goes, how one logs in, what an error means. Pure.

- plain: one path, no session; a token may prove who calls.
- Tryton: one path of a database; a login gives a session that a header carries, and an expired one is refused with 401.
- Odoo: the user's number and password lead the parameters of each call of `execute_kw`.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal, Protocol

from connectors.errors import FailedError
from connectors.rpc.answer import Fault
from connectors.rpc.faults import ODOO_JSON, ODOO_XML, PROTOCOL, TRYTON_JSON, TRYTON_XML, Meaning

RpcProtocol = Literal["json-rpc", "xml-rpc"]
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Held:
    """What a login gave, added to each call. Never shown.

    Attributes:
        headers: names and values.
        leading: parameters before the call's own.
    """

    headers: Headers = ()
    leading: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        return "<Held>"


@dataclass(frozen=True, slots=True, repr=False)
class Procedure:
    """One call as it is posted. Never shown: a login holds a password.

    Attributes:
        path: segments.
        method: as the wire names it.
        parameters: by position, or by name where the system takes names.
        headers: beside those of the protocol.
    """

    path: tuple[str, ...]
    method: str
    parameters: Sequence[Any] | Mapping[str, Any]
    headers: Headers = ()


class Dialect(Protocol):
    """How a kind of system is called."""

    @property
    def slash(self) -> bool:
        """Whether paths end with one."""
        ...

    @property
    def typed(self) -> bool:
        """Whether JSON carries `__class__` objects: decimals, dates, bytes."""
        ...

    @property
    def version(self) -> str | None:
        """What `jsonrpc` says, or None where it is left out."""
        ...

    @property
    def meanings(self) -> Mapping[str, Meaning]:
        """What is known of faults, by name."""
        ...

    def call(
        self, held: Held, method: str, given: Sequence[Any], keywords: Mapping[str, Any], /
    ) -> Procedure:
        """Return the call of a method; raises FailedError `invalid_arguments` where it cannot be said."""
        ...


class LoginWay(Protocol):
    """How one logs in to a kind of system."""

    def login(self, user: str, password: str, /) -> Procedure:
        """Return the call that logs in."""
        ...

    def held(self, user: str, password: str, value: Any, /) -> Held | None:
        """Return what the login's answer gives, or None where it is a refusal."""
        ...

    def expired(self, answer: int | Fault, /) -> bool:
        """Whether an HTTP status or a fault says that the login counts no longer, so that nothing was done."""
        ...


class Plain:
    """A system that knows no session."""

    slash = False
    typed = False
    meanings = PROTOCOL

    def __init__(self, path: tuple[str, ...], version: str | None) -> None:
        """Calls go to `path`; `version` is that of JSON-RPC."""
        self._path = path
        self.version = version

    def call(
        self, _held: Held, method: str, given: Sequence[Any], keywords: Mapping[str, Any], /
    ) -> Procedure:
        """Parameters are sent by position, or by name."""
        if keywords and given:
            raise FailedError(f"{method}: parameters go by position or by name", code="invalid_arguments")
        return Procedure(self._path, method, keywords or given)


class Tryton:
    """Tryton, by either protocol."""

    slash = True
    typed = True
    version = None

    def __init__(self, protocol: RpcProtocol, database: str) -> None:
        """Calls go to the path of a database."""
        self._path = (database, "rpc")
        own = TRYTON_JSON if protocol == "json-rpc" else TRYTON_XML
        self.meanings: Mapping[str, Meaning] = {**PROTOCOL, **own}

    def login(self, user: str, password: str, /) -> Procedure:
        """With a password; other factors cannot be given."""
        return Procedure(self._path, "common.db.login", [user, {"password": password}])

    def held(self, user: str, _password: str, value: Any, /) -> Held | None:
        """Return the session's header."""
        match value:
            case [int(number), str(key), *_] if key:
                session = b64encode(f"{user}:{number}:{key}".encode()).decode()
                return Held(headers=(("Authorization", f"Session {session}"),))
            case _:
                return None

    def call(
        self, held: Held, method: str, given: Sequence[Any], keywords: Mapping[str, Any], /
    ) -> Procedure:
        """The last parameter is the context."""
        if keywords:
            raise FailedError(f"{method}: Tryton takes parameters by position", code="invalid_arguments")
        return Procedure(self._path, method, given, held.headers)

    def expired(self, answer: int | Fault, /) -> bool:
        """It is refused with 401, before the method is looked at."""
        return answer == HTTPStatus.UNAUTHORIZED


_ODOO_DENIED: Final = frozenset(("3", "odoo.exceptions.AccessDenied", "odoo.http.SessionExpiredException"))


class Odoo:
    """Odoo's external API, by either protocol; a method is `model.method`, such as `sale.order.action_confirm`."""

    slash = False
    typed = False
    version = "2.0"

    def __init__(self, protocol: RpcProtocol, database: str) -> None:
        """All calls name the database."""
        self._protocol = protocol
        self._database = database
        own = ODOO_JSON if protocol == "json-rpc" else ODOO_XML
        self.meanings: Mapping[str, Meaning] = {**PROTOCOL, **own}

    def login(self, user: str, password: str, /) -> Procedure:
        """Ask for the user's number."""
        return self._procedure("common", "authenticate", [self._database, user, password, {}])

    def held(self, _user: str, password: str, value: Any, /) -> Held | None:
        """Return number and password; a refused login is answered with false."""
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        return Held(leading=(self._database, value, password))

    def call(
        self, held: Held, method: str, given: Sequence[Any], keywords: Mapping[str, Any], /
    ) -> Procedure:
        """Wrap the call in `execute_kw`."""
        model, _, name = method.rpartition(".")
        return self._procedure(
            "object", "execute_kw", [*held.leading, model, name, list(given), dict(keywords)]
        )

    def expired(self, answer: int | Fault, /) -> bool:
        """The password may have been changed: access is denied then, before the method is looked at."""
        return isinstance(answer, Fault) and answer.name in _ODOO_DENIED

    def _procedure(self, service: str, method: str, given: list[Any]) -> Procedure:
        if self._protocol == "xml-rpc":
            return Procedure(("xmlrpc", "2", service), method, given)
        return Procedure(("jsonrpc",), "call", {"service": service, "method": method, "args": given})
