"""Why a cluster does not let us in, in words a person can act on: aiokafka says only that it could not connect."""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, Final

from aiokafka.conn import AIOKafkaConnection, collect_hosts
from aiokafka.errors import KafkaError, SaslAuthenticationFailed, UnsupportedSaslMechanismError
from aiokafka.protocol.metadata import MetadataRequest

from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_tokens import TokenError
from consumers.errors import UnavailableError

_ANSWER_S: Final = 10.0
_GOODBYE_S: Final = 0.5
_WANTS_CERTIFICATE: Final = ("BAD_CERTIFICATE", "CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "UNKNOWN_CA")
"""Ends of OpenSSL's reasons for what a server says that wants a certificate and got none, or one it does not trust."""


async def explained(error: UnavailableError, connection: KafkaConnection) -> UnavailableError:
    """Return the error with the reason why we are not let in; as it is where we are let in now."""
    why = await refusal(connection)
    return UnavailableError(f"{error}: {why}") if why else error


async def refusal(connection: KafkaConnection, *, timeout_s: float = _ANSWER_S) -> str | None:
    """Log in once at each bootstrap address and say why each refuses; None as soon as one lets us in.

    Args:
        connection: where and with what.
        timeout_s: for all addresses together.
    """
    found: dict[str, str] = {}
    place = connection.bootstrap
    try:
        async with asyncio.timeout(timeout_s):
            for host, port, _ in collect_hosts(connection.bootstrap, randomize=False):
                place = f"{host}:{port}"
                try:
                    await _ask(host, port, connection.options)
                except (OSError, KafkaError) as error:
                    found[place] = reason(error)
                else:
                    return None
    except TimeoutError:
        found[place] = f"no answer within {timeout_s:g} s"
    return "; ".join(f"{place}: {why}" for place, why in found.items())


async def _ask(host: str, port: int, options: Mapping[str, Any]) -> None:
    connection = AIOKafkaConnection(host, port, **options)
    try:
        await connection.connect()
        # Where the port wants a login and the protocol has none, only a request is refused.
        await connection.send(MetadataRequest([]))
    finally:
        closed: Any = connection.close()
        # TLS says goodbye. Where there was no connection nothing ever does.
        await asyncio.wait([closed], timeout=_GOODBYE_S)


def reason(error: BaseException) -> str:
    """Return what an error of a first connection means, and what to look at."""
    for each in _chain(error):
        match each:
            case TokenError():
                return str(each)
            case SaslAuthenticationFailed():
                said = " ".join(map(str, each.args))
                return f"the login was refused ({said}); check kafka.security"
            case UnsupportedSaslMechanismError():
                return f"{' '.join(map(str, each.args))}; change kafka.security.mechanism"
            case ssl.SSLCertVerificationError():
                return (
                    f"its certificate is not accepted ({each.verify_message}); "
                    "check kafka.security.ca_file and the name in kafka.bootstrap"
                )
            case ssl.SSLError(reason=str(said)) if said.endswith(_WANTS_CERTIFICATE):
                return (
                    f"it wants a certificate from us that it trusts ({said.lower()}); "
                    "check kafka.security.cert_file and key_file"
                )
            case ssl.SSLError():
                return f"it does not speak TLS as we do ({each.reason}); check kafka.security.protocol"
            case ConnectionRefusedError():
                return "nobody listens there; check kafka.bootstrap"
            case _:
                pass
    if isinstance(error, KafkaError | ConnectionError):
        return "it closed the connection; check whether kafka.security.protocol is that of this port"
    return str(error) or type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__
