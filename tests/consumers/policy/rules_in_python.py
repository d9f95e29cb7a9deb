"""Rules in Python, as a team would install them."""

from collections.abc import Mapping
from typing import Any


def last_digit_is_right(facts: Mapping[str, Any]) -> bool:
    """Match a product whose number does not end in its check digit, which CEL cannot work out."""
    *digits, check = map(int, facts["arguments"]["product_id"])
    return sum(digits) % 10 != check


def meddles(facts: Mapping[str, Any]) -> bool:
    """Change what it is shown."""
    facts["arguments"]["product_id"] = "0"
    return False


def says_one(_facts: Mapping[str, Any]) -> int:
    """Give no boolean."""
    return 1


not_a_rule = "text"
