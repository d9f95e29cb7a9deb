"""Whatever a key is, it stays one segment of the path, and arrives as it was."""

import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import FailedError
from connectors.odata.client import quoted
from connectors.odata.entity import expose
from connectors.odata.metadata import Metadata
from connectors.odata.settings import EntitySettings

LINES = b"""<E><Schema Namespace="S"><EntityType Name="Line"><Key><PropertyRef Name="order"/><PropertyRef Name="number"/></Key>
<Property Name="order" Type="Edm.String" Nullable="false"/><Property Name="number" Type="Edm.Int32" Nullable="false"/></EntityType>
<EntityContainer Name="C"><EntitySet Name="Lines" EntityType="S.Line"/></EntityContainer></Schema></E>"""
LINE = expose(
    Metadata(LINES),
    "Lines",
    EntitySettings.model_validate({"fields": ["order"], "actions": {"get_line": {"do": "get"}}}),
    "v4",
)


@given(
    order=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40), number=st.integers(0, 10**6)
)
def test_a_key_stays_one_segment(order: str, number: int) -> None:
    (segment,) = quoted((LINE.path({"order": order, "number": number}),))
    assert re.fullmatch(r"[A-Za-z0-9._~$'(),=%-]+", segment)
    path = urlsplit(f"http://host/odata/{segment}").path
    assert path.split("/") == ["", "odata", segment]
    found = re.fullmatch(r"Lines\(order='((?:[^']|'')*)',number=(\d+)\)", unquote(segment))
    assert found
    assert (found[1].replace("''", "'"), int(found[2])) == (order, number)


@pytest.mark.parametrize("order", ["a\nb", "a\x00b"])
def test_a_key_that_no_url_can_say_is_refused(order: str) -> None:
    with pytest.raises(FailedError) as error:
        LINE.path({"order": order, "number": 1})
    assert error.value.code == "invalid_argument"
