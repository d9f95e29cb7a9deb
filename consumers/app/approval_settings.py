"""The section `approvals`: whose answers count, and what the command line signs with."""

from typing import Literal

from consumers.app.section import KeyRef, SecretRef, Section


class ApproverKeySettings(Section):
    """One key whose signatures count. A person who changes keys has two of them for a while."""

    id: str
    """Its name in signatures (`kid`); unique"""
    approver: str
    """Whose it is; answers must name the same person"""
    roles: tuple[str, ...] = ()
    """What this person may answer for, as rules say in `approvers`"""
    public_key: KeyRef
    """Ed25519, in PEM"""


class SignWith(Section):
    """The key that `pointsman approvals` signs with on this machine; workers need none."""

    id: str
    """Its name among `approvals.keys`"""
    key: SecretRef
    """The private key, Ed25519 in PEM; `pointsman approvals keygen ann` makes one for ann"""


class Approvals(Section):
    """Whose answers count."""

    keys: tuple[ApproverKeySettings, ...] = ()
    """The keys whose signatures count."""
    sign_with: SignWith | None = None
    unsigned: Literal["refuse", "accept"] = "refuse"
    """Whether an answer without a signature counts, as that of whom it names and without any role: whoever may write to the
    approvals topic may then approve"""
