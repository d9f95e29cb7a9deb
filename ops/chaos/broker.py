"""A real Apache Kafka that may be ended and started again while others use it: one node, on one port and one folder.

Prints a JSON line once it serves, and one for each command that stands on a line of standard input:

    kill     as a machine that fails: SIGKILL
    stop     in order: SIGTERM
    start    again, after either; the answer comes once it serves

Ends, and removes its data, when standard input closes or on SIGTERM.
"""

import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

sys.path.append(str(Path(__file__).parents[1] / "kafka"))  # its scripts import each other by their bare names
if TYPE_CHECKING:
    from ops.kafka.cluster import Cluster, StartError
    from ops.kafka.jars import JarsError, jars
else:
    from cluster import Cluster, StartError
    from jars import JarsError, jars

NODE = 1


def main() -> None:
    signal.signal(signal.SIGTERM, _end)
    try:
        with Cluster(jars()) as cluster:
            cluster.start(timeout_s=120)
            _say({"bootstrap": cluster.bootstrap})
            for line in sys.stdin:
                _obey(cluster, line.strip())
                _say({"done": line.strip()})
    except (StartError, JarsError) as error:
        sys.exit(f"ops/chaos/broker.py: {error}")


def _obey(cluster: Cluster, command: str) -> None:
    match command:
        case "kill" | "stop":
            cluster.end(NODE, at_once=command == "kill")
        case "start":
            cluster.restart(NODE, timeout_s=120)
        case _:
            sys.exit(f"ops/chaos/broker.py: no such command: {command!r}")


def _say(what: dict[str, str]) -> None:
    print(json.dumps(what), flush=True)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the cluster's end is not to be interrupted
    sys.exit(0)


if __name__ == "__main__":
    main()
