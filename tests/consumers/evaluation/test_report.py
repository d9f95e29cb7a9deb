"""Figures of an evaluation."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from consumers.evaluation.case import Figures
from consumers.evaluation.compare import Comparison, Difference, Kind
from consumers.evaluation.report import Evaluated, Report, Totals
from consumers.evaluation.trial import Trial
from tests.consumers.evaluation.evaluation_stage import LAMPS

SAME = Trial(Comparison((), 1.0))
HALF = Trial(Comparison((Difference(Kind.MISSED, "x", 1.0), Difference(Kind.OTHER_STATUS, "y", 1.0)), 0.5))
LOST = Trial(None, error="lost")


def test_a_model_that_wavers_is_as_good_as_the_mean_of_its_trials_and_as_grave_as_the_worst() -> None:
    one = Evaluated(LAMPS, (SAME, HALF))
    assert (one.score, one.same, one.kind, one.error) == (0.75, 1, "missed", "")
    assert one.words == ("missed: x", "other ending: y")


def test_a_trial_without_an_end_counts_as_nothing_right() -> None:
    report = Report(
        "m", [Evaluated(LAMPS, (SAME, LOST)), Evaluated(replace(LAMPS, id="b"), (HALF, HALF))], {}
    )
    assert (report.score, report.accuracy, report.errors) == (0.5, 0.25, 1)
    assert report.kinds == {"missed": 1, "error": 1}
    assert report.tried.runs == 3


@given(st.lists(st.floats(0, 100), min_size=1))
def test_percentiles_are_values_that_were_measured(seconds: list[float]) -> None:
    totals = Totals.of([Figures(model_s=tuple(seconds))])
    assert totals.p50_s in seconds
    assert totals.p99_s in seconds
    assert totals.p50_s <= totals.p99_s
    assert sum(1 for each in seconds if each <= totals.p99_s) >= 0.99 * len(seconds)


def test_of_nothing_there_is_no_percentile() -> None:
    assert Totals.of([]).p50_s is None
