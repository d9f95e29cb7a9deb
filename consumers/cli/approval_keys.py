"""`pointsman approvals keygen`: a key pair for one person, and what to write into the configuration."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from consumers.cli.exits import fail
from consumers.cli.screen import err, out, print_json
from schemas.jws import new_pair


def keygen(approver: str, *, key_id: str, roles: Sequence[str], file: Path, as_json: bool) -> None:
    """Write a private key that only its owner can read, the public one beside it, and print what to configure."""
    private, public = new_pair()
    public_file = file.with_name(f"{file.name}.pub")
    _write(file, private, 0o600)
    _write(public_file, public, 0o644)
    entry = {
        "id": key_id,
        "approver": approver,
        "roles": list(roles),
        "public_key": {"file": str(public_file)},
    }
    signing = {"id": key_id, "key": {"file": str(file)}}
    if as_json:
        print_json({"private_key": str(file), "public_key": public, "keys": [entry], "sign_with": signing})
        return
    # JSON is YAML as well, and quotes whatever a name holds.
    console = out()
    console.print(public, markup=False, highlight=False, soft_wrap=True)
    console.print(
        "approvals:\n"
        f"  keys: # for workers, and for all who look\n    - {json.dumps(entry, ensure_ascii=False)}\n"
        f"  sign_with: {json.dumps(signing, ensure_ascii=False)} # only where {approver} answers",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    err().print(f"the private key is in {file}: whoever reads it can answer as {approver}", markup=False)


def _write(file: Path, text: str, mode: int) -> None:
    try:
        # Never over a key that is there: answers that it signed would be nobody's any more.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        fail(f"{file} is there already: choose another file with --file")
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}")
