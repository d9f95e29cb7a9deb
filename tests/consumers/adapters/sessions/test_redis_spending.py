"""What tenants spend is added up over all workers of a store, by day."""

import asyncio
from datetime import date
from typing import Any

from consumers.adapters.redis_spending import RedisSpending

TODAY = date(2026, 11, 28)


async def test_it_adds_up_by_tenant_and_day(redis: Any) -> None:
    spending = RedisSpending(redis)
    assert await spending.spent("acme", TODAY) == 0
    await asyncio.gather(*(spending.add("acme", TODAY, 0.000_001) for _ in range(100)))
    await RedisSpending(redis).add("acme", TODAY, 1.5)
    await spending.add("globex", TODAY, 2.0)
    await spending.add("acme", date(2026, 11, 29), 7.0)
    assert await spending.spent("acme", TODAY) == 1.5001
    assert 0 < await redis.pttl("pointsman:{store}:spent:2026-11-28") <= 8 * 86_400_000


async def test_in_a_cluster_as_well(redis_cluster: Any) -> None:
    spending = RedisSpending(redis_cluster)
    await spending.add("acme", TODAY, 0.25)
    assert await spending.spent("acme", TODAY) == 0.25
