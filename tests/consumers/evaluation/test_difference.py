"""From a case and its trial to the event that tells how they differ."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from consumers.evaluation.case import Effect, Figures
from consumers.evaluation.compare import Comparison, Kind
from consumers.evaluation.compare import Difference as OneDifference
from consumers.evaluation.difference import TOO_LARGE, difference_id, difference_of, sealed, without_values
from consumers.evaluation.trial import Trial
from consumers.privacy.register import Register
from consumers.privacy.token import Keys
from consumers.session.key import SessionKey
from schemas.codec.records import RecordCodec
from schemas.difference import Difference, DifferenceVerdict
from schemas.record import Record
from schemas.registry.folder import FolderRegistry
from tests.consumers.evaluation.evaluation_stage import LAMPS, ORDER
from tests.consumers.run.shop_world import World, finish, reply, turns

EVENT = LAMPS.envelope("acme")
AT = datetime(2026, 3, 2, tzinfo=UTC)


def trial(*kinds: Kind, **fields: object) -> Trial:
    found = tuple(OneDifference(kind, f"{kind}: quantity 3, not 2", 1.0) for kind in kinds)
    made = Trial(Comparison(found, 0.5 if found else 1.0), "success", "Done.", LAMPS.expected.effects)
    return replace(made, **fields)  # pyright: ignore[reportArgumentType] - fields of a trial


def told(of: Trial) -> Difference:
    return difference_of(
        replace(LAMPS, recorded=Figures(turns=4)),
        of,
        job_id="job",
        event=EVENT,
        route=World(turns(reply(finish()))).route,
        record=Record("erp.orders", 1, 7, 0, b"k", b"v"),
        summary="Ordered.",
        reads="record",
        at=AT,
    )


@pytest.mark.parametrize(
    ("kinds", "fields", "verdict", "reason"),
    [
        ((), {}, "same", ""),
        ((Kind.OTHER_STATUS,), {}, "other_end", ""),
        ((Kind.OTHER_STATUS, Kind.MISSED), {}, "other_writes", ""),
        ((Kind.OTHER_STATE,), {}, "other_writes", ""),
        (
            (Kind.EXTRA,),
            {"unknown": "erp.find()"},
            "incomparable",
            "has no answer to what it asked first: erp.find()",
        ),
        ((), {"unknown": "erp.find()"}, "same", ""),
        (
            (Kind.MISSED,),
            {"unanswered": ("erp.find(): gone",)},
            "incomparable",
            "did not answer: erp.find(): gone",
        ),
        ((Kind.MISSED,), {"moved": ("erp.find(): 1, not 2",)}, "other_writes", ""),
        ((), {"comparison": None, "error": "no time"}, "incomparable", "no time"),
    ],
)
def test_a_verdict_says_what_can_be_said(
    kinds: tuple[Kind, ...], fields: dict[str, object], verdict: str, reason: str
) -> None:
    found = told(trial(*kinds, **fields))
    assert (found.verdict, found.reason.endswith(reason)) == (DifferenceVerdict(verdict), True)
    assert bool(found.reason) == bool(reason)
    assert [each.kind for each in found.differences] == (
        [] if fields.get("error") else [str(kind) for kind in kinds]
    )
    assert (found.afresh is None) == ("error" in fields)
    assert (found.partition, found.offset, found.recorded.turns) == (1, 7, 4)


def test_the_id_is_of_the_job_and_the_run_and_of_nothing_else() -> None:
    assert told(trial()).id == told(trial(Kind.EXTRA)).id == difference_id("job", EVENT.run_id)
    assert difference_id("job", "run") != difference_id("jobr", "un")


async def test_what_is_personal_is_nowhere_in_what_is_published() -> None:
    register = Register(Keys(["a key that is as long as a key has to be"]))
    secret = "Marigold Quarterstaff"
    effects = (Effect("erp.create_order", {**ORDER, "note": f"for {secret}"}),)
    words = trial(
        Kind.OTHER_ARGUMENTS,
        summary=f"Told {secret}.",
        effects=effects,
        error=f"{secret}!",
        moved=(f'erp.find("name":"{secret}"): name missing, not "{secret}"',),
        unrecorded=(f'erp.find("name":"{secret}")',),
        comparison=Comparison((OneDifference(Kind.OTHER_ARGUMENTS, f'note "{secret}", not "x"', 1.0),), 0.5),
    )
    codec = RecordCodec(FolderRegistry())
    await codec.ready()
    with register.working(SessionKey("acme", EVENT.session_id), EVENT.run_id) as run:
        run.learn([secret])
        found = sealed(told(words), run)
        failed = sealed(told(replace(words, comparison=None)), run)
        assert (
            run.open(dict(found.afresh.effects[0].arguments)) == effects[0].arguments
            if found.afresh
            else False
        )
    for each in (found, failed):
        value = codec.encode(each).value
        assert value is not None
        assert b"Marigold" not in value
        assert b"Quarterstaff" not in value
        assert b"pii_" in value


def test_without_values_everything_stays_that_is_a_name_or_a_figure() -> None:
    full = told(trial(Kind.EXTRA, moved=("a",), unrecorded=("b",)))
    bare = without_values(full)
    assert (bare.id, bare.verdict, bare.score) == (full.id, full.verdict, full.score)
    assert bare.reason == TOO_LARGE
    assert bare.afresh
    assert [each.action for each in bare.afresh.effects] == ["erp.create_order", "erp.schedule_shipment"]
    assert str(ORDER["quantity"]) not in str([each.arguments for each in bare.afresh.effects])
