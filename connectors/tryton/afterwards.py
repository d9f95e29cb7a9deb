"""What a refusal means once something has been changed."""

from collections.abc import Generator
from contextlib import contextmanager

from connectors.errors import FailedError, InDoubtError


@contextmanager
def after_a_change(what: str, *, changed: bool = True) -> Generator[None]:
    """Turn a refusal inside the block into doubt: it no longer means that nothing was executed.

    Args:
        what: has been changed, for the message.
        changed: whether it has; where not, a refusal stays one.
    """
    try:
        yield
    except FailedError as error:
        if not changed:
            raise
        raise InDoubtError(f"{what} has been changed, and then: {error}") from error
