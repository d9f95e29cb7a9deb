"""JSON bodies are read strictly."""

import contextlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec.json import read_object
from schemas.errors import UnreadableError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), VALUES))
def test_an_object_comes_back_as_it_was(payload: dict[str, object]) -> None:
    assert read_object(orjson.dumps(payload)) == payload


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"a": 1, "a": 2}', "'a' appears twice"),
        (b'{"b": [{"a": 1, "\\u0061": 2}]}', "'a' appears twice"),
        (b'{"a": NaN}', "no JSON"),
        (b'{"a": Infinity}', "no JSON"),
        (b'{"a": 1e999}', "no JSON"),
        (b'{"a": "\\ud800"}', "no JSON"),
        (b'{"a": 18446744073709551616}', "more than 64 bits"),
        (b'{"a": -9223372036854775809}', "more than 64 bits"),
        (b'{"a": ' + b"9" * 300 + b"}", "more than 64 bits"),
        (b"[1]", "no object"),
        (b"null", "no object"),
        (b"", "no JSON"),
        (b"\xff", "no JSON"),
        (b'{"a": 1} x', "no JSON"),
        (b'{"a":' * 1000 + b"1" + b"}" * 1000, "nested too deeply"),
        (b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", "nested too deeply"),
        (b'{"a":' * 100_000, "no JSON"),
    ],
)
def test_what_two_parsers_might_read_differently_is_refused(body: bytes, problem: str) -> None:
    with pytest.raises(UnreadableError, match=problem):
        read_object(body)


def test_a_hundred_levels_are_read() -> None:
    assert read_object(b'{"a":' + b"[" * 99 + b"]" * 99 + b"}")


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused_but_never_crash(body: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        assert isinstance(read_object(body), dict)
