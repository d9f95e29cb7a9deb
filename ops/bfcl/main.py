"""Puts the function descriptions of the Berkeley Function Calling Leaderboard through our registration of actions.

Every function of its Python categories is declared as an action (`Connector.declare`). Every call that the leaderboard holds
to be right, with each value it allows, must validate, as it stands and as a strict endpoint sends it. Each call that is wrong
in one place must be refused with a message, as the model would get it, that names the field. No model is asked. Where we
refuse a right call, a second opinion that shares no code with ours says whether call and description agree; if they do, the
fault is ours and the command fails.

Examples:
    python ops/bfcl/main.py --data .cache/bfcl/bfcl_eval/data
    python ops/bfcl/main.py --data .cache/bfcl/bfcl_eval/data --category live_simple
    python ops/bfcl/main.py --data .cache/bfcl/bfcl_eval/data --keep     # also write ops/bfcl/results/bfcl.json
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from data import WITH_ANSWERS, WITHOUT_ANSWERS, Case, normalised, read, sent_strictly, true_calls
from disagreement import disagreements
from mutants import Mutant, mutants
from pydantic import ValidationError
from report import show, write
from rich.console import Console
from rich.progress import track

from connectors.action import Action, Call
from connectors.connector import Connector
from connectors.perform import argument_values
from connectors.plain_schema import JsonSchemaError
from connectors.signature import DefinitionError
from connectors.testing import check_tools
from consumers.router.decision import explain
from schemas.canonical import canonical_json

RESULTS: Final = Path(__file__).parent / "results" / "bfcl.json"


@dataclass
class Category:
    """What came of one category.

    Attributes:
        refused: functions by the reason they were refused for.
        calls: right calls whose function was accepted; `validated` of them were.
        data_wrong: those of the others that leave their own description.
        ours: those that do not: faults of ours.
        without_function: right answers whose function was refused.
        named: mutants that were refused with a message that names the field.
    """

    name: str
    functions: int = 0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    calls: int = 0
    validated: int = 0
    data_wrong: int = 0
    without_function: int = 0
    mutants: Counter[str] = field(default_factory=Counter[str])
    accepted_mutants: int = 0
    named: int = 0
    ours: list[str] = field(default_factory=list[str])


@dataclass
class Findings:
    """What is wrong with the data, each once, and with us.

    Attributes:
        refused: for each refused function, why.
        wrong_calls: for each right call that its own description refuses, why.
        survivors: mutants that were accepted or whose message does not name the field.
    """

    refused: dict[str, str] = field(default_factory=dict[str, str])
    wrong_calls: dict[str, str] = field(default_factory=dict[str, str])
    survivors: list[str] = field(default_factory=list[str])


class Registry:
    """Declares each distinct function once."""

    def __init__(self) -> None:
        self.connector = Connector("bfcl", "Functions of the leaderboard.")
        self._known: dict[bytes, Action | JsonSchemaError] = {}

    def declared(self, function: Mapping[str, Any]) -> Action | JsonSchemaError:
        key = canonical_json(dict(function))
        if key not in self._known:
            self._known[key] = self._declare(f"f{len(self._known)}", function)
        return self._known[key]

    def __len__(self) -> int:
        return len(self._known)

    def _declare(self, verb: str, function: Mapping[str, Any]) -> Action | JsonSchemaError:
        try:
            self.connector.declare(
                verb,
                function["description"],
                arguments=normalised(function["parameters"]),
                perform=_never,
                where=function["name"],
                effect="read",
            )
        except DefinitionError as error:
            if isinstance(error.__cause__, JsonSchemaError):
                return error.__cause__
            raise
        return self.connector.actions[f"bfcl.{verb}"]


async def _never(_call: Call[None], _arguments: dict[str, Any]) -> None:
    raise AssertionError("nothing is called here")


_WIDTH: Final = 150
"""Of the table: a narrower one would lose figures."""


def main() -> None:
    options = _options()
    registry, findings = Registry(), Findings()
    categories: list[Category] = []
    console = Console(stderr=True, highlight=False)
    for name in options.category or (*WITH_ANSWERS, *WITHOUT_ANSWERS):
        category = Category(name)
        for case in track(read(options.data, name), description=name, console=console, transient=True):
            _look(case, category, registry, findings)
        categories.append(category)
    check_tools(registry.connector)
    screen = Console(highlight=False)
    screen.width = max(screen.width, _WIDTH)
    show(screen, categories, findings, len(registry))
    if options.keep:
        write(RESULTS, categories, findings, len(registry))
    if findings.survivors or any(category.ours for category in categories):
        sys.exit("ops/bfcl/main.py: a right call was refused, or a wrong one was not")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder data/ of bfcl-eval")
    parser.add_argument(
        "--category", action="append", choices=(*WITH_ANSWERS, *WITHOUT_ANSWERS), help="only this one"
    )
    parser.add_argument("--keep", action="store_true", help="write ops/bfcl/results/bfcl.json")
    return parser.parse_args()


def _look(case: Case, category: Category, registry: Registry, findings: Findings) -> None:
    actions: dict[str, Action] = {}
    for name, function in case.functions.items():
        category.functions += 1
        declared = registry.declared(function)
        if isinstance(declared, JsonSchemaError):
            category.refused[declared.reason] += 1
            findings.refused.setdefault(f"{name}: {declared}", case.id)
        else:
            category.accepted += 1
            actions[name] = declared
    for name, allowed in case.answers:
        if name not in actions:
            category.without_function += 1
            continue
        schema = normalised(case.functions[name]["parameters"])
        calls = list(true_calls(allowed))
        right = [
            call for call in calls if _is_right(case, name, actions[name], schema, call, category, findings)
        ]
        if right:
            _try_mutants(case, actions[name], schema, right[0], category, findings)


def _is_right(
    case: Case,
    name: str,
    action: Action,
    schema: Mapping[str, Any],
    call: dict[str, Any],
    category: Category,
    findings: Findings,
) -> bool:
    category.calls += 1
    try:
        validated = action.arguments.model_validate(call)
        strict = sent_strictly(action.tool["function"]["parameters"], call)
        if argument_values(action.arguments.model_validate(strict)) != argument_values(validated):
            category.ours.append(f"{case.id} {name}: means something else when it is sent strictly")
            return False
    except ValidationError as error:
        why = "; ".join(disagreements(schema, call))
        if why:
            category.data_wrong += 1
            findings.wrong_calls.setdefault(f"{case.id} {name}: {why}", explain(error))
        else:
            category.ours.append(f"{case.id} {name}: {explain(error)}")
        return False
    category.validated += 1
    return True


def _try_mutants(
    case: Case,
    action: Action,
    schema: Mapping[str, Any],
    call: dict[str, Any],
    category: Category,
    findings: Findings,
) -> None:
    for mutant in mutants(schema, call):
        category.mutants[mutant.kind] += 1
        try:
            action.arguments.model_validate(mutant.call)
        except ValidationError as error:
            said = explain(error)
            if _names(said, mutant):
                category.named += 1
            else:
                findings.survivors.append(f"{case.id} {mutant.kind} {mutant.path}: says {said}")
        else:
            category.accepted_mutants += 1
            findings.survivors.append(f"{case.id} {mutant.kind} {mutant.path}: accepted")


def _names(said: str, mutant: Mutant) -> bool:
    """Whether a message has the path of the wrong field, member by member."""
    path = r"\.(?:[^;:]*\.)?".join(re.escape(str(part)) for part in mutant.path)
    return re.search(rf"(?:^|; ){path}[.:]", said) is not None


if __name__ == "__main__":
    main()
