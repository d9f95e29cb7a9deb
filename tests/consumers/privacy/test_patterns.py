"""Account and card numbers are found by their checksums, however they are written, and little else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.privacy.patterns import found, is_card, is_iban

# From the registry of IBANs (ISO 13616) and the test numbers of payment services.
IBANS = (
    *(
        "DE89370400440532013000",
        "GB29NWBK60161331926819",
        "FR1420041010050500013M02606",
        "NL91ABNA0417164300",
    ),
    *(
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
        "CH9300762011623852957",
        "SA0380000000608010167519",
    ),
    *(
        "BE68539007547034",
        "ES9121000418450200051332",
        "PL61109010140000071219812874",
        "LC55HEMM000100010012001200023015",
    ),
)
CARDS = (
    *("4111111111111111", "4222222222222", "5555555555554444", "2223003122003222", "378282246310005"),
    *("6011111111111117", "30569309025904", "3530111333300000", "6200000000000005", "4000000000000000006"),
)
NEITHER = (
    *("DE89370400440532013001", "GB29NWBK60161331926818", "4111111111111112", "378282246310006"),
    *(
        "1764308305000",
        "2026-11-28T05:38:25.123Z",
        "550e8400-e29b-41d4-a716-446655440000",
        "0000000000000000",
    ),
    *(
        "41111111111111114111111111111111",
        "order SO-1000200030004",
        "+49 30 901820",
        "DE89",
        "",
        "3.14159265358979",
    ),
)


def parts(text: str) -> list[tuple[str, str]]:
    return [(text[begin:end], kind) for begin, end, kind in found(text)]


@pytest.mark.parametrize("iban", IBANS)
@pytest.mark.parametrize("size", [4, 50])
def test_an_iban_is_found_with_spaces_and_without(iban: str, size: int) -> None:
    written = " ".join(iban[at : at + size] for at in range(0, len(iban), size))
    for text in (
        written,
        f"to {written}, please",
        written.lower(),
        f'{{"iban":"{written}"}}',
        f"IBAN:{written}.",
    ):
        assert (text[text.lower().index(written.lower()) :][: len(written)], "iban") in parts(text)


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("between", ["", " ", "-", "\u00a0"])
def test_a_card_is_found_with_spaces_dashes_and_without(card: str, between: str) -> None:
    written = between.join(card[at : at + 4] for at in range(0, len(card), 4))
    for text in (written, f"card {written}.", f'{{"card":"{written}"}}', f"12 {written}", f"{written} 12"):
        assert any(written in part and kind == "card" for part, kind in parts(text)), text


@pytest.mark.parametrize("text", NEITHER)
def test_what_has_no_such_checksum_is_left_alone(text: str) -> None:
    assert parts(text) == []


def test_words_before_and_after_a_number_are_not_taken_for_a_part_of_it() -> None:
    assert parts("ref AB12 DE89 3704 0044 0532 0130 00 is mine") == [("DE89 3704 0044 0532 0130 00", "iban")]


@given(st.text(alphabet="0123456789", min_size=12, max_size=18))
def test_of_ten_last_digits_exactly_one_makes_a_card(digits: str) -> None:
    made = sum(is_card(f"4{digits[1:]}{last}") for last in range(10))
    assert made == 1


@given(st.text(alphabet="0123456789", min_size=11, max_size=30), st.integers(1, 9))
def test_two_check_digits_make_an_iban_and_every_other_last_digit_breaks_it(account: str, more: int) -> None:
    number = int("".join(str(int(char, 36)) for char in f"{account}DE00"))
    iban = f"DE{98 - number % 97:02}{account}"
    assert is_iban(iban)
    assert not is_iban(f"{iban[:-1]}{(int(iban[-1]) + more) % 10}")
