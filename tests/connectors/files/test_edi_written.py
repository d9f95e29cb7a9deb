"""EDI that is written says what its arguments say, to a reader of another author; what cannot be said is refused by name."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyx12.x12file import X12Reader

from connectors.errors import FailedError
from connectors.files.charset import Syntax, X12Charset, carries
from connectors.files.control import control_number, control_reference
from connectors.files.edifact import edifact_written
from connectors.files.edifact_reading import read_edifact
from connectors.files.segments import trimmed
from connectors.files.x12 import x12_written
from connectors.files.x12_reading import read_x12
from tests.connectors.files import standard_reader
from tests.connectors.files.edi_examples import ORDER, edifact, x12

SEPARATORS = "+:?'*>~^"


def text(level: Syntax | X12Charset, *, without: str = "") -> st.SearchStrategy[str]:
    """Texts that a level carries, and that are likely to have its separators."""
    fits = [each for each in map(chr, range(0x20, 0x100)) if carries(level, each) and each not in without]
    likely = [character for character in SEPARATORS if character in fits] or fits
    return st.text(st.one_of(st.sampled_from(likely), st.sampled_from(fits)), max_size=30)


def written(level: Syntax | X12Charset, arguments: dict[str, Any], key: str) -> bytes:
    """Return the order in the form that has such a level."""
    if level in {"basic", "extended"}:
        return x12_written(x12(charset=level), arguments, key)
    return edifact_written(edifact(syntax=level), arguments, key)


def test_an_edifact_order_is_written_as_a_partner_expects_it() -> None:
    sent = edifact_written(edifact(test=True), ORDER | {"note": "Gate 3, +49 170? 'Müller'"}, "k1")
    reference = control_reference(None, {}, "k1", lambda _name, _text: None)
    assert sent.decode("latin-1").split("'")[:3] == [
        "UNA:+.? ",
        f"UNB+UNOC:3+4012345000009:14+4098765000004:14+261128:0930+{reference}++++++1",
        "UNH+1+ORDERS:D:96A:UN:EAN008",
    ]
    body = "\n".join(
        "+".join(":".join(part) for part in segment) for segment in standard_reader.read_edifact(sent)[2:]
    )
    assert body.splitlines() == [
        "BGM+220+PO-1+9",
        "DTM+137:20261128:102",
        "FTX+AAI+++Gate 3, +49 170? 'Müller'",
        "LIN+1++4000862141404:SRV",
        "QTY+21:2",
        "LIN+2++4006381333931:SRV",
        "QTY+21:2.5",
        "UNS+S",
        "CNT+2:2",
        "UNT+11+1",
        f"UNZ+1+{reference}",
    ]


def test_an_x12_order_is_written_as_a_partner_expects_it() -> None:
    sent = x12_written(x12(test=True), ORDER, "k1").decode("ascii")
    number = control_number(None, {}, "k1")
    assert sent == (
        "ISA*00*          *00*          *ZZ*POINTSMAN      *ZZ*ACME           *261128*0930*U*00401*"
        f"{number}*0*T*>~GS*PO*POINTSMAN*ACME*20261128*0930*{int(number)}*X*004010~ST*850*0001~"
        "BEG*00*SA*PO-1**20261128~PO1*1*2*EA***EN*4000862141404~PO1*2*2.5*EA***EN*4006381333931~CTT*2~"
        f"SE*6*0001~GE*1*{int(number)}~IEA*1*{number}~"
    )


@pytest.mark.parametrize("version", ["004010", "005010"])
def test_the_envelope_of_x12_satisfies_a_reader_that_checks_it(version: str) -> None:
    reader = X12Reader(io.StringIO(x12_written(x12(version=version), ORDER, "k1").decode()))
    segments = list(reader)
    reader.cleanup()
    assert reader.pop_errors() == []
    assert len(segments) == 10


@given(note=text("UNOC"), order_id=text("UNOC"))
def test_any_text_comes_back_from_edifact_as_it_was(note: str, order_id: str) -> None:
    arguments = ORDER | {"note": note, "order_id": order_id}
    sent = edifact_written(edifact(), arguments, "k1")
    by_standard = list(standard_reader.plain(standard_reader.read_edifact(sent)))
    by_library = [list(each) for each in read_edifact(sent).messages[0].segments]
    assert [[each[0], *trimmed(each[1:])] for each in by_standard[2:-2]] == by_library
    assert by_library[0] == ["BGM", "220", order_id, "9"]
    if note:
        assert by_library[2] == ["FTX", "AAI", "", "", note]


@given(note=text("extended", without="*>~^"))
def test_any_text_comes_back_from_x12_as_it_was(note: str) -> None:
    sent = x12_written(x12(), ORDER | {"note": note}, "k1")
    by_standard = list(standard_reader.plain(standard_reader.read_x12(sent)))
    by_library = [list(each) for each in read_x12(sent).messages[0].segments]
    assert by_standard[3:-3] == by_library
    if note:
        assert by_library[1] == ["MSG", note]


@given(elements=st.lists(st.one_of(text("UNOC"), st.lists(text("UNOC"), min_size=1, max_size=4)), max_size=6))
def test_any_segment_comes_back_from_edifact_without_what_is_empty_at_its_end(elements: list[Any]) -> None:
    sent = (
        edifact_written(edifact(segments=[["AAA", "1", *elements]]), ORDER, "k1") if _plain(elements) else b""
    )
    if sent:
        (segment,) = read_edifact(sent).messages[0].segments
        assert segment == ["AAA", *trimmed(["1", *elements])]


def _plain(elements: list[Any]) -> bool:
    """Whether no text would be taken for a place."""
    return not any(brace in str(elements) for brace in "{}")


@pytest.mark.parametrize(
    ("level", "character"),
    [
        ("UNOA", "a"),
        ("UNOB", "é"),
        *(("UNOC", character) for character in "€\n\x85\x00"),
        ("basic", "a"),
        *(("extended", character) for character in "é*>~^\n"),
    ],
)
def test_a_character_that_cannot_be_said_is_refused_with_its_place(
    level: Syntax | X12Charset, character: str
) -> None:
    with pytest.raises(FailedError) as caught:
        written(level, ORDER | {"note": f"A{character}B"}, "k")
    assert caught.value.code == "not_representable"
    assert str(caught.value).startswith(f"note has the character {character!r}")
    assert level in str(caught.value)


@pytest.mark.parametrize("syntax", ["UNOA", "UNOB", "UNOC"])
def test_a_level_carries_what_the_levels_below_it_carry(syntax: Syntax) -> None:
    below = [chr(code) for code in range(0x250) if carries("UNOA", chr(code))]
    assert all(carries(syntax, character) for character in below)


@pytest.mark.parametrize("level", ["UNOC", "extended"])
def test_the_same_key_gives_the_same_bytes_and_another_key_another_control_number(
    level: Syntax | X12Charset,
) -> None:
    first, again, other = (written(level, ORDER, key) for key in ("k1", "k1", "k2"))
    assert first == again != other


def test_a_control_number_may_be_an_argument() -> None:
    arguments = ORDER | {"number": 4711}
    assert read_x12(x12_written(x12(control="{number}"), arguments, "k")).control == "000004711"
    assert read_edifact(edifact_written(edifact(control="{number}"), arguments, "k")).control == "4711"


@pytest.mark.parametrize("number", ["", "0", "1234567890", "-1", "\uff11\uff12"])
def test_a_control_number_that_is_none_is_refused(number: str) -> None:
    with pytest.raises(FailedError, match="control"):
        x12_written(x12(control="{number}"), ORDER | {"number": number}, "k")


@given(key=st.text(max_size=40))
def test_control_numbers_of_any_key_are_in_range(key: str) -> None:
    assert 1 <= int(control_number(None, {}, key)) <= 999_999_999
    assert len(control_number(None, {}, key)) == 9
    reference = control_reference(None, {}, key, lambda _name, _text: None)
    assert len(reference) == 14
    assert all(carries("UNOA", character) for character in reference)


def test_lists_in_lists_and_lists_of_texts_make_segments() -> None:
    segments = [
        {
            "each": "lines",
            "segments": [
                ["LIN", "{lines.position}"],
                {"each": "lines.lots", "segments": [["PCI", "{lines.lots.position}", "{lines.lots.value}"]]},
                {"when": "lines.gift", "segments": [["FTX", "GIFT"]]},
            ],
        },
        ["CNT", "{lines.count}"],
    ]
    lines = [{"lots": ["A", "B"], "gift": True}, {"lots": [], "gift": False}, {}]
    (message,) = read_edifact(
        edifact_written(edifact(segments=segments), ORDER | {"lines": lines}, "k")
    ).messages
    assert list(message.segments) == [
        ["LIN", "1"],
        ["PCI", "1", "A"],
        ["PCI", "2", "B"],
        ["FTX", "GIFT"],
        ["LIN", "2"],
        ["LIN", "3"],
        ["CNT", "3"],
    ]


def test_a_segment_of_which_nothing_is_given_is_left_out() -> None:
    (message,) = read_edifact(
        edifact_written(edifact(segments=[["FTX", "{note}", ["{note}", ""]], ["UNS", "S"]]), ORDER, "k")
    ).messages
    assert list(message.segments) == [["UNS", "S"]]


def test_a_message_of_too_many_segments_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.files.segments.SEGMENTS_LIMIT", 7)
    edifact_written(edifact(segments=[["UNS", "S"]] * 7), ORDER, "k")
    with pytest.raises(FailedError, match="more than 7 segments") as caught:
        edifact_written(edifact(segments=[["UNS", "S"]] * 8), ORDER, "k")
    assert caught.value.code == "too_large"
