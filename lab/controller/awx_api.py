# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API as a Starlette application: the addresses, methods and answers of AWX that are needed here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lab.controller.acts import Acts
from lab.controller.awx_access import FORBIDDEN, UNKNOWN, WRONG, Access
from lab.controller.awx_resources import resources
from lab.controller.bodies import BadRequestError
from lab.controller.checking import checked
from lab.controller.showing import API, KINDS, shown
from lab.controller.timetable import next_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from lab.controller.awx_resources import Resource
    from lab.controller.bodies import Json
    from lab.controller.engine import Engine
    from lab.controller.store import Row, Store

PAGE = 25
_HEADERS = {"X-API-Product-Name": "AWX", "X-API-Product-Version": "24.6.1"}
_LOOKUPS = {"page", "page_size", "order_by", "type"}


class RefusedError(Exception):
    """AWX answers with this status and this sentence."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Api:
    """Answers requests. Args: store and engine of the controller.

    `watch` is called with method and path after each answer that is no refusal, before the caller gets the answer.
    """

    def __init__(self, store: Store, engine: Engine) -> None:
        self._store = store
        self.watch: Callable[[str, str], None] = lambda _method, _path: None
        self.access = Access(store)
        self._acts = Acts(store, engine, self.access)
        methods = ["GET", "POST", "PATCH", "DELETE", "OPTIONS", "PUT"]
        places = (
            f"{API}/{{name}}/",
            f"{API}/{{name}}/{{number:int}}/",
            f"{API}/{{name}}/{{number:int}}/{{sub}}/",
        )
        self.application = Starlette(
            routes=[
                Route("/api/", self._root),
                *(Route(place, self._answer, methods=methods) for place in places),
            ]
        )

    async def _root(self, request: Request) -> Response:
        return JSONResponse(
            {"current_version": f"{API}/", "available_versions": {"v2": f"{API}/"}}, headers=_HEADERS
        )

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(self._answered, request, body)

    def _answered(self, request: Request, body: bytes) -> Response:
        try:
            sent = json.loads(body) if body else {}
        except ValueError:
            return JSONResponse({"detail": "JSON parse error"}, 400, _HEADERS)
        try:
            with self._store.lock:
                status, answer = self._dispatch(request, sent)
                self.watch(request.method, request.url.path)
        except BadRequestError as refused:
            return JSONResponse(refused.errors, 400, _HEADERS)
        except RefusedError as refused:
            return JSONResponse({"detail": refused.detail}, refused.status, _HEADERS)
        if isinstance(answer, str):
            return PlainTextResponse(answer, status, _HEADERS)
        return (
            Response(status_code=status, headers=_HEADERS)
            if status == 204
            else JSONResponse(answer, status, _HEADERS)
        )

    def _dispatch(self, request: Request, sent: Json) -> tuple[int, Any]:
        name, number, sub = (request.path_params.get(key) for key in ("name", "number", "sub"))
        header = request.headers.get("Authorization", "")
        user = self.access.user_of(header)
        if name == "ping":
            return 200, {"version": "24.6.1", "active_node": "lab"}
        if user is None:
            raise RefusedError(401, WRONG if header.startswith("Basic") else UNKNOWN)
        if name == "config":
            return 200, {"version": "24.6.1", "license_info": {"license_type": "open"}}
        if name == "tokens":
            return self._tokens(request, user, number)
        if name == "me":
            return 200, self._page(request, [user])
        if sub is not None:
            return self._sub(request, user, sent)
        if number is not None:
            return self._object(request, user, sent)
        return self._list(request, user, sent)

    def _tokens(self, request: Request, user: Row, number: int | None) -> tuple[int, Any]:
        if request.method == "POST":
            row, text = self.access.issue(user)
            return 201, {
                "id": row["id"],
                "token": text,
                "expires": row["expires"],
                "url": f"{API}/tokens/{row['id']}/",
            }
        token = self._store.find("tokens", number)
        if request.method != "DELETE" or token is None:
            raise RefusedError(404, "Not found.")
        self._store.remove(token)
        return 204, None

    # --- lists

    def _list(self, request: Request, user: Row, sent: Json) -> tuple[int, Any]:
        name = request.path_params["name"]
        described = resources().get(name)
        if described is None and name not in {*KINDS, "unified_job_templates"}:
            raise RefusedError(404, "The requested resource could not be found.")
        if request.method == "OPTIONS" and described:
            return 200, described.options()
        if request.method == "GET":
            rows = [row for row in self._store.all(name) if self.access.may_see(user, row)]
            return 200, self._page(request, self._filtered(request, name, rows))
        if request.method != "POST" or described is None or "POST" not in described.methods:
            raise RefusedError(405, f'Method "{request.method}" not allowed.')
        return 201, shown(self._store, self._create(described, user, sent))

    def _create(self, described: Resource, user: Row, sent: Json) -> Row:
        values = checked(self._store, described, sent)
        if described.name == "workflow_job_template_nodes" and not values["identifier"]:
            values["identifier"] = f"{self._store.now().timestamp()}"
        if not user["is_superuser"]:
            self._require_owner(described, user, values)
        row = self._store.add(described.name, {**described.read_only, **values})
        self.access.add_roles(row)
        self._made(row)
        return row

    def _require_owner(self, described: Resource, user: Row, values: Row) -> None:
        one = described.fields.get(described.owner)
        above = self._store.find(one.facts["of"], values.get(described.owner)) if one else None
        if above is None or not self.access.may(user, above):
            raise RefusedError(403, FORBIDDEN)

    def _made(self, row: Row) -> None:
        if row["resource"] == "projects" and (row["scm_type"] or row["local_path"]):
            self._acts.engine.update_project(row)
        if row["resource"] == "schedules":
            due = next_time(row["rrule"], self._store.now()) if row["enabled"] else None
            self._store.change(row, next_run=due and due.isoformat())

    def _filtered(self, request: Request, name: str, rows: list[Row]) -> list[Row]:
        either: dict[str, str] = {}
        for key, value in request.query_params.multi_items():
            plain = key.removeprefix("or__")
            if plain in _LOOKUPS:
                if plain == "type":
                    rows = [row for row in rows if shown(self._store, row)["type"] == value]
                continue
            if key == "id__in":
                rows = [row for row in rows if str(row["id"]) in value.split(",")]
                continue
            if rows and not any(plain in row or plain == "id" for row in rows):
                raise RefusedError(400, f"{name} has no field named '{plain}'")
            if plain != key:
                either[plain] = value
            else:
                rows = [row for row in rows if _same(row.get(plain), value)]
        if either:
            rows = [row for row in rows if any(_same(row.get(key), value) for key, value in either.items())]
        return rows

    def _page(self, request: Request, rows: list[Row]) -> Row:
        size = min(int(request.query_params.get("page_size", PAGE)), 200)
        number = int(request.query_params.get("page", 1))
        part = rows[(number - 1) * size : number * size]
        following = None
        if number * size < len(rows):
            following = str(request.url.include_query_params(page=number + 1))
            following = following[following.index("/api/") :]
        return {
            "count": len(rows),
            "next": following,
            "previous": None,
            "results": [shown(self._store, row) for row in part],
        }

    # --- one object

    def _find(self, request: Request, user: Row) -> Row:
        name, number = request.path_params["name"], request.path_params["number"]
        row = self._store.find(name, number)
        if row is None or not (self.access.may_see(user, row) or name in {*KINDS}):
            raise RefusedError(404, "Not found.")
        return row

    def _object(self, request: Request, user: Row, sent: Json) -> tuple[int, Any]:
        row = self._find(request, user)
        described = resources().get(row["resource"])
        method = request.method
        if method == "GET":
            return 200, shown(self._store, row)
        if described is None or method not in {*described.methods, "OPTIONS"}:
            raise RefusedError(405, f'Method "{method}" not allowed.')
        if method == "OPTIONS":
            return 200, described.options()
        if not self.access.may(user, row):
            raise RefusedError(403, FORBIDDEN)
        if method == "DELETE":
            self._acts.delete(row)
            return 204, None
        self._store.change(row, **checked(self._store, described, sent, row))
        self._made(row)
        return 200, shown(self._store, row)

    def _sub(self, request: Request, user: Row, sent: Json) -> tuple[int, Any]:
        row = self._find(request, user)
        name, sub, method = row["resource"], request.path_params["sub"], request.method
        if (act := self._acts.find(name, sub, method)) is not None:
            if act.roles is not None and not self.access.may(user, row, *act.roles):
                raise RefusedError(403, FORBIDDEN)
            return act.run(row, sent, user)
        if (members := self._acts.members(row, sub)) is not None and method == "GET":
            return 200, self._page(request, members)
        if method == "POST" and self._acts.linkable(name, sub):
            if not self.access.may(user, row):
                raise RefusedError(403, FORBIDDEN)
            return self._acts.link(row, sub, sent)
        raise RefusedError(404, "The requested resource could not be found.")


def _same(value: Json, text: str) -> bool:
    return (
        str(value).lower() == text.lower()
        if isinstance(value, bool)
        else str("" if value is None else value) == text
    )
