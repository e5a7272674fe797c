# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The companion with its threads, a fake agent behind a socket, and windows that the test answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from lab.simulated.wire import SocketStream
from latchkey_agent import stream
from latchkey_agent.companion import agent_link as link_module
from latchkey_agent.companion import director as d
from latchkey_agent.companion import steps as s
from latchkey_agent.companion.agent_link import Link
from latchkey_agent.companion.director import Director, PasswordInput
from latchkey_agent.companion.presenter import Presenter
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol.frames import encode
from tests.unit.companion.presenter_harness import NOW, asked, lent, noticed, refusal
from tests.unit.companion.stage import WAIT, Agent, FakeWindow, Stage
from tests.waiting import eventually


@pytest.fixture
def agent() -> Iterator[Agent]:
    """Return an agent without requests."""
    made = Agent()
    yield made
    made.stop()


@pytest.fixture
def stage() -> Stage:
    """Return an empty screen."""
    return Stage()


@pytest.fixture
def director(agent: Agent, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Director]:
    """Return a running companion."""
    monkeypatch.setattr(d, "BALLOON_SECONDS", 0.0)
    monkeypatch.setattr(d, "SCREEN_CHECK_INTERVAL", 0.05)
    monkeypatch.setattr(link_module, "FIRST_RETRY", 0.01)
    made = Director(Presenter("en", NOW), Link(agent.connect), stage, lambda: NOW)
    running = threading.Thread(target=made.run)
    running.start()
    yield made
    made.stop()
    running.join(WAIT)
    assert not running.is_alive()


def open_request_window(agent: Agent, stage: Stage) -> FakeWindow:
    """Let the agent ask; return the request window."""
    agent.show(asked=[asked()])
    return stage.next()


def test_what_is_typed_reaches_the_agent_and_is_overwritten(
    agent: Agent, stage: Stage, director: Director
) -> None:
    """The companion sends the password to the agent and overwrites its copy."""
    secret = bytearray(b"p\0w\0")
    stage.typed = [PasswordInput("PC-1\\anna", secret)]
    window = open_request_window(agent, stage)
    assert window.links == ["Allow", "Later", "Decline", "Report"]
    assert stage.guarded == [True]
    window.answer(0)
    allowed, sent = agent.next(cm.RequestAllow)
    assert (allowed.entered, sent) == ("PC-1\\anna", b"p\0w\0")
    agent.show(lent=[lent()])
    assert stage.icons.get(timeout=WAIT)
    assert stage.icons.get(timeout=WAIT) == "Latchkey: your sign-in is lent"
    eventually(lambda: secret == bytearray(4), "the overwriting")


def test_a_wrong_password_is_said_in_the_next_window(agent: Agent, stage: Stage, director: Director) -> None:
    """The error is the first text in the window."""
    agent.answers[cm.RequestAllow] = refusal("wrong_password", 1)
    stage.typed = [PasswordInput("anna", bytearray(b"x\0"))]
    open_request_window(agent, stage).answer(0)
    agent.next(cm.RequestAllow)
    agent.show(asked=[asked(tries_left=1, last_refusal="wrong_password")])
    assert stage.next().text.startswith("That did not work.")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (PasswordInput("anna", bytearray()), "Nothing was typed"),
        (PortError("no dialog here"), "no dialog here"),
        (PasswordInput(problem="error 5"), "error 5"),
    ],
)
def test_without_a_password_nothing_is_said_to_the_agent(
    agent: Agent, stage: Stage, director: Director, typed: PasswordInput | PortError, words: str
) -> None:
    """The customer reads the reason, and the request window comes back."""
    stage.typed = [typed]
    open_request_window(agent, stage).answer(0)
    message = stage.next()
    assert words in message.text
    message.answer(None)
    stage.next().answer(None)
    agent.next(cm.RequestLater)


def test_later_asks_when(agent: Agent, stage: Stage, director: Director) -> None:
    """The companion sends the answer of the second window to the agent."""
    open_request_window(agent, stage).answer(1)
    question = stage.next()
    assert question.links[0] == "In 15 minutes"
    question.answer(1)
    assert agent.next(cm.RequestLater)[0].seconds == 3600


def test_a_window_that_was_taken_away_answers_nothing(agent: Agent, stage: Stage, director: Director) -> None:
    """A window that the companion closes does not count as "later"."""
    open_request_window(agent, stage)
    stage.screen = s.Screen(locked=True)
    director.post(s.ScreenChecked())
    assert agent.next(cm.RequestBlocked)[0].reason == "locked"
    stage.screen = s.Screen()
    stage.next().answer(3)
    assert agent.next(cm.RequestDecline)[0].report
    while not agent.received.empty():
        assert not isinstance(agent.received.get()[0], cm.RequestLater)


def test_a_request_that_cannot_be_shown_has_a_display_block(
    agent: Agent, stage: Stage, director: Director
) -> None:
    """It does not count as postponed. It comes back when the customer asks for it, or after a while."""
    open_request_window(agent, stage).answer(PortError("no windows"))
    assert agent.next(cm.RequestBlocked)[0].reason == "unshown"
    director.post(s.MenuPicked("show"))
    assert agent.next(cm.RequestBlocked)[0].reason is None
    stage.next().answer(3)
    agent.next(cm.RequestDecline)


def test_a_question_that_cannot_be_shown_asks_nothing(agent: Agent, stage: Stage, director: Director) -> None:
    """The customer's answer stands without a reason."""
    open_request_window(agent, stage).answer(2)
    stage.next().answer(PortError("no windows"))
    assert agent.next(cm.RequestDecline)[0].why == ""


def test_the_request_is_brought_up(agent: Agent, stage: Stage, director: Director) -> None:
    """The menu entry brings the request window to the front."""
    window = open_request_window(agent, stage)
    director.post(s.MenuPicked("show"))
    director.post(s.MenuPicked("about"))
    stage.next().answer(None)
    assert window.raised == 1


def test_a_notice_is_closed_at_the_agent_after_its_time(
    agent: Agent, stage: Stage, director: Director
) -> None:
    """The companion closes the notice at the agent after the balloon's time."""
    agent.show(notices=[noticed()])
    assert "Allowed until" in stage.balloons.get(timeout=WAIT)
    assert agent.next(cm.NoticesClosed)[0].notices == ["n-1"]


def test_a_notice_that_windows_does_not_show_is_not_closed(
    agent: Agent, stage: Stage, director: Director
) -> None:
    """The notice comes back at the next sign-in. The companion keeps running."""
    stage.refuses = True
    agent.show(notices=[noticed()])
    open_request_window(agent, stage)
    assert not any(isinstance(message, cm.NoticesClosed) for message, _ in drained(agent))


def drained(agent: Agent) -> list[tuple[cm.CustomerRequest, bytes]]:
    """Return all requests that the agent has received so far."""
    received = []
    while not agent.received.empty():
        received.append(agent.received.get())
    return received


def test_missed_notices_are_closed_by_the_customer(agent: Agent, stage: Stage, director: Director) -> None:
    """The companion closes them at the agent only after the customer has closed the window."""
    agent.show(notices=[noticed(while_away=True)])
    window = stage.next()
    assert drained(agent) == []
    window.answer(None)
    assert agent.next(cm.NoticesClosed)[0].notices == ["n-1"]


def test_missed_notices_that_cannot_be_shown_are_not_closed(
    agent: Agent, stage: Stage, director: Director
) -> None:
    """They come back at the next sign-in."""
    agent.show(notices=[noticed(while_away=True)])
    stage.next().answer(PortError("no windows"))
    request_window_later = stage.shown
    agent.show(asked=[asked()])
    assert request_window_later.get(timeout=WAIT).links
    assert not any(isinstance(message, cm.NoticesClosed) for message, _ in drained(agent))


def test_receipts_are_browsed_with_older_and_newer(agent: Agent, stage: Stage, director: Director) -> None:
    """A link appears only if there is an older or a newer receipt."""
    director.post(s.MenuPicked("about"))
    stage.next().answer(PortError("no windows"))
    pages = s.ShowPages("Receipts", ("one", "two", "three"), "Older", "Newer")
    threading.Thread(target=director._show_pages, args=(pages,), daemon=True).start()
    first = stage.next()
    assert (first.text, first.links) == ("one", ["Older"])
    first.answer(0)
    second = stage.next()
    assert (second.text, second.links) == ("two", ["Older", "Newer"])
    second.answer(0)
    third = stage.next()
    assert (third.text, third.links) == ("three", ["Newer"])
    third.answer(0)
    stage.next().answer(None)


def test_any_thread_may_read_the_menu(agent: Agent, stage: Stage, director: Director) -> None:
    """The menu shows the current grants."""
    agent.show(lent=[lent()])
    stage.icons.get(timeout=WAIT)
    assert [entry.text for entry in director.menu()][1] == "Revoke my credentials"


def test_what_is_said_while_the_agent_starts_again_reaches_it(
    agent: Agent, stage: Stage, director: Director, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The companion retries a failed connection once."""
    window = open_request_window(agent, stage)
    drained(agent)
    failures = iter([True])
    connect = agent.connect

    def late(limit: float) -> AbstractContextManager[stream.Stream]:
        if next(failures, False):
            raise FileNotFoundError
        return connect(limit)

    monkeypatch.setattr(director._link, "_connect", late)
    window.answer(3)
    assert agent.next(cm.RequestDecline)[0].report


def test_the_companion_reconnects_to_a_restarted_agent(
    agent: Agent, stage: Stage, director: Director
) -> None:
    """The companion then shows the agent's request."""
    agent.away = True
    agent.show()
    agent.away = False
    open_request_window(agent, stage)


def test_the_return_of_a_lost_agent_is_noticed_once(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """The companion notices each return of the agent, before its next snapshot, and not the first contact."""
    monkeypatch.setattr(link_module, "FIRST_RETRY", 0.01)
    happened: list[str] = []
    link = Link(agent.connect, lambda: happened.append("returned"))
    running = threading.Thread(
        target=link.watch, args=(lambda event: happened.append(type(event).__name__),), daemon=True
    )
    running.start()
    eventually(lambda: happened == ["SnapshotChanged"], "the first snapshot")
    agent.away = True
    agent.show()
    eventually(lambda: happened[2:] == ["AgentLost"], "the loss")
    agent.away = False
    eventually(lambda: happened[3:] == ["returned", "SnapshotChanged"], "the return")
    link.stop()
    agent.show()
    running.join(WAIT)
    assert not running.is_alive()
    assert happened.count("returned") == 1


@pytest.mark.parametrize(
    "break_off", [lambda c: c.close(), lambda c: c.send(b"not a frame"), lambda c: c.send(frame(b"{"))]
)
def test_a_broken_agent_counts_as_no_answer(break_off: Callable[[socket.socket], object]) -> None:
    """An incomplete or invalid answer counts as none."""

    @contextmanager
    def connect(limit: float) -> Iterator[stream.Stream]:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.settimeout(limit)
            break_off(theirs)
            theirs.close()
            yield SocketStream(ours)

    assert Link(connect).send(cm.GrantRevoke()) is None


def frame(body: bytes) -> bytes:
    """Return a complete frame with this body."""
    return bytes(encode(body, b""))
