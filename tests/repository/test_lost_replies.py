"""Every kind of connector that can write is held to the contract suite's check of what gets lost, against a system that it speaks to."""

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from connectors.discovery import GROUP

ROOT = Path(__file__).parents[2]
ONE = "check_lost_reply("
"""For writes of one request."""
EACH = "check_each_loss("
HELD = {
    "files": (EACH, "counterparts/test_sshd.py"),
    "json-rpc": (EACH, "counterparts/test_rpc_kinds.py"),
    "mcp": (ONE, "counterparts/test_mcp_payments.py"),
    "odata": (EACH, "counterparts/test_cap.py"),
    "openapi": (EACH, "connectors/openapi/test_openapi_contract.py"),
    "postgres": (EACH, "counterparts/test_postgres.py"),
    "sandbox-crm": (EACH, "connectors/sandbox/test_sandbox_contract.py"),
    "sandbox-erp": (EACH, "connectors/sandbox/test_sandbox_contract.py"),
    "soap": (EACH, "counterparts/test_spyne.py"),
    "tryton-crm": (EACH, "counterparts/test_tryton_losses.py"),
    "tryton-erp": (EACH, "counterparts/test_tryton_losses.py"),
    "xml-rpc": (EACH, "counterparts/test_rpc_kinds.py"),
}
READS_ONLY = {"duckdb"}


def test_each_kind_is_in_the_table() -> None:
    assert {point.name for point in entry_points(group=GROUP)} == HELD.keys() | READS_ONLY


@pytest.mark.parametrize("name", HELD)
def test_its_test_runs_the_check(name: str) -> None:
    check, path = HELD[name]
    assert check in (ROOT / "tests" / path).read_text(encoding="utf-8")
