# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the lab behind its page: serves the page's files with canned answers and notes the page's requests.

It shows that the page draws the data and sends what a person enters. It says nothing about the lab's own server.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from lab.tryout.page_packages import PAGE, installed
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from starlette.requests import Request
    from starlette.websockets import WebSocket

HOSTILE = "<img src=x onerror=alert(1)><b>bold</b> \u202egnirts " + "W" * 120
"""A text that would run, load or widen the page, if it could."""
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css"}
SIDE = 64
"""Pixels of each side of the remote screen."""
PIXEL_FORMAT = bytes((32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0))
"""32 bits in a pixel, 24 of them colour, true colour (RFC 6143, 7.4)."""


def state(pc: str, **changes: Any) -> dict[str, Any]:
    """Return a PC's state with each list filled."""
    return {
        "pc": pc,
        "power": "up",
        "console": {"user": "PC-1\\anna", "locked": False},
        "clock": "2026-11-30T02:02:03+01:00",
        "window": None,
        "notices": [f"A notice. {HOSTILE}"],
        "lent": ["Two restarts until 05:00"],
        "agent": "answers",
        "sessions": [{"id": "0a1b2c3d4e5f6071", "name": HOSTILE, "state": "started"}],
        "requests": [{"id": "r1", "state": "shown", "code": "47-11"}],
        "grants": [{"id": "g1", "state": "active", "restarts_left": 2}, {"id": "g0", "state": "erased"}],
        "permits": [],
        "journal": [
            {"n": n, "at": "2026-11-30T01:02:03.4Z", "what": "session_started", "text": HOSTILE}
            for n in range(1, 41)
        ],
        **changes,
    }


WINDOW = {
    "title": "IT asks for your sign-in",
    "lines": ["Ina of IT asks for two restarts.", "", HOSTILE],
    "error": "",
    "field": "Your Windows password",
    "buttons": ["Allow...", "Later", "Decline", "Report"],
    "user": "anna",
    "domain": "PC-1",
}
MACHINES = {
    "grant": {
        "begin": "active",
        "states": ["active", "paused", "revoked", "erased"],
        "moves": [
            ["active", "pause", "paused"], ["paused", "resume", "active"], ["active", "revoke", "revoked"],
            ["paused", "revoke", "revoked"], ["revoked", "erased", "erased"],
        ],
    },
    "session": {"begin": "started", "states": ["started", "ended"], "moves": [["started", "end", "ended"]]},
    "request": {"begin": "pending", "states": ["shown", "granted"], "moves": [["shown", "grant", "granted"]]},
    "permit": {"begin": "issued", "states": ["issued", "used"], "moves": [["issued", "use", "used"]]},
}  # fmt: skip
LAB = {
    "pcs": [
        {"pc": "pc1", "computer": "PC-1", "kind": "simulated", "screen": "window", "customer": "PC-1\\anna"},
        {"pc": "pc2", "computer": "PC-2", "kind": "wine", "screen": "vnc", "customer": "PC-2\\anna"},
    ],
    "deeds": [
        {"deed": "lock", "label": "Lock the screen", "party": "customer", "argument": None, "help": "As Win+L."},
        {
            "deed": "clock", "label": "Set the clock", "party": "pc", "help": "Moves the PC's clock.",
            "argument": {"label": "How far", "example": "+2h"},
        },
        {"deed": "refused", "label": "Cut the power", "party": "pc", "argument": None, "help": "Pulls the plug."},
    ],
    "commands": [{"command": "ansible-playbook first.yml", "help": "Ask, restart, end"}],
    "machines": MACHINES,
}  # fmt: skip


def happening(n: int, text: str, pc: str = "pc1", party: str = "operator") -> dict[str, Any]:
    """Return one event."""
    return {
        "n": n,
        "at": f"2026-11-30T01:02:{n % 60:02}Z",
        "pc": pc,
        "party": party,
        "what": "x",
        "text": text,
    }


class StandIn:
    """The canned lab. `posted` has the page's requests, `typed` its messages to the terminal.

    `keys` has the keys pressed on the screen as X11 numbers, `streams` the streams of events that are open.
    """

    def __init__(self, vendor: Path) -> None:
        self.token = secrets.token_urlsafe(16)
        self.address = ""
        self.posted: list[tuple[str, Any]] = []
        self.typed: list[dict[str, Any]] = []
        self.keys: list[int] = []
        self.refusal = "The password is wrong."
        self.password = secrets.token_urlsafe(9)
        self.states = [state("pc1"), state("pc2")]
        self.happenings = [
            happening(1, "Starts a playbook."),
            happening(2, HOSTILE, party="customer"),
            happening(3, "Windows starts.", pc="pc2", party="pc"),
        ]
        self._vendor = vendor
        self._loop: asyncio.AbstractEventLoop | None = None
        self.streams: list[asyncio.Queue[str]] = []

    def send(self, event: str, data: object) -> None:
        """Send an event to each page that is open."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._put, _message(event, data))

    def end(self) -> None:
        """End the streams of events: the server waits for them."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._put, "")

    def _put(self, text: str) -> None:
        for stream in self.streams:
            stream.put_nowait(text)

    def app(self) -> Starlette:
        """Return the application."""
        root = f"/{self.token}"
        return Starlette(
            routes=[
                Route(f"{root}/", self._index),
                Route(f"{root}/lab.json", self._lab),
                Route(f"{root}/events", self._events),
                Route(f"{root}/pcs/{{pc}}/password", self._password),
                Route(f"{root}/pcs/{{pc}}/answer", self._answer, methods=["POST"]),
                Route(f"{root}/pcs/{{pc}}/deeds/{{deed}}", self._deed, methods=["POST"]),
                WebSocketRoute(f"{root}/pcs/{{pc}}/screen", self._screen),
                WebSocketRoute(f"{root}/terminal", self._terminal),
                Route(f"{root}/vendor/{{path:path}}", self._library),
                Route(f"{root}/{{path}}", self._file),
            ]
        )

    # --- the page's files

    async def _index(self, _request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        text = (PAGE / "index.html").read_text(encoding="utf-8").replace("STYLE_NONCE", nonce)
        policy = (
            f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
            "connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        )
        return HTMLResponse(
            text, headers={"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
        )

    async def _file(self, request: Request) -> Response:
        return _file(PAGE / request.path_params["path"])

    async def _library(self, request: Request) -> Response:
        return _file(self._vendor / request.path_params["path"])

    # --- the page's questions

    async def _lab(self, _request: Request) -> Response:
        return JSONResponse(LAB)

    async def _password(self, request: Request) -> Response:
        self.posted.append((request.url.path.partition(self.token)[2], None))
        return JSONResponse({"password": self.password})

    async def _answer(self, request: Request) -> Response:
        await self._note(request)
        return JSONResponse({"refusal": self.refusal})

    async def _deed(self, request: Request) -> Response:
        await self._note(request)
        if request.path_params["deed"] == "refused":
            return JSONResponse({"error": "The PC is off."}, status_code=409)
        return JSONResponse({"said": "That is done."})

    async def _note(self, request: Request) -> None:
        self.posted.append((request.url.path.partition(self.token)[2], await request.json()))

    async def _events(self, request: Request) -> Response:
        return StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[str]:
        self._loop = asyncio.get_running_loop()
        stream: asyncio.Queue[str] = asyncio.Queue()
        self.streams.append(stream)
        try:
            for one in self.states:
                yield _message("state", one)
            for one in self.happenings:
                yield _message("happened", one)
            while text := await stream.get():
                yield text
        finally:
            self.streams.remove(stream)

    # --- the page's WebSockets

    async def _terminal(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_bytes(b"\x1b[1;32mok\x1b[0m: [pc1]\r\n\x1b[31mfailed\x1b[0m\r\n$ ")
        while (message := await websocket.receive())["type"] != "websocket.disconnect":
            self.typed.append(json.loads(message["text"]))

    async def _screen(self, websocket: WebSocket) -> None:
        await websocket.accept("binary")
        with suppress(WebSocketDisconnect):
            await self._empty_screen(websocket)

    async def _empty_screen(self, websocket: WebSocket) -> None:
        """Speak RFB 3.8 (RFC 6143, 7) as far as an empty screen needs it; note the keys."""
        await websocket.send_bytes(b"RFB 003.008\n")
        await websocket.receive_bytes()
        await websocket.send_bytes(b"\1\1")
        await websocket.receive_bytes()
        await websocket.send_bytes(bytes(4))
        await websocket.receive_bytes()
        size = SIDE.to_bytes(2) + SIDE.to_bytes(2)
        await websocket.send_bytes(size + PIXEL_FORMAT + (3).to_bytes(4) + b"PC2")
        picture = bytes((0, 0)) + (1).to_bytes(2) + bytes(4) + size + bytes(4) + bytes(4 * SIDE * SIDE)
        await websocket.send_bytes(picture)
        while (message := await websocket.receive())["type"] != "websocket.disconnect":
            if message["bytes"][0] == 4 and message["bytes"][1] == 1:
                self.keys.append(int.from_bytes(message["bytes"][4:8]))


def _message(event: str, data: object) -> str:
    return f"event: {event}\ndata: {json.dumps(data)}\n\n"


def _file(path: Path) -> Response:
    return (
        FileResponse(path, media_type=TYPES.get(path.suffix)) if path.is_file() else Response(status_code=404)
    )


@contextmanager
def served() -> Iterator[StandIn]:
    """Serve the page on loopback; end it."""
    stand_in = StandIn(installed(print))
    with socket.create_server(("127.0.0.1", 0)) as door:
        stand_in.address = f"http://127.0.0.1:{door.getsockname()[1]}/{stand_in.token}/"
        config = uvicorn.Config(stand_in.app(), log_level="error", ws="wsproto", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, name="stand-in")
        thread.start()
        try:
            eventually(lambda: server.started, "the stand-in serves")
            yield stand_in
        finally:
            stand_in.end()
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive()
