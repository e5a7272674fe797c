# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's page as a Starlette application; `gate.Gate` stands in front of it."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from lab.computer import LabError
from lab.tryout.command_server import sentence
from lab.tryout.page_packages import PAGE
from lab.tryout.screen_relay import relay_screen
from lab.tryout.terminal import serve_terminal
from latchkey_agent.protocol.frames import wipe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

    from lab.tryout.feed import News
    from lab.tryout.played_lab import PlayedLab
    from lab.tryout.workspace import Workspace

LONGEST_BODY = 8192
KEEP_ALIVE = 15.0
"""Seconds after which an idle stream sends a comment, so that a dead connection is noticed."""
REFUSED = 409


class Web:
    """Answers the page's requests.

    Args:
        lab: the running lab.
        workspace: the player's folder, for the terminal.
        packages: the folder `node_modules` of the page's libraries.
        style_nonce: the nonce of styles that the libraries make.
    """

    def __init__(self, lab: PlayedLab, workspace: Workspace, packages: Path, style_nonce: str) -> None:
        self._lab = lab
        self._workspace = workspace
        text = (PAGE / "index.html").read_text(encoding="utf-8")
        self._index = text.replace("STYLE_NONCE", style_nonce)
        self.application = Starlette(
            routes=[
                Route("/", self._page),
                Route("/lab.json", self._description),
                Route("/events", self._events),
                Route("/pcs/{pc}/deeds/{deed}", self._deed, methods=["POST"]),
                Route("/pcs/{pc}/answer", self._answer, methods=["POST"]),
                Route("/pcs/{pc}/password", self._password),
                WebSocketRoute("/pcs/{pc}/screen", self._screen),
                WebSocketRoute("/terminal", self._terminal),
                Mount("/vendor", StaticFiles(directory=packages)),
                Mount("/", StaticFiles(directory=PAGE)),
            ],
            exception_handlers={LabError: _refused},
        )

    async def _page(self, _: Request) -> Response:
        return HTMLResponse(self._index)

    async def _description(self, _: Request) -> Response:
        return JSONResponse(self._lab.description())

    async def _deed(self, request: Request) -> Response:
        body = await _body(request)
        argument = str(body.get("argument") or "")
        pc, deed = request.path_params["pc"], request.path_params["deed"]
        said = await run_in_threadpool(self._lab.done, pc, deed, argument)
        return JSONResponse({"said": said})

    async def _answer(self, request: Request) -> Response:
        body = await _body(request)
        typed = body.pop("password", None)
        password = (
            bytearray(typed.encode("utf-16-le", "surrogatepass")) if isinstance(typed, str) else bytearray()
        )
        try:
            pc, answer = request.path_params["pc"], str(body.get("answer"))
            refusal = await run_in_threadpool(self._lab.answered, pc, answer, password)
        finally:
            wipe(password)
        return JSONResponse({"refusal": refusal})

    async def _password(self, request: Request) -> Response:
        pc = self._lab.pc(request.path_params["pc"])
        if not pc.password:
            msg = "the demo types this password itself, and the page does not know it"
            raise LabError(msg)
        return JSONResponse({"password": pc.password.decode("utf-16-le")})

    async def _events(self, request: Request) -> Response:
        last = request.headers.get("last-event-id", "")
        after = int(last) if last.isascii() and last.isdigit() and len(last) < 16 else 0
        return StreamingResponse(self._stream(after), media_type="text/event-stream")

    async def _stream(self, after: int) -> AsyncIterator[str]:
        fresh, loop = asyncio.Event(), asyncio.get_running_loop()

        def wake() -> None:
            # The loop is closed at the end of the lab, while a PC may still tell something.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(fresh.set)

        stop = self._lab.feed.watch(wake)
        try:
            while True:
                fresh.clear()
                for news in self._lab.feed.after(after):
                    after = news.number
                    yield _event(news)
                    if news.kind == "ended":
                        return
                try:
                    await asyncio.wait_for(fresh.wait(), KEEP_ALIVE)
                except TimeoutError:
                    yield ": still here\n\n"
        finally:
            stop()

    async def _screen(self, socket: WebSocket) -> None:
        try:
            pc = self._lab.pc(socket.path_params["pc"])
        except LabError:
            pc = None
        if pc is None or pc.display is None:
            await socket.close()
        else:
            await relay_screen(socket, pc.display)

    async def _terminal(self, socket: WebSocket) -> None:
        await serve_terminal(socket, self._workspace.folder, self._workspace.environment)


def _event(news: News) -> str:
    return f"event: {news.kind}\nid: {news.number}\ndata: {json.dumps(news.content)}\n\n"


async def _body(request: Request) -> dict[str, Any]:
    """Return the body, a JSON object.

    Raises:
        LabError: it is too long or is none.
    """
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > LONGEST_BODY:
            msg = f"the request is longer than {LONGEST_BODY} bytes"
            raise LabError(msg)
    try:
        body = json.loads(content or b"{}")
    except ValueError:
        body = None
    finally:
        wipe(content)
    if not isinstance(body, dict):
        msg = "the request is no JSON object"
        raise LabError(msg)
    return body


def _refused(_: Request, fault: Exception) -> Response:
    return JSONResponse({"error": sentence(str(fault))}, REFUSED)
