"""TLS from files: what is wrong with one is said by setting, file and fix."""

import ssl
from pathlib import Path

import pytest

from consumers.adapters.tls_files import TlsFileError, tls_context
from consumers.errors import ConfigurationError
from ops.kafka.certificates import Authority, private_pem

PASSWORD = "canary-key-password"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tls")
    authority = Authority("tests")
    (made / "ca.pem").write_bytes(authority.certificate)
    certificate, key = authority.issue("client")
    (made / "client.pem").write_bytes(certificate)
    (made / "client.key").write_bytes(private_pem(key))
    (made / "encrypted.key").write_bytes(private_pem(key, PASSWORD))
    (made / "both.pem").write_bytes(private_pem(key) + certificate)
    (made / "other.key").write_bytes(private_pem(authority.issue("other")[1]))
    (made / "junk.pem").write_text("no certificate at all")
    (made / "cut.pem").write_bytes(certificate[:200])
    (made / "empty.pem").touch()
    return made


def context(folder: Path, names: dict[str, str], password: str | None = None) -> ssl.SSLContext:
    files = {setting: folder / name for setting, name in names.items()}
    return tls_context("kafka.security", **({"ca_file": None} | files), key_password=password)


@pytest.mark.parametrize(
    ("names", "password"),
    [
        ({}, None),
        ({"ca_file": "ca.pem"}, None),
        ({"ca_file": "ca.pem", "cert_file": "client.pem", "key_file": "client.key"}, None),
        ({"ca_file": "ca.pem", "cert_file": "client.pem", "key_file": "client.key"}, "not needed"),
        ({"cert_file": "client.pem", "key_file": "encrypted.key"}, PASSWORD),
        ({"cert_file": "both.pem", "key_file": "both.pem"}, None),
    ],
)
def test_what_is_right_verifies_the_server_and_its_name(
    folder: Path, names: dict[str, str], password: str | None
) -> None:
    made = context(folder, names, password)
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert made.check_hostname
    assert made.minimum_version >= ssl.TLSVersion.TLSv1_2
    if "ca_file" in names:
        assert len(made.get_ca_certs()) == 1, "our own authority and nobody else"


CERTIFICATE = {"cert_file": "client.pem"}
WRONG: dict[str, tuple[dict[str, str], str | None, str, str]] = {
    "no such authority": ({"ca_file": "none.pem"}, None, "ca_file", "there is no file"),
    "a folder": ({"ca_file": "."}, None, "ca_file", "cannot be read: Is a directory"),
    "an authority that is none": (
        {"ca_file": "junk.pem"},
        None,
        "ca_file",
        "holds no certificate in PEM form",
    ),
    "half an authority": ({"ca_file": "cut.pem"}, None, "ca_file", "holds no certificate in PEM form"),
    "an empty file": ({"ca_file": "empty.pem"}, None, "ca_file", "holds no certificate in PEM form"),
    "a key as certificate": (
        {"cert_file": "client.key", "key_file": "client.key"},
        None,
        "cert_file",
        "holds no certificate",
    ),
    "no such certificate": (
        {"cert_file": "none.pem", "key_file": "client.key"},
        None,
        "cert_file",
        "no file",
    ),
    "no such key": (CERTIFICATE | {"key_file": "none.key"}, None, "key_file", "there is no file"),
    "a certificate as key": (CERTIFICATE | {"key_file": "client.pem"}, None, "key_file", "no private key"),
    "somebody else's key": (CERTIFICATE | {"key_file": "other.key"}, None, "key_file", "is not that of"),
    "a key that nobody can open": (
        CERTIFICATE | {"key_file": "encrypted.key"},
        None,
        "key_password",
        "is missing, and the key in",
    ),
    "a key that opens otherwise": (
        CERTIFICATE | {"key_file": "encrypted.key"},
        "wrong",
        "key_password",
        "does not open the key in",
    ),
    "a password that is none": (
        CERTIFICATE | {"key_file": "encrypted.key"},
        PASSWORD * 99,
        "key_password",
        "1024",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_named(kind: str, folder: Path) -> None:
    names, password, setting, says = WRONG[kind]
    with pytest.raises(ConfigurationError) as caught:
        context(folder, names, password)
    error = caught.value
    assert isinstance(error, TlsFileError)
    assert error.setting == f"kafka.security.{setting}"
    assert says in error.problem
    assert error.fix
    assert str(error) == f"{error.setting}: {error.problem}; {error.fix}"
    if setting != "key_password":
        assert str(folder / names[setting]) in error.problem
    if password:
        assert password not in repr(error) + repr(error.__cause__)


def test_a_file_that_may_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, and tests may run as root."""

    def refuse(**_named: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ssl, "create_default_context", refuse)
    with pytest.raises(
        TlsFileError, match="cannot be read: Permission denied; mend the path, or let this user"
    ):
        context(folder, {"ca_file": "ca.pem"})
