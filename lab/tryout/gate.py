# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets nobody in but the page's own reader, and sets the page's policy for browsers.

The token stands in the address, so another account of this computer, or a page of another origin in the same browser,
does not know it. The checks of host and origin stand behind it: they end DNS rebinding and cross-site requests even
where the token has leaked.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY_VIOLATION = 1008
"""The close code of a refused WebSocket (RFC 6455, section 7.4.1)."""
SAME = ("", "none", "same-origin")
"""The values of Sec-Fetch-Site (W3C Fetch Metadata) of a reader's own request; others come from another site."""


class Gate:
    """Wraps the page's application.

    Args:
        app: the application, which sees paths without the token.
        token: the token, the first part of each path.
        port: the page's port.
        style_nonce: the nonce of styles that the page's own libraries make.
    """

    def __init__(self, app: ASGIApp, token: str, port: int, style_nonce: str) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._headers = _headers(style_nonce)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None and scope["type"] == "http" and scope["path"] == f"/{self._token.decode()}":
            # Without the last slash the page's own addresses lead elsewhere.
            redirect = RedirectResponse(f"{scope['path']}/")
            await redirect(scope, receive, self._with_headers(send))
        elif refusal is None:
            inner = {**scope, "path": self._path(scope), "root_path": "", "raw_path": b""}
            await self._app(inner, receive, self._with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": ""})
        else:
            await PlainTextResponse(refusal, 403)(scope, receive, self._with_headers(send))

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return "This address is not the lab's. Open the address that `make lab` shows."
        origins = headers.getlist("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in {"GET", "HEAD"}
        is_foreign = any(origin != f"http://{hosts[0]}" for origin in origins) or (changes and not origins)
        if is_foreign or (headers.get("sec-fetch-site", "") not in SAME and not _opens_the_page(headers)):
            return "Another page must not use the lab. Open the address that `make lab` shows."
        if not hmac.compare_digest(_first(scope["path"]), self._token):
            return "The token in the address is missing or wrong. Open the address that `make lab` shows."
        return None

    def _path(self, scope: Scope) -> str:
        path: str = scope["path"]
        return path[1 + len(self._token) :] or "/"

    def _with_headers(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        return sent


def _opens_the_page(headers: Headers) -> bool:
    """Tell whether a reader follows a link to the page, as from a file; a frame or a script is something else."""
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"


def _first(path: str) -> bytes:
    return path.split("/", 2)[1].encode("utf-8", "surrogatepass") if path.startswith("/") else b""


def _headers(style_nonce: str) -> dict[str, str]:
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' 'nonce-{style_nonce}'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
