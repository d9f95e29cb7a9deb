"""Why a Redis does not let us in, in words a person can act on; None where waiting may help."""

import ssl
from collections.abc import Iterator
from typing import Final

from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

_WANTS_CERTIFICATE: Final = ("BAD_CERTIFICATE", "CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "UNKNOWN_CA")
"""Ends of OpenSSL's reasons for what a server says that wants a certificate and got none, or one it does not trust."""


RIGHTS: Final = "the README says which it needs"
"""The end of a message about a user that lacks one."""


def refusal(error: BaseException, *, at: str = "redis") -> str | None:
    """Return what an error means if only another configuration can help.

    Args:
        error: as the client raised it.
        at: the section that the credentials are from.
    """
    for each in _chain(error):
        match each:
            case AuthenticationError():
                return f"our credentials are refused ({each}); check {at}.username and {at}.password, or redis.url"
            case NoPermissionError():
                return f"our user lacks a right ({each}); {RIGHTS}"
            case ResponseError() if "cluster support disabled" in str(each):
                return "it is no cluster; remove redis.cluster"
            case ssl.SSLCertVerificationError():
                return (
                    f"its certificate is not accepted ({each.verify_message}); "
                    "check redis.tls.ca_file and the name it is called by"
                )
            case ssl.SSLError(reason=str(said)) if said.endswith(_WANTS_CERTIFICATE):
                return (
                    f"it wants a certificate from us that it trusts ({said.lower()}); "
                    "check redis.tls.cert_file and key_file"
                )
            case ssl.SSLError():
                return f"it does not speak TLS as we do ({each.reason}); check redis.url and redis.tls"
            case _:
                pass
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it; redis-py mostly raises anew without saying from what."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
