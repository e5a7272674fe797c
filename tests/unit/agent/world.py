# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small computer in memory, and a power cut at any touch of it.

Smaller than the lab's simulated PC on purpose: no processes, no time of its
own, every call can be counted and cut. Nothing of the agent is replaced.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any

import msgspec

from latchkey_agent.agent import Agent
from latchkey_agent.domain.model import Account
from latchkey_agent.peer import Peer
from latchkey_agent.ports import Computer, LogonFacts, LogonRefusal, PortError, SignIn
from latchkey_agent.protocol import local as p
from latchkey_agent.protocol import messages as m

ZONE = timezone(timedelta(hours=1), "CET")
START = datetime(2026, 11, 23, 18, 0, tzinfo=ZONE)
ANNA = Account("S-1-5-21-1-2-3-1001", "anna", "PC-07")
BEN = Account("S-1-5-21-1-2-3-1002", "ben", "PC-07")
OPERATOR = Peer(Account("S-1-5-21-1-2-3-500", "admin", "PC-07"), 0, operator=True, system=False)
CUSTOMER = Peer(ANNA, 1, operator=False, system=False)
OTHER = Peer(BEN, 2, operator=False, system=False)
LOGON = Peer(None, 1, operator=False, system=True)


class PowerCut(BaseException):
    """The power is gone: nothing after this line runs."""


@dataclass
class World:
    """The computer's whole state, outside of the agent's reach."""

    now: datetime = START
    boot: str = "boot-1"
    passwords: dict[str, bytes] = field(default_factory=dict)
    checks: list[str] = field(default_factory=list)
    answers: list[LogonRefusal] = field(default_factory=list)
    signed_in: list[SignIn] = field(default_factory=list)
    restarts: list[str] = field(default_factory=list)
    refuses_restart: str = ""
    lock_works: bool = True
    disconnect_works: bool = True
    announced: int = 0
    summoned: list[str] = field(default_factory=list)
    anchor: bytes | None = None
    machine_key: bytes = field(default_factory=lambda: os.urandom(32))
    keys_work: bool = True
    facts: LogonFacts = LogonFacts()
    pending: list[str] = field(default_factory=list)
    touches: int = 0
    cut_at: int | None = None

    def touch(self) -> None:
        """Count a call of a port; cut the power where the test wants it."""
        self.touches += 1
        if self.cut_at is not None and self.touches >= self.cut_at:
            self.cut_at = None
            raise PowerCut

    def sign_in(self, account: Account, *, locked: bool = False) -> None:
        """Put somebody at the console."""
        self.signed_in = [s for s in self.signed_in if s.account != account]
        self.signed_in.append(SignIn(1, account, console=True, active=True, locked=locked))

    def reboot(self, name: str | None = None) -> None:
        """Go down and come back: another boot id, nobody signed in."""
        self.boot = name or f"boot-{int(self.boot.split('-')[1]) + 1}"
        self.signed_in = []

    def computer(self) -> Computer:
        """Return the ports onto this world."""
        return Computer(
            "PC-07",
            _Clock(self),
            _Accounts(self),
            _Sessions(self),
            _Power(self),
            _Keys(self),
            _Desk(self),
            _Anchor(self),
        )


@dataclass
class _Port:
    world: World


class _Clock(_Port):
    def now(self) -> datetime:
        return self.world.now

    def zone(self) -> tzinfo:
        return ZONE


class _Accounts(_Port):
    def find(self, name: str) -> Account | None:
        user = name.rsplit("\\", maxsplit=1)[-1].lower()
        return {"anna": ANNA, "ben": BEN}.get(user)

    def check(self, account: Account, password: bytearray) -> LogonRefusal | None:
        self.world.touch()
        self.world.checks.append(account.user)
        if self.world.answers:
            return self.world.answers.pop(0)
        right = self.world.passwords.get(account.sid)
        return None if right == bytes(password) else LogonRefusal.WRONG_PASSWORD

    def facts(self, account: Account | None) -> LogonFacts:
        return self.world.facts


class _Sessions(_Port):
    def signed_in(self) -> list[SignIn]:
        return list(self.world.signed_in)

    def lock(self, session_id: int) -> None:
        self.world.touch()
        if self.world.lock_works:
            self._change(session_id, locked=True)

    def disconnect(self, session_id: int) -> None:
        self.world.touch()
        if self.world.disconnect_works:
            self._change(session_id, active=False)

    def _change(self, session_id: int, **changes: bool) -> None:
        self.world.signed_in = [
            s._replace(**changes) if s.session_id == session_id else s for s in self.world.signed_in
        ]


class _Power(_Port):
    def boot_id(self) -> str:
        return self.world.boot

    def restart(self, *, message: str, grace: float) -> None:
        self.world.touch()
        if self.world.refuses_restart:
            raise PortError(self.world.refuses_restart)
        self.world.restarts.append(message)

    def pending_reasons(self) -> list[str]:
        return list(self.world.pending)


class _Keys(_Port):
    def protect(self, secret: bytearray, entropy: bytes) -> bytes:
        self.world.touch()
        pad = hashlib.sha256(self.world.machine_key + entropy).digest()
        return bytes(a ^ b for a, b in zip(secret, pad, strict=True))

    def unprotect(self, blob: bytes, entropy: bytes) -> bytearray:
        self.world.touch()
        if not self.world.keys_work:
            msg = "the profile's keys were lost"
            raise PortError(msg)
        return bytearray(self.protect(bytearray(blob), entropy))


class _Desk(_Port):
    def summon_companion(self, account: Account) -> None:
        self.world.touch()
        self.world.summoned.append(account.user)

    def announce_ticket(self) -> None:
        self.world.touch()
        self.world.announced += 1


class _Anchor(_Port):
    def load(self) -> bytes | None:
        return self.world.anchor

    def save(self, head: bytes) -> None:
        self.world.touch()
        self.world.anchor = head


def utf16(password: str) -> bytes:
    """Return a password as it crosses the customer pipe."""
    return password.encode("utf-16-le")


class Bench:
    """An agent on a world, without threads: effects run when the test says so."""

    def __init__(
        self, folder: Path, world: World | None = None, policy: str = "min_restart_interval = 0.0"
    ) -> None:
        self.folder = folder
        self.world = world or World()
        self.settings = folder / "settings.toml"
        if not self.settings.exists():
            self.settings.write_text(f"[policy]\n{policy}\n")
        self.agent = self._boot()

    def _boot(self) -> Agent:
        agent = Agent(self.world.computer(), self.folder, self.settings)
        # No threads here: whoever waits lets the effects run once, and looks again.
        agent.core.wait_for = lambda ready, _seconds: (agent.core.problem or agent.effects.run(), ready())[1]  # type: ignore[method-assign]
        agent.core.load()
        agent.sessions_changed()
        return agent

    @property
    def state(self) -> Any:
        """The agent's state."""
        return self.agent.core.state

    def crash(self) -> None:
        """Kill the agent and start it again; the disk is what it was."""
        self.agent.core.close()
        self.agent = self._boot()

    def reboot(self) -> None:
        """Restart the PC."""
        self.agent.core.close()
        self.world.reboot()
        self.agent = self._boot()

    def effects(self) -> bool:
        """Run what is to be done."""
        return self.agent.effects.run()

    def ask(self, request: m.ControlRequest, peer: Peer = OPERATOR) -> m.Answer:
        """Send one control request; effects are run as the threads would."""
        answer = msgspec.json.decode(self.agent.control(msgspec.json.encode(request), peer), type=m.Answer)
        if not self.agent.core.problem:
            self.effects()
        return answer

    def result(self, request: m.ControlRequest) -> dict[str, Any]:
        """Send one control request that must be done, and return its result."""
        answer = self.ask(request)
        assert answer.outcome == "done", answer
        assert isinstance(answer.result, dict)
        return answer.result

    def code(self, request: m.ControlRequest, peer: Peer = OPERATOR) -> str:
        """Send one control request that must be refused, and return its error code."""
        answer = self.ask(request, peer)
        assert answer.outcome == "refused", answer
        assert isinstance(answer.error, m.ErrorView)
        return answer.error.code

    def customer(
        self, request: p.CustomerRequest, secret: bytes = b"", peer: Peer = CUSTOMER
    ) -> p.CustomerAnswer:
        """Say something as the companion; effects are run."""
        buffer = bytearray(secret)
        body = self.agent.customer(msgspec.json.encode(request), buffer, peer)
        if not self.agent.core.problem:
            self.effects()
        return msgspec.json.decode(body, type=p.CustomerAnswer)

    def logon(self, request: p.LogonRequest, peer: Peer = LOGON) -> tuple[p.LogonAnswer, bytearray]:
        """Say something as the credential provider."""
        body, secret = self.agent.logon(msgspec.json.encode(request), peer)
        return msgspec.json.decode(body, type=p.LogonAnswer), secret

    # --- the main job's steps, for tests that begin in the middle ---------------------

    def lend(self, password: bytes, *, session: str = "CHG-1", **terms: Any) -> str:
        """Open a session, ask, and let the customer grant; return the grant's id."""
        self.world.passwords[ANNA.sid] = password
        self.world.sign_in(ANNA)
        self.result(m.SessionStart(session=session, reason="Monthly updates"))
        asked = self.result(m.CredentialRequest(session=session, **({"restarts": 2} | terms)))
        self.show(asked["request"]["id"])
        granted = self.customer(
            p.RequestAllow(request=asked["request"]["id"], entered="PC-07\\anna"), password
        )
        assert granted.done, granted
        return next(g.id for g in reversed(self.state.grants.values()))

    def show(self, request: str) -> None:
        """Put the request window on the customer's screen."""
        assert self.customer(p.RequestShown(request=request, text_sha256="0" * 64)).done

    def sign_in_with_ticket(self) -> bytearray:
        """Play the logon screen once: peek, redeem, report, and let the lock follow."""
        ticket, _ = self.logon(p.Peek())
        assert ticket.done, "no ticket to redeem"
        answer, secret = self.logon(p.Redeem(ticket=ticket.ticket))
        assert answer.done
        self.world.sign_in(ANNA)
        self.logon(p.ReportResult(ticket=ticket.ticket, status=0))
        self.agent.sessions_changed()
        self.effects()
        return secret


UTC_START = START.astimezone(UTC)
