"""A server on loopback that answers as the documentation of Odoo's external API says; Odoo itself cannot run here.

`/jsonrpc` takes JSON-RPC 2.0 with service, method and args; `/xmlrpc/2/common` and `/xmlrpc/2/object` take XML-RPC. `authenticate`
answers with the user's number or false; errors arrive in HTTP 200.
"""

import xmlrpc.client
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

DATABASE, USER, NUMBER = "shop", "ann@example.com", 7
_FAULTS = {"UserError": 2, "AccessDenied": 3, "AccessError": 4}


class OdooError(Exception):
    """What a method raises; `name` is that of Odoo's exception."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class Odoo:
    """One model, `res.partner`, with `search_read` and `create`; `crash` fails after it has worked."""

    def __init__(self) -> None:
        self.password = "api key 1"
        self.partners: list[dict[str, Any]] = []
        self.calls: list[str] = []

    def common(self, method: str, args: list[Any]) -> Any:
        self.calls.append(method)
        assert method == "authenticate"
        database, user, password, agent = args
        assert (database, agent) == (DATABASE, {})
        return NUMBER if (user, password) == (USER, self.password) else False

    def object(self, method: str, args: list[Any]) -> Any:
        assert method == "execute_kw"
        database, number, password, model, name, given, keywords = args
        self.calls.append(f"{model}.{name}")
        if (database, number, password) != (DATABASE, NUMBER, self.password):
            raise OdooError("AccessDenied", "Access Denied")
        match model, name:
            case "res.partner", "search_read":
                ((_field, _equals, wanted),) = given[0]
                found = [partner for partner in self.partners if partner["ref"] == wanted]
                return [
                    {"id": partner["id"], **{f: partner[f] for f in keywords["fields"]}} for partner in found
                ]
            case "res.partner", "create":
                if not given[0].get("name"):
                    raise OdooError("UserError", "Contacts require a name")
                self.partners.append({**given[0], "id": len(self.partners) + 1})
                return len(self.partners)
            case "res.partner", "crash":
                self.partners.append({"id": len(self.partners) + 1, "ref": None, "name": "half"})
                raise KeyError(name)
            case _:
                raise OdooError("AttributeError", f"no {model}.{name}")

    async def json(self, request: web.Request) -> web.Response:
        called = await request.json()
        assert (called["jsonrpc"], called["method"]) == ("2.0", "call")
        params = called["params"]
        service = self.common if params["service"] == "common" else self.object
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": called["id"]}
        try:
            answer["result"] = service(params["method"], params["args"])
        except OdooError as error:
            own = error.name in _FAULTS
            name = f"odoo.exceptions.{error.name}" if own else f"builtins.{error.name}"
            answer["error"] = _server_error(name, str(error))
        except KeyError as error:
            answer["error"] = _server_error("builtins.KeyError", str(error))
        return web.json_response(answer)

    async def xml(self, request: web.Request) -> web.Response:
        args, method = xmlrpc.client.loads(await request.read(), use_builtin_types=True)
        service = self.common if request.match_info["service"] == "common" else self.object
        try:
            said = xmlrpc.client.dumps(
                (service(method or "", list(args)),), methodresponse=True, allow_none=True
            )
        except OdooError as error:
            fault = xmlrpc.client.Fault(_FAULTS.get(error.name, 1), str(error))
            said = xmlrpc.client.dumps(fault, methodresponse=True)
        except KeyError as error:
            fault = xmlrpc.client.Fault(
                1, f"Traceback (most recent call last):\n  a secret line\nKeyError: {error}"
            )
            said = xmlrpc.client.dumps(fault, methodresponse=True)
        return web.Response(text=said, content_type="text/xml")


def _server_error(name: str, message: str) -> dict[str, Any]:
    debug = "Traceback (most recent call last):\n  a secret line"
    data = {"name": name, "debug": debug, "message": message, "arguments": [message], "context": {}}
    return {"code": 200, "message": "Odoo Server Error", "data": data}


@asynccontextmanager
async def odoo() -> AsyncGenerator[tuple[Odoo, str]]:
    """Serve until the block ends; yields it and its address."""
    served = Odoo()
    app = web.Application()
    app.router.add_post("/jsonrpc", served.json)
    app.router.add_post("/xmlrpc/2/{service}", served.xml)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield served, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
