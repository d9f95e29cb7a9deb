"""The plan of a route: its expressions compiled and type-checked, its actions found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from connectors.action import Action
from connectors.lint import close_match, required_parameters
from consumers.app.config_file import ConfigFile, Location, Mistake
from consumers.app.plan_settings import PlannedCallSettings, PlanStepSettings
from consumers.policy.expressions import Expression, ExpressionError, compiled
from consumers.policy.type_check import Known, expression_mistakes
from consumers.router.plan import VARIABLES, Plan, PlannedCall, PlannedStep, Value


def resolve_plan(
    file: ConfigFile, route: int, actions: Mapping[str, Action], known: Known | None
) -> tuple[Plan | None, list[Mistake]]:
    """Return what a route does without the model, and what is wrong with it.

    Args:
        file: the configuration.
        route: index of the route.
        actions: those on its list.
        known: what types are checked against; None leaves them unchecked.
    """
    settings = file.config.routes[route]
    if not settings.context and settings.plan is None:
        return None, []
    reader = _Reader(file, ("routes", route), actions, known)
    steps: list[PlannedStep] = []
    if settings.context:
        calls = (reader.call(call, "context", number) for number, call in enumerate(settings.context))
        steps.append(PlannedStep(calls=tuple(filter(None, calls)), optional=True))
        reader.only_reads(settings.context)
    planned = settings.plan.steps if settings.plan else ()
    steps += [reader.step(step, number) for number, step in enumerate(planned)]
    source = settings.model_dump(mode="json", include={"context", "plan"})
    return Plan(steps, settings.plan.otherwise if settings.plan else "model", source), reader.mistakes


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the settings of one route and notes what is wrong."""

    file: ConfigFile
    route: Location
    actions: Mapping[str, Action]
    known: Known | None
    mistakes: list[Mistake] = field(default_factory=list[Mistake])

    def step(self, settings: PlanStepSettings, number: int) -> PlannedStep:
        at = ("plan", "steps", number)
        if number == 0 and settings.after_failure:
            self._complain(
                (*at, "after_failure"), "there is no step before this one", "begin with another step"
            )
        calls = (self.call(call, *at, "do", place) for place, call in enumerate(settings.do))
        return PlannedStep(
            when=self._condition(settings.when, *at, "when"),
            calls=tuple(filter(None, calls)),
            finish=settings.finish,
            summary=self._value(settings.summary, *at, "summary"),
            after_failure=settings.after_failure,
        )

    def call(self, settings: PlannedCallSettings, *at: str | int) -> PlannedCall | None:
        action = self.actions.get(settings.action)
        if action is None:
            message = f"{settings.action} is not on the route's list"
            self._complain((*at, "action"), message, close_match(settings.action, self.actions).strip())
            return None
        for problem, hint in _arguments(action, settings.arguments):
            self._complain((*at, "arguments"), problem, hint)
        arguments = {
            name: self._value(value, *at, "arguments", name) for name, value in settings.arguments.items()
        }
        return PlannedCall(settings.action, arguments)

    def only_reads(self, calls: Sequence[PlannedCallSettings]) -> None:
        for number, call in enumerate(calls):
            action = self.actions.get(call.action)
            if action and action.effect != "read":
                self._complain(
                    ("context", number, "action"),
                    f"{call.action} is a write",
                    "what is to be done belongs into `plan`",
                )

    def _condition(self, source: str | None, *at: str | int) -> Expression | None:
        return None if source is None else self._expression(source, at, condition=True)

    def _value(self, value: Any, *at: str | int) -> Value:
        if isinstance(value, str) and value.startswith("="):
            return (
                value[1:]
                if value.startswith("==")
                else self._expression(value[1:].strip(), at, condition=False)
            )
        if isinstance(value, Mapping):
            items = cast("Mapping[str, Any]", value).items()
            return {name: self._value(item, *at, name) for name, item in items}
        if isinstance(value, list):
            return [self._value(item, *at, place) for place, item in enumerate(cast("list[Any]", value))]
        return value

    def _expression(self, source: str, at: Location, *, condition: bool) -> Expression | None:
        try:
            found = compiled(source, VARIABLES)
        except ExpressionError as error:
            self._complain(at, str(error), "https://cel.dev explains the language")
            return None
        if self.known:
            for wrong in expression_mistakes(source, self.known, condition=condition):
                self._complain(at, wrong, "the step could not be taken")
        return found

    def _complain(self, at: Location, problem: str, hint: str) -> None:
        place = (*self.route, *at)
        self.mistakes.append(
            Mistake(self.file.where(*place), f"{'.'.join(map(str, place))}: {problem}", hint)
        )


def _arguments(action: Action, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    known = action.arguments.model_fields
    for name in given:
        if name not in known:
            yield (
                f"{action.name} has no argument {name}",
                close_match(name, known).strip() or f"it takes {', '.join(known)}",
            )
    for name in required_parameters(action):
        if name not in given:
            yield f"{action.name} needs {name}", "give it a constant or an expression"
