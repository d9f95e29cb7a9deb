"""Whatever an argument says, it stays in its path segment, query value or header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import FailedError
from connectors.openapi.document import DocumentError, parse
from connectors.openapi.operations import Operation, Parameter
from connectors.openapi.request import build_request

OPERATION = Operation(
    "GET",
    "/orders/{id}/lines",
    "Lines.",
    (
        Parameter("id", "id", "path", {}, required=True),
        Parameter("tag", "tag", "query", {}, required=False, style="form", explode=True),
        Parameter("trace", "X-Trace", "header", {}, required=False),
    ),
    None,
)


@given(st.text(min_size=1))
def test_a_value_in_the_path_stays_one_segment(value: str) -> None:
    request = build_request(OPERATION, {"id": value}, changes=False)
    assert request.path == ("orders", value, "lines")


@given(st.text())
def test_a_header_is_one_line_or_refused(value: str) -> None:
    try:
        request = build_request(OPERATION, {"id": "1", "trace": value}, changes=False)
    except FailedError:
        return
    assert request.headers == (("X-Trace", value),)
    assert value.isascii()
    assert value.isprintable()


def test_each_item_of_a_list_is_a_query_parameter() -> None:
    request = build_request(OPERATION, {"id": "1", "tag": ["a", "b&c"]}, changes=False)
    assert request.query == (("tag", "a"), ("tag", "b&c"))


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1]\nb: *nowhere",
        "[" * 300,
        "a: &a [" + "x," * 2_000 + "]\nb: &b [" + "*a," * 2_000 + "]\n",
        "a: 1\na: 2",
    ],
    ids=["unknown alias", "deep", "bomb", "twice"],
)
def test_a_document_that_unfolds_or_says_two_things_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        parse(text.encode())
