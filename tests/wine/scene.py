# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a support session with the real service step by step to any of its phases."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

from lab.wine.agent_pc import SYSTEM, AgentPC, PipeClient
from latchkey_agent.domain.model import Account
from latchkey_agent.protocol.logon_messages import Redeem


class Scene(NamedTuple):
    """The name of a session, the customer's password, and the clients of the pipes."""

    office: AgentPC
    anna: Account
    password: bytearray
    session: str
    operator: PipeClient
    customer: PipeClient
    logon: PipeClient


def clients_of(office: AgentPC, anna: Account) -> tuple[PipeClient, PipeClient, PipeClient]:
    """Return the clients of operator, customer and logon screen; they run as long as the PC is on."""
    customer = office.pipe_client("LatchkeyCustomer", anna.sid, session_of(office, anna))
    return office.pipe_client("LatchkeyControl"), customer, office.pipe_client("LatchkeyLogon", SYSTEM)


def session_of(office: AgentPC, account: Account) -> int:
    """Return the number of the account's session."""
    found = office.model.sessions.of(account.sid)
    assert found is not None
    return found.id


def ask(speaker: PipeClient, **message: object) -> dict[str, Any]:
    """Send a request on the control pipe, and return the result."""
    said = speaker.ask(**message).body
    assert said["outcome"] == "done", said
    result: dict[str, Any] = said["result"]
    return result


def say(scene: Scene, secret: bytes | bytearray = b"", /, **message: object) -> None:
    """Send a customer's message that the agent accepts."""
    answer = scene.customer.ask(secret, **message)
    assert answer.body["done"], answer.body


# --- the phases; each includes the earlier ones


def asked(scene: Scene) -> str:
    """Start the session and request; return the request's id."""
    ask(scene.operator, verb="session_start", session=scene.session, reason="Monthly updates")
    made = ask(
        scene.operator, verb="credential_request", session=scene.session, restarts=2, unlocks=1, grace=60
    )
    request: str = made["request"]["id"]
    return request


def shown(scene: Scene) -> str:
    """Show the request window; return the request's id."""
    request = asked(scene)
    shown_snapshot = scene.customer.ask(verb="watch", seen=0, wait=5).body["snapshot"]
    assert [item["request"] for item in shown_snapshot["asked"]] == [request]
    text = hashlib.sha256(b"what the window shows").hexdigest()
    say(scene, verb="request_shown", request=request, text_sha256=text)
    return request


def put_off(scene: Scene) -> None:
    """Let the customer answer later."""
    say(scene, verb="request_later", request=shown(scene))


def declined(scene: Scene) -> None:
    """Let the customer decline."""
    say(scene, verb="request_decline", request=shown(scene))


def lent(scene: Scene) -> None:
    """Let the customer type the password."""
    request = shown(scene)
    say(scene, scene.password, verb="request_allow", request=request, entered=scene.anna.qualified)


def paused(scene: Scene) -> None:
    """Let the customer pause the grant."""
    lent(scene)
    [grant] = snapshot(scene)["grants"]
    say(scene, verb="grant_pause", grant=grant["id"])


def taken_back(scene: Scene) -> None:
    """Let the customer revoke the grant, and wait for its erasure."""
    lent(scene)
    say(scene, verb="grant_revoke")
    until(scene, lambda grant: grant["state"] == "erased")


def restarting(scene: Scene) -> None:
    """Apply a restart; its permit waits for the boot."""
    lent(scene)
    ask(scene.operator, verb="credential_apply", session=scene.session, action="restart")
    assert scene.office.windows.restarts.get(timeout=10).grace == 60


def unlocking(scene: Scene) -> str:
    """Apply an unlock of a locked screen; return the waiting permit."""
    lent(scene)
    with scene.office.windows.lock:
        scene.office.model.sessions.lock(session_of(scene.office, scene.anna))
    begun = ask(scene.operator, verb="credential_apply", session=scene.session, action="unlock")
    permit: str = begun["use"]["permit"]
    return permit


def redeemed(scene: Scene) -> str:
    """Let the logon screen redeem the permit without a report; return the permit."""
    permit = unlocking(scene)
    assert scene.logon.ask_logon(Redeem(permit=permit))[1] == scene.password
    return permit


def ended(scene: Scene) -> None:
    """End the session."""
    lent(scene)
    ask(scene.operator, verb="session_end", session=scene.session)


# --- the state of a session


def snapshot(scene: Scene) -> dict[str, Any]:
    """Return the operator's info about the session, and the customer's snapshot."""
    info = ask(scene.operator, verb="info", session=scene.session)
    parts = {name: info[name] for name in ("sessions", "requests", "grants", "erasure")}
    return parts | {"snapshot": scene.customer.ask(verb="watch").body["snapshot"]}


def until(scene: Scene, true: Callable[[dict[str, Any]], object]) -> None:
    """Wait until the session's grant meets a condition; the test's time limit ends the wait."""
    seen = 0
    while not true(snapshot(scene)["grants"][0]):
        seen = scene.customer.ask(verb="watch", seen=seen, wait=20).body["snapshot"]["version"]


def states(known: dict[str, Any]) -> str:
    """Return the states of the session and of its request, grant and permit, if any."""
    permits = [use for grant in known["grants"] for use in grant.get("uses", [])]
    parts = (*known["sessions"], *known["requests"], *known["grants"], *permits)
    return " ".join(part["state"] for part in parts)
