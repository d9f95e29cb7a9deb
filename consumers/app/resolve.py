"""From a configuration to what it names: connectors, actions, compiled rules, routes. Finds every mistake."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from connectors.action import Action
from connectors.catalog import Catalog
from connectors.lint import close_match
from consumers.app.approver_keys import approval_mistakes, approvers
from consumers.app.config_file import ConfigFile, InvalidConfigError, Mistake
from consumers.app.connector_sections import OpenableConnector, resolve_connectors
from consumers.app.privacy_keys import privacy_mistakes, shown_mistakes
from consumers.app.reader_schemas import reader_mistakes
from consumers.app.route_plans import resolve_plan
from consumers.app.route_rules import Schemas, resolve_rules
from consumers.app.route_settings import RouteSettings
from consumers.app.route_texts import resolve_texts
from consumers.app.topic_formats import topic_mistakes
from consumers.policy.approvers import Approvers
from consumers.router.finding import discovery_of
from consumers.router.route import Budget, Route


@dataclass(frozen=True, slots=True)
class Resolved:
    """A configuration in which everything named exists."""

    connectors: tuple[OpenableConnector, ...]
    catalog: Catalog
    routes: Mapping[str, Route]
    approvers: Approvers


def resolve(file: ConfigFile) -> Resolved:
    """Resolve a configuration.

    Raises:
        InvalidConfigError: with every mistake found, each at its line.
    """
    mistakes: list[Mistake] = []
    opened, wrong = resolve_connectors(file)
    mistakes += wrong
    catalog = Catalog(c.connector for c in opened)
    mistakes += [Mistake(f.where, f"{f.action}: {f.message}", f.hint) for f in catalog.lint()]
    schemas = Schemas(file.config, catalog)
    routes: dict[str, Route] = {}
    taken: dict[tuple[str, str], str] = {}
    for index, settings in enumerate(file.config.routes):
        route = _route(file, index, settings, catalog, schemas, mistakes)
        before = taken.setdefault((route.topic, route.event), route.name)
        if route.name in routes or before != route.name:
            message = f"routes.{index}: {route.event} on {route.topic} is routed twice (`{before}`)"
            mistakes.append(
                Mistake(file.where("routes", index), message, "give each route its own event and name")
            )
        routes[route.name] = route
        if file.config.model is None and not (route.plan and route.plan.otherwise == "failed"):
            message = f"routes.{index}: may ask the model, and there is no section `model`"
            hint = "add one, or give the route a `plan` that goes without (`otherwise: failed`)"
            mistakes.append(Mistake(file.where("routes", index), message, hint))
    mistakes += [*topic_mistakes(file), *reader_mistakes(file)]
    mistakes += _tenants(file)
    mistakes += _windows(file)
    mistakes += approval_mistakes(file)
    mistakes += privacy_mistakes(file)
    if mistakes:
        raise InvalidConfigError(mistakes)
    return Resolved(tuple(opened), catalog, routes, approvers(file.config.approvals))


def _route(
    file: ConfigFile,
    index: int,
    settings: RouteSettings,
    catalog: Catalog,
    schemas: Schemas,
    mistakes: list[Mistake],
) -> Route:
    at = ("routes", index)
    before = len(mistakes)
    actions = _actions(file, at, settings.actions, catalog, mistakes)
    # With an action missing, rules would be found wrong that are right.
    known = schemas.known_of(settings, actions) if len(mistakes) == before else None
    rules, wrong = resolve_rules(file, index, actions, known)
    mistakes += [*wrong, *_trusting(file, index, actions), *_pinning(file, index, actions)]
    template, documents, unread = resolve_texts(file, index)
    plan, ill = resolve_plan(file, index, actions, known)
    mistakes += [*unread, *ill]
    mistakes += shown_mistakes(file, index, schemas.payload_of(settings))
    return Route(
        name=settings.name or settings.event,
        topic=settings.topic,
        event=settings.event,
        tenant=settings.tenant,
        goal=settings.goal,
        actions=actions,
        rules=rules,
        budget=Budget(**settings.budget.model_dump()),
        atomic=settings.atomic,
        output=settings.output,
        approval_window=settings.approval_window,
        fields=frozenset(settings.fields) if settings.fields is not None else None,
        show_personal=frozenset(settings.show_personal),
        session_field=settings.session_field,
        session_tokens=settings.session_tokens,
        require_allow=settings.require_allow,
        trust=schemas.trust_of(settings, actions),
        requester_field=settings.requester_field,
        tools=tuple(action.tool for action in actions.values()),
        template=template,
        documents=documents,
        plan=plan,
        discovery=discovery_of(
            actions,
            {name: connector.description for name, connector in catalog.connectors.items()},
            limit=settings.shown,
            pinned=settings.pinned,
        ),
    )


def _actions(
    file: ConfigFile,
    at: tuple[str | int, ...],
    names: Sequence[str],
    catalog: Catalog,
    mistakes: list[Mistake],
) -> dict[str, Action]:
    found: dict[str, Action] = {}
    for number, name in enumerate(names):
        if name.endswith(".*"):
            some = {known: a for known, a in catalog.actions.items() if known.startswith(name[:-1])}
        else:
            some = {name: catalog.actions[name]} if name in catalog.actions else {}
        if not some:
            hint = close_match(name, catalog.actions).strip() or "`pointsman check --actions` lists them"
            mistakes.append(Mistake(file.where(*at, "actions", number), f"unknown action {name}", hint))
        found |= some
    return found


def _trusting(file: ConfigFile, index: int, actions: Mapping[str, Action]) -> Iterator[Mistake]:
    """Find what is named to be done despite untrusted text and would not wait anyway."""
    for number, name in enumerate(file.config.routes[index].despite_untrusted_text):
        where = file.where("routes", index, "despite_untrusted_text", number)
        message = f"routes.{index}.despite_untrusted_text: {name}"
        action = actions.get(name)
        if action is None:
            hint = close_match(name, actions).strip() or "name an action of this route"
            yield Mistake(where, f"{message} is not on the route's list", hint)
        elif action.effect == "read" or (action.compensate is not None and not action.outward):
            yield Mistake(where, f"{message} does not wait for a person anyway", "remove it")


def _pinning(file: ConfigFile, index: int, actions: Mapping[str, Action]) -> Iterator[Mistake]:
    """Find what cannot always be shown."""
    settings = file.config.routes[index]
    for number, name in enumerate(settings.pinned):
        if name not in actions:
            message = f"routes.{index}.pinned: {name} is not on the route's list"
            hint = close_match(name, actions).strip() or "name an action of this route"
            yield Mistake(file.where("routes", index, "pinned", number), message, hint)
    if len(frozenset(settings.pinned)) > settings.shown:
        message = f"routes.{index}.pinned has {len(settings.pinned)} actions, and {settings.shown} are shown"
        yield Mistake(file.where("routes", index, "pinned"), message, "pin fewer, or raise `shown`")


def _tenants(file: ConfigFile) -> list[Mistake]:
    """One topic belongs to one tenant: the tenant of an event comes from nowhere else."""
    tenants: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for index, route in enumerate(file.config.routes):
        if tenants.setdefault(route.topic, route.tenant) != route.tenant:
            message = f"topic {route.topic} has the tenants {tenants[route.topic]} and {route.tenant}"
            mistakes.append(
                Mistake(file.where("routes", index, "tenant"), message, "use a topic for each tenant")
            )
    return mistakes


def _windows(file: ConfigFile) -> list[Mistake]:
    """A run that waits for a person must not outlive the session it belongs to."""
    longest = timedelta(days=file.config.redis.ttl_days)
    return [
        Mistake(
            file.where("routes", index, "approval_window"),
            f"routes.{index}.approval_window is longer than sessions are kept ({longest.days} days)",
            "shorten it, or raise redis.ttl_days",
        )
        for index, route in enumerate(file.config.routes)
        if route.approval_window > longest
    ]
