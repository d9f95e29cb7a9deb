"""The Python examples of ops/subscribing.md, run as they stand: each prints every outcome of a played story once."""

import asyncio
import os
import re
import sys
from importlib import resources
from pathlib import Path

import pytest

from consumers.adapters.kafka_reader import topic_reader
from consumers.demo.stack import Stack
from tests.integration.recorded_story import recorded_story

PAGE = Path(__file__).parents[2] / "ops" / "subscribing.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
BY_HEADER = "ce_id"


async def outcome_ids(stack: Stack) -> set[str]:
    async with topic_reader(stack.connection) as reader:
        return {
            dict(record.headers)[BY_HEADER].decode()
            async for record in reader.to_end(("pointsman.outcomes",))
        }


async def printed(program: Path, bootstrap: str, wanted: int) -> list[str]:
    """Run an example until it has printed so many lines, then end it."""
    told = {
        "BOOTSTRAP": bootstrap,
        "SCHEMAS": str(resources.files("schemas") / "avro"),
        "PYTHONUNBUFFERED": "1",
    }
    running = await asyncio.create_subprocess_exec(
        sys.executable, program, stdout=asyncio.subprocess.PIPE, env={**os.environ, **told}
    )
    assert running.stdout is not None
    try:
        async with asyncio.timeout(60):
            return [(await running.stdout.readline()).decode() for _ in range(wanted)]
    finally:
        running.kill()
        await running.wait()


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=["with-this-package", "without-it"])
async def test_an_example_prints_every_outcome(tmp_path: Path, number: int) -> None:
    program = tmp_path / "subscriber.py"
    program.write_text(EXAMPLES[number], encoding="utf-8")
    async with recorded_story(tmp_path / "story") as stack:
        ids = await outcome_ids(stack)
        assert ids
        lines = await printed(program, stack.addresses.kafka, len(ids))
    assert {line.split()[0] for line in lines} == ids
    assert any(line.split()[1] == "success" for line in lines)
