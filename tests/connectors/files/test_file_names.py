"""A file's name is made of arguments and stays one plain name, whatever they say."""

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.errors import FailedError
from connectors.files.names import NAME_LIMIT, file_name, folder_path, key_name

TEMPLATES = ["order-{id}.edi", "{id}", "{id}.{id}", "{id}-x"]


@given(template=st.sampled_from(TEMPLATES), value=st.text(max_size=80))
@example(template="{id}", value="..")
@example(template="{id}", value="../../etc/passwd")
@example(template="{id}", value="a/b")
@example(template="{id}", value="a\\b")
@example(template="{id}", value=".hidden")
@example(template="{id}", value="a\0b")
@example(template="{id}", value="a\n")
@example(template="{id}", value="C:evil")
@example(template="{id}", value="\u2025/x")
@example(template="{id}", value="\uff0e\uff0e\uff0fx")
@example(template="{id}", value="a\u202egpj.exe")
@example(template="{id}", value="~root")
@example(template="{id}", value="-rf")
@example(template="{id}", value="ä")
def test_a_name_is_one_plain_name_or_refused(template: str, value: str) -> None:
    try:
        name = file_name(template, {"id": value})
    except FailedError:
        return  # any other error fails
    assert PurePosixPath(name).parts == (name,)
    assert PureWindowsPath(name).parts == (name,)
    assert not name.startswith((".", "-", "~", " "))
    assert not name.endswith((".", " "))
    assert name.isprintable()
    assert len(name.encode()) <= NAME_LIMIT
    assert unicodedata.is_normalized("NFC", name)
    assert not any(unicodedata.category(character).startswith("C") for character in name)


@pytest.mark.parametrize(
    "value", ["O-1", "4500012345", "a b", "Müller", "注文", "x.y_z", "a@b", "1+1=2", "a,b"]
)
def test_ordinary_ids_make_names(value: str) -> None:
    assert file_name("{id}", {"id": value}) == value


def test_composed_and_decomposed_letters_are_one_name() -> None:
    assert file_name("{id}", {"id": "Mu\u0308ller"}) == file_name("{id}", {"id": "Müller"})


def test_numbers_and_dates_are_written_as_the_template_says() -> None:
    values = {"n": 7, "amount": 2.50, "at": "2026-11-28T09:30:00Z"}
    assert file_name("o-{n}-{amount}-{at|yyyymmddhhmm}", values) == "o-7-2.5-202611280930"


@pytest.mark.parametrize("value", [True, [1], {"a": 1}, "not a date"])
def test_what_has_no_text_is_refused(value: object) -> None:
    with pytest.raises(FailedError) as caught:
        file_name("o-{id|yymmdd}" if isinstance(value, str) else "o-{id}", {"id": value})
    assert caught.value.code == "not_representable"


def test_a_long_name_is_refused_with_its_length() -> None:
    with pytest.raises(FailedError, match="at most 200 bytes, this one has 201"):
        file_name("{id}", {"id": "a" * 201})


@pytest.mark.parametrize(
    ("folder", "parts"),
    [("", ()), (".", ()), ("in", ("in",)), ("to/acme/", ("to", "acme")), ("A b", ("A b",))],
)
def test_a_folder_is_written_by_its_names(folder: str, parts: tuple[str, ...]) -> None:
    assert folder_path(folder) == parts


@pytest.mark.parametrize("folder", ["/in", "..", "a/../b", ".hidden", "a\\b", "a/ b", "~"])
def test_a_folder_outside_the_root_is_refused(folder: str) -> None:
    with pytest.raises(ValueError, match="below the root"):
        folder_path(folder)


@given(st.text(max_size=50), st.text(max_size=50))
def test_a_key_makes_a_plain_name_that_tells_nothing(tenant: str, key: str) -> None:
    name = key_name(tenant, key)
    assert len(name) == 24
    assert set(name) <= set("0123456789abcdef")
    assert name != key_name(tenant + "x", key)
