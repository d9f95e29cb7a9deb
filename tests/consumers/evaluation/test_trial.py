"""What a candidate would have done with a case, by the engine and rules of a worker."""

from dataclasses import replace
from pathlib import Path

from consumers.adapters.cassette import Cassette
from consumers.adapters.cassette_model import CassetteModel
from consumers.evaluation.case import Effect, Expected, RecordedAnswer, RecordedResult
from consumers.evaluation.compare import Kind
from consumers.evaluation.evaluate import evaluate
from consumers.evaluation.trial import attempt
from tests.consumers.evaluation.evaluation_stage import LAMPS, ORDER, candidate

BIG = {**ORDER, "quantity": 500}
HELD = replace(
    LAMPS,
    id="held",
    event=replace(LAMPS.event, payload={**LAMPS.event.payload, "quantity": 500}),
    expected=Expected((Effect("erp.create_order", BIG), LAMPS.expected.effects[1]), "success"),
    results=(
        LAMPS.results[0],
        replace(LAMPS.results[1], result={**LAMPS.results[1].result, "available": 900}),
        replace(LAMPS.results[2], arguments=BIG),
        LAMPS.results[3],
    ),
    answers=(RecordedAnswer("erp.create_order", BIG, approver="ann", roles=("sales-lead",)),),
)
"""An order of 20,000 euro, which a person agreed to."""


async def test_the_same_model_does_the_same(tmp_path: Path) -> None:
    async with candidate(tmp_path) as same:
        trial = await attempt(LAMPS, same)
    assert trial.comparison
    assert (trial.comparison.kind, trial.score, trial.status) == (Kind.SAME, 1.0, "success")
    assert trial.unrecorded == ()
    assert (trial.figures.turns, trial.figures.reads, len(trial.figures.model_s)) == (4, 2, 4)


async def test_another_quantity_is_another_argument_and_what_follows_is_compared(tmp_path: Path) -> None:
    change = "quantity: =event.payload.quantity => quantity: =event.payload.quantity + 1"
    async with candidate(tmp_path, change) as other:
        trial = await attempt(LAMPS, other)
    assert trial.comparison
    assert [each.words for each in trial.comparison.differences] == ["erp.create_order: quantity 3, not 2"]
    assert len(trial.unrecorded) == 1
    assert trial.effects[1] == LAMPS.expected.effects[1]


async def test_a_shipment_that_is_left_out_is_missed(tmp_path: Path) -> None:
    change = """when: '"erp.schedule_shipment" in results' => when: '"erp.create_order" in results'"""
    async with candidate(tmp_path, change) as other:
        trial = await attempt(LAMPS, other)
    # The script names the order only, so that is all it needs.
    assert trial.comparison
    assert [each.kind for each in trial.comparison.differences] == [Kind.MISSED]
    assert trial.score == 1 - 1 / 3


async def test_a_look_up_that_was_not_recorded_is_a_failure_that_the_model_is_told_of(tmp_path: Path) -> None:
    without = replace(LAMPS, results=LAMPS.results[1:])
    async with candidate(tmp_path) as same:
        trial = await attempt(without, same)
    assert trial.unrecorded == ('crm.get_customer("customer_id":"C-100")',)
    assert trial.summary.startswith("The customer could not be looked up")
    assert trial.comparison
    assert {each.kind for each in trial.comparison.differences} == {Kind.MISSED, Kind.OTHER_STATUS}


async def test_a_write_that_was_never_recorded_counts_as_done_and_is_extra(tmp_path: Path) -> None:
    refused = replace(
        LAMPS,
        expected=Expected((), "refused"),
        results=(LAMPS.results[0], LAMPS.results[1]),
    )
    async with candidate(tmp_path) as same:
        trial = await attempt(refused, same)
    assert [each.action for each in trial.effects][:1] == ["erp.create_order"]
    assert trial.comparison
    assert trial.comparison.kind is Kind.EXTRA
    assert trial.score == 0


async def test_rules_judge_as_they_do_live(tmp_path: Path) -> None:
    poor = replace(LAMPS.results[0], result={**LAMPS.results[0].result, "credit_status": "blocked"})
    change = """when: results["crm.get_customer"].credit_status != "approved" => when: 'false'"""
    async with candidate(tmp_path, change) as careless:
        trial = await attempt(replace(LAMPS, results=(poor, *LAMPS.results[1:])), careless)
    assert trial.effects == ()
    assert trial.status == "refused"


async def test_a_held_action_gets_the_answer_of_then_and_goes_on(tmp_path: Path) -> None:
    async with candidate(tmp_path) as same:
        trial = await attempt(HELD, same)
    assert trial.comparison
    assert (trial.status, trial.comparison.differences) == ("success", ())


async def test_an_answer_to_other_arguments_counts_for_nothing(tmp_path: Path) -> None:
    change = "quantity: =event.payload.quantity => quantity: =event.payload.quantity + 1"
    async with candidate(tmp_path, change) as other:
        trial = await attempt(HELD, other)
    assert trial.status == "requires_approval"
    assert [(each.action, each.state) for each in trial.effects] == [("erp.create_order", "held")]
    assert trial.comparison
    assert Kind.OTHER_ARGUMENTS in {each.kind for each in trial.comparison.differences}


async def test_where_nobody_answered_in_time_nobody_does(tmp_path: Path) -> None:
    nobody = replace(HELD, answers=(replace(HELD.answers[0], answer="expired", approver="nobody"),))
    async with candidate(tmp_path) as same:
        trial = await attempt(nobody, same)
    assert (trial.status, trial.effects) == ("refused", ())


async def test_what_cannot_be_shipped_is_undone_in_the_evaluation_as_well(tmp_path: Path) -> None:
    failed = RecordedResult(
        "erp.schedule_shipment", {"order_id": "O-1001"}, "failed", code="no_carrier", error="No carrier."
    )
    case = replace(
        LAMPS,
        expected=Expected((Effect("erp.create_order", ORDER, "undone"),), "compensated"),
        results=(*LAMPS.results[:3], failed, RecordedResult("erp.cancel_order", {"order_id": "O-1001"})),
    )
    async with candidate(tmp_path) as same:
        trial = await attempt(case, same)
    assert trial.comparison
    assert (trial.status, trial.comparison.differences) == ("compensated", ())


async def test_a_case_that_raises_is_an_error_of_that_case_alone(tmp_path: Path) -> None:
    unrouted = replace(LAMPS, id="unrouted", topic="elsewhere")
    async with candidate(tmp_path) as same:
        first, second = await evaluate([unrouted, LAMPS], same, repeat=2)
    assert first.error == "the candidate has no route for order.requested on elsewhere"
    assert (first.score, first.kind) == (0.0, "error")
    assert (second.score, second.same, second.error) == (1.0, 2, "")


async def test_a_model_that_refuses_us_is_an_error_of_the_case(tmp_path: Path) -> None:
    async with candidate(tmp_path) as same:
        (only,) = await evaluate([LAMPS], replace(same, model=CassetteModel(Cassette())))
    assert "it is empty" in only.error


async def test_a_trial_has_its_time(tmp_path: Path) -> None:
    async with candidate(tmp_path) as same:
        (only,) = await evaluate([LAMPS], same, trial_s=0.0)
    assert only.error == "it did not end within 0 s"
