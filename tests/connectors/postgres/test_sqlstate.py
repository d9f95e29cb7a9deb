import pytest

from connectors.errors import ActionError, BusyError, FailedError, InDoubtError, NotSentError
from connectors.postgres.sqlstate import Phase, fault_of_loss, fault_of_state


@pytest.mark.parametrize("state", ["28P01", "53300", "57P03", "3D000"])
def test_whatever_refuses_a_connection_means_that_nothing_was_sent(state: str) -> None:
    fault = fault_of_state(state, phase="connecting", what="books.add")
    assert type(fault) is NotSentError
    assert state in str(fault)


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03", "53200", "57014"])
@pytest.mark.parametrize("phase", ["before-commit", "committing"])
def test_what_the_server_rolled_back_for_now_is_busy(state: str, phase: Phase) -> None:
    assert type(fault_of_state(state, phase=phase, what="books.add")) is BusyError


@pytest.mark.parametrize("state", ["08006", "57P01", "57P02", "40003"])
def test_a_lost_connection_is_in_doubt_only_while_it_commits(state: str) -> None:
    assert type(fault_of_state(state, phase="before-commit", what="books.add")) is BusyError
    assert type(fault_of_state(state, phase="committing", what="books.add")) is InDoubtError


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("23505", "unique_violation"),
        ("25006", "read_only"),
        ("42501", "not_permitted"),
        ("22012", "division_by_zero"),
        ("22023", "sql_22023"),
    ],
)
@pytest.mark.parametrize("phase", ["before-commit", "committing"])
def test_a_refusal_is_definite_and_has_a_code(state: str, code: str, phase: Phase) -> None:
    fault = fault_of_state(state, phase=phase, what="books.add", given="orders_pkey")
    assert isinstance(fault, FailedError)
    assert fault.code == code
    assert "orders_pkey" in str(fault)


@pytest.mark.parametrize(
    ("phase", "kind"),
    [("connecting", NotSentError), ("before-commit", BusyError), ("committing", InDoubtError)],
)
def test_a_loss_without_an_answer_is_sorted_by_when_it_came(phase: Phase, kind: type[ActionError]) -> None:
    assert type(fault_of_loss(phase=phase, what="books.add")) is kind
