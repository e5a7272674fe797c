# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: RUF001 - quotation marks that look like others
from __future__ import annotations

import hashlib
from datetime import date
from itertools import groupby, product
from typing import Any, get_args

import msgspec
import pytest

from latchkey_agent.companion import wording
from latchkey_agent.companion.texts import ENGLISH, LANGUAGES
from latchkey_agent.protocol.answers import TermsView
from latchkey_agent.protocol.customer_messages import NoticeItem
from tests.unit.companion.presenter_harness import NOW, asked, lent, noticed

ADMIN, AWX, EVE, ANNA = (rf"PC-1\{user}" for user in ("admin", "awx", "eve", "anna"))


def test_the_request_window_has_every_line_in_order() -> None:
    """The accounts, the terms, the promise and the choice stand before the operator's words; then comes the code."""
    window = wording.request_window(asked(operators=[AWX, EVE], unlocks=1), NOW)
    assert window.text.splitlines() == [
        "IT asks for your permission",
        f"Asked by: the Windows account {ADMIN}, which this PC has verified.",
        f"May use it too: {AWX}, {EVE}, verified as well.",
        f"Where: PC PC-1, your account {ANNA}.",
        "",
        "Restarts: at most 3. This PC restarts, you are signed in, and the screen is locked at once.",
        "Warning: before each restart by IT, Windows warns you at least 5 seconds ahead.",
        "Unlock: at most once. After the unlock the screen stays open for at most 10 minutes, then it is locked.",
        "When: today 22:00 to tomorrow 05:00. Then it ends by itself.",
        "",
        (
            "Password: this program shows it to nobody and sends it nowhere. "
            "It stays sealed on this PC and is erased at the end."
        ),
        "Your choice: you may decline without a reason. Take it back any time: icon by the clock.",
        "",
        "IT says this of itself; nobody has checked it:",
        "Name: “Kim”, “helpdesk”, “Fabrikam”",
        "Reason: “Monthly updates”",
        "Ticket: “CHG-1”",
        "",
        "Check code: 4711. Unsure? Call Contoso IT on +49 30 5550 100; they see the same code.",
        "Your Windows password (not your PIN)",
        "Allow | Later | Decline | Report",
    ]


def test_the_window_says_that_it_takes_two_parties() -> None:
    """Under two parties the line about the password says that IT has a key, too, in both languages."""
    for language, words in (("en", "a key that IT keeps"), ("de", "einem Schlüssel der IT")):
        two = wording.request_window(asked(two_parties=True), NOW, language).text
        one = wording.request_window(asked(), NOW, language).text
        assert (words in two, words in one) == (True, False)
        assert LANGUAGES[language]["promise_two_parties"].startswith(LANGUAGES[language]["promise"])


def test_the_request_window_is_in_the_customers_language() -> None:
    """A German Windows shows a German window; a language without a catalogue is English."""
    assert wording.request_window(asked(), NOW, "de").title == "Die IT bittet um Ihre Freigabe"
    assert wording.request_window(asked(), NOW, "zz").title == ENGLISH["title"]
    assert wording.language_of("de-AT") == "de"
    assert wording.language_of("") == "en"


# --- the terms, all of them and nothing else

TIMES = {0.0: "0 seconds", 1.0: "1 second", 60.0: "1 minute", 600.0: "10 minutes", 3600.0: "1 hour"}
TIMES_IN_GERMAN = {
    0.0: "0 Sekunden",
    1.0: "1 Sekunde",
    60.0: "1 Minute",
    600.0: "10 Minuten",
    3600.0: "1 Stunde",
}
RESTARTS = {
    "en": {
        1: "Restart: at most once. This PC restarts, you are signed in, and the screen is locked at once.",
        7: "Restarts: at most 7. This PC restarts, you are signed in, and the screen is locked at once.",
    },
    "de": {
        1: (
            "Neustart: höchstens einmal. Der PC startet neu, Sie werden angemeldet, "
            "der Bildschirm wird sofort gesperrt."
        ),
        7: (
            "Neustarts: höchstens 7. Der PC startet neu, Sie werden angemeldet, "
            "der Bildschirm wird sofort gesperrt."
        ),
    },
}
UNLOCKS = {
    "en": {
        1: "Unlock: at most once. After the unlock the screen stays open for at most {}, then it is locked.",
        7: "Unlocks: at most 7. After each unlock the screen stays open for at most {}, then it is locked.",
    },
    "de": {
        1: "Entsperren: höchstens einmal. Danach bleibt der Bildschirm höchstens {} offen, dann wird er gesperrt.",
        7: "Entsperren: höchstens 7-mal. Jedes Mal bleibt der Bildschirm höchstens {} offen, dann wird er gesperrt.",
    },
}
WARNING = {
    "en": "Warning: before each restart by IT, Windows warns you at least {} ahead.",
    "de": "Warnung: Vor jedem Neustart durch die IT warnt Windows Sie mindestens {} vorher.",
}
NO_WARNING = {
    "en": "Warning: none. Before a restart by IT, Windows need not warn you.",
    "de": "Warnung: keine. Vor einem Neustart durch die IT muss Windows Sie nicht warnen.",
}
FOREIGN = {
    "en": "Others: a restart that Windows or another program starts counts as one of these.",
    "de": "Andere: Ein Neustart, den Windows oder ein anderes Programm auslöst, zählt als einer davon.",
}
PROGRAMS = {
    "en": "Programs: IT may run programs in your name.",
    "de": "Programme: Die IT darf in Ihrem Namen Programme starten.",
}
PERIOD = {
    "en": {
        True: "When: from now to today 22:00. Then it ends by itself.",
        False: "When: today 19:30 to today 22:00. Then it ends by itself.",
    },
    "de": {
        True: "Wann: ab sofort bis heute 22:00 Uhr. Danach endet die Freigabe von selbst.",
        False: "Wann: heute 19:30 bis heute 22:00 Uhr. Danach endet die Freigabe von selbst.",
    },
}
COMBINATIONS = list(
    product(
        (0, 1, 7),
        (0, 1, 7),
        (False, True),
        (True, False),
        (60.0, 600.0, 3600.0),
        (0.0, 1.0, 60.0),
        (False, True),
    )
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_window_tells_each_term_of_every_combination_and_nothing_else(language: str) -> None:
    """The lines between the accounts and the promise are exactly those of the terms."""
    times = TIMES if language == "en" else TIMES_IN_GERMAN
    for restarts, unlocks, foreign, begun, relock_after, grace, programs in COMBINATIONS:
        warning = WARNING[language].format(times[grace]) if grace else NO_WARNING[language]
        expected = [
            *([RESTARTS[language][restarts], warning] if restarts else []),
            *([FOREIGN[language]] if restarts and foreign else []),
            *([UNLOCKS[language][unlocks].format(times[relock_after])] if unlocks else []),
            *([PROGRAMS[language]] if programs else []),
            PERIOD[language][begun],
        ]
        terms = {
            "restarts": restarts,
            "unlocks": unlocks,
            "foreign_restarts": foreign,
            "programs": programs,
            "not_before": "2026-11-23T17:00:00+01:00" if begun else "2026-11-23T19:30:00+01:00",
            "not_after": "2026-11-23T22:00:00+01:00",
            "relock_after": relock_after,
            "grace": grace,
        }
        lines = wording.request_window(asked(**terms), NOW, language).lines
        assert list(groups(lines)[1]) == expected, terms


@pytest.mark.parametrize(("language", "name"), [("en", "your name"), ("de", "Ihrem Namen")])
def test_only_the_term_lets_work_run_in_the_customers_name(language: str, name: str) -> None:
    """Without the term no line of the window says that anything runs in the customer's name."""
    assert name not in wording.request_window(asked(restarts=1, unlocks=1), NOW, language).text
    assert name in wording.request_window(asked(restarts=1, programs=True), NOW, language).text


NO_PASSWORD = {
    "en": (
        "Restarts: at most 3. This PC restarts, Windows signs you in again by itself, and the screen is locked.",
        "Password: none. You type no password, and this program stores none.",
    ),
    "de": (
        (
            "Neustarts: höchstens 3. Der PC startet neu, Windows meldet Sie selbst wieder an, "
            "der Bildschirm wird gesperrt."
        ),
        "Kennwort: keines. Sie geben kein Kennwort ein, und dieses Programm speichert keines.",
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_window_without_a_password_asks_for_none(language: str) -> None:
    """Under ARSO the window has no password field, and says that Windows signs in by itself."""
    with_one, without = (
        wording.request_window(asked(restarts=3, means=means), NOW, language) for means in ("grant", "arso")
    )
    restarts, promise = NO_PASSWORD[language]
    assert without.field == ""
    assert without.text.count("\n") == with_one.text.count("\n") - 1
    changed = [line for line in without.lines if line not in with_one.lines]
    assert changed == [restarts, promise]


def groups(lines: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the lines between the empty ones."""
    return [tuple(group) for filled, group in groupby(lines, bool) if filled]


def test_no_term_of_the_protocol_is_missing_in_the_window() -> None:
    """A new term needs a line in the window, and a place in the test above."""
    assert set(TermsView.__struct_fields__) == {
        "means",
        "two_parties",
        "restarts",
        "unlocks",
        "foreign_restarts",
        "programs",
        "not_before",
        "not_after",
        "relock_after",
        "grace",
    }


def test_two_terms_that_differ_have_two_texts() -> None:
    """No two different agreements show the same text."""
    texts = [
        wording.request_window(
            asked(
                restarts=r,
                unlocks=u,
                foreign_restarts=f,
                programs=p,
                relock_after=lock,
                grace=grace,
                means=means,
            ),
            NOW,
        ).text
        for r, u, f, p, lock, grace, means in product(
            (1, 2), (1, 2), (False, True), (False, True), (60.0, 90.0), (0.0, 5.0), ("grant", "arso")
        )
    ]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(59, "59 seconds"), (90, "1 minute 30 seconds"), (3601, "1 hour 1 second"), (7200, "2 hours")],
)
def test_a_length_of_time_is_exact(seconds: int, words: str) -> None:
    """No part is rounded away."""
    assert wording.duration(ENGLISH, seconds) == words


def test_a_part_of_a_second_is_rounded_for_the_customer() -> None:
    """The window never promises a longer warning or a shorter time of an open desktop than the terms."""
    text = wording.request_window(asked(unlocks=1, relock_after=60.5, grace=5.9), NOW).text
    assert "at least 5 seconds" in text
    assert "at most 1 minute 1 second" in text


# --- the operator's words

MARK = "Checked and signed by Contoso IT"


def test_operators_text_is_always_labelled_and_quoted() -> None:
    """Each field of the operator stands behind its label, in quotation marks, and nowhere else."""
    fields = {
        "requester": "Name: “{}”",
        "role": "Name: “Kim”, “{}”, “Fabrikam”",
        "requester_organization": "Name: “Kim”, “helpdesk”, “{}”",
        "reason": "Reason: “{}”",
        "ticket": "Ticket: “{}”",
    }
    for field, shown in fields.items():
        lines = wording.request_window(asked(**{field: MARK}), NOW).lines
        (line,) = (line for line in lines if MARK in line)
        assert line.startswith(shown.format(MARK))
        assert line in groups(lines)[-2][1:]
        assert groups(lines)[-2][0] == ENGLISH["their_words"]


@pytest.mark.parametrize("name", ["שלום", "مرحبا 12", "Kim (قسم)"])
def test_text_from_right_to_left_turns_nothing_around_it(name: str) -> None:
    """Letters from right to left stand in an isolate: also in the names of accounts and of the organisation."""
    changes = {"requester": name, "reason": name, "asked_by": name, "organization": name, "operators": [name]}
    window = wording.request_window(asked(**changes), NOW)
    assert window.text.count(name) == window.text.count(f"\u2068{name}\u2069") == len(changes)
    assert wording.menu(lent(asked_by=name), NOW).lent.startswith(f"Lent to \u2068{name}\u2069 until")
    assert f"“\u2068{name}\u2069”" in wording.notice(noticed(ticket=name), NOW)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "marks", ['"', "“”", "„“", "«»", "‹›", "''", "’’", "‚‚", "״", "″", "〃", "‴", "‷", "⁗", "׳׳", "՚՚", "՝՝"]
)
def test_operators_text_cannot_end_its_quotation(marks: str, language: str) -> None:
    """Inside the quotation a double quotation mark, or what looks like one, is a single one."""
    opening, closing = marks[: len(marks) // 2] or marks, marks[len(marks) // 2 :]
    reason = (
        f"x{closing} {MARK} {opening}y" if len(marks) > 1 and marks[0] != marks[1] else f"x{marks} {MARK}"
    )
    (line,) = (
        line for line in wording.request_window(asked(reason=reason), NOW, language).lines if MARK in line
    )
    outer = LANGUAGES[language]["quote"].format(text="|").split("|")
    inner = line.removeprefix(f"{line.split(outer[0])[0]}{outer[0]}").removesuffix(outer[1])
    assert line.endswith(f"{outer[0]}{inner}{outer[1]}")
    assert not set(inner) & set('"“”„«»‹›״″〃‴‷⁗')
    assert "''" not in inner
    assert inner.startswith("x' ")


def test_the_verified_account_stands_before_what_the_operator_says() -> None:
    """It is in the first line, with every name that an operator may give."""
    for name in ("", "Kim", r"PC-1\anna"):
        window = wording.request_window(asked(requester=name), NOW)
        assert window.lines[0] == ENGLISH["asked_by"].format(account=ADMIN)


@pytest.mark.parametrize(
    ("not_before", "not_after", "line"),
    [
        ("2026-11-23T17:00:00+01:00", "2026-11-23T22:00:00+01:00", "When: from now to today 22:00."),
        (
            "2026-11-25T22:00:00+01:00",
            "2026-12-01T05:00:00+01:00",
            "When: 25 November 2026, 22:00 to 1 December 2026, 05:00.",
        ),
        ("2026-11-23T21:00:00+00:00", "2026-11-24T04:00:00+00:00", "When: today 22:00 to tomorrow 05:00."),
    ],
)
def test_times_are_in_everyday_words_and_in_the_pcs_zone(not_before: str, not_after: str, line: str) -> None:
    """Today and tomorrow are named, other days have a date. All times are in the PC's time zone."""
    window = wording.request_window(asked(not_before=not_before, not_after=not_after), NOW)
    assert f"{line} Then it ends by itself." in window.lines


@pytest.mark.parametrize(("language", "line"), [("en", "Signature checked"), ("de", "Unterschrift geprüft")])
def test_a_signed_request_says_whose_signature_was_checked(language: str, line: str) -> None:
    """Name, organisation and role are the certificate's; the reason is still the operator's word."""
    signed = asked(requester="Olga", role="helpdesk", requester_organization="Contoso", is_signed=True)
    window = wording.request_window(signed, NOW, language)
    names = ", ".join(wording.quoted(LANGUAGES[language], name) for name in ("Olga", "Contoso", "helpdesk"))
    group = groups(window.lines)[-2]
    assert group[:2] == (f"{line}: {names}", LANGUAGES[language]["their_words"])
    assert not any(text.startswith("Name:") for text in group)
    unsigned = wording.request_window(asked(requester="Olga"), NOW, language)
    assert line not in unsigned.text


def test_missing_fields_of_the_request_are_left_out() -> None:
    """No line has an empty quotation, and the verified account stays."""
    bare = asked(requester="", ticket="", role="", requester_organization="", organization="", phone="")
    window = wording.request_window(bare, NOW)
    assert groups(window.lines)[-2] == (ENGLISH["their_words"], "Reason: “Monthly updates”")
    assert window.lines[-1].startswith("Check code: 4711. Unsure? Call IT on the number you know")
    assert window.lines[0].startswith("Asked by: the Windows account")


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
        (
            "agent_failed",
            1,
            "That did not work. The password could not be checked or sealed. 1 try left.",
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
    assert "Reason: “{code} {0} {{}}”" in window.lines
    assert "Name: “{who}”" in window.text


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


SINCE = "2026-11-23T16:42:00+01:00"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"not_after": "2026-11-23T22:00:00+01:00"},
            (
                "Today 17:12: Allowed until today 22:00. Please save your work. "
                "Take back: icon by the clock. Ticket: “CHG-1”"
            ),
        ),
        (
            {
                "kind": "program",
                "detail": "exited",
                "since": SINCE,
                "program": '"a" /S',
                "exit_code": 0,
                "ticket": "",
            },
            "Today 17:12: IT ran a program in your name, started today 16:42: “'a' /S”. It ended with exit code 0.",
        ),
        (
            {"kind": "program", "detail": "stopped", "since": SINCE, "program": "a", "ticket": ""},
            "Today 17:12: IT ran a program in your name, started today 16:42: “a”. Latchkey ended it.",
        ),
        (
            {"kind": "program", "detail": "not_started", "since": SINCE, "program": "a", "ticket": ""},
            "Today 17:12: IT wanted to run a program in your name: “a”. Windows did not start it.",
        ),
        (
            {"kind": "ended", "detail": "revoked_by_customer", "ticket": ""},
            "Today 17:12: Taken back. A running restart goes on, but Latchkey signs nobody in.",
        ),
        (
            {"kind": "locked", "while_away": True},
            "Today 17:12: You were signed in, and the screen was locked within seconds. Ticket: “CHG-1”",
        ),
        (
            {"kind": "locked", "detail": "unlocked", "since": SINCE, "ticket": ""},
            "Today 17:12: The screen was unlocked for IT, from today 16:42 at the earliest. It is locked again.",
        ),
        (
            {"kind": "locked", "detail": "late", "since": SINCE, "ticket": ""},
            "Today 17:12: You were signed in. The screen was open for at most 30 minutes and is locked now.",
        ),
        (
            {"kind": "locked", "detail": "arso", "since": SINCE, "ticket": ""},
            (
                "Today 17:12: After the restart Windows signed you in. "
                "The screen is locked; Latchkey saw it open for at most 30 minutes."
            ),
        ),
        (
            {"kind": "ended", "detail": "revoked_by_customer_arso", "ticket": ""},
            (
                "Today 17:12: Taken back. A running restart goes on; "
                "Windows may still sign you in after it, and the screen is locked then."
            ),
        ),
        (
            {"kind": "failed", "detail": "interrupted", "ticket": ""},
            "Today 17:12: Whether you were signed in is not known. If the screen opens, it is locked.",
        ),
        (
            {"kind": "ended", "detail": "used_up", "ticket": ""},
            "Today 17:12: No use of your sign-in is left.",
        ),
        (
            {"kind": "ended", "detail": "rejected_record_missing", "ticket": ""},
            "Today 17:12: The stored password was gone. So your sign-in is not used any more.",
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
    assert menu.lent == f"Lent to {ADMIN} until today 22:00, used 1 of 3"
    assert menu.revoke == "Revoke my credentials"
    paused = wording.menu(msgspec.structs.replace(item, paused=True), NOW, "de")
    assert paused.lent == f"Für {ADMIN} freigegeben, pausiert, 1 von 3 genutzt"
    assert (paused.revoke, paused.pause) == ("Meine Anmeldedaten zurückrufen", "Fortsetzen")


def test_later_and_decline_have_choices() -> None:
    """Later means 15 minutes, an hour or four hours. The reasons for declining are optional."""
    assert [seconds for _, seconds in wording.later_choices("de")] == [900.0, 3600.0, 14_400.0]
    assert [seconds for _, seconds in wording.later_choices("de", 3601.0)] == [900.0, 3600.0]
    assert [seconds for _, seconds in wording.later_choices("de", 3600.0)] == [900.0]
    assert [seconds for _, seconds in wording.later_choices("de", 60.0)] == [900.0]
    assert wording.decline_choices()[2] == "I do not know this request"
    assert wording.text("declined", "de") == "Abgelehnt. Es wurde kein Kennwort gespeichert."


@pytest.mark.parametrize(
    ("today", "max_absence", "days"),
    [
        ("2026-11-23", 90, [2, 7, 14, 21, 35]),
        ("2026-11-28", 90, [2, 9, 16, 30]),
        ("2026-11-29", 31, [2, 8, 15, 29]),
        ("2026-11-23", 7, [2, 7]),
        ("2026-11-23", 2, [2]),
        ("2026-11-23", 1, []),
    ],
)
def test_the_days_of_a_return(today: str, max_absence: int, days: list[int]) -> None:
    """The day after tomorrow and Mondays, as far as the policy allows; tomorrow is "not today"."""
    assert wording.days_of_return(date.fromisoformat(today), max_absence) == days


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "Not before Monday, 7 December"), ("de", "Nicht vor Montag, dem 7. Dezember")],
)
def test_a_day_has_its_name(language: str, text: str) -> None:
    """A person reads the day of the week more surely than a date."""
    assert wording.not_before(date(2026, 12, 7), language) == text
