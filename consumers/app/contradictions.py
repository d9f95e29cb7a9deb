"""Settings of one section that do not go together: each mistake names its field and the fix, and repeats no value."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

Wrong = tuple[str, str]
"""A field, and what is wrong with it."""


class Certificates(Protocol):
    """A section with a client certificate."""

    @property
    def cert_file(self) -> Path | None:
        """The certificate."""
        ...

    @property
    def key_file(self) -> Path | None:
        """Its key."""
        ...

    @property
    def key_password(self) -> object | None:
        """What opens the key."""
        ...


def refuse(title: str, wrong: Iterable[Wrong]) -> None:
    """Raise all mistakes of a section at once, each at its field.

    Raises:
        ValidationError: there is at least one.
    """
    errors = [
        InitErrorDetails(
            type=PydanticCustomError("combination", "{problem}", {"problem": problem}),
            loc=(field,),
            input=None,
        )
        for field, problem in wrong
    ]
    if errors:
        raise ValidationError.from_exception_data(title, errors, hide_input=True)


def certificate_mistakes(section: Certificates) -> Iterator[Wrong]:
    """Yield what does not go together of a certificate and its key."""
    if section.cert_file and not section.key_file:
        yield (
            "key_file",
            "the certificate in `cert_file` needs its key: add `key_file: …` (it may be the same file)",
        )
    if section.key_file and not section.cert_file:
        yield "cert_file", "the key in `key_file` needs its certificate: add `cert_file: …`"
    if section.key_password and not section.key_file:
        yield (
            "key_password",
            "there is no key that it could open: add `cert_file` and `key_file`, or remove it",
        )


def given(section: object, names: Iterable[str]) -> Iterator[str]:
    """Yield which of these fields have a value."""
    return (name for name in names if getattr(section, name))
