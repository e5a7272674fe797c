# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An agent on a computer in memory, driven step by step: no threads, no waiting, kills at any point."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar
from unittest.mock import patch

import msgspec

from latchkey_agent.agent import Agent
from latchkey_agent.domain import LogonRefusal, Now, seconds_left
from latchkey_agent.domain.model import Account, State
from latchkey_agent.domain.refusal import Refused
from latchkey_agent.handlers.peer import Peer
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import codec
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from latchkey_agent.storage import journal
from latchkey_agent.storage.vault import MAGIC
from tests.unit.agent.world import ANNA, CUSTOMER, LOGON, OPERATOR, Disk, PowerCut, World

T = TypeVar("T")


def at(moment: datetime) -> Now:
    """Return this moment on a PC whose clock is right."""
    return Now(moment, moment, 0.0)


def in_one_go(steps: Generator[None, None, T]) -> T:
    """Take all steps without a pause; return the result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def verdict(kept: journal.Journal) -> journal.Verdict:
    """Read a whole journal without a pause."""
    return in_one_go(kept.verify())


def searched(kept: journal.Journal, tag: bytes) -> list[journal.LeftOver]:
    """Search a journal's files for a seal tag without a pause."""
    return in_one_go(kept.search(tag))


PROGRAM = "C:\\Tools\\setup.exe"
NO_INTERVAL = "min_restart_interval = 0.0\nlock_within = 0.05"


def memory_disk() -> Path | None:
    """Return the folder that keeps files in memory, or None if the system has none."""
    place = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    return place if os.access(place, os.W_OK) else None


class Bench:
    """An agent on a computer in memory, without threads: effects run when the test says so."""

    def __init__(self, folder: Path, world: World | None = None, policy: str = NO_INTERVAL) -> None:
        self.folder = folder / "life-0"
        self.folder.mkdir()
        self.world = world or World()
        self.settings = folder / "settings.toml"
        self.settings.write_text(f"[policy]\n{policy}\n")
        self.lives = 0
        self.raw_answers: list[bytes] = []
        self._databases: list[sqlite3.Connection] = []
        self.effects_lag = False
        self._following: list[Callable[[], None]] = []
        self.agent = self._boot()

    # --- start and stop -----------------------------------------------------------------

    def _boot(self) -> Agent:
        self.world.reserve = self.folder / "journal.db-reserve"
        agent = Agent(self.world.computer(), self.folder, self.settings, self.world.random)
        agent.core.pause = lambda seconds: None  # type: ignore[method-assign]
        agent.core.wait_for = self._wait_for  # type: ignore[method-assign, assignment]
        self._following.clear()
        agent.programs.spawn = self._following.append
        with patch.object(journal, "connect", self._connect):
            agent._begin()
        return agent

    def _connect(self, path: Path) -> sqlite3.Connection:
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Disk)
        database.world = self.world
        self._databases.append(database)
        return database

    def _wait_for(self, ready: Callable[[], T | None], _seconds: float) -> T | None:
        """Run clock and effects once instead of waiting, because there are no threads."""
        self.wake()
        self._run_effects()
        return ready()

    def wake(self) -> None:
        """Handle passed deadlines, as the agent's clock thread does."""
        with patch.object(journal, "connect", self._connect):
            self.agent.wake()

    def stop(self) -> None:
        """Stop the agent in order, also one whose start failed."""
        with suppress(PowerCut):
            self.agent.core.close()
        while self._databases:
            self._databases.pop().close()

    def start(self) -> None:
        """Start an agent on the files on the disk; a planned power cut stays planned."""
        if self.world.dead:
            self.world.power_on()
        self.agent = self._boot()

    def kill(self) -> None:
        """End the agent as SIGKILL does: the files stay as they are at this moment."""
        self.lives += 1
        after = self.folder.with_name(f"life-{self.lives}")
        after.mkdir()
        for file in self.folder.iterdir():
            if file.is_file() and not file.name.endswith("-shm"):
                shutil.copyfile(file, after / file.name)
        self.stop()
        shutil.rmtree(self.folder)
        self.folder = after

    def crash(self) -> None:
        """Kill the agent and start it again in the same boot."""
        self.kill()
        self.start()

    def set_journal_version(self, version: int) -> None:
        """Restart the agent with a journal of this version."""
        self.kill()
        with closing(sqlite3.connect(self.journal)) as database:
            database.execute(f"PRAGMA user_version = {version}")
        self.start()

    def reboot(self) -> None:
        """Restart the PC."""
        self.stop()
        self.world.reboot()
        self.start()

    def power_cut(self) -> None:
        """Cut the PC's power and switch it on again."""
        self.kill()
        self.world.reboot()
        self.start()

    # --- the disk -------------------------------------------------------------------------

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.folder / "journal.db"

    @property
    def database(self) -> sqlite3.Connection:
        """The journal's connection."""
        return self.agent.core.journal._db

    def content(self) -> bytes:
        """Return all bytes of the agent's folder."""
        return b"".join(file.read_bytes() for file in sorted(self.folder.iterdir()) if file.is_file())

    def sealed(self) -> set[str]:
        """Return the grants that have a sealed record."""
        return set(self.agent.core.journal.sealed_grants())

    def seal_tags(self) -> int:
        """Count the sealed records in all files of the agent's folder."""
        return self.content().count(MAGIC)

    @contextmanager
    def read_by_others(self) -> Iterator[None]:
        """Let another program read the journal, so the log cannot be emptied."""
        with self.other_program() as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM events").fetchone()
            yield

    @contextmanager
    def other_program(self) -> Iterator[sqlite3.Connection]:
        """Open the journal as another program does."""
        with closing(sqlite3.connect(self.journal, isolation_level=None)) as connection:
            yield connection

    def events(self) -> list[str]:
        """Return the kinds of all events, in order."""
        bodies = self.database.execute("SELECT body FROM events ORDER BY seq").fetchall()
        return [msgspec.json.decode(body)["event"] for (body,) in bodies]

    # --- messages ---------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """The agent's state."""
        return self.agent.core.state

    def deadline(self) -> datetime | None:
        """Return the moment at which time alone changes something next, None if it never does."""
        now = self.agent.core.now()
        left = seconds_left(self.state, now)
        return None if left is None else now.at + timedelta(seconds=left)

    def effects(self) -> bool:
        """Run the pending effects; tell whether all of them succeeded."""
        try:
            return self.agent.effects.run()
        except Refused:
            return False

    def _run_effects(self) -> None:
        if not self.effects_lag:
            self.effects()

    def ask(self, request: rq.ControlRequest, peer: Peer = OPERATOR) -> ans.Answer:
        """Send one control request and run the effects."""
        body = self.agent.control(msgspec.json.encode(request), peer)
        self.raw_answers.append(body)
        self._run_effects()
        return msgspec.json.decode(body, type=ans.Answer)

    def result(self, request: rq.ControlRequest) -> dict[str, Any]:
        """Send one control request that must succeed, and return its result."""
        answer = self.ask(request)
        assert answer.outcome == "done", answer
        assert isinstance(answer.result, dict)
        return answer.result

    def error(self, request: rq.ControlRequest, peer: Peer = OPERATOR) -> ans.ErrorView:
        """Send one control request that must be refused, and return its error."""
        answer = self.ask(request, peer)
        assert answer.outcome == "refused", answer
        assert isinstance(answer.error, ans.ErrorView)
        return answer.error

    def code(self, request: rq.ControlRequest, peer: Peer = OPERATOR) -> str:
        """Send one control request that must be refused, and return its error code."""
        return self.error(request, peer).code

    def customer(
        self, request: cm.CustomerRequest, secret: bytes | bytearray = b"", peer: Peer = CUSTOMER
    ) -> cm.CustomerAnswer:
        """Send one message as the companion and run the effects."""
        body = self.agent.customer(msgspec.json.encode(request), bytearray(secret), peer)
        self._run_effects()
        return msgspec.json.decode(body, type=cm.CustomerAnswer)

    def customer_code(
        self, request: cm.CustomerRequest, secret: bytes | bytearray = b"", peer: Peer = CUSTOMER
    ) -> str:
        """Send one message as the companion that must be refused, and return its error code."""
        answer = self.customer(request, secret, peer)
        assert not answer.done
        assert answer.error is not None
        return answer.error.code

    def logon(self, request: lm.LogonRequest, peer: Peer = LOGON) -> tuple[lm.LogonAnswer, bytearray]:
        """Send one message as the credential provider."""
        reply = self.agent.logon(codec.encode_logon(request), peer)
        return codec.decode_logon_answer(reply.body), reply.secret

    # --- the main job's steps, for tests that begin in the middle ---------------------------

    def start_session(self, session: str = "CHG-1") -> None:
        """Start a support session with the customer signed in."""
        self.world.sign_in(ANNA)
        self.result(rq.SessionStart(session=session, reason="Monthly updates", ticket=session))

    def request(self, session: str = "CHG-1", **terms: Any) -> str:
        """Request a grant, also of a customer who has said no; return the request's id."""
        asked = self.result(
            rq.CredentialRequest(session=session, **({"restarts": 2, "ask_again": True} | terms))
        )
        return str(asked["request"]["id"])

    def show(self, request: str) -> None:
        """Report the request window as shown on the customer's screen."""
        assert self.customer(cm.RequestShown(request=request, text_sha256="0" * 64)).done

    def allow(self, request: str, password: bytes | bytearray) -> cm.CustomerAnswer:
        """Let the customer allow the request with this password."""
        return self.customer(cm.RequestAllow(request=request, entered="PC-07\\anna"), password)

    def slow_check(self) -> tuple[threading.Event, threading.Event]:
        """Let a check of a password set the first event and wait for the second one."""
        accounts = self.agent.core.computer.accounts
        check, inside, go_on = accounts.check, threading.Event(), threading.Event()

        def slow(account: Account, password: bytearray) -> LogonRefusal | None:
            inside.set()
            assert go_on.wait(10)
            return check(account, password)

        accounts.check = slow  # type: ignore[method-assign]
        return inside, go_on

    def lend(self, password: bytes | bytearray, *, session: str = "CHG-1", **terms: Any) -> str:
        """Start a session, request a grant and let the customer allow it; return the grant's id."""
        self.world.set_password(ANNA, password)
        self.start_session(session)
        request = self.request(session, **terms)
        self.show(request)
        granted = self.allow(request, password)
        assert granted.done, granted
        return next(reversed(self.state.grants))

    def agree_to_sign_on(self, **terms: Any) -> str:
        """Let the customer allow restarts after which Windows signs them in by itself; return the grant's id."""
        self.world.facts = self.world.facts._replace(restart_sign_on=True)
        self.start_session()
        request = self.request(**{"means": "arso", **terms})
        self.show(request)
        granted = self.allow(request, b"")
        assert granted.done, granted
        return next(reversed(self.state.grants))

    def windows_signs_on(self, *, locked: bool = True) -> None:
        """Let Windows sign the customer in by itself after a restart that asked for it, and the agent see it."""
        assert self.world.signs_on
        self.world.sign_in(ANNA, locked=locked)
        self.agent.sessions_changed()
        self.effects()

    def restart(self, session: str = "CHG-1", **options: Any) -> str:
        """Apply the grant to a restart; return the permit's id."""
        use = self.result(rq.CredentialApply(session=session, action="restart", **options))["use"]
        return str(use["permit"])

    def command(self, program: str = PROGRAM, *arguments: str, **options: Any) -> dict[str, Any]:
        """Run a program in the customer's name up to its start; return the agent's view of it."""
        fields = {"session": "CHG-1", "program": program, "arguments": arguments, **options}
        view: dict[str, Any] = self.result(rq.SessionCommand(**fields))["command"]
        return view

    def follow_programs(self) -> None:
        """Do what the agent does beside: follow each program that has begun to its end."""
        while self._following:
            self._following.pop(0)()

    def unlock(self, session: str = "CHG-1", **options: Any) -> str:
        """Apply the grant to an unlock; return the permit's id."""
        use = self.result(rq.CredentialApply(session=session, action="unlock", **options))["use"]
        return str(use["permit"])

    def redeem(self) -> tuple[str, bytearray]:
        """Play the logon screen up to the password; return the permit's id and the password."""
        permit, _ = self.logon(lm.Peek())
        assert permit.done, "no permit to redeem"
        answer, secret = self.logon(lm.Redeem(permit=permit.permit))
        assert answer.done
        return permit.permit, secret

    def report(self, permit: str, status: int = 0, substatus: int = 0) -> bool:
        """Send the logon screen's report and run the effects."""
        done = self.logon(lm.ReportResult(permit=permit, status=status, substatus=substatus))[0].done
        self._run_effects()
        return done

    def revoke(self) -> bool:
        """Let the customer revoke everything; tell whether it was done."""
        return self.customer(cm.GrantRevoke()).done

    def shown_request(self, password: bytes | bytearray) -> str:
        """Show a request to a customer with this password; return its id."""
        self.world.set_password(ANNA, password)
        self.start_session()
        request = self.request()
        self.show(request)
        return request

    def at_logon_screen(self, password: bytes | bytearray, **terms: Any) -> str:
        """Bring the PC to its logon screen with an issued permit; return the permit's id."""
        self.lend(password, **terms)
        permit = self.restart()
        self.reboot()
        return permit

    def sign_in_with_permit(self, account: Account = ANNA) -> bytearray:
        """Play the logon screen once: peek, redeem, report and lock."""
        permit, secret = self.redeem()
        self.world.sign_in(account)
        self.report(permit)
        self.agent.sessions_changed()
        self.effects()
        return secret

    def open_desktop(self, session: str = "CHG-1") -> str:
        """Lock the customer's screen and unlock it with the session's grant; return the permit's id."""
        self.world.sign_in(ANNA, locked=True)
        permit = self.unlock(session)
        self.sign_in_with_permit()
        return permit


class Cut(NamedTuple, Generic[T]):
    """One round of `cuts`; `result` is None if the power cut interrupted the act."""

    bench: Bench
    result: T | None
    survived: bool


def cuts(
    folder: Path,
    prepare: Callable[[Bench], object],
    act: Callable[[Bench], T],
    world: Callable[[], World] = World,
) -> Iterator[Cut[T]]:
    """Cut the power at each touch of `act` in turn, each time on a fresh PC.

    Each yielded bench was started again after the cut, in the same boot.
    """
    for number in itertools.count(1):
        place = folder / f"cut-{number}"
        place.mkdir()
        bench = Bench(place, world())
        prepare(bench)
        bench.world.cut_at = bench.world.touches + number
        result = None
        with suppress(PowerCut):
            result = act(bench)
        survived = not bench.world.dead
        bench.world.power_on()
        bench.crash()
        yield Cut(bench, result, survived)
        bench.stop()
        if survived:
            return
