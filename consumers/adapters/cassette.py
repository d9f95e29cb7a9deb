"""A cassette: recorded exchanges with a model, as a JSON file that stays stable in git. Pure, but for reading and writing it."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, cast

import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError

from consumers.errors import ConfigurationError, HaltError
from consumers.router.exchange import Prompt, Reply
from consumers.session.stored import problem_of
from schemas.canonical import canonical_json, digest
from schemas.leaves import MISSING, Gap, gaps

VERSION: Final = 1
_HIDDEN: Final = "***"
_AROUND: Final = 40
"""Characters of a text that are shown on either side of where it differs."""
_SECRETS: Final = (
    re.compile(r"(?<=://)[^/\s@]+(?=@)"),
    re.compile(r"(?i)(?<=\bbearer )[\w.~+/=-]+|(?<=\bbasic )[A-Za-z0-9+/]{8,}={0,2}"),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    re.compile(r"\b(?:sk|pk|rk|ghp|gho|ghs|xox[abps]|glpat|hvs)[-_.][\w-]{16,}"),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
)
"""What looks like a credential, whoever put it into an event or a result: URLs, headers, tokens of well-known shapes, keys."""


_NOTHING: Final = Reply("", "", (), "", 0, 0, 0.0)


class UnrecordedRequestError(HaltError):
    """A cassette has no answer to a request; the message names the nearest one and where it differs first."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the answer to it, without secrets.

    Attributes:
        messages: what was said.
        tools: digest of the tools on offer, which stand beside the exchanges, each list once.
        max_output_tokens: of the request.
        reply: the answer.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    messages: list[dict[str, Any]]
    tools: str
    max_output_tokens: int
    reply: Reply


@dataclass(slots=True)
class Cassette:
    """Exchanges by canonical request: messages, tools and limits; not the run, nor whose event it is about.

    Attributes:
        exchanges: by digest of the request.
        tools: lists of tools by digest.
    """

    exchanges: dict[str, Exchange] = field(default_factory=dict[str, Exchange])
    tools: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])

    @classmethod
    def read(cls, path: Path) -> "Cassette":
        """Read a file.

        Raises:
            ConfigurationError: it is not there, or is no cassette.
        """
        try:
            stored = _STORED.validate_json(path.read_bytes())
        except OSError as error:
            raise ConfigurationError(
                f"cassette {path}: cannot be read: {error.strerror}; record it first"
            ) from None
        except ValidationError as error:
            raise ConfigurationError(f"cassette {path}: {problem_of(error)}") from None
        if stored.version != VERSION:
            raise ConfigurationError(
                f"cassette {path}: its form has the number {stored.version}, not {VERSION}"
            )
        found = cls(tools=dict(stored.tools))
        found.exchanges = {found.key(each): each for each in stored.exchanges}
        return found

    def write(self, path: Path) -> None:
        """Write the file anew, in an order that depends on nothing but what it says."""
        used = {each.tools for each in self.exchanges.values()}
        body = {
            "version": VERSION,
            "tools": {name: tools for name, tools in self.tools.items() if name in used},
            "exchanges": sorted(map(asdict, self.exchanges.values()), key=canonical_json),
        }
        options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        path.write_bytes(orjson.dumps(body, option=options))

    def key(self, exchange: Exchange) -> str:
        """Return what an exchange is found by."""
        return digest([exchange.messages, exchange.tools, exchange.max_output_tokens])

    def asked(self, prompt: Prompt, reply: Reply = _NOTHING) -> Exchange:
        """Return a request as it is kept, with the answer to it; its tools are kept as well."""
        tools = without_secrets(list(prompt.tools))
        named = digest(tools)
        self.tools[named] = tools
        said = _REPLY.validate_python(without_secrets(asdict(reply)))
        return Exchange(without_secrets(list(prompt.messages)), named, prompt.max_output_tokens, said)

    def answer(self, prompt: Prompt) -> Reply:
        """Return the recorded answer.

        Raises:
            UnrecordedRequestError: there is none to just this request.
        """
        request = self.asked(prompt)
        found = self.exchanges.get(self.key(request))
        if found is None:
            raise UnrecordedRequestError(self._nearest(request))
        return found.reply

    def _nearest(self, request: Exchange) -> str:
        begin = "the cassette has no answer to this request"
        if not self.exchanges:
            return f"{begin}: it is empty"
        ours = self._whole(request)
        differing = [(gaps(self._whole(each), ours), each) for each in self.exchanges.values()]
        found, _ = min(differing, key=lambda pair: sum(map(_distance, pair[0])))
        first = found[0]
        was, now = _around(first.one, first.other)
        places = "place" if len(found) == 1 else "places"
        return (
            f"{begin}; the nearest of {len(self.exchanges)} differs in {len(found)} {places}, first at {first.path}: "
            f"recorded {was}, asked {now}. If that is meant, record it again"
        )

    def _whole(self, exchange: Exchange) -> dict[str, Any]:
        return {
            "messages": exchange.messages,
            "tools": self.tools.get(exchange.tools, []),
            "max_output_tokens": exchange.max_output_tokens,
        }


@dataclass(frozen=True, slots=True)
class _Stored:
    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    version: int
    tools: dict[str, list[Any]]
    exchanges: list[Exchange]


_STORED: Final = TypeAdapter(_Stored)
_REPLY: Final = TypeAdapter(Reply)


def without_secrets(value: Any) -> Any:
    """Return a JSON-like value without what looks like a credential."""
    if isinstance(value, str):
        for pattern in _SECRETS:
            value = pattern.sub(_HIDDEN, value)
        return value
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value).items()
        return {name: without_secrets(member) for name, member in members}
    if isinstance(value, list | tuple):
        return [without_secrets(member) for member in cast("list[Any]", value)]
    return value


def _distance(gap: Gap) -> float:
    """Return how far two values are apart: 1, and of texts less where they begin or end alike."""
    one, other = gap.one, gap.other
    if not (isinstance(one, str) and isinstance(other, str)):
        return 1.0
    alike = _alike(one, other) + _alike(one[::-1], other[::-1])
    return 1.0 - min(alike, len(one), len(other)) / (1 + max(len(one), len(other)))


def _alike(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _around(one: Any, other: Any) -> tuple[str, str]:
    """Return two values in short; of two texts, what stands around the first character that differs."""
    if not (isinstance(one, str) and isinstance(other, str)):
        return _short(one), _short(other)
    at = _alike(one, other)
    begin = max(0, at - _AROUND)
    return _short(one[begin : at + _AROUND]), _short(other[begin : at + _AROUND])


def _short(value: Any) -> str:
    if value is MISSING:
        return "nothing"
    text = canonical_json(value).decode()
    return text if len(text) <= 4 * _AROUND else f"{text[: 4 * _AROUND]}…"
