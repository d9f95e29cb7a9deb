"""The guard lets no hostile query through, and says why."""

import pytest

from connectors.errors import FailedError
from connectors.sql.functions import HARMLESS
from connectors.sql.guard import Guard
from connectors.sql.statement_check import Dialect
from tests.connectors.sql.hostile import HOSTILE, Hostile

TABLES = frozenset((("sales", "orders"), ("sales", "customers")))


def guard(dialect: Dialect) -> Guard:
    return Guard(dialect, TABLES, HARMLESS, rows=100)


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda each: each.query[:60])
@pytest.mark.parametrize("dialect", ["postgres", "duckdb"])
def test_a_hostile_query_is_refused_with_the_reason(dialect: Dialect, hostile: Hostile) -> None:
    with pytest.raises(FailedError) as raised:
        made = guard(dialect).checked(hostile.query)
        pytest.fail(made)
    assert raised.value.code == "query_refused"
    assert hostile.why in str(raised.value)
    assert len(str(raised.value)) < 300
