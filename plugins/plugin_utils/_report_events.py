# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The course of the work on one PC: what happened when, for the timeline and for its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._report_times import moment_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._answers import ProgramView
    from ._report_model import Asked, Row, Use
    from ._report_texts import Texts

KINDS = (
    "window",
    "asked",
    "answered",
    "restart",
    "others",
    "omitted",
    "unlock",
    "program",
    "step",
    "ended",
    "erased",
)
"""The kinds of events, in the order of the legend."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened at `at`, or from there to `until`. Both are the PC's own words."""

    kind: str
    at: str
    text: str
    until: str | None = None


def events(row: Row, t: Texts) -> list[Event]:
    """Return the events of a PC that have a time, the oldest first."""
    found = [
        *_of_requests(row, t),
        *(event for use in row.uses for event in _of_use(use, t)),
        *(_omitted(one.at, one.why, t) for one in row.omitted),
        *(_of_program(one, t) for one in row.programs),
        *(
            Event(kind="step", at=step.at, text=t("event_step_named", step=step.name))
            for step in row.steps
            if step.at is not None and step.state == "done"
        ),
        *_of_ends(row, t),
    ]
    known = [(moment, event) for event in found if (moment := moment_of(event.at)) is not None]
    return [event for _moment, event in sorted(known, key=lambda pair: pair[0])]


def answer_text(asked: Asked, t: Texts) -> str:
    """Return a request's answer in one or two words, without the customer's own."""
    reported = asked.state == "denied" and asked.refusal.startswith("reported")
    return t.word("request", "reported" if reported else asked.state)


def use_text(use: Use, t: Texts) -> str:
    """Return what came of a use."""
    if use.why == "signed_in":
        return t("use_signed_in")
    return t.word("use", use.state)


def by_text(use: Use, t: Texts) -> str:
    """Return by whom a restart was."""
    if use.foreign:
        return t("by_others")
    return t("by_account", account=use.by) if use.by else t("by_use")


def program_text(program: ProgramView, t: Texts) -> str:
    """Return what came of a program."""
    if program.exit_code is not None:
        return t("exit_code", code=program.exit_code)
    text = t.word("program", program.state)
    if not program.why:
        return text
    why = t.word("stop", program.why)
    return f"{text}, {why}"


def omitted_by(why: str, t: Texts) -> str:
    """Return by whom a restart without a sign-in was."""
    return t("by_agent_omitted" if why == "own_restart" else "by_others_omitted")


def _of_requests(row: Row, t: Texts) -> Iterator[Event]:
    for asked in row.requests:
        if asked.asked_at:
            yield Event(kind="asked", at=asked.asked_at, text=t("event_asked"))
        if asked.answered_at:
            text = t("event_answered", answer=answer_text(asked, t))
            yield Event(kind="answered", at=asked.answered_at, text=text)
        if asked.state == "granted" and asked.terms is not None:
            yield Event(
                kind="window",
                at=asked.terms.not_before,
                until=asked.terms.not_after,
                text=t("event_window"),
            )


def _of_use(use: Use, t: Texts) -> Iterator[Event]:
    kind = "unlock" if use.action == "unlock" else "others" if use.foreign else "restart"
    step = t("quoted", words=use.step) if use.step else ""
    yield Event(
        kind=kind,
        at=use.issued_at,
        until=use.closed_at or use.signed_in_at,
        text=", ".join(part for part in (t(f"event_{kind}"), step, use_text(use, t)) if part),
    )


def _of_program(program: ProgramView, t: Texts) -> Event:
    text = f"{t('event_program')}, {t('quoted', words=program.program)}, {program_text(program, t)}"
    return Event(kind="program", at=program.started_at, until=program.ended_at, text=text)


def _omitted(at: str, why: str, t: Texts) -> Event:
    text = f"{omitted_by(why, t)}: {t.word('omitted', why)}"
    return Event(kind="omitted", at=at, text=text)


def _of_ends(row: Row, t: Texts) -> Iterator[Event]:
    for grant in row.grants:
        if grant.ended_at:
            yield Event(kind="ended", at=grant.ended_at, text=t.word("ended", grant.ended))
    for one in row.erasure:
        text = t("erasure_confirmed" if one.confirmed else "erasure_open", at=t.time(one.checked_at))
        yield Event(kind="erased", at=one.checked_at, text=f"{t('event_erased')}: {text}")
