"""What can be said to the demo."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consumers.errors import ConfigurationError

OFFLINE: Final = "pointsman-offline"
"""Name of the model that answers from a script."""
_OPENAI: Final = "https://api.openai.com/v1"
_HOSTED: Final = "gpt-4.1-mini"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How to play the demo.

    Attributes:
        keep: leave everything up afterwards, until Ctrl-C, and print the addresses; the data stays.
        model: name of the model; None is the offline one, or a hosted one where a key is set.
        live: redraw on a terminal and pause between the scenes, for people; else print line by line, at full speed.
        json: print nothing but one JSON document at the end.
        data_dir: where the servers keep their data; None is a temporary folder.
    """

    keep: bool = False
    model: str | None = None
    live: bool = True
    json: bool = False
    data_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class HostedModel:
    """A real model to play on; its key stays in the environment."""

    name: str
    base_url: str


def hosted_model(options: DemoOptions, environment: Mapping[str, str] = os.environ) -> HostedModel | None:
    """Return the real model to play on, or None for the offline one.

    A real one is taken where OPENAI_API_KEY is set, unless the options name the offline one.

    Raises:
        ConfigurationError: a real model is named and there is no key.
    """
    if options.model == OFFLINE:
        return None
    if not environment.get("OPENAI_API_KEY"):
        if options.model is None:
            return None
        raise ConfigurationError(f"to play on {options.model}, set OPENAI_API_KEY (and OPENAI_BASE_URL)")
    return HostedModel(options.model or _HOSTED, environment.get("OPENAI_BASE_URL") or _OPENAI)
