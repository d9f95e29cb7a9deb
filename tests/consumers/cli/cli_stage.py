"""A configuration to run commands with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from typer.testing import CliRunner, Result

from consumers.cli.main import app

CONFIG = """\
kafka:
  bootstrap: {bootstrap}
  steps_topic: {name}.steps
  approvals_topic: {name}.approvals
  dead_letters_topic: {name}.dead-letters
  parked_topic: {name}.parked
  redrive_topic: {name}.redrive
  differences_topic: {name}.differences
redis:
  url: {redis}
model:
  base_url: http://127.0.0.1:1/v1
  name: pointsman-offline
connectors:
  erp:
    use: sandbox-erp
    base_url: http://127.0.0.1:1
    token: {{env: TEST_SANDBOX_TOKEN}}
routes:
  - topic: {name}.orders
    event: order.requested
    goal: Fulfil the order.
    show_personal: [note]
    actions: [erp.check_stock, erp.create_order]
    rules:
      - name: large-order
        when: arguments.quantity >= 50
        then: hold
        actions: [erp.create_order]
    output: {name}.outcomes
  - topic: {name}.orders
    event: order.praised
    goal: Say thank you.
    actions: [erp.check_stock]
    output: {name}.outcomes
approvals:
  unsigned: accept
"""


@dataclass(frozen=True)
class Stage:
    """A configuration file and a way to run commands with it."""

    name: str
    config: Path
    bootstrap: str
    redis: str

    def run(self, *words: str, stdin: str | None = None, exit_code: int = 0) -> Result:
        """Run a command with our configuration; fails where it ends with another exit code."""
        result = CliRunner().invoke(app, [*words, "-c", str(self.config)], input=stdin)
        assert result.exit_code == exit_code, f"{result.output}\n{result.exception!r}"
        return result

    def json(self, *words: str, stdin: str | None = None, exit_code: int = 0) -> Any:
        """Run a command with --json and return what it printed."""
        return orjson.loads(self.run(*words, "--json", stdin=stdin, exit_code=exit_code).stdout)

    def lines(self, *words: str) -> list[Any]:
        """Run a command with --json that prints a document on each line."""
        return [orjson.loads(line) for line in self.run(*words, "--json").stdout.splitlines()]
