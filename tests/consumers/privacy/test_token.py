"""A token opens to its value in its session, and to nothing anywhere else."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from consumers.privacy.token import TOKEN, Keys, Seal, TokenError
from consumers.session.key import SessionKey

KEYS = Keys(["a key of at least 32 characters, 1"])
SEAL = KEYS.of(SessionKey("acme", "s-1"))
values = st.one_of(
    st.text(min_size=1), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)
)


@given(values)
def test_a_token_opens_to_its_value_and_is_always_the_same(value: str | float) -> None:
    token = SEAL.token(value, "text")
    assert (SEAL.open(token), type(SEAL.open(token))) == (value, type(value))
    assert SEAL.token(value, "text") == token
    assert TOKEN.fullmatch(token)


@given(values, st.data())
def test_an_altered_token_does_not_open(value: str | float, data: st.DataObject) -> None:
    token = SEAL.token(value, "text")
    at = data.draw(st.integers(0, len(token) - 1))
    char = data.draw(st.sampled_from(string.ascii_letters + string.digits + "-_"))
    altered = data.draw(st.sampled_from([token[:at], token[:at] + char + token[at + 1 :], token + char]))
    assume(altered != token)
    for found in TOKEN.findall(altered):
        refused(SEAL, found)


@pytest.mark.parametrize(
    "other", [SessionKey("acme", "s-2"), SessionKey("umbra", "s-1"), SessionKey("acmes", "-1")]
)
def test_a_token_of_another_session_or_tenant_does_not_open(other: SessionKey) -> None:
    refused(KEYS.of(other), SEAL.token("ann@example.org", "text"))


@pytest.mark.parametrize(
    "invented",
    [
        "pii_text_",
        "pii_text_ann",
        "pii_email_QW5uQGV4YW1wbGUub3Jn",
        f"pii_iban_{'A' * 40}",
        "PII_TEXT_ABCDEF",
        "pii_card_A",
    ],
)
def test_an_invented_token_is_found_and_does_not_open(invented: str) -> None:
    assert TOKEN.fullmatch(invented)
    refused(SEAL, invented)


def test_a_token_says_no_other_kind_than_it_was_made_with() -> None:
    refused(SEAL, SEAL.token("4111111111111111", "card").replace("_card_", "_text_"))


def test_an_earlier_key_opens_and_the_newest_one_seals() -> None:
    older, newer = "the older key, of 32 characters..", "the newer key, of 32 characters.."
    key = SessionKey("acme", "s-1")
    before = Keys([older]).of(key).token("ann", "text")
    both = Keys([newer, older]).of(key)
    assert both.open(before) == "ann"
    assert both.token("ann", "text") == Keys([newer]).of(key).token("ann", "text") != before
    refused(Keys([newer]).of(key), before)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 characters"):
        Keys(["short"])


def test_what_an_error_says_is_not_taken_for_a_token_itself() -> None:
    with pytest.raises(TokenError) as caught:
        SEAL.open(f"pii_text_{'A' * 60}")
    assert TOKEN.search(str(caught.value)) is None


def refused(seal: Seal, token: str) -> None:
    with pytest.raises(TokenError):
        seal.open(token)
