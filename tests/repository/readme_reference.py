"""The reference tables of the README, made from the code. `--write` puts them there."""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import click
import griffe
import typer

from consumers.app.config import Config
from consumers.cli.main import app
from consumers.telemetry.metrics import TABLE, Histogram
from schemas.outcome import Status
from tests.repository.documents import ROOT

Schema = Mapping[str, Any]

README: Final = ROOT / "README.md"

_COUNTERPARTS: Final = {
    "Model": "consumers.adapters.openai_settings.ModelSettings",
    "RouteSettings": "consumers.router.route.Route",
    "RuleSettings": "consumers.policy.rules.Rule",
    "Limits": "consumers.runtime.limits.RuntimeLimits",
}
"""Where a section's fields are documented that say nothing themselves."""
_LEAVES: Final = {"SecretRef": "secret", "Price": "price"}
"""Models that are written as one value."""
_MEANINGS: Final = {
    "Kafka.bootstrap": "`host:port`, several separated by commas",
    "Kafka.group": "consumer group of all workers that share the work",
    "Kafka.steps_topic": "the audit trail",
    "Kafka.approvals_topic": "requests to people, and their answers",
    "Kafka.dead_letters_topic": "records that cannot be worked",
    "Kafka.auto_offset_reset": "where a group without offsets begins",
    "Kafka.session_timeout_s": "a worker that is silent for so long is put out of the group",
    "KafkaSecurity.protocol": "as Kafka's clients name it",
    "KafkaSecurity.mechanism": "for `SASL_…`; `PLAIN` where missing",
    "KafkaSecurity.username": "for `SASL_…`",
    "KafkaSecurity.password": "for `SASL_…`",
    "KafkaSecurity.ca_file": "who signs the brokers' certificates; the system's list where missing",
    "KafkaSecurity.cert_file": "our certificate, for mutual TLS",
    "KafkaSecurity.key_file": "its key",
    "Redis.url": "`redis://`, `rediss://` or `unix://`",
    "Redis.password": "unless the URL has one",
    "Redis.lease_s": "how long a dead worker keeps other runs of its session waiting",
    "Redis.ttl_days": "how long finished runs are remembered: the replay horizon",
    "Registry.url": "a Confluent-compatible schema registry",
    "Registry.username": "for basic authentication",
    "Registry.password": "for basic authentication",
    "Registry.folder": "instead of a URL: a folder of `.avsc` files beside the packaged ones",
    "Model.base_url": "an OpenAI-compatible endpoint, up to and with `/v1`",
    "ConnectorSettings.use": "name of an installed connector; the fields beside it are the connector's own",
    "RuleSettings.then": "what happens where `when` is true: deny wins over hold, hold over allow",
    "RuleSettings.when": "a [CEL](https://cel.dev) expression over `event`, `arguments`, `session`, `action`, `now`",
    "BudgetSettings.turns": "answers of the model in one run",
    "BudgetSettings.calls": "actions it may choose",
    "BudgetSettings.repairs": "answers that could not be used",
    "BudgetSettings.tokens": "in and out",
    "BudgetSettings.usd": "by `model.price`, or by `model.price_ceiling` where that is missing",
    "BudgetSettings.seconds": "of work in one go; waiting for a person or a retry does not count",
    "RouteSettings.name": "unique, recorded in outcomes; the event type where missing",
    "RouteSettings.session_field": "payload field that names the session, where no CloudEvents attribute does; "
    "then the record's key, the subject, the event's id",
    "Telemetry.host": "address of `/metrics`, `/healthz` and `/readyz`",
    "Telemetry.log_level": "of our own loggers",
    "Telemetry.log_format": "to standard error",
    "Limits.record_bytes": "a longer record is a dead letter",
    "Limits.shutdown_s": "for an orderly end; two thirds of it are for work under way",
}
"""What fields mean whose code does not say it."""


def configuration() -> str:
    """Return one row for each field of `pointsman.yaml`."""
    schema = Config.model_json_schema()
    rows = _fields(schema, schema, "Config", "")
    return _table(("field", "value", "default", "meaning"), rows)


def _fields(whole: Schema, section: Schema, model: str, prefix: str) -> Iterator[tuple[str, ...]]:
    required = section.get("required", ())
    for name, field in section["properties"].items():
        path = f"{prefix}{name}"
        inner, suffix = _inside(field)
        if inner and inner not in _LEAVES:
            yield from _fields(whole, whole["$defs"][inner], inner, f"{path}{suffix}.")
            continue
        default = "**required**" if name in required else _default(field.get("default"))
        yield f"`{path}`", _value(field), default, _meaning(model, name)


def _inside(field: Schema) -> tuple[str, str]:
    """Return the model a field holds, and how a path goes on into it."""
    if "$ref" in field:
        return field["$ref"].rpartition("/")[2], ""
    for key, suffix in (("items", "[]"), ("additionalProperties", ".<name>")):
        if isinstance(field.get(key), dict) and "$ref" in field[key]:
            return _inside(field[key])[0], suffix
    return next((found for each in field.get("anyOf", ()) if (found := _inside(each)[0])), ""), ""


def _value(field: Schema) -> str:
    if "$ref" in field:
        return _LEAVES[_inside(field)[0]]
    if "anyOf" in field:
        return _value(next(each for each in field["anyOf"] if each.get("type") != "null"))
    if "enum" in field:
        return " \\| ".join(f"`{each}`" for each in field["enum"])
    if field["type"] == "array":
        return "list"
    return {"string": "text", "boolean": "yes or no"}.get(field["type"], "number") if "format" not in field else field["format"]


def _default(value: object) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "`true`" if value else "`false`"
        case []:
            return "none"
        case dict():
            return "`{" + ", ".join(f"{k}: {v:g}" for k, v in value.items()) + "}`"
        case float():
            return f"`{value:g}`"
        case _:
            return f"`{value}`"


def _meaning(model: str, name: str) -> str:
    said = _MEANINGS.get(f"{model}.{name}") or _docstring(f"consumers.app.config.{model}", name)
    if not said and model in _COUNTERPARTS:
        said = _docstring(_COUNTERPARTS[model], name)
    assert said, f"nothing says what {model}.{name} means: add it to its class or to _MEANINGS"
    return " ".join(said.split()).rstrip(".").replace("|", "\\|")


def _docstring(where: str, name: str) -> str:
    module, _, owner = where.rpartition(".")
    found = griffe.load(module)[owner]
    if name in found.members and (own := found.members[name].docstring):
        return own.value
    sections = found.docstring.parse("google") if found.docstring else []
    listed = (each for part in sections if part.kind.value == "attributes" for each in part.value)
    return next((each.description for each in listed if each.name == name), "")


def commands() -> str:
    """Return one row for each command."""
    root = typer.main.get_command(app)
    return _table(("command", "what it does", "options"), _commands(root, click.Context(root, info_name="pointsman")))


def _commands(command: Any, context: Any) -> Iterator[tuple[str, ...]]:
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from _commands(inner, type(context)(inner, info_name=name, parent=context))
        return
    words = [p.make_metavar(context) for p in command.params if p.param_type_name == "argument"]
    options = [_option(p) for p in command.params if p.param_type_name == "option" and p.name != "config"]
    does = (command.help or "").partition("\n\n")[0].replace("\n", " ")
    yield f"`{' '.join([context.command_path, *words])}`", does, ", ".join(options) or "–"


def _option(parameter: Any) -> str:
    names = [max(some, key=len) for some in (parameter.opts, parameter.secondary_opts) if some]
    return "`" + "/".join(names) + "`"


def metrics() -> str:
    """Return one row for each metric."""
    rows = (
        (f"`pointsman_{row.name}`", type(row).__name__.lower(), ", ".join(row.labels) or "–",
         row.help.rstrip(".") + (" (seconds)" if isinstance(row, Histogram) else ""))
        for row in TABLE
    )
    return _table(("metric", "kind", "labels", "what it says"), rows)


def statuses() -> str:
    """Return one row for each status an outcome may have."""
    rows = ((f"`{s}`", " ".join(_docstring("schemas.outcome.Status", s.name).split()) or "The goal was reached.")
            for s in Status if s.terminal)
    return _table(("status", "meaning"), rows)


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = (head, tuple("---" for _ in head), *rows)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "statuses": statuses,
    "configuration": configuration,
    "commands": commands,
    "metrics": metrics,
}
"""Every generated table by the name between its markers."""


def markers(name: str) -> tuple[str, str]:
    """Return the lines between which a table stands."""
    return f"<!-- generated: {name} -->\n", f"\n<!-- end: {name} -->"


def renewed(text: str) -> str:
    """Return the README with every table as the code says now.

    Raises:
        ValueError: a marker is missing.
    """
    for name, make in TABLES.items():
        begin, end = markers(name)
        first, last = text.index(begin) + len(begin), text.index(end)
        text = text[:first] + make() + text[last:]
    return text


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m tests.repository.readme_reference --write")
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
