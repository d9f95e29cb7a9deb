from typing import Annotated

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from connectors.ecma_pattern import PatternError, rust_pattern

ARABIC_ONE = "\N{ARABIC-INDIC DIGIT ONE}"


def matches(pattern: str, text: str) -> bool:
    try:
        TypeAdapter(Annotated[str, Field(pattern=rust_pattern(pattern))]).validate_python(text)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        (r"^\d+$", "12", ARABIC_ONE),
        (r"^[\d-]+$", "1-2", f"{ARABIC_ONE}-{ARABIC_ONE}"),
        (r"^\D$", ARABIC_ONE, "1"),
        (r"^[^\d]$", ARABIC_ONE, "1"),
        (r"^[\D]$", "a", "1"),
        (r"^\w+$", "a_1", "é"),
        (r"^[\w.]+$", "a.1", "é"),
        (r"^\W$", "é", "a"),
        (r"\bab\b", "x ab", "xab"),
        (r"^[[]$", "[", "]"),
        (r"^[a&&b]+$", "a&b", "c"),
        (r"^\[a\]$", "[a]", "a"),
        (r"^[\]x]$", "]", "y"),
        (r"^\/a\-b$", "/a-b", "a-b"),
        (r"^\\d$", r"\d", "1"),
        (r"^a{2}$", "aa", "a"),
        (r"a", "bab", "b"),
    ],
)
def test_a_pattern_means_what_it_means_in_javascript(pattern: str, right: str, wrong: str) -> None:
    assert matches(pattern, right)
    assert not matches(pattern, wrong)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?=a)", "look-around"),
        ("(?<!a)b", "look-around"),
        (r"(a)\1", "backreferences"),
        ("[]", "empty class"),
        ("[^]", "empty class"),
        ("[a--z]", "`--` inside a class"),
        ("(", "unclosed group"),
        (r"\cA", "unrecognized escape"),
        ("((a{100}){100}){100}", "size limit"),
        ("a" * 1_001, "more than 1000"),
    ],
)
def test_what_cannot_be_checked_is_refused_with_the_reason(pattern: str, why: str) -> None:
    with pytest.raises(PatternError, match=why):
        rust_pattern(pattern)


@pytest.mark.timeout(20)
def test_a_pattern_that_makes_backtracking_engines_hang_answers_at_once() -> None:
    assert not matches(r"^(a+)+$", "a" * 5_000 + "!")
