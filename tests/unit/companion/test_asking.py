# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request on the screen: when it is there, what answers it, and that nothing else does (rule 4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from latchkey_agent.companion import steps as s
from latchkey_agent.companion.request_window import LATER
from latchkey_agent.companion.texts import ENGLISH, GERMAN
from latchkey_agent.protocol import local_messages as p
from tests.unit.companion.desk import DONE, Desk, asked, failed, refused


@pytest.fixture
def desk() -> Desk:
    """A companion that has heard nothing yet."""
    return Desk()


def password(desk: Desk) -> s.AskPassword:
    """Bring the companion to its password dialog."""
    desk.opened()
    desk.answers("allow")
    return desk.only(s.AskPassword)


# --- when it is there ---------------------------------------------------------------


def test_a_request_is_shown_once_the_agent_knows_what_is_read(desk: Desk) -> None:
    """The agent journals the text's hash before the window opens."""
    desk.shows(asked=[asked()])
    shown = desk.told(p.RequestShown)
    assert not [action for action in desk.done if isinstance(action, s.OpenRequest)]
    window = desk.open().window
    assert isinstance(shown, p.RequestShown)
    assert shown.text_sha256 == window.sha256
    assert "Monthly updates" in window.text


def test_one_request_at_a_time(desk: Desk) -> None:
    """The second comes when the first is answered."""
    desk.opened(asked(), asked(request="r-2"))
    desk.answers("report")
    assert desk.open().request == "r-2"


def test_the_same_request_is_not_shown_twice(desk: Desk) -> None:
    """A newer desk that asks the same changes nothing on the screen."""
    desk.opened()
    assert desk.shows(asked=[asked()]) == []


def test_a_request_that_is_taken_back_leaves_the_screen(desk: Desk) -> None:
    """And what was answered meanwhile does not count."""
    desk.opened()
    desk.shows()
    desk.only(s.CloseRequest)
    assert desk.answers("allow") == []


def test_a_request_that_is_over_before_it_opens_is_not_shown(desk: Desk) -> None:
    """Nothing is on the screen yet that had to be closed."""
    desk.shows(asked=[asked()])
    shown = desk.told(p.RequestShown)
    assert s.CloseRequest() not in desk.shows()
    assert desk.happens(s.Told(shown, DONE)) == []


@pytest.mark.parametrize("answer", [None, failed("no_request")])
def test_a_request_that_the_agent_does_not_confirm_is_not_shown(
    desk: Desk, answer: p.CustomerAnswer | None
) -> None:
    """It is tried again after a while, and with every newer desk; not in a loop."""
    desk.shows(asked=[asked()])
    assert desk.heard(p.RequestShown, answer) == []
    assert desk.look() == []
    desk.now += timedelta(seconds=11)
    desk.look()
    desk.heard(p.RequestShown, answer)
    desk.shows(asked=[asked()])
    desk.open()


@pytest.mark.parametrize("reason", ["locked", "viewed", "presentation", "full_screen"])
def test_a_request_waits_for_its_moment_and_the_operator_is_told(desk: Desk, reason: p.HoldingBack) -> None:
    """Nothing is asked of nobody, of two, or of somebody who must not be disturbed."""
    desk.screen = s.Screen(**{reason: True})
    assert desk.shows(asked=[asked()])[1:] == [s.Tell(p.RequestHeldBack(request="r-1", reason=reason))]
    assert desk.look(**{reason: True}) == []
    desk.look()
    assert desk.told(p.RequestHeldBack) == p.RequestHeldBack(request="r-1")
    desk.open()


def test_another_reason_is_told_too(desk: Desk) -> None:
    """The operator reads what holds the request back now."""
    desk.screen = s.Screen(locked=True)
    desk.shows(asked=[asked()])
    desk.look(full_screen=True)
    assert desk.told(p.RequestHeldBack) == p.RequestHeldBack(request="r-1", reason="full_screen")


def test_a_restarted_agent_is_told_again_what_holds_back(desk: Desk) -> None:
    """It keeps that in memory only."""
    desk.screen = s.Screen(locked=True)
    desk.shows(asked=[asked()])
    desk.happens(s.Lost())
    desk.shows(asked=[asked()])
    desk.told(p.RequestHeldBack)


def test_what_held_back_a_request_that_is_over_is_forgotten(desk: Desk) -> None:
    """The next one is told anew."""
    desk.screen = s.Screen(locked=True)
    desk.shows(asked=[asked()])
    desk.shows()
    desk.shows(asked=[asked(request="r-2")])
    assert desk.told(p.RequestHeldBack) == p.RequestHeldBack(request="r-2", reason="locked")


def test_a_request_that_windows_cannot_show_is_tried_again(desk: Desk) -> None:
    """After a while, not in a loop; the operator is told until then, and nothing counts as an answer."""
    desk.opened()
    desk.happens(s.Unshown("r-1"))
    assert desk.told(p.RequestHeldBack) == p.RequestHeldBack(request="r-1", reason="unshown")
    assert desk.look() == []
    desk.now += timedelta(seconds=11)
    desk.look()
    assert desk.told(p.RequestHeldBack) == p.RequestHeldBack(request="r-1")
    desk.open()


def test_a_window_of_a_request_that_is_over_need_not_be_shown(desk: Desk) -> None:
    """Its failure comes after the request has gone."""
    desk.opened()
    desk.shows()
    assert desk.happens(s.Unshown("r-1")) == []


@pytest.mark.parametrize("reason", ["locked", "viewed"])
def test_a_window_leaves_a_screen_that_is_no_longer_private(desk: Desk, reason: str) -> None:
    """It comes back when the customer alone is there again."""
    desk.opened()
    desk.look(**{reason: True})
    desk.only(s.CloseRequest)
    desk.look()
    desk.open()


@pytest.mark.parametrize("reason", ["presentation", "full_screen"])
def test_a_window_that_is_open_stays_when_a_program_fills_the_screen(desk: Desk, reason: str) -> None:
    """The customer has seen it already."""
    desk.opened()
    assert desk.look(**{reason: True}) == []


def test_who_asks_for_the_request_sees_it_also_in_a_presentation(desk: Desk) -> None:
    """The menu's first line: the customer's own wish counts for more than the program on the screen."""
    desk.screen = s.Screen(presentation=True)
    desk.shows(asked=[asked()])
    desk.happens(s.Picked("show"))
    desk.open()


def test_who_asks_for_the_request_does_not_see_it_while_others_look_on(desk: Desk) -> None:
    """Nobody types a password before a second pair of eyes."""
    desk.screen = s.Screen(viewed=True)
    desk.shows(asked=[asked()])
    assert desk.happens(s.Picked("show")) == []


def test_who_asks_for_an_open_request_sees_it_before_the_other_windows(desk: Desk) -> None:
    """It may lie behind them."""
    desk.opened()
    assert desk.happens(s.Picked("show")) == [s.RaiseRequest()]


# --- what answers it ------------------------------------------------------------------


def test_closing_means_later(desk: Desk) -> None:
    """Esc is no answer; it is asked again in a quarter of an hour."""
    desk.opened()
    desk.answers("closed")
    assert desk.told(p.RequestLater) == p.RequestLater(request="r-1", seconds=LATER)


@pytest.mark.parametrize(("choice", "seconds"), [(0, 900.0), (1, 3600.0), (2, 14_400.0), (None, LATER)])
def test_later_asks_when(desk: Desk, choice: int | None, seconds: float) -> None:
    """Closing that question is later, too."""
    desk.opened()
    desk.answers("later")
    assert desk.only(s.Ask).choices[1] == "In 1 hour"
    desk.happens(s.Chosen("r-1", "later", choice))
    assert desk.told(p.RequestLater) == p.RequestLater(request="r-1", seconds=seconds)


@pytest.mark.parametrize(
    ("choice", "why"), [(0, "Still working"), (2, "I do not know this request"), (3, ""), (None, "")]
)
def test_declining_needs_no_reason(desk: Desk, choice: int | None, why: str) -> None:
    """One may be picked; saying nothing is a choice, and so is closing the question."""
    desk.opened()
    desk.answers("decline")
    assert len(desk.only(s.Ask).choices) == 4
    desk.happens(s.Chosen("r-1", "decline", choice))
    assert desk.told(p.RequestDecline) == p.RequestDecline(request="r-1", why=why)
    assert desk.heard(p.RequestDecline)[0] == s.ShowIcon(ENGLISH["tray_asked"]) or desk.done
    assert desk.only(s.Balloon).text == ENGLISH["declined"]


def test_reporting_declines(desk: Desk) -> None:
    """It takes no second question."""
    desk.opened()
    desk.answers("report")
    assert desk.told(p.RequestDecline) == p.RequestDecline(request="r-1", report=True)
    desk.heard(p.RequestDecline)
    assert desk.only(s.Balloon).text == ENGLISH["reported"]


def test_an_answer_that_nobody_hears_is_none(desk: Desk) -> None:
    """The customer reads it, and the window comes back with the agent."""
    desk.opened()
    desk.answers("report")
    desk.heard(p.RequestDecline, None)
    assert desk.message() == ENGLISH["answer_lost"]
    desk.happens(s.Lost())
    desk.shows(asked=[asked()])
    desk.open()


@pytest.mark.parametrize(("answer", "kind"), [("report", p.RequestDecline), ("closed", p.RequestLater)])
def test_an_answer_that_the_agent_could_not_note_is_none(
    desk: Desk, answer: s.Answer, kind: type[p.CustomerRequest]
) -> None:
    """Its disk is full, say: the customer reads that, and the window comes back."""
    desk.opened()
    desk.answers(answer)
    desk.heard(kind, failed("storage_failed"))
    assert desk.message() == ENGLISH["not_possible"].format(code="storage_failed")
    assert desk.look() == []
    desk.now += timedelta(seconds=10)
    desk.look()
    desk.open()


def test_an_answer_that_comes_too_late_is_no_news(desk: Desk) -> None:
    """The request was over meanwhile."""
    desk.opened()
    desk.answers("closed")
    assert desk.heard(p.RequestLater, failed("out_of_order")) == []


def test_answers_of_another_request_or_another_moment_do_not_count(desk: Desk) -> None:
    """A window that is gone answers nothing."""
    desk.opened()
    assert desk.happens(s.Answered("r-2", "allow")) == []
    assert desk.happens(s.Chosen("r-1", "decline", 0)) == []
    assert desk.happens(s.Entered("r-1", DONE)) == []
    desk.answers("later")
    assert desk.answers("allow") == []


def test_the_customers_language_is_the_requests(desk: Desk) -> None:
    """Questions and messages of a request are in the language that it is asked in."""
    desk.opened(asked(language="de"))
    desk.answers("decline")
    assert desk.only(s.Ask).title == GERMAN["why_declined"]


# --- allow ----------------------------------------------------------------------------


def test_allow_asks_for_the_password(desk: Desk) -> None:
    """The account is filled in; nothing is told to the agent before something is typed."""
    dialog = password(desk)
    assert (dialog.item.domain, dialog.item.user) == ("PC-1", "anna")
    assert ENGLISH["field"] in dialog.text
    assert [a for a in desk.done if isinstance(a, s.Tell)] == []


def test_allow_does_not_count_while_others_look_on(desk: Desk) -> None:
    """The window goes, and comes back when they are gone."""
    desk.opened()
    desk.screen = s.Screen(viewed=True)
    desk.answers("allow")
    assert [a for a in desk.done if isinstance(a, s.AskPassword)] == []
    desk.look()
    desk.open()


def test_the_password_dialog_stays_whatever_happens(desk: Desk) -> None:
    """It is Windows' own: it cannot be closed for the customer, and its entry is judged by the agent."""
    password(desk)
    assert desk.look(locked=True) == []
    assert [a for a in desk.shows() if not isinstance(a, s.HideIcon)] == []
    desk.happens(s.Entered("r-1", failed("no_request")))
    assert desk.message() == ENGLISH["request_over"]


def test_what_is_granted_needs_no_word(desk: Desk) -> None:
    """The agent's notice says it; the window does not come back."""
    password(desk)
    assert desk.happens(s.Entered("r-1", DONE)) == []
    assert desk.shows(asked=[asked()]) == []


def test_a_wrong_password_brings_the_window_back_with_what_was_wrong(desk: Desk) -> None:
    """Once: the agent counts the tries."""
    password(desk)
    assert desk.happens(s.Entered("r-1", refused("wrong_password", 1))) == []
    desk.shows(asked=[asked(tries_left=1, last_refusal="wrong_password")])
    assert "1 try left" in desk.open().window.error


def test_news_of_a_wrong_password_may_come_before_its_answer(desk: Desk) -> None:
    """The window comes back after the answer, once."""
    password(desk)
    again = asked(tries_left=1, last_refusal="wrong_password")
    assert desk.shows(asked=[again]) == []
    desk.happens(s.Entered("r-1", refused("wrong_password", 1)))
    assert "1 try left" in desk.open().window.error


def test_the_last_refusal_says_that_it_is_the_last(desk: Desk) -> None:
    """With its reason, and that no password was stored."""
    password(desk)
    desk.happens(s.Entered("r-1", refused("locked_out", 0)))
    for name in ("refused_locked_out", "last_try", "not_lent"):
        assert ENGLISH[name] in desk.message()


def test_cancelling_the_password_brings_the_window_back(desk: Desk) -> None:
    """Nothing is told to the agent but that it is shown again."""
    password(desk)
    desk.happens(s.Entered("r-1", problem="cancelled"))
    assert [a.request for a in desk.done if isinstance(a, s.Tell)] == [desk.told(p.RequestShown)]
    desk.open()


@pytest.mark.parametrize(
    ("problem", "words"),
    [("blank", ENGLISH["blank_entry"]), ("error 5", "Windows did not hand the password over (error 5)")],
)
def test_what_could_not_be_entered_is_said_before_the_window_comes_back(
    desk: Desk, problem: str, words: str
) -> None:
    """No try is used."""
    password(desk)
    desk.happens(s.Entered("r-1", problem=problem))
    assert words in desk.only(s.Ask).text
    assert desk.look() == []
    desk.happens(s.Chosen("r-1", "again", None))
    desk.open()


def test_an_agent_that_does_not_answer_grants_nothing(desk: Desk) -> None:
    """The customer reads that, and is asked again by the agent that comes back."""
    password(desk)
    desk.happens(s.Entered("r-1", None))
    assert desk.message() == ENGLISH["answer_lost"]
    assert desk.look() == []
    desk.happens(s.Lost())
    desk.shows(asked=[asked()])
    desk.open()


def test_what_the_agent_cannot_do_now_is_said(desk: Desk) -> None:
    """With the stable code, for whoever is called."""
    password(desk)
    desk.happens(s.Entered("r-1", failed("erasure_unconfirmed")))
    assert "erasure_unconfirmed" in desk.message()
    desk.now += timedelta(seconds=11)
    desk.look()
    desk.open()


def test_a_refusal_without_a_reason_is_said_too(desk: Desk) -> None:
    """An agent that says no and not why has not granted anything."""
    password(desk)
    desk.happens(s.Entered("r-1", p.CustomerAnswer(done=False)))
    assert "()" in desk.message()


def test_nothing_opens_while_the_agent_is_away(desk: Desk) -> None:
    """What is open stays; its answer would be lost, and said so."""
    desk.opened()
    assert desk.happens(s.Lost()) == []
    desk.answers("closed")
    desk.heard(p.RequestLater, None)
    desk.now += timedelta(seconds=11)
    assert desk.look() == []
