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
from latchkey_agent.protocol import local_messages as p
from latchkey_agent.protocol.answers import ReceiptView
from tests.unit.companion.desk import DONE, NOW, Desk, asked, failed, lent, noticed


@pytest.fixture
def desk() -> Desk:
    """A companion that has heard nothing yet."""
    return Desk()


# --- the icon ---------------------------------------------------------------------------


def test_the_icon_is_there_while_something_is_asked_or_lent(desk: Desk) -> None:
    """And at no other time."""
    assert desk.shows() == []
    desk.shows(asked=[asked()])
    assert desk.only(s.ShowIcon).tip == ENGLISH["tray_asked"]
    desk.shows(lent=[lent()])
    assert desk.only(s.ShowIcon).tip == ENGLISH["tray_lent"]
    desk.shows()
    desk.only(s.HideIcon)


def test_a_notice_has_the_icon_for_its_time(desk: Desk) -> None:
    """It is shown at the icon; both go together."""
    desk.shows(notices=[noticed()])
    assert [type(action) for action in desk.done] == [s.ShowIcon, s.Balloon]
    desk.balloon_over()
    assert [type(action) for action in desk.done] == [s.HideIcon, s.Tell]


# --- the menu ---------------------------------------------------------------------------


def test_the_menu_tells_what_is_lent_and_takes_it_back(desk: Desk) -> None:
    """One choice takes everything back: no more clicks than allowing took, and no password."""
    desk.shows(lent=[lent()])
    lines = desk.presenter.menu(NOW)
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
    desk.happens(s.Picked("revoke"))
    assert desk.told(p.GrantRevoke) == p.GrantRevoke()
    assert desk.heard(p.GrantRevoke) == []


def test_without_anything_lent_there_is_nothing_to_take_back(desk: Desk) -> None:
    """Receipts, report and about are always there."""
    assert [line.text for line in desk.presenter.menu(NOW)] == [
        "Receipts",
        "Something looks wrong",
        "About Latchkey",
    ]


def test_several_grants_are_told_apart(desk: Desk) -> None:
    """Each can be paused by itself."""
    desk.shows(lent=[lent(), lent(grant="g-2", requester="Lou", paused=True)], asked=[asked()])
    lines = desk.presenter.menu(NOW)
    assert lines[:2] == [menu.Entry("Show the request", s.Picked("show")), menu.SEPARATOR]
    assert [line.text for line in lines if line.picked and line.picked.grant] == [
        "Pause (Kim: until today 22:00, used 1 of 3)",
        "Go on (Lou: paused, used 1 of 3)",
    ]


@pytest.mark.parametrize(("deed", "pause"), [("pause", True), ("resume", False)])
def test_pausing_and_going_on(desk: Desk, deed: s.Deed, *, pause: bool) -> None:
    """The agent is told; silence is said."""
    desk.shows(lent=[lent()])
    desk.happens(s.Picked(deed, "g-1"))
    assert desk.told(p.GrantPause) == p.GrantPause(grant="g-1", pause=pause)
    assert desk.heard(p.GrantPause) == []
    desk.happens(s.Picked(deed, "g-1"))
    desk.heard(p.GrantPause, None)
    assert desk.message() == ENGLISH["agent_silent"]


@pytest.mark.parametrize(
    "picked", [s.Picked("pause", "g-1"), s.Picked("resume", "g-1"), s.Picked("receipts")]
)
def test_what_the_agent_refuses_is_said(desk: Desk, picked: s.Picked) -> None:
    """A pause that was not written holds nothing back; receipts that cannot be shown are not none."""
    desk.shows(lent=[lent()])
    desk.happens(picked)
    desk.heard(p.CustomerRequest, failed("storage_failed"))
    assert desk.message() == ENGLISH["not_possible"].format(code="storage_failed")


@pytest.mark.parametrize(
    ("desktop", "parts"),
    [
        ({}, ["Call IT on the number you know"]),
        ({"organization": "Contoso IT", "phone": "12"}, ["Call Contoso IT on 12"]),
        ({"asked": [asked()]}, ["choose Report", "number you know"]),
        ({"lent": [lent()]}, ["Revoke my credentials", "number you know"]),
    ],
)
def test_report_says_what_to_do(desk: Desk, desktop: dict[str, Any], parts: list[str]) -> None:
    """The number comes from the PC's settings, never from a request."""
    desk.shows(**desktop)
    desk.happens(s.Picked("report"))
    for part in parts:
        assert part in desk.message()


def test_about_names_the_version(desk: Desk) -> None:
    """For whoever is called."""
    desk.happens(s.Picked("about"))
    assert "Latchkey 0." in desk.message()


# --- news -------------------------------------------------------------------------------


def test_a_notice_is_closed_when_it_has_been_seen(desk: Desk) -> None:
    """Not before: a companion that ends meanwhile shows it again."""
    desk.shows(notices=[noticed()])
    assert "Allowed until" in desk.only(s.Balloon).text
    assert desk.shows(notices=[noticed()]) == []
    desk.balloon_over()
    assert desk.told(p.NoticesClosed) == p.NoticesClosed(notices=["n-1"])
    assert desk.shows(notices=[noticed()]) == []


def test_notices_that_fit_are_shown_together(desk: Desk) -> None:
    """The others come next."""
    desk.shows(notices=[noticed(notice=f"n-{number}") for number in range(4)])
    assert desk.only(s.Balloon).text.count("\n") == 1
    desk.balloon_over()
    assert desk.told(p.NoticesClosed) == p.NoticesClosed(notices=["n-0", "n-1"])
    desk.only(s.Balloon)


def test_a_notice_that_is_too_long_is_shown_alone(desk: Desk) -> None:
    """It is cut only where Windows has no room."""
    desk.shows(notices=[noticed(requester="K" * 300, kind="ended", detail="withdrawn")])
    assert len(desk.only(s.Balloon).text) > 300


def test_what_happened_while_away_waits_for_the_customer(desk: Desk) -> None:
    """Until they are there, and then until they close it."""
    desk.screen = s.Screen(locked=True)
    news = [
        noticed(kind="used", detail="restart", while_away=True),
        noticed(notice="n-2", kind="locked", while_away=True),
    ]
    assert desk.shows(notices=news) == []
    desk.look()
    shown = desk.only(s.ShowNews)
    assert shown.title == ENGLISH["away_title"]
    assert "restarted this PC" in shown.text
    assert "While you were away" not in shown.text
    assert desk.look() == []
    desk.happens(s.NewsClosed())
    assert desk.told(p.NoticesClosed) == p.NoticesClosed(notices=["n-1", "n-2"])
    assert desk.happens(s.NewsClosed()) == []


def test_news_wait_for_a_request_on_the_screen(desk: Desk) -> None:
    """One window at a time asks for attention."""
    desk.opened()
    assert desk.shows(asked=[asked()], notices=[noticed(while_away=True)]) == []
    desk.answers("closed")
    desk.only(s.ShowNews)


def test_nothing_is_told_while_others_look_on(desk: Desk) -> None:
    """What was lent is the customer's affair."""
    desk.screen = s.Screen(viewed=True)
    assert desk.shows(notices=[noticed(), noticed(notice="n-2", while_away=True)]) == []


def test_notices_of_ones_own_wait_their_turn(desk: Desk) -> None:
    """An answer's confirmation comes after the notice that is there."""
    desk.shows(asked=[asked()], notices=[noticed()])
    desk.open()
    desk.answers("report")
    desk.heard(p.RequestDecline)
    assert [a for a in desk.done if isinstance(a, s.Balloon)] == []
    desk.balloon_over()
    assert desk.only(s.Balloon).text == ENGLISH["reported"]
    desk.balloon_over()
    assert [a for a in desk.done if isinstance(a, s.Tell)] == []


def test_a_newer_notice_takes_the_place_of_one_that_was_read(desk: Desk) -> None:
    """Who takes something back is not told so only when the older notice has gone by itself."""
    desk.shows(notices=[noticed()])
    first = desk.balloon
    revoked = noticed(notice="n-2", kind="ended", detail="revoked")
    assert desk.shows(notices=[noticed(), revoked]) == []
    desk.now += timedelta(seconds=3)
    desk.look()
    assert "Taken back" in desk.only(s.Balloon).text
    assert desk.told(p.NoticesClosed) == p.NoticesClosed(notices=["n-1"])
    assert desk.happens(s.BalloonOver(first)) == []
    desk.balloon_over()
    assert desk.told(p.NoticesClosed) == p.NoticesClosed(notices=["n-2"])


# --- receipts ---------------------------------------------------------------------------


def receipt(**changes: Any) -> ReceiptView:
    """A receipt of a grant that was used once and is over."""
    document = {
        "receipt_id": "r-1",
        "created_at": "2026-11-23T17:00:00+00:00",
        "principal": {"account": "PC-1\\anna"},
        "device": "PC-1",
        "requester": {"name": "Kim", "organization": "", "role": "helpdesk", "operator": "PC-1\\admin"},
        "purpose": "Monthly updates",
        "ticket": "CHG-1",
        "session": "S-1",
        "scope": {
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
        "ended": {"how": "session_ended", "at": "2026-11-23T20:00:00+01:00"},
        "erasure": {"confirmed": True, "checked_at": "2026-11-23T20:00:01+01:00"},
    } | changes
    return ReceiptView(id="r-1", document=document, signature="s" * 88, public_key="k", text="")


def pages(desk: Desk, *views: ReceiptView) -> s.ShowPages:
    """Ask for the receipts and return what is shown."""
    desk.happens(s.Picked("receipts"))
    desk.heard(p.OwnReceipts, p.CustomerAnswer(done=True, receipts=list(views)))
    return desk.only(s.ShowPages)


def test_a_receipt_tells_the_whole_story(desk: Desk) -> None:
    """In the customer's words and zone."""
    assert pages(desk, receipt()).pages[0].splitlines() == [
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
    text = pages(Desk("de"), receipt()).pages[0]
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
def test_a_receipt_says_what_is_the_case(desk: Desk, changes: dict[str, Any], part: str) -> None:
    """Refused, open, unused, not erased: each has its words."""
    assert part in pages(desk, receipt(**changes)).pages[0]


def test_receipts_can_be_leafed_through(desk: Desk) -> None:
    """The newest first, each by itself."""
    shown = pages(desk, receipt(), receipt(receipt_id="r-0"))
    assert [page.splitlines()[0] for page in shown.pages] == ["Receipt 1 of 2", "Receipt 2 of 2"]
    assert (shown.older, shown.newer) == ("Older", "Newer")


def test_without_receipts_that_is_said(desk: Desk) -> None:
    """And an agent that does not answer is said, too."""
    desk.happens(s.Picked("receipts"))
    desk.heard(p.OwnReceipts, DONE)
    assert desk.message() == ENGLISH["receipts_none"]
    desk.happens(s.Picked("receipts"))
    desk.heard(p.OwnReceipts, None)
    assert desk.message() == ENGLISH["agent_silent"]


# --- all together -------------------------------------------------------------------------


def test_it_looks_at_the_screen_only_while_that_matters(desk: Desk) -> None:
    """An idle companion wakes nobody up."""
    assert not watches(desk)
    desk.shows(lent=[lent()])
    assert not watches(desk)
    desk.shows(asked=[asked()])
    assert watches(desk)
    desk.screen = s.Screen(locked=True)
    desk.shows(notices=[noticed(while_away=True)])
    assert watches(desk)
    desk.look()
    assert not watches(desk)


def watches(desk: Desk) -> bool:
    """Whether the companion looks at the screen now and then."""
    return desk.presenter.watches_screen


def test_everything_is_in_the_customers_language() -> None:
    """Icon, menu and messages, whatever the request's own language."""
    desk = Desk("de")
    desk.shows(lent=[lent()])
    assert desk.only(s.ShowIcon).tip == GERMAN["tray_lent"]
    assert desk.presenter.menu(NOW)[1].text == "Meine Anmeldedaten zurückrufen"
    desk.happens(s.Picked("about"))
    assert "Freie Software" in desk.message()
