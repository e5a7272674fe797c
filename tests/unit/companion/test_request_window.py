# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request on the screen: when it is shown, and which input answers it (rule 4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from latchkey_agent.companion import steps as s
from latchkey_agent.companion import wording
from latchkey_agent.companion.request_window import POSTPONE_SECONDS
from latchkey_agent.companion.texts import ENGLISH, GERMAN
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.companion.presenter_harness import DONE, Harness, asked, failed, lent, refusal


@pytest.fixture
def harness() -> Harness:
    """Return a companion without a customer snapshot."""
    return Harness()


def password(harness: Harness) -> s.AskPassword:
    """Open a request and allow it; return the action that shows the password dialog."""
    harness.open_request()
    harness.customer_answers("allow")
    return harness.only_action(s.AskPassword)


# --- when a request is shown ----------------------------------------------------------


def test_a_request_is_shown_after_the_agent_has_its_hash(harness: Harness) -> None:
    """The agent journals the text's hash before the window opens."""
    harness.show_snapshot(asked=[asked()])
    shown = harness.sent(cm.RequestShown)
    assert not [action for action in harness.actions if isinstance(action, s.OpenRequest)]
    window = harness.confirm_shown().window
    assert isinstance(shown, cm.RequestShown)
    assert shown.text_sha256 == window.sha256
    assert "Monthly updates" in window.text


def test_one_request_at_a_time(harness: Harness) -> None:
    """The second request is shown after the first is answered."""
    harness.open_request(asked(), asked(request="r-2"))
    harness.customer_answers("report")
    assert harness.confirm_shown().request == "r-2"


def test_the_same_request_is_not_shown_twice(harness: Harness) -> None:
    """A newer snapshot with the same request does not change the screen."""
    harness.open_request()
    assert harness.show_snapshot(asked=[asked()]) == []


def test_a_withdrawn_request_leaves_the_screen(harness: Harness) -> None:
    """A late answer does not count."""
    harness.open_request()
    harness.show_snapshot()
    harness.only_action(s.CloseRequest)
    assert harness.customer_answers("allow") == []


def test_a_request_that_is_over_before_it_opens_is_not_shown(harness: Harness) -> None:
    """No window is open yet, so none is closed."""
    harness.show_snapshot(asked=[asked()])
    shown = harness.sent(cm.RequestShown)
    assert s.CloseRequest() not in harness.show_snapshot()
    assert harness.handle(s.AgentReplied(shown, DONE)) == []


@pytest.mark.parametrize("answer", [None, failed("no_request")])
def test_a_request_that_the_agent_does_not_confirm_is_not_shown(
    harness: Harness, answer: cm.CustomerAnswer | None
) -> None:
    """The companion retries after a while and with every newer snapshot, but not in a loop."""
    harness.show_snapshot(asked=[asked()])
    assert harness.agent_replies(cm.RequestShown, answer) == []
    assert harness.check_screen() == []
    harness.now += timedelta(seconds=11)
    harness.check_screen()
    harness.agent_replies(cm.RequestShown, answer)
    harness.show_snapshot(asked=[asked()])
    harness.confirm_shown()


@pytest.mark.parametrize("reason", ["locked", "viewed", "presentation", "full_screen"])
def test_a_request_waits_for_a_free_screen_and_the_operator_reads_the_reason(
    harness: Harness, reason: cm.DisplayBlock
) -> None:
    """The screen may be locked, viewed by another person, or busy with a presentation."""
    harness.screen = s.Screen(**{reason: True})
    assert harness.show_snapshot(asked=[asked()])[1:] == [
        s.SendToAgent(cm.RequestBlocked(request="r-1", reason=reason))
    ]
    assert harness.check_screen(**{reason: True}) == []
    harness.check_screen()
    assert harness.sent(cm.RequestBlocked) == cm.RequestBlocked(request="r-1")
    harness.confirm_shown()


def test_the_agent_receives_a_changed_reason(harness: Harness) -> None:
    """The operator reads the current reason."""
    harness.screen = s.Screen(locked=True)
    harness.show_snapshot(asked=[asked()])
    harness.check_screen(full_screen=True)
    assert harness.sent(cm.RequestBlocked) == cm.RequestBlocked(request="r-1", reason="full_screen")


def test_a_restarted_agent_receives_the_reason_again(harness: Harness) -> None:
    """The agent keeps the reason in memory only."""
    harness.screen = s.Screen(locked=True)
    harness.show_snapshot(asked=[asked()])
    harness.handle(s.AgentLost())
    harness.show_snapshot(asked=[asked()])
    harness.sent(cm.RequestBlocked)


def test_the_reason_is_sent_again_for_the_next_request(harness: Harness) -> None:
    """The companion forgets the reason together with a request that is over."""
    harness.screen = s.Screen(locked=True)
    harness.show_snapshot(asked=[asked()])
    harness.show_snapshot()
    harness.show_snapshot(asked=[asked(request="r-2")])
    assert harness.sent(cm.RequestBlocked) == cm.RequestBlocked(request="r-2", reason="locked")


def test_a_request_that_windows_cannot_show_is_shown_later(harness: Harness) -> None:
    """The companion retries after a while. Until then the operator reads the reason. It is no answer."""
    harness.open_request()
    harness.handle(s.RequestNotShown("r-1"))
    assert harness.sent(cm.RequestBlocked) == cm.RequestBlocked(request="r-1", reason="unshown")
    assert harness.check_screen() == []
    harness.now += timedelta(seconds=11)
    harness.check_screen()
    assert harness.sent(cm.RequestBlocked) == cm.RequestBlocked(request="r-1")
    harness.confirm_shown()


def test_a_window_failure_after_the_request_is_over_is_ignored(harness: Harness) -> None:
    """No request is left that could be shown again."""
    harness.open_request()
    harness.show_snapshot()
    assert harness.handle(s.RequestNotShown("r-1")) == []


@pytest.mark.parametrize("reason", ["locked", "viewed"])
def test_a_window_leaves_a_screen_that_is_no_longer_private(harness: Harness, reason: str) -> None:
    """The window comes back when only the customer sees the screen again."""
    harness.open_request()
    harness.check_screen(**{reason: True})
    harness.only_action(s.CloseRequest)
    harness.check_screen()
    harness.confirm_shown()


@pytest.mark.parametrize("reason", ["presentation", "full_screen"])
def test_a_window_that_is_open_stays_when_a_program_fills_the_screen(harness: Harness, reason: str) -> None:
    """The customer has already seen the window."""
    harness.open_request()
    assert harness.check_screen(**{reason: True}) == []


def test_the_menu_shows_the_request_during_a_presentation(harness: Harness) -> None:
    """The customer's own request overrides the presentation."""
    harness.screen = s.Screen(presentation=True)
    harness.show_snapshot(asked=[asked()])
    harness.handle(s.MenuPicked("show"))
    harness.confirm_shown()


def test_the_menu_does_not_show_the_request_while_another_person_views_the_screen(
    harness: Harness,
) -> None:
    """The customer must not enter a password while another person watches."""
    harness.screen = s.Screen(viewed=True)
    harness.show_snapshot(asked=[asked()])
    assert harness.handle(s.MenuPicked("show")) == []


def test_the_menu_brings_an_open_request_to_the_front(harness: Harness) -> None:
    """Other windows may cover it."""
    harness.open_request()
    assert harness.handle(s.MenuPicked("show")) == [s.BringRequestToFront()]


REMINDED = asked(reminded=True)


def test_a_reminder_opens_the_window_anew_and_says_until_when(harness: Harness) -> None:
    """A new window lies in front of the others, and ignores keys that were meant for another one. Once is enough."""
    harness.open_request()
    harness.show_snapshot(asked=[REMINDED])
    harness.only_action(s.CloseRequest)
    assert "until tomorrow 05:00" in harness.only_action(s.Balloon).text
    opened = harness.confirm_shown()
    assert harness.actions == [opened]
    assert harness.check_screen() == []
    assert harness.show_snapshot(asked=[REMINDED]) == []


@pytest.mark.parametrize("reason", ["presentation", "full_screen"])
def test_a_reminder_waits_until_the_customer_has_presented(harness: Harness, reason: str) -> None:
    """The window is open, and a program fills the screen."""
    harness.open_request()
    harness.screen = s.Screen(**{reason: True})
    assert harness.show_snapshot(asked=[REMINDED]) == []
    harness.check_screen()
    harness.only_action(s.Balloon)


@pytest.mark.parametrize("reason", ["locked", "viewed"])
def test_a_window_that_opens_later_is_the_reminder(harness: Harness, reason: str) -> None:
    """The lock screen shows nothing; the customer who is back gets the window, and no second one."""
    harness.open_request()
    harness.check_screen(**{reason: True})
    assert harness.show_snapshot(asked=[REMINDED]) == []
    harness.check_screen()
    harness.confirm_shown()
    assert harness.check_screen() == []


def test_a_reminder_disturbs_no_answer(harness: Harness) -> None:
    """A customer who is about to answer, or has just done so, needs none."""
    harness.open_request()
    harness.customer_answers("decline")
    assert harness.show_snapshot(asked=[REMINDED]) == []
    harness.handle(s.ChoiceMade("r-1", "decline", None))
    assert harness.show_snapshot(asked=[REMINDED]) == []


def test_a_reminder_closes_no_window_while_the_agent_is_away(harness: Harness) -> None:
    """Without the agent the window could not come back."""
    harness.open_request()
    harness.screen = s.Screen(presentation=True)
    harness.show_snapshot(asked=[REMINDED])
    harness.handle(s.AgentLost())
    assert harness.check_screen() == []
    harness.show_snapshot(asked=[REMINDED])
    harness.only_action(s.Balloon)


@pytest.mark.parametrize("hours", [4, 6], ids=["the beginning of the agreed time", "midnight"])
def test_the_window_has_the_text_whose_hash_the_agent_has(harness: Harness, hours: int) -> None:
    """The clock passes a moment at which the text would change, between the hash and the window."""
    harness.now += timedelta(hours=hours, seconds=-1)
    harness.show_snapshot(asked=[asked()])
    shown = harness.sent(cm.RequestShown)
    harness.now += timedelta(seconds=2)
    assert isinstance(shown, cm.RequestShown)
    assert harness.confirm_shown().window.sha256 == shown.text_sha256


# --- answers ----------------------------------------------------------------------------


def test_closing_means_later(harness: Harness) -> None:
    """Esc is no answer: the request comes back after a quarter of an hour."""
    harness.open_request()
    harness.customer_answers("closed")
    assert harness.sent(cm.RequestLater) == cm.RequestLater(request="r-1", seconds=POSTPONE_SECONDS)


@pytest.mark.parametrize(
    ("choice", "seconds"), [(0, 900.0), (1, 3600.0), (2, 14_400.0), (None, POSTPONE_SECONDS)]
)
def test_later_asks_when(harness: Harness, choice: int | None, seconds: float) -> None:
    """Closing the question also means later."""
    harness.open_request()
    harness.customer_answers("later")
    assert harness.only_action(s.AskQuestion).choices[1] == "In 1 hour"
    harness.handle(s.ChoiceMade("r-1", "later", choice))
    assert harness.sent(cm.RequestLater) == cm.RequestLater(request="r-1", seconds=seconds)


def test_later_offers_no_moment_after_the_requests_end(harness: Harness) -> None:
    """IT would not be asking any more. The customer reads how long IT waits."""
    harness.open_request(asked(answer_by="2026-11-23T19:30:00+01:00"))
    harness.customer_answers("later")
    question = harness.only_action(s.AskQuestion)
    assert question.choices == ("In 15 minutes", "In 1 hour")
    assert question.text.endswith(ENGLISH["later_last"].format(until="today 19:30"))
    harness.now += timedelta(minutes=40)
    harness.handle(s.ChoiceMade("r-1", "later", 1))
    assert harness.sent(cm.RequestLater) == cm.RequestLater(request="r-1", seconds=3600.0)


def test_later_names_no_end_that_rules_nothing_out(harness: Harness) -> None:
    """The question is as short as it can be."""
    harness.open_request()
    harness.customer_answers("later")
    assert harness.only_action(s.AskQuestion).text == ENGLISH["later_hint"]


def test_later_after_a_lost_answer_is_not_told_as_the_requests_end(harness: Harness) -> None:
    """A postponed request is open, though it is not in the customer snapshot."""
    password(harness)
    harness.handle(s.PasswordEntered("r-1", None))
    harness.now += timedelta(seconds=11)
    harness.check_screen()
    harness.confirm_shown()
    harness.customer_answers("closed")
    harness.show_snapshot(postponed=1)
    assert not [action for action in harness.actions if isinstance(action, s.ShowPages)]


@pytest.mark.parametrize(
    ("choice", "why"), [(0, "Still working"), (2, "I do not know this request"), (4, ""), (None, "")]
)
def test_declining_needs_no_reason(harness: Harness, choice: int | None, why: str) -> None:
    """The customer may choose a reason, choose none, or close the question."""
    harness.open_request()
    harness.customer_answers("decline")
    assert len(harness.only_action(s.AskQuestion).choices) == 5
    harness.handle(s.ChoiceMade("r-1", "decline", choice))
    assert harness.sent(cm.RequestDecline) == cm.RequestDecline(request="r-1", why=why)
    assert harness.agent_replies(cm.RequestDecline)[0] == s.ShowIcon(ENGLISH["tray_asked"]) or harness.actions
    assert harness.only_action(s.Balloon).text == ENGLISH["declined"]


def test_the_customer_can_rule_out_further_questions_today(harness: Harness) -> None:
    """One of the reasons keeps every operator from asking again today."""
    harness.open_request()
    harness.customer_answers("decline")
    assert harness.only_action(s.AskQuestion).choices[3] == ENGLISH["decline_today"]
    harness.handle(s.ChoiceMade("r-1", "decline", 3))
    answer = cm.RequestDecline(request="r-1", why=ENGLISH["decline_today"], not_today=True)
    assert harness.sent(cm.RequestDecline) == answer


def ask_day(harness: Harness, max_absence: int = 31) -> tuple[str, ...]:
    """Decline because of an absence; return the days that the customer may choose. It is Monday, 23 November."""
    harness.open_request(asked(max_absence=max_absence))
    harness.customer_answers("decline")
    assert harness.only_action(s.AskQuestion).choices[wording.AWAY] == ENGLISH["decline_away"]
    harness.handle(s.ChoiceMade("r-1", "decline", wording.AWAY))
    return harness.only_action(s.AskQuestion).choices


def test_a_customer_who_is_away_names_the_day_of_their_return(harness: Harness) -> None:
    """IT reads the day; the agent gets the number of days until then."""
    days = ask_day(harness)
    assert days[:2] == ("Not before Wednesday, 25 November", "Not before Monday, 30 November")
    harness.handle(s.ChoiceMade("r-1", "away", 1))
    answer = cm.RequestDecline(request="r-1", why="Not before Monday, 30 November", days_away=7)
    assert harness.sent(cm.RequestDecline) == answer


def test_a_day_that_is_chosen_after_midnight_is_the_day_that_was_read(harness: Harness) -> None:
    """The question stayed open; a day that has come meanwhile rules nothing out."""
    ask_day(harness)
    harness.now += timedelta(days=3)
    harness.handle(s.ChoiceMade("r-1", "away", 0))
    assert harness.sent(cm.RequestDecline) == cm.RequestDecline(
        request="r-1", why="Not before Wednesday, 25 November"
    )


def test_closing_the_question_for_the_day_only_declines(harness: Harness) -> None:
    """Nothing is ruled out that the customer has not chosen."""
    ask_day(harness)
    harness.handle(s.ChoiceMade("r-1", "away", None))
    assert harness.sent(cm.RequestDecline) == cm.RequestDecline(request="r-1", why=ENGLISH["decline_away"])


@pytest.mark.parametrize("max_absence", [0, 1])
def test_no_absence_is_offered_that_the_policy_does_not_allow(harness: Harness, max_absence: int) -> None:
    """The place of the choice is that of "say nothing" then."""
    harness.open_request(asked(max_absence=max_absence))
    harness.customer_answers("decline")
    assert ENGLISH["decline_away"] not in harness.only_action(s.AskQuestion).choices
    harness.handle(s.ChoiceMade("r-1", "decline", wording.AWAY))
    assert harness.sent(cm.RequestDecline) == cm.RequestDecline(request="r-1")


def test_reporting_declines(harness: Harness) -> None:
    """No second question follows."""
    harness.open_request()
    harness.customer_answers("report")
    assert harness.sent(cm.RequestDecline) == cm.RequestDecline(request="r-1", report=True)
    harness.agent_replies(cm.RequestDecline)
    assert harness.only_action(s.Balloon).text == ENGLISH["reported"]


def test_an_answer_that_the_agent_does_not_receive_does_not_count(harness: Harness) -> None:
    """The customer reads a message. The window comes back when the agent does."""
    harness.open_request()
    harness.customer_answers("report")
    harness.agent_replies(cm.RequestDecline, None)
    assert harness.message() == ENGLISH["answer_lost"]
    harness.handle(s.AgentLost())
    harness.show_snapshot(asked=[asked()])
    harness.confirm_shown()


@pytest.mark.parametrize(("answer", "kind"), [("report", cm.RequestDecline), ("closed", cm.RequestLater)])
def test_an_answer_that_the_agent_cannot_record_does_not_count(
    harness: Harness, answer: s.Answer, kind: type[cm.CustomerRequest]
) -> None:
    """The customer reads the error, for example that the disk is full. The window comes back."""
    harness.open_request()
    harness.customer_answers(answer)
    harness.agent_replies(kind, failed("storage_failed"))
    assert harness.message() == ENGLISH["not_possible"].format(code="storage_failed")
    assert harness.check_screen() == []
    harness.now += timedelta(seconds=10)
    harness.check_screen()
    harness.confirm_shown()


def test_an_answer_to_a_request_that_is_over_shows_no_message(harness: Harness) -> None:
    """The request ended in the meantime and needs no answer."""
    harness.open_request()
    harness.customer_answers("closed")
    assert harness.agent_replies(cm.RequestLater, failed("out_of_order")) == []


def test_answers_to_another_request_or_in_another_phase_do_not_count(harness: Harness) -> None:
    """A closed window cannot answer."""
    harness.open_request()
    assert harness.handle(s.RequestAnswered("r-2", "allow")) == []
    assert harness.handle(s.ChoiceMade("r-1", "decline", 0)) == []
    assert harness.handle(s.PasswordEntered("r-1", DONE)) == []
    harness.customer_answers("later")
    assert harness.customer_answers("allow") == []


def test_questions_of_a_request_are_in_the_customers_language() -> None:
    """Questions and messages use the language of the customer's Windows, as the request window does."""
    harness = Harness("de")
    assert harness.open_request().window.title == GERMAN["title"]
    harness.customer_answers("decline")
    assert harness.only_action(s.AskQuestion).title == GERMAN["why_declined"]


# --- allow ----------------------------------------------------------------------------


def test_allow_asks_for_the_password(harness: Harness) -> None:
    """The account is filled in. The companion sends nothing before the customer has entered a password."""
    dialog = password(harness)
    assert (dialog.item.domain, dialog.item.user) == ("PC-1", "anna")
    assert ENGLISH["field"] in dialog.text
    assert [a for a in harness.actions if isinstance(a, s.SendToAgent)] == []


def test_allow_does_not_count_while_another_person_views_the_screen(harness: Harness) -> None:
    """The window closes, and comes back when only the customer sees the screen."""
    harness.open_request()
    harness.screen = s.Screen(viewed=True)
    harness.customer_answers("allow")
    assert [a for a in harness.actions if isinstance(a, s.AskPassword)] == []
    harness.check_screen()
    harness.confirm_shown()


def test_the_companion_does_not_close_the_password_dialog(harness: Harness) -> None:
    """The companion cannot close Windows' own dialog. The agent checks the entry."""
    password(harness)
    assert harness.check_screen(locked=True) == []
    assert [a for a in harness.show_snapshot() if not isinstance(a, s.HideIcon)] == []
    harness.handle(s.PasswordEntered("r-1", failed("no_request")))
    assert harness.message() == ENGLISH["request_over"]


def test_a_granted_request_shows_no_further_message(harness: Harness) -> None:
    """The agent's notice confirms the grant. The window does not come back."""
    password(harness)
    assert harness.handle(s.PasswordEntered("r-1", DONE)) == []
    assert harness.show_snapshot(asked=[asked()]) == []


def test_a_wrong_password_brings_the_window_back_with_the_error(harness: Harness) -> None:
    """The window also shows the remaining tries, which the agent counts."""
    password(harness)
    assert harness.handle(s.PasswordEntered("r-1", refusal("wrong_password", 1))) == []
    harness.show_snapshot(asked=[asked(tries_left=1, last_refusal="wrong_password")])
    assert "1 try left" in harness.confirm_shown().window.error


def test_the_snapshot_with_a_refusal_may_come_before_the_answer(harness: Harness) -> None:
    """The window comes back once, after the answer."""
    password(harness)
    again = asked(tries_left=1, last_refusal="wrong_password")
    assert harness.show_snapshot(asked=[again]) == []
    harness.handle(s.PasswordEntered("r-1", refusal("wrong_password", 1)))
    assert "1 try left" in harness.confirm_shown().window.error


def test_the_last_refusal_is_marked_as_the_last(harness: Harness) -> None:
    """The message has the reason and says that no password was stored."""
    password(harness)
    harness.handle(s.PasswordEntered("r-1", refusal("locked_out", 0)))
    for name in ("refused_locked_out", "last_try", "not_lent"):
        assert ENGLISH[name] in harness.message()


def test_cancelling_the_password_brings_the_window_back(harness: Harness) -> None:
    """The companion only reports that the request is shown again."""
    password(harness)
    harness.handle(s.PasswordEntered("r-1", problem="cancelled"))
    assert [a.request for a in harness.actions if isinstance(a, s.SendToAgent)] == [
        harness.sent(cm.RequestShown)
    ]
    harness.confirm_shown()


@pytest.mark.parametrize(
    ("problem", "words"),
    [("blank", ENGLISH["blank_entry"]), ("error 5", "Windows did not hand the password over (error 5)")],
)
def test_a_failed_entry_is_explained_before_the_window_comes_back(
    harness: Harness, problem: str, words: str
) -> None:
    """The customer loses no try."""
    password(harness)
    harness.handle(s.PasswordEntered("r-1", problem=problem))
    assert words in harness.only_action(s.AskQuestion).text
    assert harness.check_screen() == []
    harness.handle(s.ChoiceMade("r-1", "again", None))
    harness.confirm_shown()


def test_an_agent_that_does_not_answer_grants_nothing(harness: Harness) -> None:
    """The customer reads that the result is not known. An open request comes back when the agent does."""
    password(harness)
    harness.handle(s.PasswordEntered("r-1", None))
    assert harness.message() == ENGLISH["entry_lost"]
    assert harness.check_screen() == []
    harness.handle(s.AgentLost())
    harness.show_snapshot(asked=[asked()])
    harness.confirm_shown()


@pytest.mark.parametrize(
    ("after", "name"),
    [({"lent": [lent()]}, "entry_lent"), ({}, "entry_over"), ({"lent": [lent(request="r-0")]}, "entry_over")],
)
def test_a_password_whose_answer_was_lost_is_cleared_up(
    harness: Harness, after: dict[str, Any], name: str
) -> None:
    """The agent may have granted it before its answer was lost. The customer reads once whether the grant lives."""
    password(harness)
    harness.handle(s.PasswordEntered("r-1", None))
    harness.handle(s.AgentLost())
    harness.show_snapshot(**after)
    assert harness.message() == ENGLISH[name]
    harness.show_snapshot(**after)
    assert not [action for action in harness.actions if isinstance(action, s.ShowPages)]


def test_a_grant_that_is_known_before_its_answer_is_lost_is_told_at_once(harness: Harness) -> None:
    """The customer snapshot with the grant came first."""
    password(harness)
    harness.show_snapshot(lent=[lent()])
    harness.handle(s.PasswordEntered("r-1", None))
    assert harness.message() == ENGLISH["entry_lent"]


def lost_and_asked_again(harness: Harness) -> None:
    """Lose the answer to a password; show the window again, and let the customer allow the request again."""
    password(harness)
    harness.handle(s.PasswordEntered("r-1", None))
    harness.now += timedelta(seconds=11)
    harness.check_screen()
    harness.confirm_shown()
    harness.customer_answers("allow")


def test_a_second_password_does_not_hide_that_the_first_was_granted(harness: Harness) -> None:
    """The agent calls the request over, because the first password granted it. The next snapshot shows the grant."""
    lost_and_asked_again(harness)
    harness.handle(s.PasswordEntered("r-1", failed("out_of_order")))
    assert not [action for action in harness.actions if isinstance(action, s.ShowPages)]
    harness.show_snapshot(lent=[lent()])
    assert harness.message() == ENGLISH["entry_lent"]


def test_a_second_password_that_is_answered_settles_a_lost_one(harness: Harness) -> None:
    """The answer to the second password is the result of the request."""
    lost_and_asked_again(harness)
    harness.handle(s.PasswordEntered("r-1", DONE))
    harness.show_snapshot(lent=[lent()])
    assert not [action for action in harness.actions if isinstance(action, s.ShowPages)]


def test_the_customer_reads_the_agents_error(harness: Harness) -> None:
    """The message has the stable error code, for the helpdesk."""
    password(harness)
    harness.handle(s.PasswordEntered("r-1", failed("erasure_unconfirmed")))
    assert "erasure_unconfirmed" in harness.message()
    harness.now += timedelta(seconds=11)
    harness.check_screen()
    harness.confirm_shown()


def test_the_customer_reads_a_refusal_without_a_reason(harness: Harness) -> None:
    """The agent has not granted the request."""
    password(harness)
    harness.handle(s.PasswordEntered("r-1", cm.CustomerAnswer(done=False)))
    assert "()" in harness.message()


def test_no_window_opens_while_the_agent_is_away(harness: Harness) -> None:
    """An open window stays. Its answer is lost, and a message says so."""
    harness.open_request()
    assert harness.handle(s.AgentLost()) == []
    harness.customer_answers("closed")
    harness.agent_replies(cm.RequestLater, None)
    harness.now += timedelta(seconds=11)
    assert harness.check_screen() == []


# --- a yes without a password ---------------------------------------------------------------------


def allow_without_password(harness: Harness) -> cm.RequestAllow:
    """Open a request under ARSO and allow it; return the message to the agent."""
    harness.open_request(asked(means="arso"))
    harness.customer_answers("allow")
    sent = harness.sent(cm.RequestAllow)
    assert isinstance(sent, cm.RequestAllow)
    return sent


def test_one_click_allows_a_request_without_a_password(harness: Harness) -> None:
    """The agent gets the yes with the account of the request; no password dialog opens."""
    assert allow_without_password(harness) == cm.RequestAllow(request="r-1", entered="PC-1\\anna")
    assert not [action for action in harness.actions if isinstance(action, s.AskPassword)]


def test_a_click_on_a_watched_screen_allows_nothing(harness: Harness) -> None:
    """Another person may have clicked: the request is shown again later."""
    harness.open_request(asked(means="arso"))
    harness.screen = s.Screen(viewed=True)
    harness.customer_answers("allow")
    assert not [
        a for a in harness.actions if isinstance(a, s.SendToAgent) and isinstance(a.request, cm.RequestAllow)
    ]


def test_a_yes_without_a_password_that_the_agent_refuses_is_told(harness: Harness) -> None:
    """The customer reads that nothing was allowed, and the window comes back."""
    allow_without_password(harness)
    harness.agent_replies(cm.RequestAllow, failed("customer_not_alone"))
    assert "customer_not_alone" in harness.message()


def test_a_yes_without_a_password_is_answered_silently(harness: Harness) -> None:
    """The agent's notice tells the customer; the companion adds nothing."""
    allow_without_password(harness)
    assert harness.agent_replies(cm.RequestAllow, DONE) == []


def test_a_yes_whose_answer_was_lost_is_cleared_up(harness: Harness) -> None:
    """The agent may have received it: the next snapshot says so, in words that name no password."""
    allow_without_password(harness)
    harness.agent_replies(cm.RequestAllow, None)
    assert harness.message() == ENGLISH["entry_lost"]
    harness.show_snapshot(asked=[], lent=[lent(means="arso")])
    assert harness.message() == ENGLISH["entry_lent_arso"]
