"""Settings that every HTTP connector has; derive those of your own from them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from connectors.egress import origin_of
from connectors.egress_setting import EgressList


class HttpSettings(BaseModel):
    """A connector's section of the configuration.

    Attributes:
        base_url: `http(s)://host[:port][/prefix]`.
        egress: what else it may connect to: hosts, and addresses that are not on the internet; see `connectors.egress`.
        timeout_s: for one request.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    egress: EgressList = ()
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 10.0

    @field_validator("base_url")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        try:
            origin_of(value)
        except ValueError as error:
            raise PydanticCustomError("egress", "{problem}", {"problem": str(error)}) from None
        return value
