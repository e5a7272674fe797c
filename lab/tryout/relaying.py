# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Relays between a WebSocket of the page and a program: the terminal's and the screen's common part."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocketDisconnect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from starlette.websockets import WebSocket


async def until_one_ends(*works: Coroutine[Any, Any, None]) -> None:
    """Do several works at a time until one of them ends or fails; cancel the others."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def messages(socket: WebSocket) -> AsyncIterator[dict[str, Any]]:
    """Yield the page's messages until the page has gone."""
    with suppress(WebSocketDisconnect):
        while (message := await socket.receive())["type"] != "websocket.disconnect":
            yield dict(message)


async def close(socket: WebSocket) -> None:
    """Close the WebSocket of a page that has already gone, as a rule."""
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.close()
