"""What an action may raise, by what is known about the effect.

ActionError
├── BusyError       not executed, and the system says "later": the key waits and tries again
├── NotSentError    never left this process (no connection): as safe to repeat as BusyError
├── InDoubtError    sent, and nobody knows whether it took effect: see the in-doubt ladder
│   └── UnusableResultError  answered, and the answer cannot be used: of a read, a failure; of a write, maybe done
└── FailedError     definitely not executed: the model is told why and may choose otherwise

Anything else that an action raises is taken as InDoubtError for a write and as FailedError for a read.
"""


class ActionError(Exception):
    """An action did not end with a result."""


class BusyError(ActionError):
    """The system refused for now (429, 503, throttled login). Nothing was executed.

    Attributes:
        retry_after_s: how long the system asked us to wait, or None.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotSentError(ActionError):
    """The request never left: connection refused, name not resolved, pool exhausted."""


class InDoubtError(ActionError):
    """The request was sent and the answer is missing or unreadable."""


class UnusableResultError(InDoubtError):
    """An answer came whole and cannot be used, and would be the same again: too large, no JSON.

    Attributes:
        code: `result_too_large` or `result_unreadable`.
        executed: whether the answer says all the same that a write took effect. It is then recorded as done, without
            its result; otherwise it is in doubt. A read has failed in either case.
    """

    def __init__(self, message: str, *, code: str = "result_unreadable", executed: bool) -> None:
        super().__init__(message)
        self.code = code
        self.executed = executed


class FailedError(ActionError):
    """The system understood and refused. The message goes to the model: no secrets in it.

    Attributes:
        code: a short machine-readable reason, such as `out_of_stock`.
    """

    def __init__(self, message: str, *, code: str = "failed") -> None:
        super().__init__(message)
        self.code = code
