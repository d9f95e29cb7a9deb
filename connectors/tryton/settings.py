"""A section of the configuration that uses the kind `tryton-erp` or `tryton-crm`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from connectors.http_settings import HttpSettings
from connectors.rpc.settings import Database, LoginSettings


class Categories(BaseModel):
    """Names of the party categories that say what Tryton's own fields do not.

    Attributes:
        vip: its members are VIP customers, all others standard ones.
        approved: the credit of its members is approved.
        blocked: the credit of its members is blocked, whatever else they belong to. Who belongs to neither is in review.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    vip: str = "VIP"
    approved: str = "Credit approved"
    blocked: str = "Credit blocked"


class TrytonSettings(HttpSettings):
    """A connector's section of the configuration.

    Attributes:
        database: name of the database, the first part of the path.
        login: whom to log in as; what this user may not do, no action can.
        company: number of the company; the user's own where it is left out.
        warehouse: code of the warehouse orders are delivered from; the first one where it is left out.
        categories: party categories that have a meaning here.
        credit_limit_field: field of a party with its credit limit, if a module brings one; without, the limit is 0.
        complaint_type: name of the type of new complaints; the first one about sales where it is left out.
    """

    database: Database
    login: LoginSettings
    company: Annotated[int, Field(ge=1)] | None = None
    warehouse: str | None = None
    categories: Categories = Categories()
    credit_limit_field: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    complaint_type: str | None = None
