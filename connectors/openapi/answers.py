"""What an operation answers when it has done what was asked: documented types, and the body that is read. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from connectors.errors import UnusableResultError
from connectors.http import HttpAnswer
from connectors.http_answer import read_answer
from connectors.openapi.bodies import is_json, is_text
from connectors.openapi.references import JsonObject, object_or_nothing

_SUCCESS: Final = re.compile(r"2(?:\d\d|XX)", re.IGNORECASE)
_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+*-]{1,80}/[a-z0-9!#$&^_.+*-]{1,80}")
_MOST_TYPES: Final = 8
_DEFAULT: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Answers:
    """The successes of an operation.

    Attributes:
        accept: what the request says it accepts.
        texts: documented types that are texts: such an answer is a success, and no page of a proxy in front of it.
        schema: JSON Schema of the first success that is JSON, or None.
    """

    accept: str = _DEFAULT
    texts: frozenset[str] = frozenset()
    schema: Any = None


def read_answers(document: JsonObject, responses: Any) -> Answers:
    """Return what is documented of the successes; nothing that is wrong with them makes an operation unusable."""
    schema: Any = None
    kinds: dict[str, None] = {}
    for status, said in object_or_nothing(document, responses).items():
        if not _SUCCESS.fullmatch(status):
            continue
        content = object_or_nothing(document, object_or_nothing(document, said).get("content"))
        for key, media in content.items():
            kind = key.partition(";")[0].strip().lower()
            if is_json(kind) and schema is None:
                schema = object_or_nothing(document, media).get("schema")
            if _TYPE.fullmatch(kind) and (is_json(kind) or is_text(kind)):
                kinds.setdefault(kind)
    texts = frozenset(kind for kind in kinds if not is_json(kind))
    accept = ", ".join(dict.fromkeys((*(k for k in kinds if is_json(k)), _DEFAULT, *sorted(texts))))
    most = accept.split(", ")[:_MOST_TYPES]
    return Answers(", ".join(most), texts, schema)


def read_result(answers: Answers, answer: HttpAnswer, *, changes: bool) -> Any:
    """Return what an answer says: JSON, or a text where the document says that one may come; None where it is empty.

    Args:
        answers: what is documented.
        answer: what came.
        changes: whether the request was to change something.

    Raises:
        ActionError: as `connectors.http_answer.read_answer` has it; UnusableResultError also where a documented text is no
            UTF-8.
    """
    kind = _kind(answer.headers)
    is_success = HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
    if not (is_success and answer.body and kind in answers.texts):
        return read_answer(answer.status, answer.headers, answer.body, changes=changes)
    try:
        return answer.body.decode()
    except UnicodeDecodeError:
        raise UnusableResultError(
            f"HTTP {answer.status} with a text that is no UTF-8", executed=changes
        ) from None


def _kind(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()
