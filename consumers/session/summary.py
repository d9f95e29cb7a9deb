"""A session in words, within a budget: for the model, and for people who look over its shoulder. Pure.

Whatever came from outside is quoted as JSON, so that it cannot look like a line of ours, and holds no `<` and no `>`,
so that it cannot close the mark around it. Values are whole or not there: none is cut.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from consumers.session.bounds import short
from consumers.session.past import Learnt, PastAction, PastRun
from schemas.canonical import canonical_json

BYTES_PER_TOKEN: Final = 2
"""How tokens are estimated, because tokenizers differ and none is at hand: prose has about four bytes a token, JSON
with figures and ids two to three. What is kept to the byte is `tokens * BYTES_PER_TOKEN`."""
HEADING: Final = "Before this event, in this session, the newest first (look up again what may have changed):"
VALUE_BYTES: Final = 600
"""A longer value is shown by its size."""

_KNOWN: Final = "Known from it:"
_ID_CHARS: Final = 80
_LINE_CHARS: Final = 200
_PLAIN: Final = re.compile(r"[\w.:/@+-]{1,80}", re.ASCII)
_BREAKS: Final = re.compile("[<>\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_WAITING: Final = {"held": "waits for a person", "in_doubt": "in doubt, a person is asked"}


def summarize(
    runs: Sequence[PastRun],
    results: Mapping[str, Learnt],
    payloads: Mapping[str, Learnt],
    earlier: int,
    tokens: int,
) -> str:
    """Return the summary; empty where there is nothing to tell, or no room for the least of it.

    Args:
        runs: oldest first; those that wait come first in the summary, then the newest.
        results: by action, oldest first.
        payloads: by type of event, oldest first.
        earlier: runs that are not among them.
        tokens: the budget.
    """
    if not runs and not earlier:
        return ""
    newest = runs[::-1]
    ordered = [*(run for run in newest if run.waits), *(run for run in newest if not run.waits)]
    # What a write returned is told with its run.
    told = {(run.run_id, each.action) for run in runs for each in run.actions if each.effect == "write"}
    apart = [(name, learnt) for name, learnt in results.items() if (learnt.run_id, name) not in told]
    known = [_known(name, learnt) for name, learnt in reversed([*payloads.items(), *apart])]
    return _Page([_Told(run) for run in ordered], known, earlier, tokens * BYTES_PER_TOKEN).filled()


class _Told:
    """One run in three forms: in a line, with its actions, and with what they returned as well."""

    def __init__(self, run: PastRun) -> None:
        self._run = run
        self._forms: dict[int, str] = {}

    def form(self, number: int) -> str:
        """Return the first, second or third form; each is made when it is first asked for."""
        text = self._forms.get(number)
        if text is None:
            text = self._forms[number] = self._first() if number == 1 else self._whole(number)
        return text

    def _first(self) -> str:
        return _line(self._run, _LINE_CHARS)

    def _whole(self, number: int) -> str:
        run = self._run
        actions = (_action(each, with_result=number > 2) for each in run.actions)  # noqa: PLR2004 - the third
        return "\n".join([_line(run, len(run.summary)), *_about(run), *actions])


class _Page:
    """What is shown of each run and of each thing known, grown while it fits."""

    def __init__(self, runs: Sequence[_Told], known: Sequence[str], earlier: int, room: int) -> None:
        self._runs = runs
        self._known = known
        self._earlier = earlier
        self._room = room
        self._shown = [0] * len(runs)
        self._known_shown = [False] * len(known)
        self._used = len(HEADING)

    def filled(self) -> str:
        """Fill it: the first run in detail within half of the room, a line for each other one, what is known, details."""
        if not self._fits(0, self._room):
            return ""
        for at in range(len(self._runs)):
            if at == 0 and (self._grow(0, 3, self._room // 2) or self._grow(0, 2, self._room // 2)):
                continue
            self._grow(at, 1, self._room)
        for at, text in enumerate(self._known):
            self._know(at, len(text.encode()) + 1)
        for at in range(len(self._runs)):
            if not (self._grow(at, 3, self._room) or self._grow(at, 2, self._room)):
                break  # the newest in detail, those before it in a line
        return self._text()

    def _grow(self, at: int, form: int, room: int) -> bool:
        """Show a run in a longer form if that fits; says whether it is shown in that one now."""
        before = self._shown[at]
        if before >= form:
            return True
        more = len(self._runs[at].form(form).encode()) + 1
        more -= len(self._runs[at].form(before).encode()) + 1 if before else 0
        self._shown[at] = form
        if self._fits(more, room):
            self._used += more
            return True
        self._shown[at] = before
        return False

    def _know(self, at: int, more: int) -> None:
        self._known_shown[at] = True
        more += 0 if any(self._known_shown[:at]) else len(_KNOWN) + 1
        if self._fits(more, self._room):
            self._used += more
        else:
            self._known_shown[at] = False

    def _fits(self, more: int, room: int) -> bool:
        return self._used + more + sum(len(line) + 1 for line in self._rest()) <= room

    def _rest(self) -> Iterator[str]:
        """Yield what is said of what is not shown."""
        if hidden := self._earlier + self._shown.count(0):
            yield f"{hidden} earlier {'run' if hidden == 1 else 'runs'} not shown."
        if unsaid := self._known_shown.count(False):
            yield f"{unsaid} more {'thing is' if unsaid == 1 else 'things are'} known and not shown."

    def _text(self) -> str:
        lines = [HEADING]
        lines += [run.form(form) for run, form in zip(self._runs, self._shown, strict=True) if form]
        if any(self._known_shown):
            lines.append(_KNOWN)
            lines += [text for text, shown in zip(self._known, self._known_shown, strict=True) if shown]
        return "\n".join([*lines, *self._rest()])


def _line(run: PastRun, chars: int) -> str:
    waits = " (not over)" if run.waits else ""
    what = f"{_word(run.status)}{waits} {_word(run.event)} {_word(run.event_id)}"
    return f"- {what}, {_time(run.at)}: {_quoted(short(run.summary, chars))}"


def _about(run: PastRun) -> Iterator[str]:
    about = [
        f"about {_word(run.subject)}" if run.subject else "",
        f"route {_word(run.route)}" if run.route and run.route != run.event else "",
        f"took {_seconds(run)}" if run.began_at and run.began_at < run.at and not run.waits else "",
    ]
    if any(about):
        yield f"  {', '.join(filter(None, about))}"
    if run.more:
        yield f"  {run.more} actions before these are not kept"


def _action(action: PastAction, *, with_result: bool) -> str:
    status = _WAITING.get(action.status, "not begun" if action.status == "chosen" else _word(action.status))
    said = [f"{status} in {action.ms:,} ms" if action.ms is not None else status]
    if action.rule:
        said.append(f"by rule {_word(action.rule)}")
    if action.rules:
        said.append(f"checked {' '.join(map(_word, action.rules))}")
    text = f"  {_word(action.action)}({_value(action.arguments)}) {', '.join(said)}"
    if action.error:
        return f"{text}: {_quoted(action.error)}"
    if with_result and action.status == "done" and action.effect == "write":
        return f"{text}: {_value(action.result)}"
    return text


def _known(name: str, learnt: Learnt) -> str:
    about = learnt.about if isinstance(learnt.about, str) else None
    asked = f" {_word(about)} said" if about is not None else f"({_value(learnt.about)}) returned"
    return f"- {_word(name)}{asked}, {_time(learnt.at)}: {_value(learnt.value)}"


def _value(value: Any) -> str:
    encoded = canonical_json(value)
    return _safe(encoded.decode()) if len(encoded) <= VALUE_BYTES else f"({len(encoded):,} bytes, not shown)"


def _word(text: str) -> str:
    """Return a name or an id as it is where it is plain, quoted otherwise."""
    return text if _PLAIN.fullmatch(text) else _quoted(short(text, _ID_CHARS))


def _quoted(text: str) -> str:
    return _safe(canonical_json(text).decode())


def _safe(text: str) -> str:
    # Outside of strings, JSON has none of these; inside, it may spell any character as \uXXXX.
    return _BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(run: PastRun) -> str:
    assert run.began_at is not None
    return f"{(run.at - run.began_at).total_seconds():.1f} s"
