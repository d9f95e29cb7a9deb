"""Certificates, their keys and a key that signs tokens, for tests on loopback. Good for a day."""

import base64
import ipaddress
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Authority:
    """A certificate authority of our own."""

    def __init__(self, name: str) -> None:
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(self._name, self._name, self._key)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self._certificate = builder.sign(self._key, hashes.SHA256())

    @property
    def certificate(self) -> bytes:
        """What others must have to trust what it signs."""
        return self._certificate.public_bytes(Encoding.PEM)

    def issue(self, name: str, *, addresses: Sequence[str] = ()) -> tuple[bytes, Key]:
        """Return a certificate, and the key that belongs to it.

        Args:
            name: whom it names.
            addresses: where a server with it may be reached; a client needs none.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), self._name, key, signer=self._key)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        if addresses:
            names = x509.SubjectAlternativeName([_address(each) for each in addresses])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM), key


def private_pem(key: Key, password: str | None = None) -> bytes:
    """Return a private key as PEM, encrypted where there is a password."""
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def signing_key(folder: Path, key_id: str) -> None:
    """Write a key that signs tokens (`signing-key.pem`), and what checks them (`jwks.json`, RFC 7517)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (folder / "signing-key.pem").write_bytes(private_pem(key))
    numbers = key.public_key().public_numbers()
    public = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id}
    public |= {"n": _number(numbers.n), "e": _number(numbers.e)}
    (folder / "jwks.json").write_text(json.dumps({"keys": [public]}))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, *, signer: Key | None = None
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    signer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key((signer or key).public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(signer_id, critical=False)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _address(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _number(value: int) -> str:
    raw = value.to_bytes((value.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
