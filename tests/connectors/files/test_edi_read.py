"""EDI that is read becomes named fields; a file that is not whole is refused with the number of its segment."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.errors import FailedError
from connectors.files.edifact import edifact_written
from connectors.files.edifact_reading import read_edifact
from connectors.files.formats import read
from connectors.files.settings import Reading
from connectors.files.x12 import x12_written
from connectors.files.x12_reading import read_x12
from tests.connectors.files.edi_examples import ORDER, edifact, x12

DESADV = (
    b"UNB+UNOC:3+4098765000004:14+4012345000009:14+261129:0800+REF1'UNH+ME1+DESADV:D:96A:UN'BGM+351+D-7+9'"
    b"DTM+137:20261129:102'DTM+11:20261130:102'CPS+1'LIN+1++4000862141404:EN'QTY+12:2'LIN+2++4006381333931:EN'"
    b"QTY+12:1'QTY+21:2'UNT+11+ME1'UNZ+1+REF1'"
)
SHIP_NOTICE = (
    b"ISA*00*          *00*          *ZZ*ACME           *ZZ*POINTSMAN      *261129*0800*U*00401*000000017*0*P*>~\r\n"
    b"GS*SH*ACME*POINTSMAN*20261129*0800*17*X*004010~\r\nST*856*0001~\r\nBSN*00*S-9*20261129*0800~\r\n"
    b"HL*10**S~\r\nTD5*B*2*UPS~\r\nHL*20*10*I~\r\nLIN*1*EN*4000862141404~\r\nSN1**2*EA~\r\nSE*8*0001~\r\n"
    b"ST*856*0002~\r\nBSN*00*S-10*20261129*0800~\r\nSE*3*0002~\r\nGE*2*17~\r\nIEA*1*000000017~\r\n"
)


def test_an_edifact_file_becomes_the_fields_that_are_named() -> None:
    fields = {
        "number": "BGM/2",
        "sent_on": "DTM[1.1=137]/1.2",
        "shipped_on": "DTM[1.1=11]/1.2",
        "carrier": "TDT/5",
        "lines": {
            "each": "LIN",
            "fields": {"ean": "LIN/3", "quantity": "QTY[1.1=12]/1.2", "ordered": "QTY[1.1=21]/1.2"},
        },
    }
    said = read(Reading.model_validate({"format": "edifact", "fields": fields}), DESADV)
    assert said == {
        "sender": "4098765000004",
        "receiver": "4012345000009",
        "control": "REF1",
        "messages": [
            {
                "type": "DESADV",
                "reference": "ME1",
                "fields": {
                    "number": "D-7",
                    "sent_on": "20261129",
                    "shipped_on": "20261130",
                    "carrier": None,
                    "lines": [
                        {"ean": "4000862141404", "quantity": "2", "ordered": None},
                        {"ean": "4006381333931", "quantity": "1", "ordered": "2"},
                    ],
                },
            }
        ],
    }


def test_an_x12_file_of_several_sets_becomes_the_fields_of_each() -> None:
    fields = {
        "shipment": "BSN/2",
        "items": {"each": "LIN", "until": ["SE"], "fields": {"ean": "LIN[2=EN]/3", "quantity": "SN1/2"}},
    }
    said = read(Reading.model_validate({"format": "x12", "fields": fields}), SHIP_NOTICE)
    assert [(each["type"], each["reference"], each["fields"]) for each in said["messages"]] == [
        ("856", "0001", {"shipment": "S-9", "items": [{"ean": "4000862141404", "quantity": "2"}]}),
        ("856", "0002", {"shipment": "S-10", "items": []}),
    ]


def test_without_fields_all_segments_are_told() -> None:
    said = read(Reading(format="edifact"), DESADV)
    assert said["messages"][0]["segments"][1] == ["DTM", ["137", "20261129", "102"]]


@pytest.mark.parametrize(
    "path", ["bgm/1", "BGM", "BGM/0", "BGM/1.0", "BGM[1]/2", "BGM[=x]/1", "BGM/1/2", "B/1", ""]
)
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match=r"no path|count from 1"):
        Reading.model_validate({"format": "edifact", "fields": {"number": path}})


def test_a_group_that_ends_takes_nothing_of_the_summary() -> None:
    fields: dict[str, Any] = {"lines": {"each": "LIN", "until": ["UNS"], "fields": {"count": "CNT/1.2"}}}
    written = edifact_written(edifact(), ORDER, "k")
    (message,) = read(Reading.model_validate({"format": "edifact", "fields": fields}), written)["messages"]
    assert message["fields"]["lines"] == [{"count": None}, {"count": None}]


@pytest.mark.parametrize(
    ("old", "new", "segment", "says"),
    [
        (b"UNB+", b"XXX+", 1, "begins with UNA or UNB"),
        (b"UNOC", b"UNOD", 1, "'UNOD'"),
        (b"UNT+11", b"UNT+10", 12, "counts '10' segments, there are 11"),
        (b"UNT+11+ME1", b"UNT+11+ME2", 12, "another reference than UNH"),
        (b"UNZ+1", b"UNZ+2", 13, "counts '2' messages, there are 1"),
        (b"UNZ+1+REF1", b"UNZ+1+REF2", 13, "another reference than UNB"),
        (b"UNZ+1+REF1'", b"", 13, "UNZ is expected"),
        (b"UNZ+1+REF1'", b"UNZ+1+REF1", 13, "its end is missing"),
        (b"UNZ+1+REF1'", b"UNZ+1+REF1'BGM+1'", 13, "something follows"),
        (b"UNT+11+ME1'", b"", 12, "UNT is expected"),
        (b"CPS+1'", b"CPS+1''", 7, "it has no tag"),
        (b"CPS+1'", b"cps+1'", 6, "it has no tag"),
        (b"CPS+1'", b"CPS+1?\n'", 6, "an escape stands before"),
        (b"UNB+UNOC:3+4098765000004:14+4012345000009:14+261129:0800+REF1'", b"UNB+UNOC:3'", 1, "UNB needs 5"),
        (b"UNB+", b"UNA+++? 'UNB+", 1, "no four different separators"),
        (b"UNH+ME1+", b"UNG+X'UNH+ME1+", 2, "UNZ is expected"),
    ],
)
def test_a_broken_edifact_file_is_refused_with_the_number_of_its_segment(
    old: bytes, new: bytes, segment: int, says: str
) -> None:
    assert old in DESADV
    with pytest.raises(FailedError) as caught:
        read_edifact(DESADV.replace(old, new, 1))
    assert caught.value.code == "unreadable"
    assert f"segment {segment}: " in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "segment", "says"),
    [
        (b"ISA*", b"ISB*", 1, "envelope is damaged"),
        (b"*00401*", b"*00999*", 1, "another version"),
        (b"SE*8*0001", b"SE*7*0001", 10, "SE count"),
        (b"SE*8*0001", b"SE*8*0003", 10, "does not match"),
        (b"GE*2*", b"GE*1*", 14, "GE count"),
        (b"GE*2*17", b"GE*2*18", 14, "does not match"),
        (b"IEA*1*000000017", b"IEA*1*000000018", 15, "does not match"),
        (b"IEA*1*000000017~\r\n", b"", 14, "missing"),
        (b"IEA*1*000000017~\r\n", b"IEA*1*000000017", 15, "no end"),
        (b"IEA*1*000000017~\r\n", b"IEA*1*000000017~BSN*1~", 15, "something follows"),
        (b"TD5*B*2*UPS~", b"TD5*B*2*UPS~~", 7, "it is empty"),
        (b"TD5*B*2*UPS~", b"TD5*B*2*" + b"U" * 20_000 + b"~", 6, "too long"),
        (b"TD5*B*2*UPS~", b"td5*B~", 6, "invalid"),
        (b"SE*3*0002~\r\n", b"", 13, "Unterminated"),
        (b"GS*SH*", b"IEA*1*000000017~GS*SH*", 2, "IEA count"),
    ],
)
def test_a_broken_x12_file_is_refused_with_the_number_of_its_segment(
    old: bytes, new: bytes, segment: int, says: str
) -> None:
    assert old in SHIP_NOTICE
    with pytest.raises(FailedError) as caught:
        read_x12(SHIP_NOTICE.replace(old, new, 1))
    assert caught.value.code == "unreadable"
    assert f"segment {segment}: " in str(caught.value)
    assert says in str(caught.value)


def test_a_text_that_looks_like_a_service_string_is_a_text() -> None:
    # pydifact's own parser begins anew at it: all that follows is then said by whoever wrote the text.
    smuggled = "'UNA|^.\\ ~UNB^UNOC|3^EVIL^4098765000004^261128|0900^X~UNH^1^ORDERS|D|96A|UN~UNT^2^1~UNZ^1^X~"
    written = edifact_written(edifact(), ORDER | {"note": smuggled}, "k").removeprefix(b"UNA:+.? '")
    found = read_edifact(written)
    assert found.sender == "4012345000009"
    assert found.messages[0].segments[2] == ["FTX", "AAI", "", "", smuggled]


def test_no_refusal_repeats_what_isa_may_hold_as_a_password() -> None:
    secret = SHIP_NOTICE.replace(b"*00*          *ZZ*ACME", b"*01*hunter2   *ZZ*ACME", 1)
    assert read_x12(secret).control == "000000017"
    for broken in (secret[:300], secret.replace(b"*00401*", b"*00999*"), secret.replace(b"*0*P*", b"*0*P**")):
        with pytest.raises(FailedError) as caught:
            read_x12(broken)
        assert "hunter2" not in str(caught.value)


@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for reader, head in (
        (read_edifact, b""),
        (read_edifact, DESADV[:70]),
        (read_x12, b""),
        (read_x12, SHIP_NOTICE[:160]),
    ):
        with contextlib.suppress(FailedError):  # any other error fails
            reader(head + content)


@given(cut=st.integers(0, 1000), form=st.sampled_from(["edifact", "x12"]))
def test_a_file_that_is_cut_anywhere_is_refused(cut: int, form: str) -> None:
    whole = edifact_written(edifact(), ORDER, "k") if form == "edifact" else x12_written(x12(), ORDER, "k")
    if cut >= len(whole):
        return
    with pytest.raises(FailedError, match="segment"):
        (read_edifact if form == "edifact" else read_x12)(whole[:cut])
