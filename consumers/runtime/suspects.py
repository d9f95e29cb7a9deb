"""Suspects: records that may have killed a worker while it decoded them, and are tried in a cell before it is done again.

Before a record is decoded there is a mark, in a store that outlives this process, of how far decoding may have come.
Whoever hands a partition over takes its mark away. So one that is found says that somebody died: by whatever it was,
a record up to the mark is suspect, and is decoded where it can do no harm first. One that kills there too is given up.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from typing import Final

from consumers.errors import DeadLetterError, UnavailableError
from consumers.ports.attempts import Attempts, Trial
from consumers.ports.consumer_group import PartitionId
from consumers.telemetry.metrics import TRIALS, Metrics
from schemas.record import Record

_log = logging.getLogger(__name__)

_AHEAD: Final = 1000
"""How far a mark reaches beyond its record, so that there is one write for so many: more are suspect after a crash."""
_NOWHERE: Final = -1


class Suspects:
    """What is known of the partitions of one worker.

    Args:
        attempts: keeps the marks.
        trial: decodes suspects.
        metrics: where trials are counted.
    """

    def __init__(self, attempts: Attempts, trial: Trial, metrics: Metrics) -> None:
        self._attempts = attempts
        self._trial = trial
        self._metrics = metrics
        self._left: dict[PartitionId, int] = {}
        self._marked: dict[PartitionId, int] = {}
        self._marking: defaultdict[PartitionId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def take_on(self, partitions: AbstractSet[PartitionId]) -> None:
        """Look for marks that were left on partitions, before anything of them is decoded.

        Raises:
            UnavailableError: it cannot be found out now.
        """
        left = await self._attempts.left(partitions)
        for pid in partitions:
            self._marked.pop(pid, None)
            self._left[pid] = left.get(pid, _NOWHERE)
        for pid, through in left.items():
            _log.warning(
                "a worker died with this partition: records up to here are decoded in a cell first",
                extra={"topic": pid.topic, "partition": pid.number, "offset": through},
            )

    async def hand_over(self, partitions: Collection[PartitionId]) -> None:
        """Take the marks away: nothing of these partitions is being decoded. Never raises; it is no loss if it fails."""
        marked = self._marked.keys() & set(partitions)
        for pid in marked:
            del self._marked[pid]
        if not marked:
            return
        try:
            await self._attempts.end(marked)
        except UnavailableError as error:
            _log.warning("marks of attempts are left behind", extra={"error": str(error)})

    async def before(self, record: Record) -> None:
        """Return once a record may be decoded.

        Raises:
            DeadLetterError: it may not, ever: `quarantined`.
            UnavailableError: it cannot be marked or tried now.
        """
        pid = PartitionId(record.topic, record.partition)
        if record.offset > self._marked.get(pid, _NOWHERE):
            await self._mark(pid, record.offset)
        if record.offset <= self._left.get(pid, _NOWHERE):
            await self._try(record)

    async def _mark(self, pid: PartitionId, offset: int) -> None:
        async with self._marking[pid]:
            if offset > self._marked.get(pid, _NOWHERE):  # nobody else did meanwhile
                through = max(offset + _AHEAD, self._left.get(pid, _NOWHERE))
                await self._attempts.begin(pid, through)
                self._marked[pid] = through

    async def _try(self, record: Record) -> None:
        try:
            await self._trial.survive(record)
        except DeadLetterError:
            self._metrics.add(TRIALS, "killed")
            raise
        self._metrics.add(TRIALS, "survived")
