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


def test_the_request_window_says_everything_in_its_order() -> None:
    """Who, what, when, why, where, promise, choice and code, then the field and equal buttons."""
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


def test_the_request_window_speaks_german() -> None:
    """A request in German is asked in German, whatever the companion's own language."""
    window = wording.request_window(asked(language="de-AT", restarts=1), NOW, "en")
    assert window.title == "Die IT bittet um Ihre Freigabe"
    assert "höchstens einmal" in window.text
    assert "Heute 22:00 bis morgen 05:00 Uhr." in window.text


def test_a_language_that_is_not_there_falls_back_to_the_companions() -> None:
    """A request in French is asked in the language of the customer's own Windows."""
    window = wording.request_window(asked(language="fr"), NOW, "de")
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
    """Each kind of use has its own line; what is not asked for is not mentioned."""
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
def test_moments_are_said_as_people_say_them_in_the_pcs_zone(
    not_before: str, not_after: str, line: str
) -> None:
    """Today and tomorrow by name, other days by date, always in the zone of the PC's clock."""
    window = wording.request_window(asked(not_before=not_before, not_after=not_after), NOW)
    assert f"{line} Then it ends by itself." in window.lines


def test_what_the_request_lacks_is_left_out() -> None:
    """No ticket, no role, no phone: the sentences do without."""
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
    """The window says what was wrong with the entry, and how many tries are left."""
    window = wording.request_window(asked(last_refusal=refusal, tries_left=tries), NOW)
    assert window.error == error
    assert error in window.text


def test_the_hash_is_of_everything_that_is_shown() -> None:
    """Any change of what the customer reads changes the hash in the receipt."""
    window = wording.request_window(asked(), NOW)
    assert window.sha256 == hashlib.sha256(window.text.encode()).hexdigest()
    others = [asked(restarts=4), asked(code="4712"), asked(reason="x"), asked(ticket="y")]
    hashes = {wording.request_window(item, NOW).sha256 for item in others}
    assert len(hashes | {window.sha256}) == 5


def test_braces_in_a_request_are_only_text() -> None:
    """What an operator writes is shown as it is and fills no place of ours."""
    window = wording.request_window(asked(reason="{code} {0} {{}}", requester="{who}"), NOW)
    assert "{code} {0} {{}}. Ticket CHG-1." in window.lines
    assert window.lines[0].startswith("{who}, helpdesk")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_notice_has_words(language: str) -> None:
    """Every notice the agent can send is a sentence in every language, with no place unfilled."""
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
def test_a_notice_says_when_what_happened(changes: dict[str, Any], text: str) -> None:
    """A notice has the moment, the ticket and one plain sentence; it says when nobody was there."""
    assert wording.notice(noticed(**{"not_after": "", **changes}), NOW) == text


def test_the_menu_shows_what_is_lent_and_how_to_take_it_back() -> None:
    """Until when, how much of it is used, and the established words for taking it back."""
    item = lent()
    menu = wording.menu(item, NOW)
    assert menu.lent == "Kim: until today 22:00, used 1 of 3"
    assert menu.revoke == "Revoke my credentials"
    paused = wording.menu(msgspec.structs.replace(item, paused=True), NOW, "de")
    assert paused.lent == "Kim: pausiert, 1 von 3 genutzt"
    assert (paused.revoke, paused.pause) == ("Meine Anmeldedaten zurückrufen", "Fortsetzen")


def test_the_choices_behind_later_and_decline_are_there() -> None:
    """Later means 15 minutes, an hour or the evening; a reason to decline may be picked."""
    assert [seconds for _, seconds in wording.later_choices("de")] == [900.0, 3600.0, 14_400.0]
    assert wording.decline_choices()[2] == "I do not know this request"
    assert wording.say("declined", "de") == "Abgelehnt. Es wurde kein Kennwort gespeichert."
