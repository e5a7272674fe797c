# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Icon, menu, news and receipts: what the customer is told, and how they take it back."""

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


@pytest.fixture
def harness() -> Harness:
    """A companion that has heard nothing yet."""
    return Harness()


# --- the icon ---------------------------------------------------------------------------


def test_the_icon_is_there_while_something_is_asked_or_lent(harness: Harness) -> None:
    """And at no other time."""
    assert harness.shows() == []
    harness.shows(asked=[asked()])
    assert harness.only(s.ShowIcon).tip == ENGLISH["tray_asked"]
    harness.shows(lent=[lent()])
    assert harness.only(s.ShowIcon).tip == ENGLISH["tray_lent"]
    harness.shows()
    harness.only(s.HideIcon)


def test_a_notice_has_the_icon_for_its_time(harness: Harness) -> None:
    """It is shown at the icon; both go together."""
    harness.shows(notices=[noticed()])
    assert [type(action) for action in harness.done] == [s.ShowIcon, s.Balloon]
    harness.balloon_over()
    assert [type(action) for action in harness.done] == [s.HideIcon, s.Tell]


# --- the menu ---------------------------------------------------------------------------


def test_the_menu_tells_what_is_lent_and_takes_it_back(harness: Harness) -> None:
    """One choice takes everything back: no more clicks than allowing took, and no password."""
    harness.shows(lent=[lent()])
    lines = harness.presenter.menu(NOW)
    assert [line.text for line in lines] == [
        "Kim: until today 22:00, used 1 of 3",
        "Revoke my credentials",
        "Pause",
        "",
        "Receipts",
        "Something looks wrong",
        "About Latchkey",
    ]
    assert [line.picked for line in lines[:3]] == [None, s.Picked("revoke"), s.Picked("pause", "g-1")]
    harness.happens(s.Picked("revoke"))
    assert harness.told(cm.GrantRevoke) == cm.GrantRevoke()
    assert harness.heard(cm.GrantRevoke) == []


def test_without_anything_lent_there_is_nothing_to_take_back(harness: Harness) -> None:
    """Receipts, report and about are always there."""
    assert [line.text for line in harness.presenter.menu(NOW)] == [
        "Receipts",
        "Something looks wrong",
        "About Latchkey",
    ]


def test_several_grants_are_told_apart(harness: Harness) -> None:
    """Each can be paused by itself."""
    harness.shows(lent=[lent(), lent(grant="g-2", requester="Lou", paused=True)], asked=[asked()])
    lines = harness.presenter.menu(NOW)
    assert lines[:2] == [menu.Entry("Show the request", s.Picked("show")), menu.SEPARATOR]
    assert [line.text for line in lines if line.picked and line.picked.grant] == [
        "Pause (Kim: until today 22:00, used 1 of 3)",
        "Go on (Lou: paused, used 1 of 3)",
    ]


@pytest.mark.parametrize(("deed", "pause"), [("pause", True), ("resume", False)])
def test_pausing_and_going_on(harness: Harness, deed: s.Deed, *, pause: bool) -> None:
    """The agent is told; silence is said."""
    harness.shows(lent=[lent()])
    harness.happens(s.Picked(deed, "g-1"))
    assert harness.told(cm.GrantPause) == cm.GrantPause(grant="g-1", pause=pause)
    assert harness.heard(cm.GrantPause) == []
    harness.happens(s.Picked(deed, "g-1"))
    harness.heard(cm.GrantPause, None)
    assert harness.message() == ENGLISH["agent_silent"]


@pytest.mark.parametrize(
    "picked", [s.Picked("pause", "g-1"), s.Picked("resume", "g-1"), s.Picked("receipts")]
)
def test_what_the_agent_refuses_is_said(harness: Harness, picked: s.Picked) -> None:
    """A pause that was not written holds nothing back; receipts that cannot be shown are not none."""
    harness.shows(lent=[lent()])
    harness.happens(picked)
    harness.heard(cm.CustomerRequest, failed("storage_failed"))
    assert harness.message() == ENGLISH["not_possible"].format(code="storage_failed")


@pytest.mark.parametrize(
    ("desktop", "parts"),
    [
        ({}, ["Call IT on the number you know"]),
        ({"organization": "Contoso IT", "phone": "12"}, ["Call Contoso IT on 12"]),
        ({"asked": [asked()]}, ["choose Report", "number you know"]),
        ({"lent": [lent()]}, ["Revoke my credentials", "number you know"]),
    ],
)
def test_report_says_what_to_do(harness: Harness, desktop: dict[str, Any], parts: list[str]) -> None:
    """The number comes from the PC's settings, never from a request."""
    harness.shows(**desktop)
    harness.happens(s.Picked("report"))
    for part in parts:
        assert part in harness.message()


def test_about_names_the_version(harness: Harness) -> None:
    """For whoever is called."""
    harness.happens(s.Picked("about"))
    assert "Latchkey 0." in harness.message()


# --- news -------------------------------------------------------------------------------


def test_a_notice_is_closed_when_it_has_been_seen(harness: Harness) -> None:
    """Not before: a companion that ends meanwhile shows it again."""
    harness.shows(notices=[noticed()])
    assert "Allowed until" in harness.only(s.Balloon).text
    assert harness.shows(notices=[noticed()]) == []
    harness.balloon_over()
    assert harness.told(cm.NoticesClosed) == cm.NoticesClosed(notices=["n-1"])
    assert harness.shows(notices=[noticed()]) == []


def test_notices_that_fit_are_shown_together(harness: Harness) -> None:
    """The others come next."""
    harness.shows(notices=[noticed(notice=f"n-{number}") for number in range(4)])
    assert harness.only(s.Balloon).text.count("\n") == 1
    harness.balloon_over()
    assert harness.told(cm.NoticesClosed) == cm.NoticesClosed(notices=["n-0", "n-1"])
    harness.only(s.Balloon)


def test_a_notice_that_is_too_long_is_shown_alone(harness: Harness) -> None:
    """It is cut only where Windows has no room."""
    harness.shows(notices=[noticed(requester="K" * 300, kind="ended", detail="revoked_by_operator")])
    assert len(harness.only(s.Balloon).text) > 300


def test_what_happened_while_away_waits_for_the_customer(harness: Harness) -> None:
    """Until they are there, and then until they close it."""
    harness.screen = s.Screen(locked=True)
    news = [
        noticed(kind="used", detail="restart", while_away=True),
        noticed(notice="n-2", kind="locked", while_away=True),
    ]
    assert harness.shows(notices=news) == []
    harness.look()
    shown = harness.only(s.ShowNews)
    assert shown.title == ENGLISH["away_title"]
    assert "restarted this PC" in shown.text
    assert "While you were away" not in shown.text
    assert harness.look() == []
    harness.happens(s.NewsClosed())
    assert harness.told(cm.NoticesClosed) == cm.NoticesClosed(notices=["n-1", "n-2"])
    assert harness.happens(s.NewsClosed()) == []


def test_news_wait_for_a_request_on_the_screen(harness: Harness) -> None:
    """One window at a time asks for attention."""
    harness.opened()
    assert harness.shows(asked=[asked()], notices=[noticed(while_away=True)]) == []
    harness.answers("closed")
    harness.only(s.ShowNews)


def test_nothing_is_told_while_others_look_on(harness: Harness) -> None:
    """What was lent is the customer's affair."""
    harness.screen = s.Screen(viewed=True)
    assert harness.shows(notices=[noticed(), noticed(notice="n-2", while_away=True)]) == []


def test_notices_of_ones_own_wait_their_turn(harness: Harness) -> None:
    """An answer's confirmation comes after the notice that is there."""
    harness.shows(asked=[asked()], notices=[noticed()])
    harness.open()
    harness.answers("report")
    harness.heard(cm.RequestDecline)
    assert [a for a in harness.done if isinstance(a, s.Balloon)] == []
    harness.balloon_over()
    assert harness.only(s.Balloon).text == ENGLISH["reported"]
    harness.balloon_over()
    assert [a for a in harness.done if isinstance(a, s.Tell)] == []


def test_a_newer_notice_takes_the_place_of_one_that_was_read(harness: Harness) -> None:
    """Who takes something back is not told so only when the older notice has gone by itself."""
    harness.shows(notices=[noticed()])
    first = harness.balloon
    revoked = noticed(notice="n-2", kind="ended", detail="revoked_by_customer")
    assert harness.shows(notices=[noticed(), revoked]) == []
    harness.now += timedelta(seconds=3)
    harness.look()
    assert "Taken back" in harness.only(s.Balloon).text
    assert harness.told(cm.NoticesClosed) == cm.NoticesClosed(notices=["n-1"])
    assert harness.happens(s.BalloonOver(first)) == []
    harness.balloon_over()
    assert harness.told(cm.NoticesClosed) == cm.NoticesClosed(notices=["n-2"])


# --- receipts ---------------------------------------------------------------------------


def receipt(**changes: Any) -> ReceiptView:
    """A receipt of a grant that was used once and is over."""
    document = {
        "request": "r-1",
        "created_at": "2026-11-23T17:00:00+00:00",
        "principal": {"account": "PC-1\\anna"},
        "device": "PC-1",
        "requester": {"name": "Kim", "organization": "", "role": "helpdesk", "operator": "PC-1\\admin"},
        "purpose": "Monthly updates",
        "ticket": "CHG-1",
        "session": "S-1",
        "terms": {
            "restarts": 1,
            "unlocks": 0,
            "not_before": "2026-11-23T18:00:00+01:00",
            "not_after": "2026-11-23T22:00:00+01:00",
        },
        "notice": {"code": "4711"},
        "answer": {"state": "granted", "at": "2026-11-23T18:05:00+01:00"},
        "uses": [
            {
                "action": "restart",
                "issued_at": "2026-11-23T19:00:00+01:00",
                "logged_on_at": "2026-11-23T19:02:00+01:00",
                "closing": "locked",
                "closed_at": "2026-11-23T19:03:00+01:00",
            },
            {
                "action": "unlock",
                "issued_at": "2026-11-23T19:10:00+01:00",
                "logged_on_at": None,
                "closing": None,
                "closed_at": None,
            },
        ],
        "ended": {"how": "session_ended", "revoked_by": None, "at": "2026-11-23T20:00:00+01:00"},
        "erasure": {"confirmed": True, "checked_at": "2026-11-23T20:00:01+01:00"},
    } | changes
    return ReceiptView(request="r-1", document=document, signature="s" * 88, public_key="k", text="")


def pages(harness: Harness, *views: ReceiptView) -> s.ShowPages:
    """Ask for the receipts and return what is shown."""
    harness.happens(s.Picked("receipts"))
    harness.heard(cm.OwnReceipts, cm.CustomerAnswer(done=True, receipts=list(views)))
    return harness.only(s.ShowPages)


def test_a_receipt_tells_the_whole_story(harness: Harness) -> None:
    """In the customer's words and zone."""
    assert pages(harness, receipt()).pages[0].splitlines() == [
        "Receipt 1 of 1",
        "",
        "Receipt r-1",
        "PC PC-1, account PC-1\\anna",
        "Today 18:00: Kim, helpdesk (PC-1\\admin) asked. Reason: Monthly updates",
        "Support session S-1, ticket CHG-1, check code 4711",
        "Asked for: 1 restart, 0 unlocks, from today 18:00 to today 22:00",
        "You allowed it: today 18:05",
        "Used for a restart: today 19:00. Signed in today 19:02, locked today 19:03.",
        "Used to unlock: today 19:10. Nobody was signed in.",
        "The support session ended: today 20:00",
        "Password erased, checked today 20:00",
        "Signed by this PC: ssssssssssssssss",
    ]


def test_a_receipt_speaks_german() -> None:
    """As everything else does."""
    text = pages(Harness("de"), receipt()).pages[0]
    assert "Für einen Neustart genutzt: heute 19:00. Angemeldet heute 19:02, gesperrt heute 19:03." in text


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"answer": {"state": "denied", "at": "2026-11-23T18:05:00+01:00"}}, "You declined: today 18:05"),
        ({"answer": {"state": "shown", "at": None}}, "Not answered yet"),
        ({"uses": [], "ended": None, "erasure": None}, "Never used\nThe password is still sealed on this PC"),
        (
            {"erasure": {"confirmed": False, "checked_at": "2026-11-23T20:00:01+01:00"}},
            "ERASURE NOT CONFIRMED, tried today 20:00",
        ),
        ({"ticket": ""}, "Support session S-1, check code 4711"),
        (
            {"requester": {"name": "", "organization": "", "role": "", "operator": "PC-1\\admin"}},
            "Somebody who gave no name (PC-1\\admin) asked",
        ),
    ],
)
def test_a_receipt_says_what_is_the_case(harness: Harness, changes: dict[str, Any], part: str) -> None:
    """Refused, open, unused, not erased: each has its words."""
    assert part in pages(harness, receipt(**changes)).pages[0]


def test_receipts_can_be_leafed_through(harness: Harness) -> None:
    """The newest first, each by itself."""
    shown = pages(harness, receipt(), receipt(request="r-0"))
    assert [page.splitlines()[0] for page in shown.pages] == ["Receipt 1 of 2", "Receipt 2 of 2"]
    assert (shown.older, shown.newer) == ("Older", "Newer")


def test_without_receipts_that_is_said(harness: Harness) -> None:
    """And an agent that does not answer is said, too."""
    harness.happens(s.Picked("receipts"))
    harness.heard(cm.OwnReceipts, DONE)
    assert harness.message() == ENGLISH["receipts_none"]
    harness.happens(s.Picked("receipts"))
    harness.heard(cm.OwnReceipts, None)
    assert harness.message() == ENGLISH["agent_silent"]


# --- all together -------------------------------------------------------------------------


def test_it_looks_at_the_screen_only_while_that_matters(harness: Harness) -> None:
    """An idle companion wakes nobody up."""
    assert not watches(harness)
    harness.shows(lent=[lent()])
    assert not watches(harness)
    harness.shows(asked=[asked()])
    assert watches(harness)
    harness.screen = s.Screen(locked=True)
    harness.shows(notices=[noticed(while_away=True)])
    assert watches(harness)
    harness.look()
    assert not watches(harness)


def watches(harness: Harness) -> bool:
    """Whether the companion looks at the screen now and then."""
    return harness.presenter.watches_screen


def test_everything_is_in_the_customers_language() -> None:
    """Icon, menu and messages, whatever the request's own language."""
    harness = Harness("de")
    harness.shows(lent=[lent()])
    assert harness.only(s.ShowIcon).tip == GERMAN["tray_lent"]
    assert harness.presenter.menu(NOW)[1].text == "Meine Anmeldedaten zurückrufen"
    harness.happens(s.Picked("about"))
    assert "Freie Software" in harness.message()
