"""A report as JUnit's XML, which CI systems show as a table of tests. Pure.

There is no one schema; this keeps to what the widest spread ones have in common: `testsuites`, `testsuite` with its counts,
and `testcase` with `failure`, `error` and `system-out`, in that order.
"""

import re
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from consumers.evaluation.report import Evaluated, Report

_UNSAYABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write, not even escaped."""


def junit(report: Report) -> bytes:
    """Return the document. A case that differs has failed; one that came to no end is an error."""
    errors = sum(1 for each in report.cases if each.error)
    failures = sum(1 for each in report.cases if not each.error and each.words)
    counts = {
        "tests": str(len(report.cases)),
        "failures": str(failures),
        "errors": str(errors),
        "time": _seconds(sum(map(_model_s, report.cases))),
    }
    root = Element("testsuites", {"name": "pointsman evaluate", **counts})
    suite = SubElement(root, "testsuite", {"name": _plain(report.candidate), **counts, "skipped": "0"})
    for each in report.cases:
        _case(suite, each)
    indent(root)
    return tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _case(suite: Element, each: Evaluated) -> None:
    about = {"classname": _plain(each.case.topic), "name": _plain(each.case.id)}
    case = SubElement(suite, "testcase", {**about, "time": _seconds(_model_s(each))})
    words = "\n".join(each.words)
    if each.error:
        SubElement(case, "error", {"message": _plain(each.error), "type": each.kind}).text = _plain(
            words or each.error
        )
    elif words:
        SubElement(case, "failure", {"message": _plain(each.words[0]), "type": each.kind}).text = _plain(
            words
        )
    guessed = [f"not recorded: {asked}" for trial in each.trials for asked in trial.unrecorded]
    SubElement(case, "system-out").text = _plain("\n".join([f"score {each.score:.3f}", *guessed]))


def _model_s(each: Evaluated) -> float:
    return sum(seconds for trial in each.trials for seconds in trial.figures.model_s)


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _plain(text: str) -> str:
    return _UNSAYABLE.sub("\N{REPLACEMENT CHARACTER}", text)
