# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request on the screen: when it is there, what answers it, and that nothing else does (rule 4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from latchkey_agent.companion import steps as s
from latchkey_agent.companion.request_window import LATER
from latchkey_agent.companion.texts import ENGLISH, GERMAN
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.companion.presenter_harness import DONE, Harness, asked, failed, refused


@pytest.fixture
def harness() -> Harness:
    """A companion that has heard nothing yet."""
    return Harness()


def password(harness: Harness) -> s.AskPassword:
    """Bring the companion to its password dialog."""
    harness.opened()
    harness.answers("allow")
    return harness.only(s.AskPassword)


# --- when it is there ---------------------------------------------------------------


def test_a_request_is_shown_once_the_agent_knows_what_is_read(harness: Harness) -> None:
    """The agent journals the text's hash before the window opens."""
    harness.shows(asked=[asked()])
    shown = harness.told(cm.RequestShown)
    assert not [action for action in harness.done if isinstance(action, s.OpenRequest)]
    window = harness.open().window
    assert isinstance(shown, cm.RequestShown)
    assert shown.text_sha256 == window.sha256
    assert "Monthly updates" in window.text


def test_one_request_at_a_time(harness: Harness) -> None:
    """The second comes when the first is answered."""
    harness.opened(asked(), asked(request="r-2"))
    harness.answers("report")
    assert harness.open().request == "r-2"


def test_the_same_request_is_not_shown_twice(harness: Harness) -> None:
    """A newer harness that asks the same changes nothing on the screen."""
    harness.opened()
    assert harness.shows(asked=[asked()]) == []


def test_a_request_that_is_taken_back_leaves_the_screen(harness: Harness) -> None:
    """And what was answered meanwhile does not count."""
    harness.opened()
    harness.shows()
    harness.only(s.CloseRequest)
    assert harness.answers("allow") == []


def test_a_request_that_is_over_before_it_opens_is_not_shown(harness: Harness) -> None:
    """Nothing is on the screen yet that had to be closed."""
    harness.shows(asked=[asked()])
    shown = harness.told(cm.RequestShown)
    assert s.CloseRequest() not in harness.shows()
    assert harness.happens(s.Told(shown, DONE)) == []


@pytest.mark.parametrize("answer", [None, failed("no_request")])
def test_a_request_that_the_agent_does_not_confirm_is_not_shown(
    harness: Harness, answer: cm.CustomerAnswer | None
) -> None:
    """It is tried again after a while, and with every newer harness; not in a loop."""
    harness.shows(asked=[asked()])
    assert harness.heard(cm.RequestShown, answer) == []
    assert harness.look() == []
    harness.now += timedelta(seconds=11)
    harness.look()
    harness.heard(cm.RequestShown, answer)
    harness.shows(asked=[asked()])
    harness.open()


@pytest.mark.parametrize("reason", ["locked", "viewed", "presentation", "full_screen"])
def test_a_request_waits_for_its_moment_and_the_operator_is_told(
    harness: Harness, reason: cm.DisplayBlock
) -> None:
    """Nothing is asked of nobody, of two, or of somebody who must not be disturbed."""
    harness.screen = s.Screen(**{reason: True})
    assert harness.shows(asked=[asked()])[1:] == [s.Tell(cm.RequestBlocked(request="r-1", reason=reason))]
    assert harness.look(**{reason: True}) == []
    harness.look()
    assert harness.told(cm.RequestBlocked) == cm.RequestBlocked(request="r-1")
    harness.open()


def test_another_reason_is_told_too(harness: Harness) -> None:
    """The operator reads what holds the request back now."""
    harness.screen = s.Screen(locked=True)
    harness.shows(asked=[asked()])
    harness.look(full_screen=True)
    assert harness.told(cm.RequestBlocked) == cm.RequestBlocked(request="r-1", reason="full_screen")


def test_a_restarted_agent_is_told_again_what_holds_back(harness: Harness) -> None:
    """It keeps that in memory only."""
    harness.screen = s.Screen(locked=True)
    harness.shows(asked=[asked()])
    harness.happens(s.Lost())
    harness.shows(asked=[asked()])
    harness.told(cm.RequestBlocked)


def test_what_held_back_a_request_that_is_over_is_forgotten(harness: Harness) -> None:
    """The next one is told anew."""
    harness.screen = s.Screen(locked=True)
    harness.shows(asked=[asked()])
    harness.shows()
    harness.shows(asked=[asked(request="r-2")])
    assert harness.told(cm.RequestBlocked) == cm.RequestBlocked(request="r-2", reason="locked")


def test_a_request_that_windows_cannot_show_is_tried_again(harness: Harness) -> None:
    """After a while, not in a loop; the operator is told until then, and nothing counts as an answer."""
    harness.opened()
    harness.happens(s.Unshown("r-1"))
    assert harness.told(cm.RequestBlocked) == cm.RequestBlocked(request="r-1", reason="unshown")
    assert harness.look() == []
    harness.now += timedelta(seconds=11)
    harness.look()
    assert harness.told(cm.RequestBlocked) == cm.RequestBlocked(request="r-1")
    harness.open()


def test_a_window_of_a_request_that_is_over_need_not_be_shown(harness: Harness) -> None:
    """Its failure comes after the request has gone."""
    harness.opened()
    harness.shows()
    assert harness.happens(s.Unshown("r-1")) == []


@pytest.mark.parametrize("reason", ["locked", "viewed"])
def test_a_window_leaves_a_screen_that_is_no_longer_private(harness: Harness, reason: str) -> None:
    """It comes back when the customer alone is there again."""
    harness.opened()
    harness.look(**{reason: True})
    harness.only(s.CloseRequest)
    harness.look()
    harness.open()


@pytest.mark.parametrize("reason", ["presentation", "full_screen"])
def test_a_window_that_is_open_stays_when_a_program_fills_the_screen(harness: Harness, reason: str) -> None:
    """The customer has seen it already."""
    harness.opened()
    assert harness.look(**{reason: True}) == []


def test_who_asks_for_the_request_sees_it_also_in_a_presentation(harness: Harness) -> None:
    """The menu's first line: the customer's own wish counts for more than the program on the screen."""
    harness.screen = s.Screen(presentation=True)
    harness.shows(asked=[asked()])
    harness.happens(s.Picked("show"))
    harness.open()


def test_who_asks_for_the_request_does_not_see_it_while_others_look_on(harness: Harness) -> None:
    """Nobody types a password before a second pair of eyes."""
    harness.screen = s.Screen(viewed=True)
    harness.shows(asked=[asked()])
    assert harness.happens(s.Picked("show")) == []


def test_who_asks_for_an_open_request_sees_it_before_the_other_windows(harness: Harness) -> None:
    """It may lie behind them."""
    harness.opened()
    assert harness.happens(s.Picked("show")) == [s.RaiseRequest()]


# --- what answers it ------------------------------------------------------------------


def test_closing_means_later(harness: Harness) -> None:
    """Esc is no answer; it is asked again in a quarter of an hour."""
    harness.opened()
    harness.answers("closed")
    assert harness.told(cm.RequestLater) == cm.RequestLater(request="r-1", seconds=LATER)


@pytest.mark.parametrize(("choice", "seconds"), [(0, 900.0), (1, 3600.0), (2, 14_400.0), (None, LATER)])
def test_later_asks_when(harness: Harness, choice: int | None, seconds: float) -> None:
    """Closing that question is later, too."""
    harness.opened()
    harness.answers("later")
    assert harness.only(s.Ask).choices[1] == "In 1 hour"
    harness.happens(s.Chosen("r-1", "later", choice))
    assert harness.told(cm.RequestLater) == cm.RequestLater(request="r-1", seconds=seconds)


@pytest.mark.parametrize(
    ("choice", "why"), [(0, "Still working"), (2, "I do not know this request"), (3, ""), (None, "")]
)
def test_declining_needs_no_reason(harness: Harness, choice: int | None, why: str) -> None:
    """One may be picked; saying nothing is a choice, and so is closing the question."""
    harness.opened()
    harness.answers("decline")
    assert len(harness.only(s.Ask).choices) == 4
    harness.happens(s.Chosen("r-1", "decline", choice))
    assert harness.told(cm.RequestDecline) == cm.RequestDecline(request="r-1", why=why)
    assert harness.heard(cm.RequestDecline)[0] == s.ShowIcon(ENGLISH["tray_asked"]) or harness.done
    assert harness.only(s.Balloon).text == ENGLISH["declined"]


def test_reporting_declines(harness: Harness) -> None:
    """It takes no second question."""
    harness.opened()
    harness.answers("report")
    assert harness.told(cm.RequestDecline) == cm.RequestDecline(request="r-1", report=True)
    harness.heard(cm.RequestDecline)
    assert harness.only(s.Balloon).text == ENGLISH["reported"]


def test_an_answer_that_nobody_hears_is_none(harness: Harness) -> None:
    """The customer reads it, and the window comes back with the agent."""
    harness.opened()
    harness.answers("report")
    harness.heard(cm.RequestDecline, None)
    assert harness.message() == ENGLISH["answer_lost"]
    harness.happens(s.Lost())
    harness.shows(asked=[asked()])
    harness.open()


@pytest.mark.parametrize(("answer", "kind"), [("report", cm.RequestDecline), ("closed", cm.RequestLater)])
def test_an_answer_that_the_agent_could_not_note_is_none(
    harness: Harness, answer: s.Answer, kind: type[cm.CustomerRequest]
) -> None:
    """Its disk is full, say: the customer reads that, and the window comes back."""
    harness.opened()
    harness.answers(answer)
    harness.heard(kind, failed("storage_failed"))
    assert harness.message() == ENGLISH["not_possible"].format(code="storage_failed")
    assert harness.look() == []
    harness.now += timedelta(seconds=10)
    harness.look()
    harness.open()


def test_an_answer_that_comes_too_late_is_no_news(harness: Harness) -> None:
    """The request was over meanwhile."""
    harness.opened()
    harness.answers("closed")
    assert harness.heard(cm.RequestLater, failed("out_of_order")) == []


def test_answers_of_another_request_or_another_moment_do_not_count(harness: Harness) -> None:
    """A window that is gone answers nothing."""
    harness.opened()
    assert harness.happens(s.Answered("r-2", "allow")) == []
    assert harness.happens(s.Chosen("r-1", "decline", 0)) == []
    assert harness.happens(s.Entered("r-1", DONE)) == []
    harness.answers("later")
    assert harness.answers("allow") == []


def test_the_customers_language_is_the_requests(harness: Harness) -> None:
    """Questions and messages of a request are in the language that it is asked in."""
    harness.opened(asked(language="de"))
    harness.answers("decline")
    assert harness.only(s.Ask).title == GERMAN["why_declined"]


# --- allow ----------------------------------------------------------------------------


def test_allow_asks_for_the_password(harness: Harness) -> None:
    """The account is filled in; nothing is told to the agent before something is typed."""
    dialog = password(harness)
    assert (dialog.item.domain, dialog.item.user) == ("PC-1", "anna")
    assert ENGLISH["field"] in dialog.text
    assert [a for a in harness.done if isinstance(a, s.Tell)] == []


def test_allow_does_not_count_while_others_look_on(harness: Harness) -> None:
    """The window goes, and comes back when they are gone."""
    harness.opened()
    harness.screen = s.Screen(viewed=True)
    harness.answers("allow")
    assert [a for a in harness.done if isinstance(a, s.AskPassword)] == []
    harness.look()
    harness.open()


def test_the_password_dialog_stays_whatever_happens(harness: Harness) -> None:
    """It is Windows' own: it cannot be closed for the customer, and its entry is judged by the agent."""
    password(harness)
    assert harness.look(locked=True) == []
    assert [a for a in harness.shows() if not isinstance(a, s.HideIcon)] == []
    harness.happens(s.Entered("r-1", failed("no_request")))
    assert harness.message() == ENGLISH["request_over"]


def test_what_is_granted_needs_no_word(harness: Harness) -> None:
    """The agent's notice says it; the window does not come back."""
    password(harness)
    assert harness.happens(s.Entered("r-1", DONE)) == []
    assert harness.shows(asked=[asked()]) == []


def test_a_wrong_password_brings_the_window_back_with_what_was_wrong(harness: Harness) -> None:
    """Once: the agent counts the tries."""
    password(harness)
    assert harness.happens(s.Entered("r-1", refused("wrong_password", 1))) == []
    harness.shows(asked=[asked(tries_left=1, last_refusal="wrong_password")])
    assert "1 try left" in harness.open().window.error


def test_news_of_a_wrong_password_may_come_before_its_answer(harness: Harness) -> None:
    """The window comes back after the answer, once."""
    password(harness)
    again = asked(tries_left=1, last_refusal="wrong_password")
    assert harness.shows(asked=[again]) == []
    harness.happens(s.Entered("r-1", refused("wrong_password", 1)))
    assert "1 try left" in harness.open().window.error


def test_the_last_refusal_says_that_it_is_the_last(harness: Harness) -> None:
    """With its reason, and that no password was stored."""
    password(harness)
    harness.happens(s.Entered("r-1", refused("locked_out", 0)))
    for name in ("refused_locked_out", "last_try", "not_lent"):
        assert ENGLISH[name] in harness.message()


def test_cancelling_the_password_brings_the_window_back(harness: Harness) -> None:
    """Nothing is told to the agent but that it is shown again."""
    password(harness)
    harness.happens(s.Entered("r-1", problem="cancelled"))
    assert [a.request for a in harness.done if isinstance(a, s.Tell)] == [harness.told(cm.RequestShown)]
    harness.open()


@pytest.mark.parametrize(
    ("problem", "words"),
    [("blank", ENGLISH["blank_entry"]), ("error 5", "Windows did not hand the password over (error 5)")],
)
def test_what_could_not_be_entered_is_said_before_the_window_comes_back(
    harness: Harness, problem: str, words: str
) -> None:
    """No try is used."""
    password(harness)
    harness.happens(s.Entered("r-1", problem=problem))
    assert words in harness.only(s.Ask).text
    assert harness.look() == []
    harness.happens(s.Chosen("r-1", "again", None))
    harness.open()


def test_an_agent_that_does_not_answer_grants_nothing(harness: Harness) -> None:
    """The customer reads that, and is asked again by the agent that comes back."""
    password(harness)
    harness.happens(s.Entered("r-1", None))
    assert harness.message() == ENGLISH["answer_lost"]
    assert harness.look() == []
    harness.happens(s.Lost())
    harness.shows(asked=[asked()])
    harness.open()


def test_what_the_agent_cannot_do_now_is_said(harness: Harness) -> None:
    """With the stable code, for whoever is called."""
    password(harness)
    harness.happens(s.Entered("r-1", failed("erasure_unconfirmed")))
    assert "erasure_unconfirmed" in harness.message()
    harness.now += timedelta(seconds=11)
    harness.look()
    harness.open()


def test_a_refusal_without_a_reason_is_said_too(harness: Harness) -> None:
    """An agent that says no and not why has not granted anything."""
    password(harness)
    harness.happens(s.Entered("r-1", cm.CustomerAnswer(done=False)))
    assert "()" in harness.message()


def test_nothing_opens_while_the_agent_is_away(harness: Harness) -> None:
    """What is open stays; its answer would be lost, and said so."""
    harness.opened()
    assert harness.happens(s.Lost()) == []
    harness.answers("closed")
    harness.heard(cm.RequestLater, None)
    harness.now += timedelta(seconds=11)
    assert harness.look() == []
