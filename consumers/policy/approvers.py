"""Who may answer for the business: whose signatures count, which roles they have, and who may not answer here. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from consumers.errors import DeadLetterError
from schemas.approval import ApprovalDecision
from schemas.jws import SignatureError, sign, verify


@dataclass(frozen=True, slots=True)
class Approver:
    """Who gave an answer.

    Attributes:
        name: as the decision has it; proven where there is a key.
        roles: by the configuration, never by the decision.
        key: the name of the key that signed it, or None where it is not signed.
    """

    name: str
    roles: frozenset[str] = frozenset()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ApproverKey:
    """A key whose signatures count.

    Attributes:
        id: its name in signatures (`kid`).
        approver: whose it is.
        roles: what that person may answer for.
        public: what signatures are checked with.
    """

    id: str
    approver: str
    roles: frozenset[str]
    public: Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs answers with one private key.

    Attributes:
        id: the key's name.
        private: the key; nothing prints it.
    """

    id: str
    private: Ed25519PrivateKey

    def signed(self, decision: ApprovalDecision) -> ApprovalDecision:
        """Return a decision with its signature; one that it had is replaced."""
        return replace(decision, signature=sign(decision.to_be_signed(), self.private, self.id))


class Approvers:
    """Says who gave an answer, or that nobody can know.

    Args:
        keys: those that count; their names are unique.
        unsigned: whether an answer without a signature counts as that of whom it names, without any role.
    """

    def __init__(self, keys: Iterable[ApproverKey] = (), *, unsigned: bool = False) -> None:
        self.keys = {key.id: key for key in keys}
        self._public = {key.id: key.public for key in self.keys.values()}
        self._named = {person(key.approver) for key in self.keys.values()}
        self._unsigned = unsigned

    def who(self, decision: ApprovalDecision) -> Approver:
        """Return who gave an answer.

        Raises:
            DeadLetterError: it is not signed and must be, the signature does not hold, or its key is another person's.
        """
        about = f"the answer to {decision.request_id}"
        payload = b"" if decision.signature is None else _payload(decision, about)
        return self.signer_of(payload, decision.signature, decision.approver, about)

    def signer_of(self, payload: bytes, signature: str | None, name: str, about: str) -> Approver:
        """Return who said something.

        Args:
            payload: what the signature covers.
            signature: a detached JWS, or None.
            name: who it claims to be of.
            about: what messages call it.

        Raises:
            DeadLetterError: as `who`.
        """
        if signature is None:
            if self._unsigned and person(name) not in self._named:
                return Approver(name)
            why = "whom it names has a key" if self._unsigned else "`approvals.unsigned` is not `accept`"
            raise DeadLetterError(f"{about} is not signed, and {why}", reason="approval_unsigned")
        try:
            kid = verify(payload, signature, self._public)
        except SignatureError as error:
            raise DeadLetterError(f"{about}: {error}", reason="approval_signature") from error
        key = self.keys[kid]
        if key.approver != name:
            raise DeadLetterError(
                f"{about} is by {name}, and key {kid} is {key.approver}'s", reason="approval_approver"
            )
        return Approver(key.approver, key.roles, kid)


def _payload(decision: ApprovalDecision, about: str) -> bytes:
    try:
        return decision.to_be_signed()
    except TypeError as error:
        raise DeadLetterError(f"{about}: {error}", reason="approval_signature") from error


def person(name: str) -> str:
    """Return a name as it is compared: nobody becomes another person by writing it in capitals."""
    return name.strip().casefold()


def has_role(by: Approver, roles: Collection[str]) -> bool:
    """Whether somebody has one of these roles; everybody has where there are none."""
    return not roles or not by.roles.isdisjoint(roles)


def refuse_others(request_id: str, by: Approver, roles: Collection[str], requester: str | None) -> None:
    """Refuse an answer of somebody who may not give it.

    Raises:
        DeadLetterError: who answers has none of the roles, or asked for the action.
    """
    if requester is not None and person(requester) == person(by.name):
        raise DeadLetterError(
            f"the answer to {request_id} is by {by.name}, who asked for it: another person must answer",
            reason="approval_own",
        )
    if not has_role(by, roles):
        raise DeadLetterError(
            f"the answer to {request_id} is by {by.name}, who has no role of {', '.join(sorted(roles))}",
            reason="approval_role",
        )
