"""The section `privacy` of the configuration: the key that personal data is replaced by tokens with."""

from typing import Annotated

from pydantic import Field

from consumers.app.section import SecretRef, Section
from consumers.privacy.known import MOST


class Privacy(Section):
    """How personal data is kept from the model, the journal, the topics and the logs."""

    key: SecretRef | None = None
    """At least 32 characters; without it, nothing is replaced, and what a schema tags must be allowed by `show_personal`"""
    previous: tuple[SecretRef, ...] = ()
    """Earlier keys: they open what is stored, and seal nothing any more"""
    values: Annotated[int, Field(gt=0, le=20_000)] = MOST
    """Personal values that one run may learn from its event and from results"""
