"""The rules of a route: found, compiled and type-checked against the schemas of what they speak of."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from connectors.action import Action
from connectors.catalog import Catalog
from connectors.discovery import DiscoveryError, load_entry_point
from connectors.lint import close_match
from consumers.app.config import Config
from consumers.app.config_file import ConfigFile, Location, Mistake
from consumers.app.reader_schemas import reader_schemas
from consumers.app.route_settings import RouteSettings, RuleSettings
from consumers.app.topic_formats import declared_types
from consumers.errors import ConfigurationError
from consumers.policy.provenance import RESERVED, Trust
from consumers.policy.rules import Effect, Rule, RuleError, RuleFunction, compile_rule
from consumers.policy.type_check import Known, type_mistakes
from schemas.errors import SchemaError
from schemas.registry.files import latest, packaged_schemas, schemas_in
from schemas.registry.json_types import payload_types

GROUP = "pointsman.rules"
"""The entry-point group of rules in Python."""


class Schemas:
    """What is known of events and actions, as far as files and code say it."""

    def __init__(self, config: Config, catalog: Catalog) -> None:
        """Read the schema files; a registry behind an address is not asked, and then only declared payloads are known."""
        self._results = {name: _result(action) for name, action in catalog.actions.items()}
        self._payloads: dict[str, Any] = {}
        self._declared = declared_types(config)
        self._read_as = _read_as(config)
        registry = config.registry
        if registry.url is not None:
            return
        try:
            own = schemas_in(registry.folder) if registry.folder else ()
        except SchemaError:  # reported by `pointsman check`, with the folder's line
            own = ()
        known = latest(packaged_schemas()) | latest(own)
        self._payloads = {event_type: payload_types(schema) for event_type, schema in known.items()}

    def payload_of(self, route: RouteSettings) -> Mapping[str, Any] | None:
        """Return the types of a route's events, or None where they are not known."""
        read_as = self._read_as.get((route.topic, route.event))
        return read_as or self._declared.get(route.topic) or self._payloads.get(route.event)

    def known_of(self, route: RouteSettings, actions: Mapping[str, Action]) -> Known:
        """Return what is known of all that the rules of a route may speak of."""
        return Known(
            payload=self.payload_of(route),
            arguments={name: action.arguments.model_json_schema() for name, action in actions.items()},
            results={name: self._results[name] for name in actions},
            remembered=self._results,
            payloads=self._payloads,
        )

    def trust_of(self, route: RouteSettings, actions: Mapping[str, Action]) -> Trust:
        """Return what a route trusts."""
        return Trust(
            payload=self.payload_of(route) or {},
            fields=frozenset(route.trusted_fields),
            values=route.trusted_values,
            arguments={name: action.arguments.model_json_schema() for name, action in actions.items()},
            results={name: schema for name in actions if (schema := self._results[name])},
            despite_text=frozenset(route.despite_untrusted_text),
        )


def resolve_rules(
    file: ConfigFile, route: int, actions: Mapping[str, Action], known: Known | None
) -> tuple[tuple[Rule, ...], list[Mistake]]:
    """Return the rules of a route that can be judged by, and what is wrong with any of them.

    Args:
        file: the configuration.
        route: index of the route.
        actions: those on its list.
        known: what their types are checked against; None leaves them unchecked.
    """
    rules: list[Rule] = []
    mistakes: list[Mistake] = []
    effects = {name: action.effect for name, action in actions.items()}
    taken: set[str] = set()
    for number, settings in enumerate(file.config.routes[route].rules):
        at = ("routes", route, "rules", number)
        mistakes += _about(file, at, settings, actions)
        if settings.name in taken:
            message = f"rule {settings.name}: another rule of the route has that name"
            mistakes.append(Mistake(file.where(*at, "name"), message, "records name rules: give it its own"))
        taken.add(settings.name)
        if settings.name in RESERVED:
            message = f"rule {settings.name}: that name stands for a check of its own"
            mistakes.append(Mistake(file.where(*at, "name"), message, "choose another one"))
        where = file.where(*at, "when" if settings.use is None else "use")
        try:
            rule = _rule(settings)
        except (RuleError, DiscoveryError) as error:
            hint = "https://cel.dev explains the language" if isinstance(error, RuleError) else ""
            mistakes.append(Mistake(where, str(error), hint))
            continue
        rules.append(rule)
        wrong = type_mistakes(rule, effects, known) if known else ()
        mistakes += [Mistake(where, f"rule {rule.name}: {each}", _HINT) for each in wrong]
    return tuple(rules), mistakes


_HINT = "it would deny whatever it is asked about"


def load_rule_function(name: str, *, installed: Iterable[EntryPoint] | None = None) -> RuleFunction:
    """Import the rule of an entry point.

    Raises:
        DiscoveryError: it is not installed, does not load, or cannot be called.
    """
    offered = tuple(entry_points(group=GROUP) if installed is None else installed)
    loaded, point = load_entry_point("rule", name, offered)
    if not isinstance(loaded, Callable):
        raise DiscoveryError(f"rule {name}: {point.value} is a {type(loaded).__name__}, no function")
    return cast("RuleFunction", loaded)


def _rule(settings: RuleSettings) -> Rule:
    then, actions = Effect(settings.then), frozenset(settings.actions)
    if settings.use is not None:
        function = load_rule_function(settings.use)
        rule = Rule(settings.name, actions, then, settings.message, function)
    else:
        rule = compile_rule(
            name=settings.name, when=settings.when or "", then=then, message=settings.message, actions=actions
        )
    return replace(
        rule,
        approvers=frozenset(settings.approvers),
        quorum=settings.quorum,
        escalate_to=frozenset(settings.escalate_to),
    )


def _about(
    file: ConfigFile, at: Location, settings: RuleSettings, actions: Mapping[str, Action]
) -> Iterator[Mistake]:
    for number, name in enumerate(settings.actions):
        if name not in actions:
            hint = close_match(name, actions).strip() or "name an action of this route"
            message = f"rule {settings.name}: {name} is not on the route's list"
            yield Mistake(file.where(*at, "actions", number), message, hint)
        elif settings.then == "hold" and actions[name].effect == "read":
            message = f"rule {settings.name}: {name} is a read, and only writes can be held"
            yield Mistake(file.where(*at, "actions", number), message, "deny it instead")


def _result(action: Action) -> dict[str, Any] | None:
    return None if action.result is None else action.result.model_json_schema(mode="serialization")


def _read_as(config: Config) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    try:
        schemas = reader_schemas(config)
    except ConfigurationError:  # reported by `reader_mistakes`, with the route's line
        return {}
    return {
        (topic, event): payload_types(each) for topic, of in schemas.items() for event, each in of.items()
    }
