"""Keys of approvers: read from where the configuration says, and held against what rules want of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from consumers.app.approval_settings import Approvals, SignWith
from consumers.app.config_file import ConfigFile, Location, Mistake
from consumers.app.route_settings import RuleSettings
from consumers.errors import ConfigurationError
from consumers.policy.approvers import ApproverKey, Approvers, Signer, person
from schemas.jws import KeyFormatError, private_key, public_key, public_pem

_KEYGEN = "`pointsman approvals keygen` makes a pair and shows what to write here"


@dataclass(frozen=True, slots=True)
class _Wrong:
    at: Location
    message: str
    hint: str


def approvers(settings: Approvals) -> Approvers:
    """Return whose answers count.

    Raises:
        ConfigurationError: a public key cannot be read.
    """
    keys: list[ApproverKey] = []
    for number, each in enumerate(settings.keys):
        try:
            public = public_key(each.public_key.read().get_secret_value())
        except (LookupError, KeyFormatError) as error:
            raise ConfigurationError(f"approvals.keys.{number}.public_key: {error}") from error
        keys.append(ApproverKey(each.id, each.approver, frozenset(each.roles), public))
    return Approvers(keys, unsigned=settings.unsigned == "accept")


def signer(settings: SignWith, name: str = "approvals.sign_with.key") -> Signer:
    """Return what signs answers.

    Args:
        settings: the key, and where it is.
        name: what an error calls it.

    Raises:
        ConfigurationError: the private key cannot be read.
    """
    try:
        return Signer(settings.id, private_key(settings.key.read().get_secret_value()))
    except (LookupError, KeyFormatError) as error:
        raise ConfigurationError(f"{name}: {error}") from error


def approval_mistakes(file: ConfigFile) -> list[Mistake]:
    """Return what is wrong with keys, and with rules that hold what nobody could ever answer."""
    settings = file.config.approvals
    found = [*_keys(settings), *_signing(settings), *_rules(file, settings)]
    return [Mistake(file.where(*wrong.at), wrong.message, wrong.hint) for wrong in found]


def _keys(settings: Approvals) -> Iterator[_Wrong]:
    taken: set[str] = set()
    for number, each in enumerate(settings.keys):
        at: Location = ("approvals", "keys", number)
        name = f"approvals.keys.{number}"
        if each.id in taken:
            yield _Wrong(
                (*at, "id"),
                f"{name}: another key is called {each.id}",
                "signatures name keys: give it its own",
            )
        taken.add(each.id)
        if not person(each.approver):
            yield _Wrong((*at, "approver"), f"{name}.approver: is empty", "say whose key it is")
        try:
            public_key(each.public_key.read().get_secret_value())
        except LookupError as error:
            yield _Wrong((*at, "public_key"), f"{name}.public_key: {error}", "set it before `pointsman run`")
        except KeyFormatError as error:
            yield _Wrong((*at, "public_key"), f"{name}.public_key: {error}", _KEYGEN)


def _signing(settings: Approvals) -> Iterator[_Wrong]:
    with_key = settings.sign_with
    if with_key is None:
        return
    at: Location = ("approvals", "sign_with")
    try:
        ours = public_pem(private_key(with_key.key.read().get_secret_value()).public_key())
    except LookupError:
        return  # a missing secret: `pointsman check` lists them all
    except KeyFormatError as error:
        yield _Wrong((*at, "key"), f"approvals.sign_with.key: {error}", _KEYGEN)
        return
    listed = next((each for each in settings.keys if each.id == with_key.id), None)
    if listed is None:
        message = f"approvals.sign_with: no key of `approvals.keys` is called {with_key.id}, so no worker would take its answers"
        yield _Wrong((*at, "id"), message, "list its public key there")
        return
    try:
        theirs = public_pem(public_key(listed.public_key.read().get_secret_value()))
    except (LookupError, KeyFormatError):
        return  # found above
    if ours != theirs:
        message = f"approvals.sign_with.key: is not the private key of {with_key.id} in `approvals.keys`"
        yield _Wrong((*at, "key"), message, "correct the id, or one of the two keys")


def _rules(file: ConfigFile, settings: Approvals) -> Iterator[_Wrong]:
    by_role: dict[str, set[str]] = {}
    for key in settings.keys:
        for role in key.roles:
            by_role.setdefault(role, set()).add(person(key.approver))
    everybody = {person(key.approver) for key in settings.keys}
    for index, route in enumerate(file.config.routes):
        for number, rule in enumerate(route.rules):
            if rule.then != "hold":
                continue
            at: Location = ("routes", index, "rules", number)
            if not settings.keys and settings.unsigned == "refuse":
                message = (
                    f"rule {rule.name}: it holds, and no answer could ever count: `approvals.keys` is empty"
                )
                yield _Wrong(
                    (*at, "then"),
                    message,
                    f"{_KEYGEN}; or trust the topic: `approvals: {{unsigned: accept}}`",
                )
                continue
            yield from _people(at, rule, by_role, everybody, unsigned=settings.unsigned == "accept")


def _people(
    at: Location, rule: RuleSettings, by_role: Mapping[str, set[str]], everybody: set[str], *, unsigned: bool
) -> Iterator[_Wrong]:
    for name, roles in (("approvers", rule.approvers), ("escalate_to", rule.escalate_to)):
        for place, role in enumerate(roles):
            if role not in by_role:
                message = f"rule {rule.name}: no key of `approvals.keys` has the role {role}"
                yield _Wrong((*at, name, place), message, "give it to somebody, or correct its name")
    able = (
        set().union(*(by_role.get(role, set()) for role in rule.approvers)) if rule.approvers else everybody
    )
    if len(able) < rule.quorum and (rule.approvers or not unsigned) and able:
        message = f"rule {rule.name}: {rule.quorum} people must agree, and {len(able)} could"
        yield _Wrong((*at, "quorum"), message, "lower it, or give more people a key and the role")
