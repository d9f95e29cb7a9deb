"""For all tests: no remote model, reproducible properties, and in CI no skip that is not listed here."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings

# A failing property prints how to run exactly that example again; machines under load are no failure.
settings.register_profile("pointsman", print_blob=True, deadline=None)
# A mutant is noticed or not: little is tried, the same each time, and what fails is not made smaller.
settings.register_profile(
    "mutants",
    deadline=None,
    max_examples=10,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("pointsman")

os.environ["POINTSMAN_FORBID_REMOTE_MODELS"] = "1"

EXPECTED_SKIPS: frozenset[str] = frozenset({"no Docker engine"})
"""Reasons CI accepts: its machines have no Docker engine; `make containers` is run where one is."""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn an unexpected skip into a failure where POINTSMAN_CI is set."""
    del item
    result = yield
    report: pytest.TestReport = result.get_result()  # pyright: ignore - pluggy's result object
    if report.skipped and os.environ.get("POINTSMAN_CI"):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(expected in reason for expected in EXPECTED_SKIPS):
            report.outcome = "failed"
            report.longrepr = f"unexpected skip: {reason}"
