"""The attack on the policy finds nothing, and finds something where the policy is weak."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

ROOT = Path(__file__).parents[2]


def attack(mutant: str) -> tuple[int, dict[str, Any]]:
    command = [
        sys.executable,
        "ops/attack/main.py",
        "--plans",
        "150",
        "--honest",
        "20",
        "--json",
        "--mutant",
        mutant,
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=240, check=False)
    assert ended.stdout, ended.stderr.decode()
    return ended.returncode, orjson.loads(ended.stdout)


@pytest.mark.timeout(250)
def test_nothing_happens_outside_the_policy_and_honest_tasks_are_finished() -> None:
    code, report = attack("sound")
    assert code == 0, report
    assert (report["violations"], report["unnamed"]) == (0, [])
    assert report["effects"] > 20, "what is allowed was done"
    assert {"rule provenance", "rule credit-first", "unproven"} <= report["refusals"].keys()


@pytest.mark.timeout(250)
@pytest.mark.parametrize("mutant", ["no-rules", "no-provenance"])
def test_a_weak_policy_is_found_out(mutant: str) -> None:
    code, report = attack(mutant)
    assert code == 1
    assert report["violations"] > 0
