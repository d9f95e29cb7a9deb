"""Start a real Apache Kafka on loopback, print where it is, and stop it on SIGTERM or Ctrl-C.

Needs Java 17 and, for the first start, Maven. Prints one JSON line when the cluster serves:

    {"bootstrap": "127.0.0.1:23456", "pid": 4711, "version": "4.4.0", "nodes": [{"node": 1, "address": ..., "pid": ...}]}

`pid` is this program's: SIGTERM to it ends the JVMs and removes their data. The pids of the nodes are there for
tests that kill or freeze one; the program goes on until none is left. With --secured there is also "secured": the
addresses of listeners with TLS and SASL, and a folder with the certificates, keys and secrets that a client needs.

Examples:
    python ops/kafka/start.py
    python ops/kafka/start.py --nodes 3
    python ops/kafka/start.py --secured    # one node, in the project's environment: needs `cryptography`
    python ops/kafka/start.py --resolve    # only fetch and check the jars
    python ops/kafka/start.py --pin        # after a change of pom.xml: write SHA256SUMS anew
"""

import argparse
import importlib.util
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from cluster import Cluster, StartError
from jars import JarsError, jars, kafka_version, pin


def main() -> None:
    options = _options()
    if options.pin:
        print(f"{pin()} jars pinned")
        return
    if options.resolve:
        print(_jars()[0].parent)
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    if options.with_parent:
        threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    try:
        with Cluster(_jars(), nodes=options.nodes, secured=options.secured) as cluster:
            cluster.start(timeout_s=options.timeout)
            print(json.dumps(_described(cluster)), flush=True)
            while cluster.alive():
                time.sleep(0.5)
            _fail("every node has ended")
    except StartError as error:
        _fail(str(error))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=1, help="number of nodes (default: 1)")
    parser.add_argument(
        "--secured", action="store_true", help="also listen with TLS and with SASL (one node only)"
    )
    parser.add_argument("--timeout", type=float, default=60, help="seconds until it must serve (default: 60)")
    parser.add_argument(
        "--with-parent", action="store_true", help="also stop when standard input closes: the caller is gone"
    )
    parser.add_argument(
        "--resolve", action="store_true", help="fetch and check the jars, print their folder, end"
    )
    parser.add_argument("--pin", action="store_true", help="fetch the jars, write SHA256SUMS and end")
    options = parser.parse_args()
    if options.secured and options.nodes > 1:
        parser.error("--secured is for one node")
    if options.secured and importlib.util.find_spec("cryptography") is None:
        parser.error("--secured needs the package cryptography: run it by the project's .venv/bin/python")
    return options


def _jars() -> list[Path]:
    try:
        return jars()
    except JarsError as error:
        _fail(str(error))


def _described(cluster: Cluster) -> dict[str, object]:
    return {
        "bootstrap": cluster.bootstrap,
        "pid": os.getpid(),
        "version": kafka_version(),
        "nodes": [
            {"node": node.number, "address": node.address, "pid": cluster.processes[node.number].pid}
            for node in cluster.nodes
        ],
        **({"secured": cluster.secured.described} if cluster.secured else {}),
    }


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    # Whatever is under way ends here; the cluster's context manager cleans up, and is not to be interrupted.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(0)


def _end_with_parent() -> None:
    # Not sys.stdin: its lock, held by this thread, would abort the interpreter's shutdown.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _fail(message: str) -> NoReturn:
    sys.exit(f"ops/kafka/start.py: {message}")


if __name__ == "__main__":
    main()
