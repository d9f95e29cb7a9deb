"""Reading a script from YAML, with every mistake at once, each with file, line and rule."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from consumers.errors import ConfigurationError
from consumers.offline.expression import Expression, MistakeError, compile_expression, compile_value, names_in
from consumers.offline.marked_yaml import Location, MarkedYaml, NotYamlError, read_yaml
from consumers.offline.reply import FINISH, MODEL
from consumers.offline.script import Planned, Rule, Script

DEMO: Final = Path(__file__).parent / "scripts" / "demo.yaml"
"""The script of the demo; also the example to start from."""

_STATUSES: Final = ("completed", "refused", "failed")

Name = Annotated[str, StringConstraints(min_length=1, max_length=120)]


class ScriptError(ConfigurationError):
    """A script is wrong; the message has one line for each mistake."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Call(_Strict):
    action: Annotated[str, StringConstraints(pattern=r"^\w+(\.\w+)*$")]
    arguments: dict[str, Any] = Field(default_factory=dict)


class _Finish(_Strict):
    status: str
    summary: str


class _Rule(_Strict):
    name: Name
    event: str | None = None
    when: str | None = None
    call: list[_Call] = Field(default_factory=list["_Call"])
    finish: _Finish | None = None
    say: str | None = None

    @model_validator(mode="after")
    def _answers_in_one_way(self) -> "_Rule":
        if self.call and self.finish:
            raise ValueError("a rule calls or finishes, not both")
        if not (self.call or self.finish or self.say):
            raise ValueError("a rule needs one of call, finish and say")
        return self


class _Document(_Strict):
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    about: str = ""
    rules: list[_Rule] = Field(min_length=1)


def load(path: Path) -> Script:
    """Read and check a script.

    Raises:
        ScriptError: the file is missing or wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path}: cannot be read: {error}") from error
    return parse(text, where=str(path))


def parse(text: str, *, where: str) -> Script:
    """Check a script and compile its expressions.

    Args:
        text: the YAML.
        where: name of the file, for messages.

    Raises:
        ScriptError: something is wrong.
    """
    try:
        source = read_yaml(text)
    except NotYamlError as error:
        raise ScriptError(f"{where}:{error.line}: {error}") from error
    try:
        document = _Document.model_validate(source.data)
    except ValidationError as error:
        mistakes = [MistakeError(e["loc"], e["msg"].removeprefix("Value error, ")) for e in error.errors()]
        raise ScriptError(_report(mistakes, source, where)) from error
    mistakes = list(_repeated_names(document))
    rules = list(_compiled(document, mistakes))
    if mistakes:
        raise ScriptError(_report(mistakes, source, where))
    used = names_in([value for rule in rules for value in _values(rule)])
    fingerprint = f"{MODEL}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    return Script(document.name, tuple(rules), used, fingerprint)


def _compiled(document: _Document, mistakes: list[MistakeError]) -> Iterator[Rule]:
    """Yield the rules that compile, and add to the mistakes what the others have."""
    for index, rule in enumerate(document.rules):
        try:
            yield _rule(rule, ("rules", index))
        except MistakeError as mistake:
            mistakes.append(mistake)


def _rule(rule: _Rule, at: Location) -> Rule:
    calls = [_planned(call, (*at, "call", index)) for index, call in enumerate(rule.call)]
    if rule.finish:
        calls.append(_ending(rule.finish, (*at, "finish")))
    return Rule(
        name=rule.name,
        event=rule.event,
        when=compile_expression(rule.when, (*at, "when")) if rule.when else None,
        calls=tuple(calls),
        say=compile_value(rule.say, (*at, "say")),
    )


def _planned(call: _Call, at: Location) -> Planned:
    if call.action == FINISH:
        raise MistakeError((*at, "action"), "write `finish:` instead of a call")
    return Planned(call.action, compile_value(call.arguments, (*at, "arguments")))


def _ending(finish: _Finish, at: Location) -> Planned:
    status = compile_value(finish.status, (*at, "status"))
    if not isinstance(status, Expression) and status not in _STATUSES:
        raise MistakeError((*at, "status"), f"is one of {', '.join(_STATUSES)}, not {status}")
    return Planned(FINISH, {"status": status, "summary": compile_value(finish.summary, (*at, "summary"))})


def _values(rule: Rule) -> Iterator[Any]:
    yield from (rule.when, rule.say)
    yield from (call.arguments for call in rule.calls)


def _repeated_names(document: _Document) -> Iterator[MistakeError]:
    seen: set[str] = set()
    for index, rule in enumerate(document.rules):
        if rule.name in seen:
            yield MistakeError(("rules", index, "name"), "an earlier rule has this name")
        seen.add(rule.name)


def _report(mistakes: Iterable[MistakeError], source: MarkedYaml, where: str) -> str:
    lines = sorted((source.line_of(mistake.at), _describe(mistake, source.data)) for mistake in mistakes)
    return "\n".join(f"{where}:{line}: {text}" for line, text in lines)


def _describe(mistake: MistakeError, data: Any) -> str:
    match mistake.at:
        case ("rules", int(index), *rest):
            rule = data["rules"][index]
            name = rule.get("name") if isinstance(rule, dict) else None
            known = isinstance(name, str)  # YAML takes a bare yes, no, on, off for a boolean
            parts = [f"rule {name!r}" if known else f"rule {index + 1}", *map(str, rest)]
        case at:
            parts = [str(part) for part in at]
    return f"{' '.join(parts) or 'script'}: {mistake}"
