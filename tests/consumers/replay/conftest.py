"""What tests of jobs share."""

from collections.abc import AsyncGenerator

import pytest

from consumers.ports.clock import SystemClock
from consumers.replay.evidence import Evidence


@pytest.fixture
async def nothing_told() -> AsyncGenerator[Evidence]:
    with Evidence(SystemClock()) as evidence:
        yield evidence
