# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
from typing import Any, get_args

import msgspec
import pytest

from latchkey_agent.companion import wording
from latchkey_agent.companion.texts import ENGLISH, GERMAN, LANGUAGES
from latchkey_agent.protocol.customer_messages import NoticeItem
from tests.unit.companion.presenter_harness import NOW, asked, lent, noticed


def test_the_request_window_has_every_line_in_order() -> None:
    """Requester, action, period, reason, PC, promise, choice and code, then the field and the buttons."""
    assert wording.request_window(asked(), NOW).text.splitlines() == [
        "IT asks for your permission",
        "Kim, helpdesk, Fabrikam asks for Contoso IT. This name is not signed: nobody has checked it.",
        "IT wants to restart this PC and sign you in, at most 3 times.",
        "Work then runs in your name; the screen is locked at once.",
        "Today 22:00 to tomorrow 05:00. Then it ends by itself.",
        "Monthly updates. Ticket CHG-1.",
        r"PC PC-1, account PC-1\anna.",
        (
            "This program shows your password to nobody and sends it nowhere. "
            "It stays sealed on this PC and is erased at the end."
        ),
        "You may decline without a reason. Take it back any time: icon by the clock.",
        "Check code 4711. Unsure? Call Contoso IT on +49 30 5550 100; they see the same code.",
        "Your Windows password (not your PIN)",
        "Allow | Later | Decline | Report",
    ]


def test_the_request_window_uses_the_requests_language() -> None:
    """A request in German has a German window, even on an English Windows."""
    window = wording.request_window(asked(language="de-AT", restarts=1), NOW, "en")
    assert window.title == "Die IT bittet um Ihre Freigabe"
    assert "höchstens einmal" in window.text
    assert "Heute 22:00 bis morgen 05:00 Uhr." in window.text


def test_an_unknown_language_falls_back_to_the_companions() -> None:
    """A request in a language that no catalogue has is shown in the language of the customer's Windows."""
    window = wording.request_window(asked(language="zz"), NOW, "de")
    assert window.title == GERMAN["title"]
    assert wording.language_of("") == "en"


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"restarts": 1}, ["IT wants to restart this PC and sign you in, at most once."]),
        ({"restarts": 0, "unlocks": 2}, ["IT wants to unlock this PC, at most 2 times."]),
        (
            {"restarts": 2, "unlocks": 1, "foreign_restarts": True},
            [
                "IT wants to restart this PC and sign you in, at most 2 times.",
                "IT wants to unlock this PC, at most once.",
                ENGLISH["foreign"],
            ],
        ),
    ],
)
def test_the_window_names_all_that_is_asked_for_and_nothing_else(
    changes: dict[str, Any], lines: list[str]
) -> None:
    """Each kind of use has its own line. The window does not mention other kinds."""
    window = wording.request_window(asked(**changes), NOW)
    assert list(window.lines[1 : 1 + len(lines)]) == lines
    assert window.lines[1 + len(lines)] == ENGLISH["in_your_name"]


@pytest.mark.parametrize(
    ("not_before", "not_after", "line"),
    [
        ("2026-11-23T17:00:00+01:00", "2026-11-23T22:00:00+01:00", "From now to today 22:00."),
        (
            "2026-11-25T22:00:00+01:00",
            "2026-12-01T05:00:00+01:00",
            "25 November 2026, 22:00 to 1 December 2026, 05:00.",
        ),
        ("2026-11-23T21:00:00+00:00", "2026-11-24T04:00:00+00:00", "Today 22:00 to tomorrow 05:00."),
    ],
)
def test_times_are_in_everyday_words_and_in_the_pcs_zone(not_before: str, not_after: str, line: str) -> None:
    """Today and tomorrow are named, other days have a date. All times are in the PC's time zone."""
    window = wording.request_window(asked(not_before=not_before, not_after=not_after), NOW)
    assert f"{line} Then it ends by itself." in window.lines


def test_missing_fields_of_the_request_are_left_out() -> None:
    """The sentences are complete without ticket, role and phone."""
    bare = asked(ticket="", role="", requester_organization="", organization="", phone="")
    window = wording.request_window(bare, NOW)
    assert window.lines[0] == "Kim asks. This name is not signed: nobody has checked it."
    assert "Monthly updates." in window.lines
    assert window.lines[-1].startswith("Check code 4711. Unsure? Call IT on the number you know")
    inside = asked(requester_organization="Contoso IT")
    assert wording.request_window(inside, NOW).lines[0].startswith("Kim, helpdesk, Contoso IT asks.")
    nameless = asked(requester="", role="", requester_organization="")
    assert "Somebody who gave no name" in wording.request_window(nameless, NOW).lines[0]


@pytest.mark.parametrize(
    ("refusal", "tries", "error"),
    [
        ("", 2, ""),
        ("wrong_password", 1, "That did not work. Check your entry. 1 try left."),
        (
            "looks_like_pin",
            1,
            "That did not work. That looks like your PIN; your Windows password is needed. 1 try left.",
        ),
        (
            "other_account_entered",
            2,
            "That did not work. Leave the user name as it is. 2 tries left.",
        ),
    ],
)
def test_a_refused_entry_is_explained(refusal: str, tries: int, error: str) -> None:
    """The window shows the error and the number of remaining tries."""
    window = wording.request_window(asked(last_refusal=refusal, tries_left=tries), NOW)
    assert window.error == error
    assert error in window.text


def test_the_hash_covers_the_whole_text() -> None:
    """Any change of the displayed text changes the hash in the receipt."""
    window = wording.request_window(asked(), NOW)
    assert window.sha256 == hashlib.sha256(window.text.encode()).hexdigest()
    others = [asked(restarts=4), asked(code="4712"), asked(reason="x"), asked(ticket="y")]
    hashes = {wording.request_window(item, NOW).sha256 for item in others}
    assert len(hashes | {window.sha256}) == 5


def test_braces_in_a_request_are_plain_text() -> None:
    """The operator's text is shown unchanged and is not used as a template."""
    window = wording.request_window(asked(reason="{code} {0} {{}}", requester="{who}"), NOW)
    assert "{code} {0} {{}}. Ticket CHG-1." in window.lines
    assert window.lines[0].startswith("{who}, helpdesk")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_notice_has_a_text(language: str) -> None:
    """Every notice of the agent has a sentence in every language, without unfilled placeholders."""
    types = {field.name: field.type for field in msgspec.structs.fields(NoticeItem)}
    for kind in get_args(types["kind"]):
        for detail in ("", "restart", "unlock", "revoked", "used_up", "disconnected", "surprise"):
            item = noticed(kind=kind, detail=detail, not_after="2026-11-24T05:00:00+01:00")
            text = wording.notice(item, NOW, language)
            assert "{" not in text, (kind, detail)
            assert "CHG-1" in text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"not_after": "2026-11-23T22:00:00+01:00"},
            (
                "Today 17:12, Ticket CHG-1: Allowed until today 22:00. Please save your work. "
                "Take back: icon by the clock."
            ),
        ),
        (
            {"kind": "ended", "detail": "revoked_by_customer", "ticket": ""},
            "Today 17:12: Taken back. A running restart goes on, but nobody is signed in.",
        ),
        (
            {"kind": "locked", "while_away": True},
            (
                "While you were away, Today 17:12, Ticket CHG-1: "
                "You were signed in, and the screen was locked at once."
            ),
        ),
    ],
)
def test_a_notice_has_time_ticket_and_event(changes: dict[str, Any], text: str) -> None:
    """A notice has the time, the ticket and one sentence. It says if the customer was away."""
    assert wording.notice(noticed(**{"not_after": "", **changes}), NOW) == text


def test_the_menu_shows_the_grant_and_how_to_revoke_it() -> None:
    """The menu has the end, the uses so far and the established label for revoking."""
    item = lent()
    menu = wording.menu(item, NOW)
    assert menu.lent == "Kim: until today 22:00, used 1 of 3"
    assert menu.revoke == "Revoke my credentials"
    paused = wording.menu(msgspec.structs.replace(item, paused=True), NOW, "de")
    assert paused.lent == "Kim: pausiert, 1 von 3 genutzt"
    assert (paused.revoke, paused.pause) == ("Meine Anmeldedaten zurückrufen", "Fortsetzen")


def test_later_and_decline_have_choices() -> None:
    """Later means 15 minutes, an hour or four hours. The reasons for declining are optional."""
    assert [seconds for _, seconds in wording.later_choices("de")] == [900.0, 3600.0, 14_400.0]
    assert wording.decline_choices()[2] == "I do not know this request"
    assert wording.text("declined", "de") == "Abgelehnt. Es wurde kein Kennwort gespeichert."
