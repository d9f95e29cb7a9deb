"""What is said to a model and what it says back, in the words of the chat completions API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Message = Mapping[str, Any]
"""A chat message as the OpenAI API has it."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question to the model: what to show it, and which tools it may call."""

    messages: Sequence[Message]
    tools: Sequence[Mapping[str, Any]]
    max_output_tokens: int
    run_id: str = ""
    """The run that asks."""
    tenant: str = ""
    """Whose event it is about."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call as the model wrote it; nothing about it is checked yet."""

    id: str
    name: str
    arguments: str
    problem: str | None = None
    """Why the arguments cannot be read as they were meant, or None."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model answered."""

    model: str
    text: str
    calls: tuple[ToolCall, ...]
    finish_reason: str
    """`stop`, `tool_calls`, `length`, `content_filter` or whatever the endpoint says."""
    input_tokens: int
    output_tokens: int
    cost_usd: float
    """From the price table of the configuration."""
    deployment: str = ""
    """Which of the configured deployments answered; empty where there is nothing to choose from."""
