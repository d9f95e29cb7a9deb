"""Who speaks, as the command line says it, and the key to sign with."""

import os
from dataclasses import dataclass
from pathlib import Path

from consumers.app.approval_settings import Approvals, SignWith
from consumers.app.approver_keys import signer
from consumers.app.section import SecretRef
from consumers.cli.exits import end_with, refuse
from consumers.errors import ConfigurationError
from consumers.policy.approvers import Signer


@dataclass(frozen=True, slots=True)
class Person:
    """Who answers or orders, as the command line says it.

    Attributes:
        approver: the name, or None for that of the key, or of the user of this machine.
        comment: why.
        key_file: the private key to sign with, or None for that of the configuration.
        key_id: its name.
    """

    approver: str | None
    comment: str
    key_file: Path | None
    key_id: str | None


def signer_of(settings: Approvals, person: Person) -> Signer | None:
    """Return what signs; None where the configuration accepts what is not signed. A key that cannot be read ends the command."""
    if (person.key_file is None) != (person.key_id is None):
        refuse("--key-file and --key-id go together: the private key, and its name in `approvals.keys`")
    try:
        if person.key_file is not None and person.key_id is not None:
            return signer(SignWith(id=person.key_id, key=SecretRef(file=person.key_file)), "--key-file")
        if settings.sign_with is not None:
            return signer(settings.sign_with)
    except ConfigurationError as error:
        end_with(error)
    if settings.unsigned != "accept":
        refuse(
            "only what is signed counts: name a key with --key-file and --key-id, or in `approvals.sign_with`; "
            "`pointsman approvals keygen` makes one"
        )
    return None


def name_of(settings: Approvals, signs: Signer | None, person: Person, option: str = "--approver") -> str:
    """Return who it is; a key that the configuration knows says so by itself."""
    listed = next((key for key in settings.keys if signs and key.id == signs.id), None)
    if listed is None:
        found = person.approver or os.environ.get("USER", "")
        return found or refuse(f"say who you are: {option} NAME")
    if person.approver not in {None, listed.approver}:
        refuse(f"key {listed.id} is {listed.approver}'s: leave out {option}, or sign with another key")
    return listed.approver
