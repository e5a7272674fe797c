# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tray icon, menu, notices and receipts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from latchkey_agent.companion import menu
from latchkey_agent.companion import steps as s
from latchkey_agent.companion.texts import ENGLISH, GERMAN
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol.answers import ReceiptView
from tests.unit.companion.presenter_harness import DONE, NOW, Harness, asked, failed, lent, noticed

LENT = "Lent to PC-1\\admin until today 22:00, used 1 of 3"


@pytest.fixture
def harness() -> Harness:
    """Return a companion without a customer snapshot."""
    return Harness()


# --- the icon ---------------------------------------------------------------------------


def test_the_icon_is_visible_only_during_a_request_or_a_grant(harness: Harness) -> None:
    """Otherwise the companion hides the icon."""
    assert harness.show_snapshot() == []
    harness.show_snapshot(asked=[asked()])
    assert harness.only_action(s.ShowIcon).tip == ENGLISH["tray_asked"]
    harness.show_snapshot(lent=[lent()])
    assert harness.only_action(s.ShowIcon).tip == ENGLISH["tray_lent"]
    harness.show_snapshot(postponed=1)
    assert harness.only_action(s.ShowIcon).tip == ENGLISH["tray_later"]
    assert harness.presenter.menu(NOW)[0] == menu.Entry(ENGLISH["menu_later"])
    harness.show_snapshot()
    harness.only_action(s.HideIcon)


def test_the_icon_is_visible_as_long_as_a_notice(harness: Harness) -> None:
    """Windows shows a balloon only at an icon."""
    harness.show_snapshot(notices=[noticed()])
    assert [type(action) for action in harness.actions] == [s.ShowIcon, s.Balloon]
    harness.expire_balloon()
    assert [type(action) for action in harness.actions] == [s.HideIcon, s.SendToAgent]


# --- the menu ---------------------------------------------------------------------------


def test_the_menu_shows_the_grant_and_revokes_it(harness: Harness) -> None:
    """One entry revokes everything: with no more clicks than allowing, and without a password."""
    harness.show_snapshot(lent=[lent()])
    lines = harness.presenter.menu(NOW)
    assert [line.text for line in lines] == [
        LENT,
        "Revoke my credentials",
        "Pause",
        "",
        "Receipts",
        "Something looks wrong",
        "About Latchkey",
    ]
    assert [line.picked for line in lines[:3]] == [None, s.MenuPicked("revoke"), s.MenuPicked("pause", "g-1")]
    harness.handle(s.MenuPicked("revoke"))
    assert harness.sent(cm.GrantRevoke) == cm.GrantRevoke()
    assert harness.agent_replies(cm.GrantRevoke) == []


def test_the_menu_has_no_revoke_entry_without_a_grant(harness: Harness) -> None:
    """Receipts, report and about are always in the menu."""
    assert [line.text for line in harness.presenter.menu(NOW)] == [
        "Receipts",
        "Something looks wrong",
        "About Latchkey",
    ]


def test_the_menu_names_each_of_several_grants(harness: Harness) -> None:
    """The customer can pause each grant separately."""
    harness.show_snapshot(
        lent=[lent(), lent(grant="g-2", asked_by="PC-1\\lou", paused=True)], asked=[asked()]
    )
    lines = harness.presenter.menu(NOW)
    assert lines[:2] == [menu.Entry("Show the request", s.MenuPicked("show")), menu.SEPARATOR]
    assert [line.text for line in lines if line.picked and line.picked.grant] == [
        f"Pause ({LENT})",
        "Go on (Lent to PC-1\\lou, paused, used 1 of 3)",
    ]


@pytest.mark.parametrize(("action", "pause"), [("pause", True), ("resume", False)])
def test_pausing_and_resuming(harness: Harness, action: s.MenuAction, *, pause: bool) -> None:
    """The agent receives the request. The customer reads if the agent does not answer."""
    harness.show_snapshot(lent=[lent()])
    harness.handle(s.MenuPicked(action, "g-1"))
    assert harness.sent(cm.GrantPause) == cm.GrantPause(grant="g-1", pause=pause)
    assert harness.agent_replies(cm.GrantPause) == []
    harness.handle(s.MenuPicked(action, "g-1"))
    harness.agent_replies(cm.GrantPause, None)
    assert harness.message() == ENGLISH["agent_silent"]


@pytest.mark.parametrize("picked", [s.MenuPicked("pause", "g-1"), s.MenuPicked("resume", "g-1")])
def test_the_customer_reads_the_agents_refusal(harness: Harness, picked: s.MenuPicked) -> None:
    """A failed pause has no effect."""
    harness.show_snapshot(lent=[lent()])
    harness.handle(picked)
    harness.agent_replies(cm.CustomerRequest, failed("storage_failed"))
    assert harness.message() == ENGLISH["not_possible"].format(code="storage_failed")


@pytest.mark.parametrize(
    ("snapshot", "parts"),
    [
        ({}, ["Call IT on the number you know"]),
        ({"organization": "Contoso IT", "phone": "12"}, ["Call Contoso IT on 12"]),
        ({"asked": [asked()]}, ["choose Report", "number you know"]),
        ({"lent": [lent()]}, ["Revoke my credentials", "number you know"]),
    ],
)
def test_report_tells_the_customer_what_to_do(
    harness: Harness, snapshot: dict[str, Any], parts: list[str]
) -> None:
    """The telephone number comes from the PC's settings, never from a request."""
    harness.show_snapshot(**snapshot)
    harness.handle(s.MenuPicked("report"))
    for part in parts:
        assert part in harness.message()


def test_about_names_the_version(harness: Harness) -> None:
    """The helpdesk may ask the customer for the version."""
    harness.handle(s.MenuPicked("about"))
    assert "Latchkey 0." in harness.message()


# --- notices ------------------------------------------------------------------------------


def test_a_notice_is_closed_only_after_it_was_shown(harness: Harness) -> None:
    """If the companion ends earlier, the next one shows the notice again."""
    harness.show_snapshot(notices=[noticed()])
    assert "Allowed until" in harness.only_action(s.Balloon).text
    assert harness.show_snapshot(notices=[noticed()]) == []
    harness.expire_balloon()
    assert harness.sent(cm.NoticesClosed) == cm.NoticesClosed(notices=["n-1"])
    assert harness.show_snapshot(notices=[noticed()]) == []


def test_notices_that_fit_are_shown_together(harness: Harness) -> None:
    """The next balloon shows the others."""
    harness.show_snapshot(notices=[noticed(notice=f"n-{number}") for number in range(4)])
    assert harness.only_action(s.Balloon).text.count("\n") == 1
    harness.expire_balloon()
    assert harness.sent(cm.NoticesClosed) == cm.NoticesClosed(notices=["n-0", "n-1"])
    harness.only_action(s.Balloon)


def test_a_notice_that_is_too_long_is_shown_alone(harness: Harness) -> None:
    """Only the tray cuts it to the length that Windows allows."""
    harness.show_snapshot(notices=[noticed(ticket="K" * 300)])
    assert len(harness.only_action(s.Balloon).text) > 300


def test_missed_notices_wait_for_the_customer(harness: Harness) -> None:
    """The companion shows them when the customer returns, until the customer closes the window."""
    harness.screen = s.Screen(locked=True)
    missed = [
        noticed(kind="used", detail="restart", while_away=True),
        noticed(notice="n-2", kind="locked", while_away=True),
    ]
    assert harness.show_snapshot(notices=missed) == []
    harness.check_screen()
    shown = harness.only_action(s.ShowMissedNotices)
    assert shown.title == ENGLISH["away_title"]
    assert shown.text.startswith("Today ")
    assert "restarted this PC" in shown.text
    assert harness.check_screen() == []
    harness.handle(s.MissedNoticesClosed())
    assert harness.sent(cm.NoticesClosed) == cm.NoticesClosed(notices=["n-1", "n-2"])
    assert harness.handle(s.MissedNoticesClosed()) == []


def test_missed_notices_wait_while_a_request_is_on_the_screen(harness: Harness) -> None:
    """Only one window at a time asks for attention."""
    harness.open_request()
    assert harness.show_snapshot(asked=[asked()], notices=[noticed(while_away=True)]) == []
    harness.customer_answers("closed")
    harness.only_action(s.ShowMissedNotices)


def test_no_notice_is_shown_while_another_person_views_the_screen(harness: Harness) -> None:
    """A grant concerns only the customer."""
    harness.screen = s.Screen(viewed=True)
    assert harness.show_snapshot(notices=[noticed(), noticed(notice="n-2", while_away=True)]) == []


def test_the_companions_own_balloons_queue(harness: Harness) -> None:
    """The confirmation of an answer comes after the current notice."""
    harness.show_snapshot(asked=[asked()], notices=[noticed()])
    harness.confirm_shown()
    harness.customer_answers("report")
    harness.agent_replies(cm.RequestDecline)
    assert [a for a in harness.actions if isinstance(a, s.Balloon)] == []
    harness.expire_balloon()
    assert harness.only_action(s.Balloon).text == ENGLISH["reported"]
    harness.expire_balloon()
    assert [a for a in harness.actions if isinstance(a, s.SendToAgent)] == []


def test_a_newer_notice_replaces_one_that_the_customer_had_time_to_read(harness: Harness) -> None:
    """A customer who revokes a grant sees the confirmation soon."""
    harness.show_snapshot(notices=[noticed()])
    first = harness.balloon
    revoked = noticed(notice="n-2", kind="ended", detail="revoked_by_customer")
    assert harness.show_snapshot(notices=[noticed(), revoked]) == []
    harness.now += timedelta(seconds=3)
    harness.check_screen()
    assert "Taken back" in harness.only_action(s.Balloon).text
    assert harness.sent(cm.NoticesClosed) == cm.NoticesClosed(notices=["n-1"])
    assert harness.handle(s.BalloonExpired(first)) == []
    harness.expire_balloon()
    assert harness.sent(cm.NoticesClosed) == cm.NoticesClosed(notices=["n-2"])


# --- receipts ---------------------------------------------------------------------------


UNUSED: dict[str, Any] = {
    "action": "unlock",
    "issued_at": "2026-11-23T19:10:00+01:00",
    "state": "cancelled",
    "why": "restarted",
    "logged_on_at": None,
    "signed_in_by_windows_at": None,
    "closing": None,
    "closed_at": None,
    "desktop_open_seconds": None,
    "started_by_others": False,
}
UNANSWERED: dict[str, Any] = {"state": "shown", "at": None, "why": "", "refusal": ""}
ANSWERED = UNANSWERED | {"at": "2026-11-23T18:05:00+01:00"}
DECLINED = ANSWERED | {"state": "denied"}


def receipt(**changes: Any) -> ReceiptView:
    """Return the receipt of a grant that was used and has ended."""
    document = {
        "request": "r-1",
        "created_at": "2026-11-23T17:00:00+00:00",
        "as_of": "2026-11-23T20:30:00+01:00",
        "closed": True,
        "device_key": "SHA256:0123456789abcdefghijklmnopqrstuvwxyzABCDEFG",
        "principal": {"account": "PC-1\\anna"},
        "device": "PC-1",
        "asked_by": {"account": "PC-1\\admin"},
        "requester": {"name": "Kim", "organization": "", "role": "helpdesk"},
        "purpose": "Monthly updates",
        "ticket": "CHG-1",
        "session": "S-1",
        "terms": {
            "restarts": 1,
            "unlocks": 0,
            "programs": False,
            "not_before": "2026-11-23T18:00:00+01:00",
            "not_after": "2026-11-23T22:00:00+01:00",
        },
        "notice": {"code": "4711"},
        "answer": ANSWERED | {"state": "granted"},
        "uses": [
            {
                **UNUSED,
                "action": "restart",
                "issued_at": "2026-11-23T19:00:00+01:00",
                "state": "logged_on",
                "why": None,
                "logged_on_at": "2026-11-23T19:02:00+01:00",
                "closing": "locked",
                "closed_at": "2026-11-23T19:03:00+01:00",
                "desktop_open_seconds": 59.2,
            },
            UNUSED,
        ],
        "programs": [],
        "restarts_without_sign_in": [],
        "ended": {
            "how": "session_ended",
            "revoked_by": None,
            "rejection": None,
            "detail": "",
            "at": "2026-11-23T20:00:00+01:00",
        },
        "erasure": {"confirmed": True, "checked_at": "2026-11-23T20:00:01+01:00"},
    } | changes
    return ReceiptView(request="r-1", document=document, signature="s", public_key="k", text="")


def pages(harness: Harness, *views: ReceiptView) -> s.ShowPages:
    """Request the receipts and return the action that shows them."""
    harness.handle(s.MenuPicked("receipts"))
    harness.agent_replies(cm.OwnReceipts, cm.CustomerAnswer(done=True, receipts=list(views)))
    return harness.only_action(s.ShowPages)


def test_a_receipt_shows_the_whole_grant(harness: Harness) -> None:
    """Words and times are those of the customer's language and time zone."""
    assert pages(harness, receipt()).pages[0].splitlines() == [
        "Receipt 1 of 1",
        "",
        "Receipt r-1",
        "PC PC-1, account PC-1\\anna",
        "Asked by: PC-1\\admin, today 18:00, check code 4711",
        "Asked for: 1 restart, 0 unlocks, from today 18:00 to today 22:00",
        ENGLISH["receipt_one_party"],
        ENGLISH["their_words"],
        "Name: “Kim”, “helpdesk”",
        "Reason: “Monthly updates”",
        "Ticket: “CHG-1”",
        "Support session: “S-1”",
        "You allowed it: today 18:05",
        "Used for a restart: today 19:00. Signed in today 19:02, locked today 19:03, open for at most 1 minute.",
        "Used to unlock: today 19:10. Nobody was signed in.",
        "The support session ended: today 20:00",
        "Password erased, checked today 20:00",
        "Signed by this PC, key SHA256:0123456789abcdef",
    ]


PROGRAM = {
    "command_line": '"C:\\a.exe" /S',
    "started_at": "2026-11-23T19:20:00+01:00",
    "ended_at": "2026-11-23T19:21:00+01:00",
    "exit_code": 3010,
}


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        ("exited", "It ended today 19:21 with exit code 3010."),
        ("stopped", "Latchkey ended it today 19:21."),
        ("not_started", "Windows did not start it."),
        ("lost", "It ended with the Latchkey service or the PC; its result is not known."),
        (None, "It still runs."),
    ],
)
def test_a_receipt_shows_the_term_and_each_program(harness: Harness, end: str | None, sentence: str) -> None:
    """The line that was run stands in quotation marks, which it cannot end; a grant that only ran it was used."""
    terms = receipt().document["terms"] | {"programs": True}
    shown = receipt(terms=terms, uses=[], programs=[{**PROGRAM, "end": end}])
    lines = pages(harness, shown).pages[0].splitlines()
    assert "Agreed: IT may run programs in your name." in lines
    assert f"Program in your name, today 19:20: “'C:\\a.exe' /S”. {sentence}" in lines
    assert "Never used" not in lines
    german = pages(Harness("de"), shown).pages[0]
    assert "Vereinbart: Die IT darf in Ihrem Namen Programme starten." in german
    assert "Programm in Ihrem Namen, heute 19:20" in german


def test_a_receipt_that_is_not_closed_says_so_and_up_to_when_it_is_complete(harness: Harness) -> None:
    """The customer does not take an early receipt for the last one."""
    assert "As of today 20:30; more may follow\nSigned by" in pages(harness, receipt(closed=False)).pages[0]
    german = pages(Harness("de"), receipt(closed=False)).pages[0]
    assert "Stand: heute 20:30; es kann noch etwas folgen\n" in german


def test_a_receipt_is_shown_in_german() -> None:
    """A German Windows shows German receipts."""
    text = pages(Harness("de"), receipt()).pages[0]
    assert "Angemeldet heute 19:02, gesperrt heute 19:03, offen: höchstens 1 Minute." in text


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"answer": DECLINED}, "You declined: today 18:05\n"),
        (
            {"answer": DECLINED | {"why": "Still working"}},
            "You declined: today 18:05. Your reason: “Still working”",
        ),
        (
            {"answer": DECLINED | {"refusal": "reported", "why": "reported"}},
            "You declined and reported it: today 18:05\n",
        ),
        (
            {"answer": DECLINED | {"refusal": "wrong_password", "why": "wrong_password"}},
            (
                "Nothing was lent, because your entry could not be used: today 18:05. "
                "Windows did not accept the password."
            ),
        ),
        (
            {"answer": ANSWERED | {"state": "withdrawn", "refusal": "agent_failed", "why": "agent_failed"}},
            "could not be used: today 18:05. The password could not be checked or sealed.",
        ),
        ({"answer": ANSWERED | {"state": "expired"}}, "Nobody answered until today 18:05"),
        ({"answer": UNANSWERED}, "Not answered yet"),
        (
            {"restarts_without_sign_in": [{"at": "2026-11-23T19:30:00+01:00", "why": "policy"}]},
            "Restart by others, and Latchkey signed nobody in: today 19:30",
        ),
        (
            {"restarts_without_sign_in": [{"at": "2026-11-23T19:30:00+01:00", "why": "own_restart"}]},
            "Restart that IT had begun, and Latchkey signed nobody in: today 19:30",
        ),
        ({"uses": [], "ended": None, "erasure": None}, "Never used\nThe password is still sealed on this PC"),
        (
            {"erasure": {"confirmed": False, "checked_at": "2026-11-23T20:00:01+01:00"}},
            "ERASURE NOT CONFIRMED, tried today 20:00",
        ),
        ({"ticket": ""}, "updates”\nSupport session:"),
        (
            {"requester": {"name": "", "organization": "", "role": ""}},
            f"{ENGLISH['their_words']}\nReason:",
        ),
    ],
)
def test_a_receipt_names_each_state(harness: Harness, changes: dict[str, Any], part: str) -> None:
    """Declined, unanswered, unused and not erased: each state has its own text."""
    assert part in pages(harness, receipt(**changes)).pages[0]


BY_WINDOWS = {"why": "signed_in", "signed_in_by_windows_at": "2026-11-23T19:12:00+01:00"}
CLOSED = {"closing": "locked", "closed_at": "2026-11-23T19:42:00+01:00", "desktop_open_seconds": 1800.0}


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        (
            BY_WINDOWS | CLOSED,
            (
                "You were signed in without Latchkey, perhaps by Windows itself, today 19:12, "
                "locked today 19:42, seen open for 30 minutes."
            ),
        ),
        (
            BY_WINDOWS,
            "You were signed in without Latchkey, perhaps by Windows itself, today 19:12, not locked yet.",
        ),
        ({"why": "signed_in"}, "You were signed in without it."),
        ({"action": "restart", "started_by_others": True}, "Used after a restart by others: today 19:10."),
        ({"why": "interrupted", "state": "refused"}, "Whether you were signed in is not known."),
        ({"why": None, "state": "redeemed"}, "Whether you were signed in is not known."),
        ({"why": None, "state": "issued"}, "Nobody was signed in."),
    ],
)
def test_a_receipt_says_who_signed_in(harness: Harness, changes: dict[str, Any], part: str) -> None:
    """A use without a known logon does not claim that nobody was signed in unless that is known."""
    assert part in pages(harness, receipt(uses=[UNUSED | changes])).pages[0]


@pytest.mark.parametrize(
    ("why", "part"),
    [
        ("password_refused", "Windows did not accept your sign-in: today 20:00. Your account is disabled."),
        ("agent_stopped", "Latchkey stopped while Windows checked the password: today 20:00"),
    ],
)
def test_a_receipt_says_why_a_password_cannot_serve(harness: Harness, why: str, part: str) -> None:
    """Only a password that Windows refused is called refused."""
    ended = {"how": "rejected", "revoked_by": None, "rejection": why, "at": "2026-11-23T20:00:00+01:00"}
    detail = "account_disabled" if why == "password_refused" else ""
    assert f"{part}\n" in pages(harness, receipt(ended=ended | {"detail": detail})).pages[0]


def test_a_receipt_shows_a_refusal_that_has_no_sentence(harness: Harness) -> None:
    """Windows' answer is none that the agent knows: the receipt blames no password."""
    ended = {
        "how": "rejected",
        "revoked_by": None,
        "rejection": "password_refused",
        "at": "2026-11-23T20:00:00+01:00",
        "detail": "0xC0001234, 0x00000000",
    }
    assert (
        "Windows did not accept your sign-in: today 20:00\n" in pages(harness, receipt(ended=ended)).pages[0]
    )


def test_receipts_that_cannot_be_read_are_not_told_as_none(harness: Harness) -> None:
    """The message has the stable error code."""
    harness.handle(s.MenuPicked("receipts"))
    harness.agent_replies(cm.OwnReceipts, failed("journal_damaged"))
    assert harness.message() == ENGLISH["receipts_unreadable"].format(code="journal_damaged")


def test_the_customer_reads_since_when_receipts_are_known(harness: Harness) -> None:
    """Without a receipt in place of the message that there is none, otherwise below the oldest one."""
    earlier = ENGLISH["receipts_earlier"].format(at="20 November 2026, 09:00")
    for views in ([], [receipt(), receipt()]):
        harness.handle(s.MenuPicked("receipts"))
        since = "2026-11-20T09:00:00+01:00"
        harness.agent_replies(
            cm.OwnReceipts, cm.CustomerAnswer(done=True, receipts=views, receipts_since=since)
        )
        shown = harness.only_action(s.ShowPages).pages
        assert shown[-1].endswith(earlier)
        assert [earlier in page for page in shown[:-1]] == [False] * (len(shown) - 1)


def test_each_receipt_has_its_own_page(harness: Harness) -> None:
    """The newest receipt comes first."""
    shown = pages(harness, receipt(), receipt(request="r-0"))
    assert [page.splitlines()[0] for page in shown.pages] == ["Receipt 1 of 2", "Receipt 2 of 2"]
    assert (shown.older, shown.newer) == ("Older", "Newer")


def test_a_message_says_that_there_are_no_receipts(harness: Harness) -> None:
    """Another message says that the agent does not answer."""
    harness.handle(s.MenuPicked("receipts"))
    harness.agent_replies(cm.OwnReceipts, DONE)
    assert harness.message() == ENGLISH["receipts_none"]
    harness.handle(s.MenuPicked("receipts"))
    harness.agent_replies(cm.OwnReceipts, None)
    assert harness.message() == ENGLISH["agent_silent"]


# --- all together -------------------------------------------------------------------------


def test_the_companion_checks_the_screen_only_while_something_waits(harness: Harness) -> None:
    """An idle companion does not wake up the PC."""
    assert not checks_screen(harness)
    harness.show_snapshot(lent=[lent()])
    assert not checks_screen(harness)
    harness.show_snapshot(asked=[asked()])
    assert checks_screen(harness)
    harness.screen = s.Screen(locked=True)
    harness.show_snapshot(notices=[noticed(while_away=True)])
    assert checks_screen(harness)
    harness.check_screen()
    assert not checks_screen(harness)


def checks_screen(harness: Harness) -> bool:
    """Return whether the companion checks the screen periodically."""
    return harness.presenter.needs_screen_checks


def test_icon_menu_and_messages_are_in_the_customers_language() -> None:
    """Nothing that an operator sends chooses the language."""
    harness = Harness("de")
    harness.show_snapshot(lent=[lent()])
    assert harness.only_action(s.ShowIcon).tip == GERMAN["tray_lent"]
    assert harness.presenter.menu(NOW)[1].text == "Meine Anmeldedaten zurückrufen"
    harness.handle(s.MenuPicked("about"))
    assert "Freie Software" in harness.message()
