"""Calls of remote procedures whose errors say what is known about the effect, under a session that is renewed once."""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from pydantic import SecretStr
from pydantic_core import to_json

from connectors.errors import ActionError, BusyError, InDoubtError, NotSentError, UnusableResultError
from connectors.http import HttpAnswer, HttpClient, HttpRequest, open_http
from connectors.http_answer import read_answer
from connectors.http_settings import HttpSettings
from connectors.rehearsal import rehearse
from connectors.rpc.answer import Answer, Fault, UnreadableAnswerError, Value
from connectors.rpc.body import Body
from connectors.rpc.dialect import Dialect, Held, LoginWay, Procedure
from connectors.rpc.faults import error_of
from connectors.rpc.login import Session
from connectors.secret import Secret, present_value

_LEAST_S: Final = 0.1
"""What is left of a call's time for a second attempt, at least."""
_NOBODY: Final = Held()
_LOGIN_REFUSED: Final = frozenset((HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN))


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whom to log in as.

    Attributes:
        way: how that is done.
        user: the name.
        password: looked up for each login where it comes from the configuration.
    """

    way: LoginWay
    user: str
    password: SecretStr


class RpcClient:
    """What the actions of an RPC connector call with. Get one from `open_rpc`; for many tasks of one loop."""

    def __init__(
        self, http: HttpClient, body: Body, dialect: Dialect, login: Credentials | None, timeout_s: float
    ) -> None:
        """Use `open_rpc`."""
        self._http = http
        self._body = body
        self._dialect = dialect
        self._login = login
        self._timeout_s = timeout_s
        self._session = None if login is None else Session(self._log_in)

    async def call(
        self,
        method: str,
        *given: Any,
        changes: bool,
        keywords: Mapping[str, Any] | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """Call a method and return its value.

        Where the session has expired, the system refuses before it does anything: there is one login, then the call is
        sent once more.

        Args:
            method: its name.
            given: parameters by position.
            changes: whether it may change something, so that an error that says nothing leaves doubt.
            keywords: parameters by name, where the system takes them.
            timeout_s: for all of it, login included; never more than the connector's.

        Raises:
            FailedError: it was refused; the code says why, `stale` where what was written over has changed since.
            BusyError: the system has no time, or logins are throttled. Nothing was done.
            NotSentError: nothing was sent: no connection, or no session.
            InDoubtError: sent, and nobody knows.
        """
        rehearse(lambda: _shown(method, given, keywords or {}), changes=changes)
        limit_s = self._timeout_s if timeout_s is None else min(timeout_s, self._timeout_s)
        ends_at = time.monotonic() + limit_s
        keywords = keywords or {}
        session = self._session
        if session is None:
            said = await self._asked(
                self._dialect.call(_NOBODY, method, given, keywords), ends_at, changes=changes
            )
        else:
            held = await session.held(limit_s)
            said = await self._asked(
                self._dialect.call(held, method, given, keywords), ends_at, changes=changes
            )
            if said is None:
                held = await session.held(max(_LEAST_S, ends_at - time.monotonic()), refused=held)
                said = await self._asked(
                    self._dialect.call(held, method, given, keywords), ends_at, changes=changes
                )
        match said:
            case Value(value=value):
                return value
            case Fault():
                raise error_of(said, self._dialect.meanings, changes=changes)
            case None:
                raise NotSentError(f"{method}: a new session was refused as well")

    async def _asked(self, procedure: Procedure, ends_at: float, *, changes: bool) -> Answer | None:
        """Return what came, or None where the session has expired."""
        answer = await self._post(procedure, ends_at)
        if self._login is None:
            return self._read(answer, procedure.method, changes=changes)
        if self._login.way.expired(answer.status):
            return None
        said = self._read(answer, procedure.method, changes=changes)
        return None if isinstance(said, Fault) and self._login.way.expired(said) else said

    async def _post(self, procedure: Procedure, ends_at: float) -> HttpAnswer:
        content_type = self._body.content_type
        request = HttpRequest(
            "POST",
            procedure.path,
            headers=(("Content-Type", content_type), ("Accept", content_type), *procedure.headers),
            data=self._body.write(procedure.method, procedure.parameters),
            # A success may hold a fault, so one that is too large does not say that anything was done.
            changes=False,
            slash=self._dialect.slash,
        )
        return await self._http.exchange(request, timeout_s=max(_LEAST_S, ends_at - time.monotonic()))

    def _read(self, answer: HttpAnswer, method: str, *, changes: bool) -> Answer:
        if answer.status != HTTPStatus.OK:
            read_answer(
                answer.status, answer.headers, answer.body, changes=changes
            )  # raises, but for another success
            raise InDoubtError(f"{method}: HTTP {answer.status} is no answer to a call")
        try:
            return self._body.read(answer.body)
        except UnreadableAnswerError as error:
            raise UnusableResultError(f"{method}: {error}", executed=False) from error

    async def _log_in(self, within_s: float) -> Held:
        """Log in; where the password has been rotated since it was fetched, with the new one as well."""
        assert self._login is not None
        secret = self._login.password
        password = await present_value(secret, within_s)
        held = await self._logged_in(password, within_s)
        if held is None and isinstance(secret, Secret):
            newer = await secret.replacement(password, within_s)
            held = None if newer is None else await self._logged_in(newer, within_s)
        if held is None:
            raise NotSentError(f"the login of {self._login.user} was refused: check user and password")
        return held

    async def _logged_in(self, password: str, within_s: float) -> Held | None:
        """Log in once; return None where it was refused."""
        assert self._login is not None
        user = self._login.user
        procedure = self._login.way.login(user, password)
        try:
            answer = await self._post(procedure, time.monotonic() + within_s)
            if answer.status in _LOGIN_REFUSED:
                return None
            said = self._read(answer, procedure.method, changes=False)
        except (BusyError, NotSentError):
            raise
        except ActionError as error:
            raise NotSentError(f"no login: {error}") from error
        if isinstance(said, Fault):
            if self._login.way.expired(said):
                return None
            raise NotSentError(f"no login: {error_of(said, self._dialect.meanings, changes=False)}")
        return self._login.way.held(user, password, said.value)


def _shown(method: str, given: Sequence[Any], keywords: Mapping[str, Any]) -> str:
    parameters = [*given, *([dict(keywords)] if keywords else [])]
    return f"{method}\n\n{to_json(parameters, indent=2, fallback=str).decode()}"


@asynccontextmanager
async def open_rpc(
    settings: HttpSettings,
    body: Body,
    dialect: Dialect,
    *,
    login: Credentials | None = None,
    token: SecretStr | None = None,
) -> AsyncGenerator[RpcClient]:
    """Open a client for one system; connects and logs in with the first call.

    Args:
        settings: where, and how long a call may take.
        body: the protocol.
        dialect: the kind of system.
        login: whom to log in as; None where it knows no session.
        token: sent as bearer token, to a system that takes one.
    """
    async with open_http(
        settings.base_url, token=token, egress=settings.egress, timeout_s=settings.timeout_s
    ) as http:
        yield RpcClient(http, body, dialect, login, settings.timeout_s)
