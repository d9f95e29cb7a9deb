"""The report as JUnit's XML."""

from dataclasses import replace
from xml.etree import ElementTree as ET

from consumers.evaluation.case import Figures
from consumers.evaluation.compare import Comparison, Difference, Kind
from consumers.evaluation.junit import junit
from consumers.evaluation.report import Evaluated, Report
from consumers.evaluation.trial import Trial
from tests.consumers.evaluation.evaluation_stage import LAMPS

SAME = Trial(Comparison((), 1.0), "success", figures=Figures(model_s=(0.5, 0.25)))
WRONG = Trial(Comparison((Difference(Kind.EXTRA, "erp.a(\x00<&\ud800)", 2.0),), 0.0), unrecorded=("erp.a()",))
LOST = Trial(None, error="it did not end within 1 s")


def report() -> Report:
    trials = {"same": (SAME,), "wrong": (SAME, WRONG), "lost": (SAME, LOST)}
    cases = [Evaluated(replace(LAMPS, id=f"<{name}>\x1b"), each) for name, each in trials.items()]
    return Report("a model", cases, {})


def test_it_has_what_every_reader_of_junit_asks_for() -> None:
    root = ET.fromstring(junit(report()))
    assert root.tag == "testsuites"
    (suite,) = root
    counts = {"tests": "3", "failures": "1", "errors": "1", "time": "2.250"}
    assert suite.attrib == {"name": "a model", **counts, "skipped": "0"}
    for case in suite:
        assert set(case.attrib) == {"classname", "name", "time"}
        order = [child.tag for child in case]
        assert order in (["system-out"], ["failure", "system-out"], ["error", "system-out"])
        for child in case:
            assert set(child.attrib) == ({"message", "type"} if child.tag != "system-out" else set())
    assert [each.get("name") for each in suite] == ["<same>\ufffd", "<wrong>\ufffd", "<lost>\ufffd"]


def test_a_difference_is_a_failure_and_says_what_is_different() -> None:
    failure = ET.fromstring(junit(report())).find(".//failure")
    assert failure is not None
    assert (failure.get("type"), failure.text) == ("extra", "extra: erp.a(\ufffd<&\ufffd)")


def test_a_trial_without_an_end_is_an_error() -> None:
    error = ET.fromstring(junit(report())).find(".//error")
    assert error is not None
    assert error.get("message") == "it did not end within 1 s"
