"""Every call of a worker's ports, told: the parts that it reaches the world by, each behind a bell."""

import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from bell import Bell
from calls import Call

from consumers.app.compose import Parts
from consumers.ports.actions import ActionRequest
from consumers.ports.consumer_group import PartitionId
from consumers.ports.sessions import Lease
from schemas.record import Outgoing
from schemas.step import Step

Describe = Callable[..., Call | None]
"""Says what a call is, by the method's name and the arguments; None where it asks nobody to do or to give anything."""

COMMIT_INTERVAL_S = 0.05
"""So that nobody waits for it; it is a second otherwise."""


class Watched:
    """A port whose calls are told. It has all methods of the port; those that do not wait are left alone."""

    def __init__(self, port: Any, describe: Describe, bell: Bell) -> None:
        self._port = port
        self._describe = describe
        self._bell = bell

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not inspect.iscoroutinefunction(method):
            return method

        async def told(*arguments: Any, **named: Any) -> Any:
            call = self._describe(name, *arguments)
            if call is None:
                return await method(*arguments, **named)
            with self._bell.around(call):
                return await method(*arguments, **named)

        return told


def watched(parts: Parts, bell: Bell) -> Parts:
    """Return the parts behind a bell, and limits with which it does not take long."""

    def behind(port: Any, describe: Describe) -> Any:
        return cast("Any", Watched(port, describe, bell))

    return replace(
        parts,
        sessions=behind(parts.sessions, _sessions),
        model=behind(parts.model, _model),
        actions=behind(parts.actions, _actions),
        outbox=behind(parts.outbox, _outbox),
        deadlines=behind(parts.deadlines, _deadlines),
        producer=behind(parts.producer, _producer),
        group=behind(parts.group, _group),
        limits=replace(parts.limits, commit_interval_s=COMMIT_INTERVAL_S),
    )


def topic_name(topic: str) -> str:
    """Return a topic's name without the part that each lane has of its own."""
    return topic.rpartition(".")[2]


def _sessions(method: str, first: Any, *others: Any) -> Call:
    run_id = first.run_id if isinstance(first, Lease) else str(others[0])
    return Call((f"sessions.{method}",), "redis", mark=run_id)


def _model(method: str, *_: Any) -> Call:
    return Call((f"model.{method}",), "model")


def _actions(method: str, request: ActionRequest) -> Call:
    return Call((f"actions.{method} {request.action.name}",), "sandbox")


def _outbox(method: str, steps: Sequence[Step], *_: Any) -> Call:
    return Call((f"outbox.{method}",), "kafka", records={"steps": len(steps)})


def _deadlines(method: str, *_: Any) -> Call:
    return Call((f"deadlines.{method}",), "redis")


def _producer(method: str, groups: Sequence[Sequence[Outgoing]]) -> Call | None:
    if method != "send_each":
        return None
    records = Counter(topic_name(message.topic) for group in groups for message in group)
    # A record that is finished without anything to be published goes this way as well.
    names = [*sorted(records), *(["nothing"] if not all(groups) else [])]
    return Call(tuple(f"producer.send {name}" for name in names), "kafka", records=dict(records))


def _group(method: str, *arguments: Any) -> Call | None:
    if method != "commit":
        return None
    offsets: Mapping[PartitionId, object] = arguments[0]
    names = sorted(f"group.commit {topic_name(partition.topic)}" for partition in offsets)
    return Call(tuple(names), "kafka")
