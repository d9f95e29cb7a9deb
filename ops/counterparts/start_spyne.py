"""Start a SOAP service made with spyne on loopback, print where it is, and stop it on SIGTERM or Ctrl-C.

Needs Python 3.11, which spyne's last release (2022) ends at. Prints one JSON line when it serves:

    {"url": "http://127.0.0.1:23456", "soap11": ".../11", "soap12": ".../12", "wsdl11": "<definitions …", "wsdl12": "…",
     "user": "pointsman", "password": "…", "pid": 4711}

`wsdl11` and `wsdl12` are the documents themselves, for clients that read files only.
"""

import argparse
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Generator
from pathlib import Path

from installed import UnavailableError, python_environment
from served import free_port, listens, main, process

HERE = Path(__file__).parent / "spyne"


def start(options: argparse.Namespace) -> Generator[dict[str, object]]:
    if sys.version_info[:2] != (3, 11):
        raise UnavailableError("spyne runs on Python 3.11 only")
    python = python_environment("spyne", HERE / "requirements.lock")
    if options.install:
        yield {}
        return
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    folder = Path(tempfile.mkdtemp(prefix="pointsman-spyne-"))
    try:
        command = [python, HERE / "orders.py", str(port)]
        with process(command, ready=lambda: listens(port), log=folder / "log") as served:
            yield {
                "url": url,
                "soap11": f"{url}/11",
                "soap12": f"{url}/12",
                "wsdl11": _read(f"{url}/11?wsdl"),
                "wsdl12": _read(f"{url}/12?wsdl"),
                "user": "pointsman",
                "password": "s3cret-of-the-order-desk",
                "pid": served.pid,
            }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(url: str) -> str:
    # No proxy that the environment names: it is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as answer:
        return answer.read().decode()


if __name__ == "__main__":
    main("spyne", __doc__ or "", start)
