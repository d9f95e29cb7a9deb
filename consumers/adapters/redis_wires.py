"""Connections to a Redis server, whichever way it was found: in the clear, by TLS, by a socket of this machine."""

import asyncio
import ssl
from typing import Any

from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from consumers.adapters.redis_trust import Trust, UncheckedServerError


class PlainConnection(Connection):
    """Leaves a server that has become a replica, so that the next try finds out who the primary is now.

    With `trust`, it does not speak to a server that was not checked since it started.
    """

    def __init__(self, *, trust: Trust | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._trust = trust

    async def on_connect_check_health(self, check_health: bool = True) -> None:  # noqa: FBT001, FBT002 - redis-py's
        """Introduce us, and find out which process answers."""
        await super().on_connect_check_health(check_health)
        if self._trust is not None:
            await self.send_command("INFO", "server", check_health=False)
            said: bytes = await self.read_response(disable_decoding=True)
            if run_id_in(said) not in self._trust.servers:
                self._trust.doubt()
                raise UncheckedServerError

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:  # noqa: FBT001, FBT002 - redis-py's
        """Write commands, as redis-py does, and heed a cancellation that comes when they are just written."""
        task = asyncio.current_task()
        asked = task.cancelling() if task else 0
        try:
            await super().send_packed_command(command, check_health)
        except AttributeError as error:
            # redis-py closes connections that it holds to be idle; one that was taken meanwhile has lost its writer.
            raise RedisConnectionError("this connection was closed while it was written to") from error
        if task and task.cancelling() > asked:
            # Before Python 3.12, asyncio.wait_for forgets a cancellation that meets its result (gh-86296); redis-py
            # writes by it, and whoever waits for the end of the task would wait for ever.
            await self.disconnect(nowait=True)
            raise asyncio.CancelledError

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """Read one answer, as redis-py does."""
        try:
            return await super().read_response(*args, **kwargs)
        except ResponseError as error:
            # By its text: before 7.0, a script's error comes wrapped in another one.
            if "READONLY" not in f"{error.status_code} {error}":
                raise
            await self.disconnect()
            raise RedisConnectionError("this server has become a replica") from error


class TlsConnection(PlainConnection, SSLConnection):
    """The same by TLS, with a context of ours: redis-py's would trust the system's authorities beside our own."""

    def __init__(self, *, tls: ssl.SSLContext, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context.context = tls


def run_id_in(info: bytes) -> str:
    """Return which process has said this in answer to INFO; empty where a proxy does not tell."""
    lines = info.decode(errors="replace").splitlines()
    return next((line.removeprefix("run_id:") for line in lines if line.startswith("run_id:")), "")


def wire(tls: ssl.SSLContext | None, trust: Trust | None = None) -> dict[str, Any]:
    """Return the class of connection, and what it needs beside `options`."""
    trusting = {} if trust is None else {"trust": trust}
    return trusting | (
        {"connection_class": PlainConnection}
        if tls is None
        else {"connection_class": TlsConnection, "tls": tls}
    )


def options(*, timeout_s: float, retries: int, name: str) -> dict[str, Any]:
    """Return what all our connections have in common.

    Args:
        timeout_s: for a connect, and for a reply.
        retries: how often a command is sent again after a cut connection.
        name: what CLIENT LIST shows.
    """
    return {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.5), retries),
        "health_check_interval": 30,
        "client_name": name,
        "protocol": 2,  # all we need, understood by every server and proxy
        "decode_responses": False,
    }


def login(username: str | None, password: str | None) -> dict[str, str]:
    """Return the credentials there are."""
    given = {"username": username, "password": password}
    return {name: value for name, value in given.items() if value}
