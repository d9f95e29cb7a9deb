"""Whatever is sealed opens to what it was, and shows nothing that is known."""

from typing import Any

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from consumers.privacy.known import Known, TooManyValuesError
from consumers.privacy.register import HIDDEN, Register
from consumers.privacy.run import PersonalRun
from consumers.privacy.token import TOKEN, Keys
from consumers.session.key import SessionKey

KEYS = Keys(["a key of at least 32 characters, 1"])
KEY = SessionKey("acme", "s-1")
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=30))
bodies = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


def run_with(*values: Any) -> PersonalRun:
    run = PersonalRun(KEYS.of(KEY), Known())
    run.learn(values)
    return run


@given(bodies, st.lists(st.text(min_size=1, max_size=12) | st.integers(), max_size=4))
def test_what_was_sealed_opens_to_what_it_was_in_another_process(body: Any, known: list[Any]) -> None:
    sealed = run_with(*known).seal(body)
    assert run_with().open(orjson.loads(orjson.dumps(sealed))) == body


@given(st.text(max_size=20), st.text(min_size=4, max_size=20), st.text(max_size=20))
def test_a_known_value_between_words_is_in_no_sealed_text(before: str, value: str, after: str) -> None:
    assume(value.strip() == value and len(value.lower()) == len(value))
    text = f"{before} {value} {after}"
    assume(len(text.lower()) == len(text))
    sealed = TOKEN.sub("", run_with(value).seal(text))
    assert f" {value.lower()} " not in sealed.lower()


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        ("ann@example.org", "mail ANN@example.org now", "mail * now"),
        ("ann@example.org", "mailto:ann@example.org_2", "mailto:*"),
        ("Lee", "Lee and Leeds", "Lee and Leeds"),
        ("Lee", "Lee", "*"),
        ("Anna", "Anna, Annabel", "*, Annabel"),
        ("12 Mill Lane", "at 12 Mi\u2026", "at *\u2026"),
        ("441632960961", "tel. 441632960961", "tel. *"),
        ('A "B" C', '{"name":"A \\"B\\" C"}', '{"name":"*"}'),
        ("ann@example.org", "GET /customers/ann%40example.org: 404", "GET /customers/*: 404"),
        ("12 Mill Lane", "?to=12+mill+lane&x=1", "?to=*&x=1"),
        ("Müller", '"M\\u00fcller"', '"*"'),
    ],
)
def test_a_value_is_found_where_it_stands(value: str, text: str, shown: str) -> None:
    assert TOKEN.sub("*", run_with(value).seal(text)) == shown


def test_values_that_overlap_are_one_token() -> None:
    run = run_with("Ann Lee", "Lee Smith")
    assert TOKEN.sub("*", run.seal("Ann Lee Smith here")) == "* here"


def test_an_account_number_has_the_same_token_whether_it_is_known_or_not() -> None:
    iban = "DE89 3704 0044 0532 0130 00"
    assert run_with(iban).seal(iban) == run_with().seal(iban)


def test_numbers_and_names_of_members_are_sealed_and_keep_their_type() -> None:
    run = run_with(441632960961, "ann@example.org")
    body = {"ann@example.org": 441632960961, "card": 4111111111111111, "n": 12, "yes": True}
    sealed = run.seal(body)
    assert "441632960961" not in str(sealed)
    assert "4111111111111111" not in str(sealed)
    assert "ann@" not in str(sealed)
    assert (sealed["n"], sealed["yes"]) == (12, True)
    assert run.open(sealed) == body


def test_what_looks_like_a_token_in_the_clear_is_sealed_itself() -> None:
    """So nobody outside can have a value of the session put where he wants it."""
    stolen = run_with().seal("4111111111111111")
    sealed = run_with().seal(f"note {stolen}")
    assert stolen not in sealed
    assert run_with().open(sealed) == f"note {stolen}"


def test_json_inside_of_a_prompt_is_sealed_by_what_it_says() -> None:
    run = run_with('Ann "A"\nLee', 441632960961)
    said = orjson.dumps({"name": 'Ann "A"\nLee', "phone": 441632960961, "n": 1}).decode()
    sealed = run.seal_json_text(f"<event>{said}</event>")
    inner = orjson.loads(sealed.removeprefix("<event>").removesuffix("</event>"))
    assert run.open(inner) == {"name": 'Ann "A"\nLee', "phone": 441632960961, "n": 1}
    assert "Lee" not in sealed
    assert "441632960961" not in sealed


def test_a_short_number_in_json_is_sealed_where_it_is_all_of_a_value() -> None:
    run = run_with(42, 7.5)
    sealed = run.seal_json_text('{"age":42,"list":[7.5,42],"n":421,"text":"42 of 7"}')
    assert TOKEN.sub("*", sealed) == '{"age":"*","list":["*","*"],"n":421,"text":"42 of 7"}'
    assert run.open(orjson.loads(sealed))["list"] == [7.5, 42]


def test_what_was_opened_is_known_from_then_on() -> None:
    sealed = run_with("Ann Canary").seal("Ann Canary")
    run = run_with()
    run.open(sealed)
    assert "Canary" not in run.seal("Dear Ann Canary,")


def test_more_values_than_the_limit_and_yes_or_no_are_refused() -> None:
    known = Known(2)
    known.learn(["one value", "another"])
    known.learn(["another"])
    with pytest.raises(TooManyValuesError, match="2 personal values"):
        known.learn(["a third"])
    with pytest.raises(TypeError, match="true or false"):
        known.learn([True])


def test_a_run_is_known_while_it_is_worked_and_hidden_from_logs_a_moment_longer() -> None:
    register = Register(KEYS)
    with register.working(KEY, "run-1") as run:
        with register.working(KEY, "run-1") as again:
            assert again is run
        run.learn(["ann@example.org"])
        assert register.of("run-1") is run
    with pytest.raises(LookupError):
        register.of("run-1")
    assert register.hide("no ann@example.org, no 4111 1111 1111 1111") == f"no {HIDDEN}, no {HIDDEN}"


def test_an_entry_is_the_same_in_every_store_whatever_is_known_later() -> None:
    run = run_with("ann@example.org")
    body = {"result": "ann@example.org and Bob Miller"}
    before = run.seal_entry("t1/c0/result", body)
    run.learn(["Bob Miller"])
    assert run.seal_entry("t1/c0/result", body) is before
    assert run.seal_entry("t1/c0/result", {"result": "Bob Miller"}) != before
    assert run.open_entry("t1/c1/result", before) == body
    assert run.seal_entry("t1/c1/result", body) == before


def test_what_people_are_shown_keeps_what_does_not_open() -> None:
    run = run_with("ann@example.org", 441632960961)
    invented = f"pii_text_{'A' * 40}"
    sealed = {"to": run.seal("Dear ann@example.org!"), "phone": run.seal(441632960961), "x": invented}
    assert run_with().reveal(sealed) == {"to": "Dear ann@example.org!", "phone": 441632960961, "x": invented}
