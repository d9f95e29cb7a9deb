"""Calls operations over the HTTP client that all connectors share: its pool, its egress list, its limits."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from connectors.action import Call
from connectors.http import HttpAnswer, HttpClient, HttpRequest
from connectors.rehearsal import rehearse
from connectors.secret import Secret, present_value
from connectors.soap.envelope import build, headers, with_username_token, written
from connectors.soap.faults import FaultRules, raise_fault
from connectors.soap.reply import Reply, read_reply
from connectors.soap.wsdl import Operation, Wsdl

OFF_LOOP_BYTES: Final = 64 * 1024
"""A longer reply is parsed, checked and read in a thread, so that other calls go on meanwhile."""
_SECRET_SHARE: Final = 0.5
"""Share of a call's time that waiting for the password may take."""


@dataclass(frozen=True, slots=True)
class UsernameToken:
    """The login of WS-Security.

    Attributes:
        user: who calls.
        password: looked up for each call.
        digest: whether a digest is sent in place of the password.
    """

    user: str
    password: SecretStr
    digest: bool


@dataclass(frozen=True, slots=True)
class SoapCall:
    """One call, but for its arguments.

    Attributes:
        wsdl: of the service.
        operation: what is called.
        changes: whether it is a write.
        rules: what its faults mean.
        key_header: the HTTP header that carries the key, or None.
    """

    wsdl: Wsdl
    operation: Operation
    changes: bool
    rules: FaultRules
    key_header: str | None = None


@dataclass(frozen=True, slots=True)
class SoapClient:
    """What the actions of a SOAP connector call with.

    Attributes:
        http: speaks to the origin of the endpoint.
        path: of the endpoint.
        query: that each request has.
        token: the login in the envelope, or None.
    """

    http: HttpClient
    path: str
    query: tuple[tuple[str, str], ...] = ()
    token: UsernameToken | None = None

    async def call(self, what: SoapCall, call: Call["SoapClient"], arguments: Mapping[str, Any]) -> Any:
        """Return the result of one call, None where nothing comes back or there is nothing to find.

        Raises only errors of `connectors.errors`, as `connectors.soap.reply` and `faults` tell.
        """
        until = time.monotonic() + call.timeout_s
        envelope = build(what.wsdl, what.operation, arguments)
        # Before the login is in it, which nobody is to be shown.
        rehearse(
            lambda: f"{self.http.base_url}{self.path}\n\n{written(envelope).decode()}", changes=what.changes
        )
        token = self.token
        password = (
            None if token is None else await present_value(token.password, call.timeout_s * _SECRET_SHARE)
        )
        reply = await self._sent(what, call, envelope, password, until)
        if (
            reply.fault is not None
            and reply.fault.login
            and token is not None
            and isinstance(token.password, Secret)
        ):
            # It was refused before anything was done, and the password may have been rotated since it was fetched.
            newer = await token.password.replacement(str(password), _left_s(until))
            if newer is not None:
                envelope = build(what.wsdl, what.operation, arguments)
                reply = await self._sent(what, call, envelope, newer, until)
        if reply.fault is not None:
            raise_fault(reply.fault, what.rules, changes=what.changes)
        return reply.result

    async def _sent(
        self, what: SoapCall, call: Call["SoapClient"], envelope: Any, password: str | None, until: float
    ) -> Reply:
        if self.token is not None and password is not None:
            envelope = with_username_token(envelope, self.token.user, password, digest=self.token.digest)
        key = () if what.key_header is None else ((what.key_header, call.key),)
        request = HttpRequest(
            "POST",
            tuple(unquote(each) for each in self.path.strip("/").split("/") if each),
            self.query,
            (*headers(what.operation), *key),
            written(envelope),
            changes=what.changes,
            slash=self.path.endswith("/"),
        )
        answer = await self.http.exchange(request, timeout_s=_left_s(until))
        return await _read(what, answer)


async def _read(what: SoapCall, answer: HttpAnswer) -> Reply:
    if len(answer.body) <= OFF_LOOP_BYTES:
        return read_reply(what.wsdl, what.operation, answer, changes=what.changes)
    return await asyncio.to_thread(
        read_reply, what.wsdl, what.operation, answer, changes=what.changes, elsewhere=True
    )


def split(base_url: str) -> tuple[str, str]:
    """Return origin and path of an endpoint."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}", parts.path


def _left_s(until: float) -> float:
    return max(0.1, until - time.monotonic())
