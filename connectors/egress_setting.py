"""The setting `egress` of a section: a wrong entry of it is told when the configuration is read."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from connectors.egress import Egress, check_entry


def _checked(listed: tuple[str, ...]) -> tuple[str, ...]:
    try:
        for entry in listed:
            check_entry(entry)
    except ValueError as error:
        raise PydanticCustomError("egress", "{problem}", {"problem": str(error)}) from None
    return listed


EgressList = Annotated[tuple[str, ...], AfterValidator(_checked)]
"""What a connector may connect to beside the host that it is for; see `connectors.egress.egress_of`."""


def refuse_wrong_host(allowed: Callable[[], Egress]) -> None:
    """Refuse a section whose host is neither a name nor an address, by what works out where it may connect."""
    try:
        allowed()
    except ValueError as error:
        raise PydanticCustomError("host", "{problem}", {"problem": str(error)}) from None
