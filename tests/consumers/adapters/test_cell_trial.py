"""The cell as a process: it survives what is merely bad, is replaced when it dies, and blames nobody for not starting."""

import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from consumers.adapters.cell_trial import CellTrial
from consumers.app import cell
from consumers.errors import DeadLetterError, UnavailableError
from schemas.codec.record_json import record_line, record_of_line
from schemas.record import Record, UnreadBatch

CONFIG = """\
model: {base_url: "http://127.0.0.1:1/v1", name: none}
connectors: {erp: {use: sandbox-erp}}
routes: [{topic: erp.orders, event: order.requested, goal: none, actions: ["erp.check_stock"]}]
"""
# Answers as a cell does: dies of what says so, and of the first record where it is told to.
PUPPET = """
import os, pathlib, sys
print("ready", flush=True)
for line in sys.stdin:
    if pathlib.Path(sys.argv[1]).exists():
        os.remove(sys.argv[1])
        os._exit(7)
    print("survived", flush=True)
"""

Make = Callable[..., CellTrial]


@pytest.fixture
async def make() -> AsyncGenerator[Make]:
    made: list[CellTrial] = []

    def trial(*command: str, record_s: float = 20.0) -> CellTrial:
        made.append(CellTrial(command, record_s=record_s))
        return made[-1]

    yield trial
    for each in made:
        await each.close()


def record(value: bytes | None) -> Record:
    return Record("erp.orders", 3, 42, 1, b"k\xff", value, (("a", b"\x00"), ("a", b"")))


@pytest.mark.timeout(60)
async def test_bad_records_survive_the_real_cell(make: Make, tmp_path: Path) -> None:
    config = tmp_path / "pointsman.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    trial = make(*cell.command(config))
    deep = b'{"a":' * 200_000 + b"1" + b"}" * 200_000
    for value in (None, b"", b"no JSON", b"\x00\x00\x00\x00\x07abc", deep, b"{}", UnreadBatch(b"", "why")):
        await trial.survive(record(value))


async def test_a_cell_that_somebody_else_ended_is_no_records_fault(make: Make, tmp_path: Path) -> None:
    once = tmp_path / "die once"
    once.touch()
    trial = make(sys.executable, "-c", PUPPET, str(once))
    await trial.survive(record(b"good"))
    assert not once.exists()
    await trial.survive(record(b"good"))


async def test_two_deaths_are_the_records_fault(make: Make) -> None:
    trial = make(sys.executable, "-c", "print('ready', flush=True); input(); raise SystemExit(7)")
    with pytest.raises(DeadLetterError, match="exit code 7, 2 times") as caught:
        await trial.survive(record(b"bad"))
    assert caught.value.reason == "quarantined"


@pytest.mark.parametrize("program", ["raise SystemExit(1)", "print('something else')"])
async def test_a_cell_that_does_not_start_blames_no_record(make: Make, program: str) -> None:
    with pytest.raises(UnavailableError, match="did not start"):
        await make(sys.executable, "-c", program).survive(record(b"good"))
    with pytest.raises(UnavailableError, match="no cell can be started"):
        await make("/nowhere/python").survive(record(b"good"))


@pytest.mark.parametrize("value", [None, b"", b"\x00\xff"])
def test_a_record_comes_back_from_its_line_as_it_was(value: bytes | None) -> None:
    assert record_of_line(record_line(record(value))) == record(value)
