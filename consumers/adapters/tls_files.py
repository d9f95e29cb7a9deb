"""TLS from PEM files: errors name the setting, the file and the fix, and no secret."""

import ssl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from consumers.errors import ConfigurationError

_PEM: Final = "export it as PEM (`-----BEGIN …`); a Java key store or DER must be converted first"
_STRANGERS: Final = frozenset({"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"})


class TlsFileError(ConfigurationError):
    """A file of certificates or keys cannot be used.

    Attributes:
        setting: its full name, such as `kafka.security.ca_file`.
        problem: what is wrong, with the file's path.
        fix: what to do about it.
    """

    def __init__(self, setting: str, problem: str, fix: str) -> None:
        super().__init__(f"{setting}: {problem}; {fix}")
        self.setting = setting
        self.problem = problem
        self.fix = fix


def tls_context(
    section: str,
    *,
    ca_file: Path | None,
    cert_file: Path | None = None,
    key_file: Path | None = None,
    key_password: str | None = None,
) -> ssl.SSLContext:
    """Return a context that verifies the server's certificate and name, for TLS 1.2 and newer.

    The files are read now and not again: after a renewal on disk, restart the process.

    Args:
        section: where the settings stand, such as `kafka.security`; for messages.
        ca_file: whom to trust, and nobody else; None means whom the system trusts.
        cert_file: our certificate, with those between it and its authority.
        key_file: its key.
        key_password: opens an encrypted key.

    Raises:
        TlsFileError: a file is missing, cannot be read or holds something else.
    """
    with _reading(f"{section}.ca_file", ca_file, "certificate"):
        context = ssl.create_default_context(cafile=ca_file)
    if cert_file is not None:
        with _reading(f"{section}.cert_file", cert_file, "certificate"):
            # Into a context that nobody uses: OpenSSL says the same of a bad certificate as of a bad key.
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cert_file)
        _present(context, section, cert_file, key_file or cert_file, key_password)
    return context


def _present(
    context: ssl.SSLContext, section: str, cert_file: Path, key_file: Path, key_password: str | None
) -> None:
    asked = False

    def password() -> str:
        nonlocal asked
        asked = True
        # Never left to OpenSSL, which would ask on the terminal and wait for ever.
        if key_password is None:
            raise TlsFileError(
                f"{section}.key_password",
                f"is missing, and the key in {key_file} is encrypted",
                "add `key_password: {env: NAME}`",
            )
        return key_password

    with _reading(f"{section}.key_file", key_file, "private key"):
        try:
            context.load_cert_chain(cert_file, key_file, password)
        except ssl.SSLError as error:
            if error.reason in _STRANGERS:
                problem = f"the key in {key_file} is not that of the certificate in {cert_file}"
                raise TlsFileError(f"{section}.key_file", problem, "give the one it was made with") from error
            if asked:
                raise TlsFileError(
                    f"{section}.key_password", f"does not open the key in {key_file}", "mend the secret"
                ) from error
            raise
        except ValueError as error:  # a password of more than 1024 bytes; the message does not repeat it
            raise TlsFileError(f"{section}.key_password", str(error), "mend the secret") from error


@contextmanager
def _reading(setting: str, path: Path | None, content: str) -> Generator[None]:
    try:
        yield
    except ssl.SSLError as error:
        raise TlsFileError(setting, f"{path} holds no {content} in PEM form", _PEM) from error
    except FileNotFoundError as error:
        raise TlsFileError(setting, f"there is no file {path}", "mend the path") from error
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror}"
        raise TlsFileError(setting, problem, "mend the path, or let this user read it") from error
