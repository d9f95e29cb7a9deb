"""What all parts of the configuration have in common, and how they refer to secrets."""

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A part of the file; a field it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SecretRef(Section):
    """Where a secret is found: an environment variable or a file (such as a mounted Kubernetes secret)."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_no_secret(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise PydanticCustomError("secret", "is a secret: write `{env: NAME}` or `{file: PATH}`")
        return value

    @model_validator(mode="after")
    def _one(self) -> "SecretRef":
        if (self.env is None) == (self.file is None):
            raise ValueError("give exactly one of `env` and `file`")
        return self

    def read(self) -> SecretStr:
        """Return the secret.

        Raises:
            LookupError: it is not there; the message names where it was looked for.
        """
        if self.env is not None:
            value = os.environ.get(self.env)
            if not value:
                raise LookupError(f"the environment variable {self.env} is not set")
            return SecretStr(value)
        assert self.file is not None
        try:
            value = self.file.read_bytes().decode().strip()
        except OSError as error:
            raise LookupError(f"the secret file {self.file} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError:
            # Not chained: that error holds what is in the file.
            raise LookupError(f"the secret file {self.file} is no text") from None
        if not value:
            raise LookupError(f"the secret file {self.file} is empty")
        return SecretStr(value)


class KeyRef(SecretRef):
    """Where a public key is found: no secret, but as long as one, and kept beside it."""

    @model_validator(mode="before")
    @classmethod
    def _is_no_secret(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise PydanticCustomError("key", "is a key in PEM: write `{env: NAME}` or `{file: PATH}`")
        return value
