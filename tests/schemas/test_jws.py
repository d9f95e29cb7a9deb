"""Detached signatures: what is refused, and that others can make and check the same ones."""

import base64
import json
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec.people import approval_decision_of
from schemas.envelope import Envelope
from schemas.jws import (
    KeyFormatError,
    SignatureError,
    new_pair,
    private_key,
    public_key,
    sign,
    signing_input,
    verify,
)

PRIVATE = private_key(new_pair()[0])
OTHER = private_key(new_pair()[0])
KEYS = {"ann-1": PRIVATE.public_key(), "bob-1": OTHER.public_key()}
PAYLOAD = b'{"answer":"approve"}'
GOOD = sign(PAYLOAD, PRIVATE, "ann-1")


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def headed(header: Any, key: Ed25519PrivateKey = PRIVATE) -> str:
    """Return a signature that holds, under a header of one's own."""
    head = encoded(header if isinstance(header, bytes) else json.dumps(header).encode())
    return f"{head}..{encoded(key.sign(signing_input(head, PAYLOAD)))}"


# RFC 8037, appendix A: the key of A.1, and what A.4 signs with it.
RFC_KEY = Ed25519PrivateKey.from_private_bytes(decoded("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"))
RFC_PUBLIC = Ed25519PublicKey.from_public_bytes(decoded("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"))
RFC_SIGNATURE = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"


def test_what_is_signed_is_what_the_rfc_signs() -> None:
    signed = RFC_KEY.sign(signing_input("eyJhbGciOiJFZERTQSJ9", b"Example of Ed25519 signing"))
    assert encoded(signed) == RFC_SIGNATURE


def test_the_example_is_signed_with_the_key_of_the_rfc() -> None:
    """So that other programs have something to try theirs with."""
    text = (resources.files("schemas") / "examples/approval.decided.large-order-approved.json").read_bytes()
    said = json.loads(text)
    at = datetime(2026, 3, 2, tzinfo=UTC)
    envelope = Envelope(said["id"], said["type"], said["source"], at, "acme", "C-300", said["data"])
    decision = approval_decision_of(envelope)
    assert decision.signature is not None
    assert verify(decision.to_be_signed(), decision.signature, {"maria-1": RFC_PUBLIC}) == "maria-1"


@given(payload=st.binary(max_size=200), kid=st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_signature_says_whose_it_is(payload: bytes, kid: str) -> None:
    assert verify(payload, sign(payload, PRIVATE, kid), {kid: PRIVATE.public_key()}) == kid


@given(payload=st.binary(max_size=200), other=st.binary(max_size=200))
def test_a_signature_of_one_thing_is_none_of_another(payload: bytes, other: bytes) -> None:
    signature = sign(payload, PRIVATE, "ann-1")
    if payload == other:
        return
    with pytest.raises(SignatureError):
        verify(other, signature, KEYS)


@given(place=st.integers(0, len(GOOD) - 1), character=st.characters(max_codepoint=0x7F))
def test_a_signature_with_one_character_changed_is_refused(place: int, character: str) -> None:
    changed = GOOD[:place] + character + GOOD[place + 1 :]
    if changed == GOOD:
        return
    with pytest.raises(SignatureError):
        verify(PAYLOAD, changed, KEYS)


NONE = encoded(json.dumps({"alg": "none", "kid": "ann-1"}).encode())
BAD = {
    "nothing": ("", "no JWS"),
    "no compact form": ("abc", "no JWS"),
    "too many parts": (f"{GOOD}.x", "no JWS"),
    "too long": (GOOD + "A" * 5000, "no JWS"),
    "attached": (GOOD.replace("..", f".{encoded(PAYLOAD)}."), "must be detached"),
    "alg none": (f"{NONE}..", "not by EdDSA"),
    "alg none that is signed": (headed({"alg": "none", "kid": "ann-1"}), "not by EdDSA"),
    "alg by another name": (headed({"alg": "Ed25519", "kid": "ann-1"}), "not by EdDSA"),
    "alg HS256": (headed({"alg": "HS256", "kid": "ann-1"}), "not by EdDSA"),
    "no alg": (headed({"kid": "ann-1"}), "not by EdDSA"),
    "alg that is no text": (headed({"alg": ["EdDSA"], "kid": "ann-1"}), "not by EdDSA"),
    "no kid": (headed({"alg": "EdDSA"}), "names no key"),
    "kid that is no text": (headed({"alg": "EdDSA", "kid": 1}), "names no key"),
    "unknown kid": (headed({"alg": "EdDSA", "kid": "eve-1"}), "nobody here knows"),
    "kid of another": (headed({"alg": "EdDSA", "kid": "bob-1"}), "by another key"),
    "key of its own": (headed({"alg": "EdDSA", "kid": "ann-1", "jwk": {}}), "says more"),
    "critical": (headed({"alg": "EdDSA", "kid": "ann-1", "crit": ["b64"], "b64": False}), "says more"),
    "header twice": (headed(b'{"alg":"none","alg":"EdDSA","kid":"ann-1"}'), "no JSON object"),
    "header that is no object": (headed([]), "no JSON object"),
    "header that is no JSON": (headed(b"alg"), "no JSON object"),
    "wrong key": (headed({"alg": "EdDSA", "kid": "ann-1"}, OTHER), "by another key"),
    "signature missing": (GOOD.rpartition(".")[0] + ".", "not base64url"),
    "signature cut": (GOOD[:-6], "by another key"),
    "padding": (f"{GOOD}==", "not base64url"),
    "standard base64": (GOOD[:-1] + "+", "not base64url"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_signature_is_refused_for_what_is_wrong_with_it(kind: str) -> None:
    signature, why = BAD[kind]
    with pytest.raises(SignatureError, match=why) as caught:
        verify(PAYLOAD, signature, KEYS)
    assert not signature or signature not in str(caught.value)


def test_a_type_in_the_header_is_allowed() -> None:
    assert verify(PAYLOAD, headed({"alg": "EdDSA", "kid": "ann-1", "typ": "JOSE"}), KEYS) == "ann-1"


def test_no_bits_are_left_over_that_could_be_changed() -> None:
    """The last character of 64 bytes carries two bits of nothing; only one spelling of them is taken."""
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    passed = 0
    for character in last:
        try:
            verify(PAYLOAD, GOOD[:-1] + character, KEYS)
            passed += 1
        except SignatureError:
            continue
    assert passed == 1


def test_a_pair_is_read_back() -> None:
    private, public = new_pair()
    assert private_key(private).public_key() == public_key(public)


def pem(key: Any, password: bytes | None = None) -> str:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


def public(key: Any) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


ELLIPTIC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hunter2", "is no private key in PEM"),
        ("", "is no private key in PEM"),
        (new_pair()[1], "is no private key in PEM"),
        (pem(ELLIPTIC), "of another kind"),
        (pem(RSA), "of another kind"),
        (pem(PRIVATE, b"password"), "is encrypted"),
    ],
    ids=["text", "empty", "public", "elliptic", "rsa", "encrypted"],
)
def test_what_is_no_private_key_of_ours_is_refused(text: str, why: str) -> None:
    with pytest.raises(KeyFormatError, match=why) as caught:
        private_key(text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hunter2", "is no public key in PEM"),
        (new_pair()[0], "is no public key in PEM"),
        (public(ELLIPTIC), "of another kind"),
        (public(RSA), "of another kind"),
    ],
    ids=["text", "private", "elliptic", "rsa"],
)
def test_what_is_no_public_key_of_ours_is_refused(text: str, why: str) -> None:
    with pytest.raises(KeyFormatError, match=why):
        public_key(text)
