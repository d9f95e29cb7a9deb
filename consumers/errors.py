"""Errors of the runtime, by who must act.

PointsmanError
├── RetryError        the world is busy: the key waits and tries again, other keys go on
│   └── UnavailableError  Redis, Kafka or the model is away: retried until it is back, never given up
├── DeadLetterError   this event is bad: it goes to the dead letters, byte for byte
└── HaltError         we are broken: stop without committing, so that nothing is lost
    └── ConfigurationError  the configuration is wrong; found before anything starts
"""


class PointsmanError(Exception):
    """Anything that Pointsman itself raises."""


class RetryError(PointsmanError):
    """Work cannot go on now and may later. Nothing is lost: the journal says where to go on.

    Attributes:
        after_s: how long to wait at least, or None for the runtime's own backoff.
    """

    def __init__(self, message: str, *, after_s: float | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class UnavailableError(RetryError):
    """Something every event needs does not answer. No event is to blame, so none is given up for it."""


class DeadLetterError(PointsmanError):
    """The event can never be worked as it is.

    Attributes:
        reason: short and stable, such as `unreadable` or `unrouted`; a metric label and a header.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class HaltError(PointsmanError):
    """Going on would do damage or lose events."""


class ConfigurationError(HaltError):
    """A mistake in the configuration; the message names the place and the fix."""
