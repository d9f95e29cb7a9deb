"""Signatures that travel beside what they sign: JWS, detached (RFC 7515, appendix F), by Ed25519 (RFC 8037). Pure.

One algorithm and one form, on purpose: what a writer of the topic may choose is what an attacker may choose. So `alg` is
compared and never obeyed, and a header that says more than `alg`, `kid` and `typ` is refused (`crit`, `b64`, `jwk`, `x5u`).
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from schemas.canonical import canonical_json
from schemas.codec.json import read_object
from schemas.errors import UnreadableError

ALGORITHM: Final = "EdDSA"
_KNOWN: Final = frozenset({"alg", "kid", "typ"})
_MOST: Final = 4096
"""Characters of a signature; ours have some 150."""


class SignatureError(ValueError):
    """A signature does not prove what it should; the message says why, in words that repeat none of it."""


class KeyFormatError(ValueError):
    """A text is no key of ours; the message says what is expected, and repeats none of it."""


def sign(payload: bytes, key: Ed25519PrivateKey, kid: str) -> str:
    """Return the detached signature of a payload: `<header>..<signature>`.

    Args:
        payload: what is signed; it does not become part of the signature.
        key: of whoever signs.
        kid: the name of that key, by which a verifier finds the public one.
    """
    header = _encoded(canonical_json({"alg": ALGORITHM, "kid": kid}))
    return f"{header}..{_encoded(key.sign(signing_input(header, payload)))}"


def verify(payload: bytes, signature: str, keys: Mapping[str, Ed25519PublicKey]) -> str:
    """Return the name of the key that signed a payload.

    Args:
        payload: what it should have signed.
        signature: detached, as `sign` returned it.
        keys: those that are trusted, by name.

    Raises:
        SignatureError: anything is wrong with it.
    """
    header, middle, last = _parts(signature)
    if middle:
        raise SignatureError("the signature carries a payload of its own: it must be detached")
    kid = _kid(header)
    key = keys.get(kid)
    if key is None:
        raise SignatureError("it is signed by a key that nobody here knows")
    try:
        key.verify(_decoded(last), signing_input(header, payload))
    except InvalidSignature:
        raise SignatureError("the signature is of something else, or by another key") from None
    return kid


def signing_input(header: str, payload: bytes) -> bytes:
    """Return what is signed in fact, as RFC 7515 has it."""
    return f"{header}.{_encoded(payload)}".encode()


def new_pair() -> tuple[str, str]:
    """Return a new private key and its public one, both as PEM."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return pem, public_pem(private.public_key())


def public_pem(key: Ed25519PublicKey) -> str:
    """Return a public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def public_key(pem: str) -> Ed25519PublicKey:
    """Read a public key.

    Raises:
        KeyFormatError: it is none, or of another kind.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFormatError("is no public key in PEM (`-----BEGIN PUBLIC KEY-----`)") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFormatError("is a public key of another kind: Ed25519 is expected")
    return key


def private_key(pem: str) -> Ed25519PrivateKey:
    """Read a private key.

    Raises:
        KeyFormatError: it is none, encrypted, or of another kind.
    """
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFormatError("is no private key in PEM (`-----BEGIN PRIVATE KEY-----`)") from None
    except TypeError:
        raise KeyFormatError("is encrypted: keep it unencrypted, in a file that only you can read") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFormatError("is a private key of another kind: Ed25519 is expected")
    return key


def _parts(signature: str) -> tuple[str, str, str]:
    parts = signature.split(".") if len(signature) <= _MOST else []
    if len(parts) != 3:  # noqa: PLR2004 - header, payload, signature
        raise SignatureError("the signature is no JWS in compact form")
    return parts[0], parts[1], parts[2]


def _kid(header: str) -> str:
    try:
        said = read_object(_decoded(header))
    except UnreadableError:
        raise SignatureError("the header of the signature is no JSON object") from None
    if said.keys() - _KNOWN:
        raise SignatureError("the header of the signature says more than `alg`, `kid` and `typ`")
    if said.get("alg") != ALGORITHM:
        raise SignatureError(f"the signature is not by {ALGORITHM}")
    kid: object = said.get("kid")
    if not isinstance(kid, str):
        raise SignatureError("the signature names no key")
    return kid


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """Decode base64url, in the one form that there is for each value: Python's own decoder takes many."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not text or _encoded(data) != text:
        raise SignatureError("the signature is not base64url")
    return data
