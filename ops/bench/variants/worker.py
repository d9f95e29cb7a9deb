"""Work a topic with one of the variants that `bench-runtime` compares, and say what that took.

Prints `{"ready": true}` once the first event is there, and one JSON line with the figures at the end. Without
--seconds it works until SIGTERM. Time and CPU are those after the warm-up.

Examples:
    python ops/bench/variants/worker.py --variant bare --bootstrap 127.0.0.1:9092 --topic in --out out --group g --seconds 5
"""

import argparse
import asyncio
import json
import signal
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast

from account import Account, Mark
from job import Job, Variant, add_arguments, job_of

VARIANTS: Final = {
    "pointsman": ("ours", "at_least_once"),
    "pointsman-transactional": ("ours", "transactional"),
    "sequential": ("sequential", "sequential"),
    "faststream-ordered": ("with_faststream", "partitions_in_order"),
    "faststream-concurrent": ("with_faststream", "without_order"),
    "bare": ("bare", "bare"),
}
"""Where each is; imported by name, so that no variant pays for another's imports."""
GRACE_S = 1.5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variant", required=True, choices=VARIANTS)
    add_arguments(parser)
    parser.add_argument("--warmup", type=float, default=1, help="seconds not counted (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0, help="to measure; 0 is until SIGTERM")
    options = parser.parse_args()
    module, name = VARIANTS[options.variant]
    variant = cast("Variant", getattr(import_module(module), name))
    figures = asyncio.run(_work(job_of(options), variant, options.warmup, options.seconds))
    print(json.dumps(figures), flush=True)


async def _work(job: Job, variant: Variant, warmup_s: float, seconds: float) -> dict[str, Any]:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    account = Account(job.work_s)
    async with variant(job, account) as settled:
        await account.first.wait()
        await settled()
        print('{"ready": true}', flush=True)
        begin, end = await _stretch(account, stopping, warmup_s, seconds)
        peak_mib = _peak_mib()
    return {
        "events": end.ended - begin.ended,
        "seconds": end.at_s - begin.at_s,
        "cpu_s": end.cpu_s - begin.cpu_s,
        "peak_mib": peak_mib,
        "again": account.again,
        "out_of_order": account.out_of_order,
        "worked": account.ended,
    }


async def _stretch(
    account: Account, stopping: asyncio.Event, warmup_s: float, seconds: float
) -> tuple[Mark, Mark]:
    if not seconds:
        begin = account.mark()
        await stopping.wait()
        return begin, account.mark()
    grace_s = GRACE_S + account.work_s
    await asyncio.sleep(warmup_s)
    begin = await account.mark_at_end(grace_s)
    await asyncio.sleep(seconds)
    return begin, await account.mark_at_end(grace_s)


def _peak_mib() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (one for one in lines if one.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
