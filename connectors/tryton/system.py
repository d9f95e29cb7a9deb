"""Tryton's models over JSON-RPC: records are read, made and pushed along by their buttons. Knows nothing of orders."""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from connectors.errors import FailedError, InDoubtError, UnusableResultError
from connectors.rpc.body import JsonBody
from connectors.rpc.client import Credentials, RpcClient, open_rpc
from connectors.rpc.dialect import Tryton as TrytonDialect
from connectors.tryton.settings import TrytonSettings

Row = dict[str, Any]
Domain = Sequence[Any]
MOST_ROWS: Final = 200
"""Rows of one read, the newest of them; more means that what is looked for is not what is meant."""


@dataclass(frozen=True, slots=True)
class Premises:
    """Where business is done: numbers of company, its currency, and warehouse."""

    company: int
    currency: int
    warehouse: int


@dataclass(slots=True)
class _Known:
    """What is looked up once for all calls of a client."""

    premises: Premises | None = None


class Tryton:
    """What the actions call with. Get one from `open_tryton`; raises only errors of `connectors.errors`.

    Attributes:
        settings: of the section.
    """

    def __init__(
        self, rpc: RpcClient, settings: TrytonSettings, known: _Known, ends_at: float | None = None
    ) -> None:
        """Use `open_tryton`."""
        self.settings = settings
        self._rpc = rpc
        self._known = known
        self._ends_at = ends_at

    def within(self, timeout_s: float) -> "Tryton":
        """Return the same with a deadline for all that is asked through it."""
        return Tryton(self._rpc, self.settings, self._known, time.monotonic() + timeout_s)

    async def premises(self) -> Premises:
        """Return company, currency and warehouse; looked up once.

        Raises:
            FailedError: code `not_set_up`: one of them is not there.
        """
        if self._known.premises is None:
            company = self.settings.company
            if company is None:
                only_context = True
                preferences = await self._call(
                    "model.res.user.get_preferences", only_context, {}, changes=False
                )
                company = preferences.get("company")
            if not isinstance(company, int):
                user = self.settings.login.user
                raise FailedError(
                    f"{user} has no company: set `company`, or the user's in Tryton", code="not_set_up"
                )
            here = {"company": company}
            companies = await self._read("company.company", [["id", "=", company]], ["currency"], here)
            where: list[Any] = [["type", "=", "warehouse"]]
            if self.settings.warehouse is not None:
                where.append(["code", "=", self.settings.warehouse])
            houses = await self._read("stock.location", where, ["code"], here)
            if not companies or not houses:
                what = "such a warehouse" if companies else f"company {company}"
                raise FailedError(f"Tryton has no {what} for this user", code="not_set_up")
            warehouse = min(int(house["id"]) for house in houses)
            self._known.premises = Premises(company, int(companies[0]["currency"]), warehouse)
        return self._known.premises

    async def read(
        self, model: str, domain: Domain, fields: Sequence[str], context: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """Return the fields of the records that a domain describes, oldest first.

        `party.code` among the fields gives `{"party.": {"code": …}}`.
        """
        return await self._read(model, domain, fields, await self._here(context))

    async def filled_in(self, model: str, values: Mapping[str, Any], changed: Sequence[str]) -> Row:
        """Return what Tryton fills in once fields of a new record are set, as its own forms do; changes nothing."""
        got = await self._call(
            f"model.{model}.on_change", dict(values), list(changed), await self._here(), changes=False
        )
        return {name: value for name, value in got.items() if not name.endswith(".")}

    async def create(self, model: str, values: Mapping[str, Any]) -> int:
        """Make one record and return its number. What `filled_in` says is not filled in by itself."""
        made = await self._change(f"model.{model}.create", [dict(values)])
        match made:
            case [int(number)]:
                return number
            case _:
                raise UnusableResultError(f"{model}.create returned no number", executed=True)

    async def push(self, model: str, button: str, number: int, *, seen: str) -> None:
        """Press a button of one record.

        Args:
            model: of the record.
            button: its name.
            number: of the record.
            seen: its `_timestamp` when it was read: where it has been written to since, nothing is done.

        Raises:
            FailedError: code `stale` where it has been written to; `user_error` where Tryton refuses.
        """
        await self._change(f"model.{model}.{button}", [number], context=_unchanged(model, number, seen))

    async def delete(self, model: str, number: int) -> None:
        """Delete one record."""
        await self._change(f"model.{model}.delete", [number])

    async def answer(self, wizard: str, ignored: str, model: str, number: int, *, seen: str) -> None:
        """Go through a wizard that asks which exceptions of a record to ignore: all that it names.

        Args:
            wizard: its name.
            ignored: what it asks about: `moves` or `invoices`.
            model: of the record.
            number: of the record.
            seen: the record's `_timestamp` when it was read.
        """
        context = {"active_model": model, "active_id": number, "active_ids": [number]}
        session, *_ = await self._change(f"wizard.{wizard}.create")
        asked = await self._change(f"wizard.{wizard}.execute", session, {}, "ask", context=context)
        named = asked.get("view", {}).get("defaults", {}).get(f"domain_{ignored}", [])
        answers = {f"domain_{ignored}": named, f"ignore_{ignored}": named, f"recreate_{ignored}": []}
        await self._change(
            f"wizard.{wizard}.execute",
            session,
            {"ask": answers},
            "handle",
            context={**context, **_unchanged(model, number, seen)},
        )
        await self._change(f"wizard.{wizard}.delete", session)

    async def _here(self, context: Mapping[str, Any] | None = None) -> Row:
        return {"company": (await self.premises()).company, **(context or {})}

    async def _change(self, method: str, *given: Any, context: Mapping[str, Any] | None = None) -> Any:
        return await self._call(method, *given, await self._here(context), changes=True)

    async def _call(self, method: str, *given: Any, changes: bool) -> Any:
        left_s = None if self._ends_at is None else self._ends_at - time.monotonic()
        if left_s is not None and left_s <= 0:
            raise InDoubtError(f"no time was left for {method}")
        return await self._rpc.call(method, *given, changes=changes, timeout_s=left_s)

    async def _read(
        self, model: str, domain: Domain, fields: Sequence[str], context: Mapping[str, Any]
    ) -> list[Row]:
        method = f"model.{model}.search_read"
        given = [list(domain), 0, MOST_ROWS, [["id", "DESC"]], list(fields), dict(context)]
        found = await self._call(method, *given, changes=False)
        if not isinstance(found, list):
            raise UnusableResultError(f"{method} returned no list", executed=False)
        return sorted((dict(row) for row in found), key=lambda row: row["id"])


def _unchanged(model: str, number: int, seen: str) -> Row:
    return {"_timestamp": {f"{model},{number}": seen}}


@asynccontextmanager
async def open_tryton(settings: TrytonSettings) -> AsyncGenerator[Tryton]:
    """Open a client; it connects and logs in with the first call."""
    dialect = TrytonDialect("json-rpc", settings.database)
    login = Credentials(dialect, settings.login.user, settings.login.password)
    async with open_rpc(settings, JsonBody(dialect), dialect, login=login) as rpc:
        yield Tryton(rpc, settings, _Known())
