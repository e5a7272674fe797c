# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A support session with the real service, brought step by step to any of its phases."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

from lab.wine.agent_pc import SYSTEM, AgentPC, PipeClient
from latchkey_agent.domain.model import Account


class Scene(NamedTuple):
    """A session of the name `session`, what the customer types, and who speaks."""

    office: AgentPC
    anna: Account
    password: bytearray
    session: str
    operator: PipeClient
    customer: PipeClient
    logon: PipeClient


def clients_of(office: AgentPC, anna: Account) -> tuple[PipeClient, PipeClient, PipeClient]:
    """Return operator, customer and logon screen; they speak as long as the PC is on."""
    customer = office.pipe_client("LatchkeyCustomer", anna.sid, session_of(office, anna))
    return office.pipe_client("LatchkeyControl"), customer, office.pipe_client("LatchkeyLogon", SYSTEM)


def session_of(office: AgentPC, account: Account) -> int:
    """Return the number of the account's session."""
    found = office.model.sessions.of(account.sid)
    assert found is not None
    return found.id


def ask(speaker: PipeClient, **message: object) -> dict[str, Any]:
    """Ask on the control pipe and return what was done."""
    said = speaker.ask(**message).body
    assert said["outcome"] == "done", said
    result: dict[str, Any] = said["result"]
    return result


def say(scene: Scene, secret: bytes | bytearray = b"", /, **message: object) -> None:
    """Let the customer say something that the agent takes."""
    answer = scene.customer.ask(secret, **message)
    assert answer.body["done"], answer.body


# --- the phases, each with those before it


def asked(scene: Scene) -> str:
    """The session is open and the customer is asked; returns the request."""
    ask(scene.operator, verb="session_start", session=scene.session, reason="Monthly updates")
    made = ask(scene.operator, verb="credential_request", session=scene.session, restarts=2, unlocks=1)
    request: str = made["request"]["id"]
    return request


def shown(scene: Scene) -> str:
    """The window is on the screen; returns the request."""
    request = asked(scene)
    desktop = scene.customer.ask(verb="watch", seen=0, wait=5).body["desktop"]
    assert [item["request"] for item in desktop["asked"]] == [request]
    text = hashlib.sha256(b"what the window shows").hexdigest()
    say(scene, verb="request_shown", request=request, text_sha256=text)
    return request


def put_off(scene: Scene) -> None:
    """The customer wants to be asked later."""
    say(scene, verb="request_later", request=shown(scene))


def declined(scene: Scene) -> None:
    """The customer says no."""
    say(scene, verb="request_decline", request=shown(scene))


def lent(scene: Scene) -> None:
    """The customer has typed the password."""
    request = shown(scene)
    say(scene, scene.password, verb="request_allow", request=request, entered=scene.anna.qualified)


def paused(scene: Scene) -> None:
    """The customer holds back what is lent."""
    lent(scene)
    [grant] = told(scene)["grants"]
    say(scene, verb="grant_pause", grant=grant["id"])


def taken_back(scene: Scene) -> None:
    """The customer has taken it back, and it is erased."""
    lent(scene)
    say(scene, verb="grant_revoke")
    until(scene, lambda grant: grant["state"] == "erased")


def restarting(scene: Scene) -> None:
    """A permit waits for the restart that Windows was asked for."""
    lent(scene)
    ask(scene.operator, verb="credential_apply", session=scene.session, action="restart", grace=60)
    assert scene.office.windows.restarts.get(timeout=10).grace == 60


def unlocking(scene: Scene) -> str:
    """A permit waits at a locked screen; returns it."""
    lent(scene)
    with scene.office.windows.lock:
        scene.office.model.sessions.lock(session_of(scene.office, scene.anna))
    begun = ask(scene.operator, verb="credential_apply", session=scene.session, action="unlock")
    permit: str = begun["use"]["permit"]
    return permit


def redeemed(scene: Scene) -> str:
    """The logon screen has the password and has not reported yet; returns the permit."""
    permit = unlocking(scene)
    assert scene.logon.ask(verb="redeem", permit=permit).secret == scene.password
    return permit


def ended(scene: Scene) -> None:
    """The operator has ended the session."""
    lent(scene)
    ask(scene.operator, verb="session_end", session=scene.session)


# --- what is known of it


def told(scene: Scene) -> dict[str, Any]:
    """Return all that the agent tells the operator about the session, and the customer about everything."""
    info = ask(scene.operator, verb="info", session=scene.session)
    parts = {name: info[name] for name in ("sessions", "requests", "grants", "erasure")}
    return parts | {"desktop": scene.customer.ask(verb="watch").body["desktop"]}


def until(scene: Scene, true: Callable[[dict[str, Any]], object]) -> None:
    """Wait until something is true of the session's grant; the test's time limit ends a wait for nothing."""
    seen = 0
    while not true(told(scene)["grants"][0]):
        seen = scene.customer.ask(verb="watch", seen=seen, wait=20).body["desktop"]["version"]


def states(known: dict[str, Any]) -> str:
    """Return the states of the session, and of what there is of request, grant and permit."""
    permits = [use for grant in known["grants"] for use in grant.get("uses", [])]
    parts = (*known["sessions"], *known["requests"], *known["grants"], *permits)
    return " ".join(part["state"] for part in parts)
