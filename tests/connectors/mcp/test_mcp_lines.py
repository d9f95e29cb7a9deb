"""Messages are cut out of a stream, and none of them can fill our memory."""

import json
import re
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mcp.lines import Cut, Cutter, answered

EVENTS = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def fed(cutter: Cutter, data: bytes, sizes: list[int]) -> list[Cut]:
    cuts: list[Cut] = []
    while data:
        size = sizes.pop(0) if sizes else len(data)
        cuts += cutter.feed(data[:size])
        data = data[size:]
    return cuts


@given(
    st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b""))),
    st.lists(st.integers(1, 9)),
    st.integers(1, 20),
)
def test_lines_are_the_same_however_they_arrive(lines: list[bytes], sizes: list[int], limit: int) -> None:
    data = b"".join(line + b"\n" for line in lines)
    cuts = fed(Cutter(limit), data, sizes)
    assert [(cut.data, cut.too_long) for cut in cuts] == [
        (b"", True) if len(line) > limit else (line, False) for line in lines
    ]


@given(st.lists(st.sampled_from([b"data: a", b"id: 1\ndata: b", b"\r\n\r\n", b"\n\n", b"\r\r"])), st.data())
def test_events_are_the_same_however_they_arrive(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    whole = fed(Cutter(1000, EVENTS), stream, [])
    sizes = data.draw(st.lists(st.integers(1, 3), max_size=len(stream)))
    assert fed(Cutter(1000, EVENTS), stream, sizes) == whole


def test_a_line_without_end_is_not_kept() -> None:
    cutter = Cutter(1000)
    tracemalloc.start()
    for _ in range(1000):
        assert cutter.feed(b"x" * 1000) == []
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 10_000  # of a million
    assert cutter.feed(b"\nnext\n") == [Cut(too_long=True), Cut(b"next")]


@pytest.mark.parametrize(
    "message",
    [
        {"jsonrpc": "2.0", "id": 7, "result": {"text": "x" * 2000}},
        {"result": {"text": "x" * 2000}, "jsonrpc": "2.0", "id": 7},
        {"result": {"text": "x" * 2000}, "id": 7, "jsonrpc": "2.0"},
        {"error": {"code": 1, "message": "x" * 2000}, "jsonrpc": "2.0", "id": 7},
        {"jsonrpc": "2.0", "id": 7, "result": {"structuredContent": {"x": "x" * 2000, "id": 8}}},
    ],
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_message_that_is_too_long_fails_the_request_that_it_answers(
    message: dict[str, Any], separators: tuple[str, str]
) -> None:
    line = json.dumps(message, separators=separators).encode()
    assert Cutter(100).feed(line + b"\n") == [Cut(answers=7, too_long=True)]


@pytest.mark.parametrize(
    "line",
    [
        b'{"jsonrpc":"2.0","method":"notifications/message","params":{"data":{"x":1,"id":8}}}',
        b'{"method":"x","params":{"a":{"jsonrpc":"2.0","id":8}}}',
        b'{"jsonrpc":"2.0","id":"seven","result":{"id":8}}',
        b"no JSON",
        b"",
    ],
)
def test_what_answers_no_request_of_ours_fails_none(line: bytes) -> None:
    assert answered(line[:256], line[-256:]) is None
