"""The table of configuration fields: names and defaults from the model, meanings from its docstrings."""

import gc
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import griffe

from consumers.app.config import Config

Schema = Mapping[str, Any]
Row = tuple[str, ...]

_COUNTERPARTS: Final = {
    "Model": "consumers.adapters.openai_settings.ModelSettings",
    "Fallback": "consumers.adapters.openai_settings.ModelSettings",
    "BreakerSettings": "connectors.breaker.BreakerLimits",
    "ConnectorBreakerSettings": "connectors.breaker.BreakerLimits",
    "RouteSettings": "consumers.router.route.Route",
    "RuleSettings": "consumers.policy.rules.Rule",
    "Limits": "consumers.runtime.limits.RuntimeLimits",
}
"""Where the fields of a section are documented that say nothing themselves."""
_ELSEWHERE: Final = {
    name: f"consumers.app.{module}.{name}"
    for module, names in {
        "approval_settings": ("Approvals", "ApproverKeySettings", "SignWith"),
        "privacy_section": ("Privacy",),
        "connector_settings": ("CallSettings", "ConnectorBreakerSettings", "ConnectorSettings"),
        "model_section": ("Model", "Fallback", "BreakerSettings"),
        "plan_settings": ("PlannedCallSettings", "PlanStepSettings", "PlanSettings"),
        "registry_section": ("Registry", "RegistryOAuth"),
        "topic_settings": ("TopicSettings",),
        "route_settings": ("RouteSettings", "RuleSettings", "BudgetSettings"),
    }.items()
    for name in names
}
"""Sections that say what their fields mean, in a module of their own."""
_LEAVES: Final = {"SecretRef": "secret", "KeyRef": "`{env: …}` or `{file: …}`", "Price": "price"}
"""Models that are written as one value."""
_MEANINGS: Final = {
    "Kafka.bootstrap": "`host:port`, several separated by commas",
    "Kafka.group": "consumer group of all workers that share the work",
    "Kafka.steps_topic": "the audit trail",
    "Kafka.approvals_topic": "requests to people, and their answers",
    "Kafka.dead_letters_topic": "records that cannot be worked",
    "Kafka.parked_topic": "records of keys that were retried for too long, in order",
    "Kafka.delivery": "how outcomes are published: acknowledged before the offset moves on, or in one transaction with it",
    "Kafka.dead_letter_headers": "whether dead letters carry the header names of Kafka Connect or Spring beside ours",
    "Kafka.auto_offset_reset": "where a group without offsets begins",
    "Kafka.session_timeout_s": "a worker that is silent for so long is put out of the group",
    "Kafka.batch_bytes": "what one compressed batch may unfold to; a larger one is a dead letter as it lies in the log",
    "KafkaSecurity.protocol": "as Kafka's clients name it",
    "KafkaSecurity.mechanism": "for `SASL_…`; `PLAIN` where missing",
    "KafkaSecurity.username": "for `PLAIN` and `SCRAM-…`",
    "KafkaSecurity.password": "for `PLAIN` and `SCRAM-…`",
    "KafkaSecurity.ca_file": "PEM: who signs the brokers' certificates, and nobody else; the system's list where missing",
    "KafkaSecurity.cert_file": "PEM: our certificate and those between it and its authority, for mutual TLS",
    "KafkaSecurity.key_file": "PEM: its key",
    "KafkaSecurity.key_password": "for an encrypted key",
    "KafkaOAuth.token_url": "for `OAUTHBEARER`: an OAuth 2.0 token endpoint; `http` only on this machine",
    "KafkaOAuth.client_id": "who asks there, with the grant `client_credentials`",
    "KafkaOAuth.client_secret": "its secret",
    "KafkaOAuth.client_auth": "how both are sent: in the header, or as form fields",
    "KafkaOAuth.scope": "what the token shall be good for",
    "KafkaOAuth.parameters": "further form fields that a provider wants, such as `audience`",
    "KafkaOAuth.ca_file": "PEM: who signs the endpoint's certificate; the system's list where missing",
    "KafkaOAuth.token": "instead of an endpoint: a token that the platform renews, read at each connection",
    "KafkaOAuth.extensions": "sent beside the token (KIP-342), such as `logicalCluster`",
    "Redis.url": "`redis://`, `rediss://` or `unix://`",
    "Redis.username": "of an ACL user, unless the URL has one",
    "Redis.password": "unless the URL has one",
    "Redis.cluster": "`url` names one node of a Redis Cluster",
    "Redis.nodes": "`host:port` of further nodes of the cluster, should that one be away",
    "RedisSentinel.service": "the primary's name at the sentinels; then there is no `url`",
    "RedisSentinel.nodes": "`host:port` of each sentinel",
    "RedisSentinel.database": "on the primary",
    "RedisSentinel.username": "of the sentinels; those beside it are the primary's",
    "RedisSentinel.password": "of the sentinels",
    "RedisTls.ca_file": "PEM: who signs the servers' certificates, and nobody else; the system's list where missing",
    "RedisTls.cert_file": "PEM: our certificate, for mutual TLS",
    "RedisTls.key_file": "PEM: its key",
    "RedisTls.key_password": "for an encrypted key",
    "Redis.durability": "a server without an append-only file is refused, or only warned about",
    "Redis.rebuild": "what a Redis that may have lost something is given back from the steps topic; `off` asks a person instead",
    "Redis.lease_s": "how long a dead worker keeps other runs of its session waiting",
    "Redis.ttl_days": "how long finished runs are remembered: the replay horizon",
    "Model.base_url": "an OpenAI-compatible endpoint, up to and with `/v1`",
    "Model.price": "`{input_per_m: …, output_per_m: …}`, US dollars for a million tokens",
    "Model.temperature": "left to the endpoint where missing",
    "Fallback.base_url": "of a further deployment, in order of preference; as for the first where missing, and so are the others",
    "Fallback.label": "what logs, metrics and decisions call it; its name where missing",
    "Fallback.api_key": "that of the first deployment where missing, if the host is the same; none at another host",
    "Fallback.price": "`{input_per_m: …, output_per_m: …}`; never that of the first",
    "Fallback.temperature": "`null` leaves it to the endpoint",
    "Model.parallel_tool_calls": "`null` does not send it, for endpoints that refuse the field",
    "Fallback.parallel_tool_calls": "the same",
    "VaultSettings.url": "`https://host[:port]`; `http` only on this machine",
    "VaultSettings.token": "ours there, read for each request; an agent may renew it",
    "VaultSettings.mount": "of the engine KV, version 2; where missing, each reference begins with it",
    "VaultSettings.ca_file": "PEM: who signs its certificate, and nobody else; the system's list where missing",
    "VaultSettings.timeout_s": "for one request",
    "VaultSettings.ttl_s": "how long a value is used without asking again",
    "ConnectorSettings.use": "an installed connector; the fields beside it are the connector's own",
    "RuleSettings.then": "what happens where it matches: deny wins over hold, hold over allow",
    "RuleSettings.use": "instead of `when`: a rule in Python, an entry point of the group `pointsman.rules`",
    "RuleSettings.when": "[CEL](https://cel.dev) over `event`, `arguments`, `session`, `action`, `now`",
    "RouteSettings.despite_untrusted_text": "writes that cannot be undone, or reach people outside, and yet need nobody's approval after the model has read free text",
    "RouteSettings.trusted_fields": "payload fields, such as `customer_id` or `lines[0].sku`, whose values may go into protected arguments although no schema says what they look like",
    "RouteSettings.trusted_values": "constants that may go into protected arguments",
    "RouteSettings.require_allow": "whether a write is denied that no rule allows or holds",
    "BudgetSettings.turns": "answers of the model in one run",
    "BudgetSettings.calls": "actions it may choose",
    "BudgetSettings.repairs": "answers that could not be used",
    "BudgetSettings.tokens": "in and out",
    "BudgetSettings.usd": "by `model.price`, or by `model.price_ceiling` where that is missing",
    "BudgetSettings.prompt_tokens": "of one prompt, estimated at two bytes a token; above it the session's past is left out, then results of earlier turns, then documents",
    "BudgetSettings.seconds": "of work in one go; waiting for a person or a retry does not count",
    "RouteSettings.name": "unique, recorded in outcomes; the event type where missing",
    "RouteSettings.prompt": "file with the system message, a template with `$goal` and `$rules`; ours where missing",
    "RouteSettings.documents": "text files that the model is given with every event, as data, such as the rules for returns",
    "RouteSettings.requester_field": "payload field that names who asked for it all: this person approves none of it; an event without it has what a rule holds denied",
    "RouteSettings.show_personal": "payload fields tagged as personal that may be seen and written in the clear; account and card numbers in them may not, where there is a `privacy.key`",
    "RouteSettings.session_field": "payload field that names the session of an event that does not say so itself",
    "Telemetry.host": "address of `/metrics`, `/healthz` and `/readyz`",
    "Telemetry.log_level": "of our own loggers",
    "Telemetry.log_format": "to standard error",
    "Limits.record_bytes": "a longer record is a dead letter",
    "Limits.shutdown_s": "for an orderly end; six tenths of it are for work under way to end its step",
}
"""What those fields mean whose code does not say it in a reader's words."""


def configuration_rows() -> Iterator[Row]:
    """Yield name, kind of value, default and meaning of each field of `pointsman.yaml`."""
    schema = Config.model_json_schema()
    yield from _fields(schema, schema, "Config", "")


def documented(owner: str, name: str) -> str:
    """Return what a class says of an attribute: under it, or in the list of its own docstring."""
    module, _, title = owner.rpartition(".")
    found = _module(module)[title]
    if name in found.members and (own := found.members[name].docstring):
        return _line(own.value)
    parts = found.docstring.parse("google") if found.docstring else []
    listed = [each for part in parts if part.kind.value == "attributes" for each in part.value]
    return next((_line(each.description) for each in listed if each.name == name), "")


@cache
def _module(name: str) -> Any:
    gc.disable()  # a traceback that a collection logs is parsed too, and CPython 3.11 cannot nest that (gh-106905)
    try:
        return griffe.load(name)
    finally:
        gc.enable()


def _fields(whole: Schema, section: Schema, model: str, prefix: str) -> Iterator[Row]:
    for name, field in section["properties"].items():
        inner, suffix = _inside(field)
        if inner and inner not in _LEAVES:
            yield from _fields(whole, whole["$defs"][inner], inner, f"{prefix}{name}{suffix}.")
            continue
        required = name in section.get("required", ())
        default = "**required**" if required else _default(field.get("default"))
        yield f"`{prefix}{name}`", _kind(field), default, _meaning(model, name)


def _inside(field: Schema) -> tuple[str, str]:
    """Return the model that a field holds, if any, and how a path goes on into it."""
    if "$ref" in field:
        return field["$ref"].rpartition("/")[2], ""
    for key, suffix in (("items", "[]"), ("additionalProperties", ".<name>")):
        if isinstance(field.get(key), dict) and "$ref" in field[key]:
            return _inside(field[key])[0], suffix
    return next((found for each in field.get("anyOf", ()) if (found := _inside(each)[0])), ""), ""


def _kind(field: Schema) -> str:
    if "$ref" in field:
        return _LEAVES[_inside(field)[0]]
    if "anyOf" in field:
        return _kind(next(each for each in field["anyOf"] if each.get("type") != "null"))
    if "enum" in field:
        return ", ".join(f"`{each}`" for each in field["enum"])
    names = {"string": "text", "boolean": "yes or no", "array": "list", "integer": "number"}
    names["object"] = "texts by name"
    return str(field.get("format") or names.get(field["type"], field["type"]))


def _default(value: object) -> str:
    match value:
        case None | "":
            return "-"
        case bool():
            return "`true`" if value else "`false`"
        case []:
            return "none"
        case dict() if not value:
            return "none"
        case {"input_per_m": sent, "output_per_m": received}:
            return f"`{sent:g}`, `{received:g}`"
        case float():
            return f"`{value:g}`"
        case _:
            return f"`{value}`"


def _meaning(model: str, name: str) -> str:
    said = _MEANINGS.get(f"{model}.{name}") or documented(
        _ELSEWHERE.get(model, f"consumers.app.config.{model}"), name
    )
    if not said and model in _COUNTERPARTS:
        said = documented(_COUNTERPARTS[model], name)
    assert said, f"nothing says what {model}.{name} means: say it under the field, or in _MEANINGS"
    return said[0].upper() + said[1:]


def _line(text: str) -> str:
    return " ".join(text.split()).rstrip(".").replace("|", "\\|")
