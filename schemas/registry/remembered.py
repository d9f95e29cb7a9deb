"""Answers worth keeping: a bounded memory in which one question is under way at most once."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Remembered(Generic[Question, Answer]):
    """Keeps the answers that were asked for last; failures are not kept.

    Many tasks of one event loop may ask at once. A task that is cancelled while it waits leaves the question
    under way for the others.
    """

    def __init__(self, size: int) -> None:
        """Keep up to `size` answers."""
        self._size = size
        self._answers: OrderedDict[Question, Answer] = OrderedDict()
        self._under_way: dict[Question, asyncio.Task[Answer]] = {}

    async def get(self, question: Question, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return what is remembered, or what `ask` answers; raises what `ask` raises."""
        if question in self._answers:
            self._answers.move_to_end(question)
            return self._answers[question]
        task = self._under_way.get(question)
        if task is None:
            task = asyncio.create_task(self._ask(question, ask), name=f"ask for {question}")
            self._under_way[question] = task
            task.add_done_callback(_seen)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Cancel what is under way and wait until it has ended."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, question: Question, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            answer = await ask()
        finally:
            del self._under_way[question]
        self._answers[question] = answer
        if len(self._answers) > self._size:
            self._answers.popitem(last=False)
        return answer


def _seen(task: "asyncio.Task[Answer]") -> None:
    # If every waiter was cancelled nobody else looks at the error, and asyncio would complain about that.
    if not task.cancelled():
        task.exception()
