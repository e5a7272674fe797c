# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The companion with its threads, an agent on the other side of a socket, and windows that a test answers."""

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
from latchkey_agent.companion.director import Director, Typed
from latchkey_agent.companion.presenter import Presenter
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol.frames import encode
from tests.unit.companion.presenter_harness import NOW, asked, lent, noticed, refused
from tests.unit.companion.stage import WAIT, Agent, FakeWindow, Stage
from tests.waiting import eventually


@pytest.fixture
def agent() -> Iterator[Agent]:
    """An agent with nothing to ask."""
    made = Agent()
    yield made
    made.stop()


@pytest.fixture
def stage() -> Stage:
    """An empty screen."""
    return Stage()


@pytest.fixture
def director(agent: Agent, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Director]:
    """A companion that runs."""
    monkeypatch.setattr(d, "BALLOON_TIME", 0.0)
    monkeypatch.setattr(d, "LOOK_AGAIN", 0.05)
    monkeypatch.setattr(link_module, "FIRST_RETRY", 0.01)
    made = Director(Presenter("en", NOW), Link(agent.connect), stage, lambda: NOW)
    running = threading.Thread(target=made.run)
    running.start()
    yield made
    made.stop()
    running.join(WAIT)
    assert not running.is_alive()


def request_window(agent: Agent, stage: Stage) -> FakeWindow:
    """Let the agent ask; return the request window."""
    agent.show(asked=[asked()])
    return stage.next()


def test_what_is_typed_reaches_the_agent_and_is_overwritten(
    agent: Agent, stage: Stage, director: Director
) -> None:
    """The password goes from the dialog to the agent, and nothing is left of it here."""
    secret = bytearray(b"p\0w\0")
    stage.typed = [Typed("PC-1\\anna", secret)]
    window = request_window(agent, stage)
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
    """Its error stands before everything else."""
    agent.answers[cm.RequestAllow] = refused("wrong_password", 1)
    stage.typed = [Typed("anna", bytearray(b"x\0"))]
    request_window(agent, stage).answer(0)
    agent.next(cm.RequestAllow)
    agent.show(asked=[asked(tries_left=1, last_refusal="wrong_password")])
    assert stage.next().text.startswith("That did not work.")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (Typed("anna", bytearray()), "Nothing was typed"),
        (PortError("no dialog here"), "no dialog here"),
        (Typed(problem="error 5"), "error 5"),
    ],
)
def test_without_a_password_nothing_is_said_to_the_agent(
    agent: Agent, stage: Stage, director: Director, typed: Typed | PortError, words: str
) -> None:
    """The customer reads why, and the window comes back."""
    stage.typed = [typed]
    request_window(agent, stage).answer(0)
    message = stage.next()
    assert words in message.text
    message.answer(None)
    stage.next().answer(None)
    agent.next(cm.RequestLater)


def test_later_asks_when(agent: Agent, stage: Stage, director: Director) -> None:
    """The second window's answer is the agent's."""
    request_window(agent, stage).answer(1)
    question = stage.next()
    assert question.links[0] == "In 15 minutes"
    question.answer(1)
    assert agent.next(cm.RequestLater)[0].seconds == 3600


def test_a_window_that_was_taken_away_answers_nothing(agent: Agent, stage: Stage, director: Director) -> None:
    """What its closing looks like is not the customer's later."""
    request_window(agent, stage)
    stage.screen = s.Screen(locked=True)
    director.post(s.Seen())
    assert agent.next(cm.RequestBlocked)[0].reason == "locked"
    stage.screen = s.Screen()
    stage.next().answer(3)
    assert agent.next(cm.RequestDecline)[0].report
    while not agent.heard.empty():
        assert not isinstance(agent.heard.get()[0], cm.RequestLater)


def test_a_request_that_cannot_be_shown_is_held_back(agent: Agent, stage: Stage, director: Director) -> None:
    """Nobody has put it off; it comes as soon as the customer asks for it, or after a while by itself."""
    request_window(agent, stage).answer(PortError("no windows"))
    assert agent.next(cm.RequestBlocked)[0].reason == "unshown"
    director.post(s.Picked("show"))
    assert agent.next(cm.RequestBlocked)[0].reason is None
    stage.next().answer(3)
    agent.next(cm.RequestDecline)


def test_a_question_that_cannot_be_shown_asks_nothing(agent: Agent, stage: Stage, director: Director) -> None:
    """The customer has answered already; only the reason is missing."""
    request_window(agent, stage).answer(2)
    stage.next().answer(PortError("no windows"))
    assert agent.next(cm.RequestDecline)[0].why == ""


def test_the_request_is_brought_up(agent: Agent, stage: Stage, director: Director) -> None:
    """When the customer picks it from the menu."""
    window = request_window(agent, stage)
    director.post(s.Picked("show"))
    director.post(s.Picked("about"))
    stage.next().answer(None)
    assert window.raised == 1


def test_a_notice_is_closed_at_the_agent_after_its_time(
    agent: Agent, stage: Stage, director: Director
) -> None:
    """It was shown at the icon."""
    agent.show(notices=[noticed()])
    assert "Allowed until" in stage.balloons.get(timeout=WAIT)
    assert agent.next(cm.NoticesClosed)[0].notices == ["n-1"]


def test_a_notice_that_windows_does_not_show_is_not_closed(
    agent: Agent, stage: Stage, director: Director
) -> None:
    """It is there again at the next sign-in; the companion goes on."""
    stage.refuses = True
    agent.show(notices=[noticed()])
    request_window(agent, stage)
    assert not any(isinstance(said, cm.NoticesClosed) for said, _ in drained(agent))


def drained(agent: Agent) -> list[tuple[cm.CustomerRequest, bytes]]:
    """All that the agent has heard so far."""
    said = []
    while not agent.heard.empty():
        said.append(agent.heard.get())
    return said


def test_news_are_closed_by_the_customer(agent: Agent, stage: Stage, director: Director) -> None:
    """And only then at the agent."""
    agent.show(notices=[noticed(while_away=True)])
    window = stage.next()
    assert drained(agent) == []
    window.answer(None)
    assert agent.next(cm.NoticesClosed)[0].notices == ["n-1"]


def test_news_that_cannot_be_shown_are_not_closed(agent: Agent, stage: Stage, director: Director) -> None:
    """They are there again at the next sign-in."""
    agent.show(notices=[noticed(while_away=True)])
    stage.next().answer(PortError("no windows"))
    request_window_later = stage.shown
    agent.show(asked=[asked()])
    assert request_window_later.get(timeout=WAIT).links
    assert not any(isinstance(said, cm.NoticesClosed) for said, _ in drained(agent))


def test_receipts_are_leafed_through(agent: Agent, stage: Stage, director: Director) -> None:
    """Older and newer, as far as there are any."""
    director.post(s.Picked("about"))
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


def test_the_menu_can_be_asked_for_from_any_thread(agent: Agent, stage: Stage, director: Director) -> None:
    """It shows what is lent at this moment."""
    agent.show(lent=[lent()])
    stage.icons.get(timeout=WAIT)
    assert [entry.text for entry in director.menu()][1] == "Revoke my credentials"


def test_what_is_said_while_the_agent_starts_again_reaches_it(
    agent: Agent, stage: Stage, director: Director, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that fails is tried once more."""
    window = request_window(agent, stage)
    drained(agent)
    refused = iter([True])
    connect = agent.connect

    def late(limit: float) -> AbstractContextManager[stream.Stream]:
        if next(refused, False):
            raise FileNotFoundError
        return connect(limit)

    monkeypatch.setattr(director._link, "_connect", late)
    window.answer(3)
    assert agent.next(cm.RequestDecline)[0].report


def test_an_agent_that_comes_back_is_found(agent: Agent, stage: Stage, director: Director) -> None:
    """What it shows then is shown."""
    agent.away = True
    agent.show()
    agent.away = False
    request_window(agent, stage)


@pytest.mark.parametrize(
    "break_off", [lambda c: c.close(), lambda c: c.send(b"not a frame"), lambda c: c.send(frame(b"{"))]
)
def test_a_broken_agent_comes_to_the_same_as_silence(break_off: Callable[[socket.socket], object]) -> None:
    """Half an answer is none."""

    @contextmanager
    def connect(limit: float) -> Iterator[stream.Stream]:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.settimeout(limit)
            break_off(theirs)
            theirs.close()
            yield SocketStream(ours)

    assert Link(connect).say(cm.GrantRevoke()) is None


def frame(body: bytes) -> bytes:
    """A whole frame with this body."""
    return bytes(encode(body, b""))
