"""One SSH connection, made to an address that was checked and a server whose key is known; nothing of the user's own files is read."""

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any, Final

from connectors.checked_addresses import checked_addresses
from connectors.errors import ActionError, FailedError, NotSentError
from connectors.files.sftp_login import SftpLogin
from connectors.secret import Secret, present_value

if TYPE_CHECKING:
    import asyncssh

_KEEPALIVE_S: Final = 15
_KEEPALIVES: Final = 3
"""A connection is given up after so many without an answer."""


async def connect(login: SftpLogin, within_s: float) -> "asyncssh.SSHClientConnection":
    """Return a connection on which the login was accepted.

    Raises:
        NotSentError: nobody listens, answers in time or completes the handshake; a secret cannot be had.
        FailedError: `host_key_changed`, `login_refused`, `egress_refused`, `not_configured`: trying again does not help.
    """
    until = time.monotonic() + within_s
    try:
        async with asyncio.timeout(within_s):
            secret = login.password if login.key is None else login.key
            assert secret is not None, "settings hold a key or a password"
            value = await present_value(secret, within_s)
            try:
                return await _connected(login, value)
            except FailedError as error:
                if error.code != "login_refused" or not isinstance(secret, Secret):
                    raise
                # It may have been rotated since it was fetched.
                renewed = await secret.replacement(value, max(0.1, until - time.monotonic()))
                if renewed is None:
                    raise
                return await _connected(login, renewed)
    except TimeoutError as error:
        raise NotSentError(f"{login.host}:{login.port}: no SSH connection within {within_s:g} s") from error


async def _connected(login: SftpLogin, secret: str) -> "asyncssh.SSHClientConnection":
    import asyncssh

    options = _options(login, secret)
    unheard: Exception | None = None
    for address in await _addresses(login):
        try:
            # To the address and not to the name, so that nobody looks the name up a second time.
            return await asyncssh.connect(address, login.port, host_key_alias=login.host, **options)
        except OSError as error:
            unheard = error
        except (asyncssh.Error, ValueError) as error:
            raise _refusal(login, error) from error
    raise _unheard(login, unheard) from unheard


async def _addresses(login: SftpLogin) -> list[str]:
    """Return the addresses of the host, all of them checked.

    Raises:
        EgressError: one is not allowed.
        NotSentError: the name cannot be resolved.
    """
    try:
        return await checked_addresses(login.allowed(), login.host, login.port)
    except OSError as error:
        raise _unheard(login, error) from error


def _unheard(login: SftpLogin, error: Exception | None) -> NotSentError:
    return NotSentError(f"{login.host}:{login.port}: no connection ({type(error).__name__})")


def _refusal(login: SftpLogin, error: Exception) -> ActionError:
    import asyncssh

    where = f"{login.host}:{login.port}"
    match error:
        case asyncssh.HostKeyNotVerifiable():
            why = "its host key is not the one that is configured: find out why before you change the configuration"
            return FailedError(f"{where}: {why}", code="host_key_changed")
        case asyncssh.PermissionDenied():
            return FailedError(f"{where}: the login of {login.user} is refused", code="login_refused")
        case asyncssh.KeyExchangeFailed():
            why = "no host key of the configured kind, or no algorithm in common"
            return FailedError(f"{where}: {why}", code="host_key_changed")
        case ValueError():
            return FailedError(f"{where}: an SSH connection cannot be set up: {error}", code="not_configured")
        case _:
            return NotSentError(f"{where}: no SSH connection ({type(error).__name__})")


def _options(login: SftpLogin, secret: str) -> dict[str, Any]:
    """Return what asyncssh is told; everything it would otherwise take from the user's own files is named here."""
    return {
        "config": None,
        "username": login.user,
        "known_hosts": trusted_hosts(login),
        "client_keys": None if login.key is None else [_private_key(login, secret)],
        "password": secret if login.key is None else None,
        "preferred_auth": ["password"] if login.key is None else ["publickey"],
        "agent_path": None,
        "gss_host": None,
        "x509_trusted_certs": None,
        "x509_trusted_cert_paths": [],
        "disable_trivial_auth": True,
        "compression_algs": ["none"],
        "keepalive_interval": _KEEPALIVE_S,
        "keepalive_count_max": _KEEPALIVES,
    }


def trusted_hosts(login: SftpLogin) -> Any:
    """Return the host keys that are trusted, in the form that asyncssh takes; never None, which would trust all.

    Raises:
        FailedError: code `not_configured`: they cannot be read.
    """
    import asyncssh

    try:
        if login.known_hosts is not None:
            return asyncssh.read_known_hosts(str(login.known_hosts))
        lines = [line.strip() for line in (login.host_key or "").splitlines()]
        return [asyncssh.import_public_key(line) for line in lines if line], [], []
    except OSError as error:
        why = f"known_hosts cannot be read: {os.strerror(error.errno or 0)}"
    except (asyncssh.KeyImportError, ValueError):
        why = "host_key is no public key: write what `ssh-keyscan` prints behind the host, such as ssh-ed25519 AAAA…"
    raise FailedError(f"{login.host}: {why}", code="not_configured")


def _private_key(login: SftpLogin, secret: str) -> Any:
    import asyncssh

    try:
        return asyncssh.import_private_key(secret)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
        pass
    # Not in the handler: what was raised may hold a part of the key.
    raise FailedError(f"{login.host}: our key cannot be read, or has a passphrase", code="not_configured")
