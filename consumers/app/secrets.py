"""Reading what a secret reference of the configuration refers to."""

from pydantic import SecretStr

from consumers.app.config import SecretRef
from consumers.errors import ConfigurationError


def secret(reference: SecretRef | None, name: str) -> SecretStr:
    """Read a secret; an empty one where the configuration has none.

    Raises:
        ConfigurationError: it is referred to and not there.
    """
    if reference is None:
        return SecretStr("")
    try:
        return reference.read()
    except LookupError as error:
        raise ConfigurationError(f"{name}: {error}") from error
