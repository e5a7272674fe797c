# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The report as one page of HTML: no script, nothing loaded from elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._armored_signature import SignatureError, fingerprint, key_of_line
from ._report_events import answer_text, by_text, events, omitted_by, program_text, use_text
from ._report_markup import Markup, joined, lines, page, style, tag
from ._report_result import PcResult, grant_of, last_request, open_seconds, totals
from ._report_style import POLICY, SHEET
from ._report_texts import Texts
from ._report_timeline import legend, names, timeline
from ._report_times import order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._report_model import Asked, Report, Row, Step, Trouble, Use

_LOOKS = {
    "done": "good",
    "failed": "bad",
    "left_over": "warn",
    "unreachable": "warn",
    "unread": "warn",
    "nothing": "warn",
}
"""The class of a result. An answer of the customer is neither good nor bad."""
_CHECK_LOOKS = {
    "valid": "good",
    "known": "good",
    "not_enrolled": "warn",
    "foreign": "bad",
    "invalid": "bad",
    "other": "bad",
    "unchecked": "warn",
}


def as_html(report: Report, pcs: list[PcResult]) -> str:
    """Return the page."""
    t = Texts(report.language)
    title = report.title or t("title")
    body = tag(
        "body",
        tag("a", t("skip"), href="#pcs", class_="skip"),
        _header(report, title, t),
        tag(
            "main",
            _summary(pcs, t),
            _night(pcs, t),
            tag(
                "section",
                tag("h2", t("pcs"), id="pcs-head"),
                *(_pc(pc, n, t) for n, pc in enumerate(pcs, 1)),
                id="pcs",
                aria_labelledby="pcs-head",
            ),
            _runs(report, t),
            _about(t),
        ),
    )
    return page(tag("html", _head(title, report), body, lang=t.language))


def _head(title: str, report: Report) -> Markup:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} - {report.session}"),
        style(SHEET),
    )


def _header(report: Report, title: str, t: Texts) -> Markup:
    facts = [
        (t("session"), report.session),
        (t("organization"), report.organization),
        (t("written"), _time(report.written_at, t)),
    ]
    return tag("header", tag("h1", title), _terms([fact for fact in facts if fact[1]], "facts"))


# --- the summary


def _summary(pcs: list[PcResult], t: Texts) -> Markup:
    counts = totals(pcs)
    facts: list[tuple[str, str]] = [
        (t(f"outcome_{name}"), t("pcs_counted", n=n, all=counts["pcs"]))
        for name, n in counts["outcomes"].items()
    ]
    restarts = t(
        "restarts_counted",
        own=counts["restarts"],
        others=counts["restarts_by_others"],
        omitted=counts["restarts_without_sign_in"],
    )
    receipts = t("receipts_counted", valid=counts["receipts_valid"], all=counts["receipts"])
    erased = t("erasures_counted", confirmed=counts["erasures_confirmed"], all=counts["erasures"])
    facts += [
        (t("restarts"), restarts),
        (t("unlocks"), str(counts["unlocks"])),
        (t("programs"), str(counts["programs"])),
        (t("open_seconds"), t.duration(counts["open_seconds"])),
        (t("receipts"), receipts),
        (t("erasure"), erased),
    ]
    rows = [
        [tag("a", pc.row.name, href=f"#pc-{n}"), _outcome(pc, t), _next(pc, t)] for n, pc in enumerate(pcs, 1)
    ]
    heads = [t("pc"), t("result"), t("next")]
    return tag(
        "section",
        tag("h2", t("summary"), id="summary"),
        _terms(facts, "facts"),
        _table(heads, rows, t("results"), "brief"),
        aria_labelledby="summary",
    )


def _outcome(pc: PcResult, t: Texts) -> Markup:
    return tag("span", t(f"outcome_{pc.outcome}"), class_=_LOOKS.get(pc.outcome, "plain"))


def _next(pc: PcResult, t: Texts) -> Markup:
    return joined(_spaced([t(f"next_{key}") for key in pc.next_steps] or [t("next_none")]))


def _night(pcs: list[PcResult], t: Texts) -> Markup:
    drawn = timeline(pcs, t)
    if drawn is None:
        content = [tag("p", t("timeline_empty"))]
    else:
        label = t("timeline_scroll")
        box = tag(
            "div", drawn, names(pcs, t), class_="scroll night", role="region", tabindex=0, aria_label=label
        )
        content = [tag("p", t("timeline_hint"), class_="hint"), box, legend(t)]
    return tag("section", tag("h2", t("timeline"), id="timeline"), *content, aria_labelledby="timeline")


# --- one PC


def _pc(pc: PcResult, number: int, t: Texts) -> Markup:
    row = pc.row
    head = f"pc-{number}"
    return tag(
        "article",
        tag("h3", row.name, id=head),
        _missed(row, t),
        _terms(_facts(pc, number, t)),
        _failures(row.failures, t),
        _restarts(pc, t),
        _unlocks(pc, t),
        _programs(row, t),
        _course(row, t),
        _erasure(row, t),
        *(_receipt(pc, place, number, t) for place in range(len(row.receipts))),
        tag("p", tag("a", t("back"), href="#summary"), class_="back"),
        aria_labelledby=head,
    )


def _missed(row: Row, t: Texts) -> Markup | None:
    if row.missed is None:
        return None
    said = row.missed.msg or t("lost")
    return tag(
        "p",
        _filled(t, "missed", at=_time(row.missed.at, t)),
        " ",
        _foreign(said),
        " ",
        _foreign(row.missed.hint),
        class_="warn",
    )


def _facts(pc: PcResult, number: int, t: Texts) -> list[tuple[str, str]]:
    row, asked = pc.row, last_request(pc.row)
    purpose = ", ".join(t("quoted", words=one) for one in (row.reason, row.ticket) if one)
    known = [
        (t("result"), _outcome(pc, t)),
        (t("next"), _next(pc, t)),
        (t("purpose"), purpose),
        (t("asked"), _asked(asked, t)),
        (t("answered"), _answered(row, asked, t) if asked else ""),
        (t("terms"), _agreed(asked, t) if asked else ""),
        *((t(state), _steps(row, state, t)) for state in ("done", "skipped", "left_over")),
        (t("open_seconds"), t.duration(open_seconds(row.uses)) if row.uses else ""),
        (t("receipts"), _links(pc, number, t)),
        (t("session"), t(f"session_{row.session_state}") if row.session_state else ""),
        (t("known_at"), joined([row.device, " ", _time(row.as_of, t)]) if row.as_of else ""),
    ]
    if row.pending_restart:
        known.append((t("restarts"), t("pending", reasons=", ".join(row.pending_restart) or "-")))
    return [(name, value) for name, value in known if value]


def _asked(asked: Asked | None, t: Texts) -> str:
    if asked is None:
        return t("not_asked_at_all")
    code = t("code", code=asked.code) if asked.code else None
    signed = t("signed_by", name=asked.signed_by.name) if asked.signed_by else None
    return joined(_spaced([_time(asked.asked_at, t), asked.account, code, signed], ", "))


def _answered(row: Row, asked: Asked, t: Texts) -> Markup:
    parts: list[str | None] = [answer_text(asked, t)]
    if asked.answered_at:
        parts.append(_time(asked.answered_at, t))
    if asked.why:
        words = tag("q", asked.why, lang="")
        parts.append(joined([t("own_words"), " ", words]))
    elif asked.refusal and not asked.refusal.startswith("reported"):
        parts.append(t("no_entry", why=asked.refusal))
    grant = grant_of(row, asked)
    if grant is not None and grant.ended in {"revoked", "rejected", "expired"}:
        parts.append(joined([t.word("ended", grant.ended), " ", _time(grant.ended_at, t)]))
    return joined(_spaced(parts, ", "))


def _agreed(asked: Asked, t: Texts) -> str:
    terms = asked.terms
    if terms is None:
        return ""
    counted = _filled(
        t,
        "terms_text",
        restarts=str(terms.restarts),
        unlocks=str(terms.unlocks),
        start=_time(terms.not_before, t),
        end=_time(terms.not_after, t),
    )
    further = [
        t(key)
        for key, is_agreed in (
            ("terms_others", terms.foreign_restarts),
            ("terms_programs", terms.programs),
            ("terms_arso", terms.means == "arso"),
        )
        if is_agreed
    ]
    return joined(_spaced([counted, *further], "; "))


def _steps(row: Row, state: str, t: Texts) -> str:
    found = [_step(step, t) for step in row.steps if step.state == state]
    return tag("ul", *(tag("li", one) for one in found)) if found else ""


def _step(step: Step, t: Texts) -> Markup:
    parts: list[str | None] = [step.name, step.why]
    if step.state != "done" and step.at is not None:
        parts.append(_filled(t, "begun", at=_time(step.at, t)))
    return joined(_spaced(parts, ", "))


def _links(pc: PcResult, number: int, t: Texts) -> str:
    found = [
        joined([
            tag("a", t("receipt", number=receipt.request), href=f"#receipt-{number}-{place}"),
            ", ",
            tag("span", t(f"signature_{check}"), class_=_CHECK_LOOKS[check]),
        ])
        for place, (receipt, check) in enumerate(zip(pc.row.receipts, pc.checks, strict=True))
    ]  # fmt: skip
    return tag("ul", *(tag("li", one) for one in found)) if found else ""


def _failures(failures: list[Trouble], t: Texts) -> Markup | None:
    if not failures:
        return None
    found = [
        tag(
            "li",
            *_spaced([_time(one.at, t), one.step, one.task, one.error_code], ", "),
            ": ",
            _foreign(one.msg),
            " ",
            _foreign(one.hint),
        )
        for one in failures
    ]
    return joined([tag("h4", t("failures")), tag("ul", *found)])


def _restarts(pc: PcResult, t: Texts) -> Markup | None:
    rows = [
        (
            use.issued_at,
            [_time(use.issued_at, t), by_text(use, t), use.step or "-", _signed_in(use, t), _closed(use, t)],
        )
        for use in pc.restarts
    ]
    rows += [
        (one.at, [_time(one.at, t), omitted_by(one.why, t), "-", t.word("omitted", one.why), "-"])
        for one in pc.row.omitted
    ]
    if not rows:
        return None
    heads = [t(key) for key in ("began", "by", "step", "signed_in", "closed")]
    return _table(
        heads,
        [cells for _at, cells in sorted(rows, key=lambda one: order(one[0]))],
        t("restarts"),
    )


def _unlocks(pc: PcResult, t: Texts) -> Markup | None:
    rows: list[list[str]] = [
        [_time(use.issued_at, t), use.step or "-", _signed_in(use, t), _closed(use, t)] for use in pc.unlocks
    ]
    heads = [t(key) for key in ("began", "step", "result", "closed")]
    return _table(heads, rows, t("unlocks")) if rows else None


def _programs(row: Row, t: Texts) -> Markup | None:
    rows: list[list[str]] = [
        [
            _time(one.started_at, t),
            _place(one.program),
            one.by or "-",
            one.step or "-",
            joined(_spaced([program_text(one, t), _time(one.ended_at, t) if one.ended_at else None], ", ")),
        ]
        for one in sorted(row.programs, key=lambda one: order(one.started_at))
    ]
    heads = [t(key) for key in ("began", "program", "by", "step", "result")]
    return _table(heads, rows, t("programs")) if rows else None


def _signed_in(use: Use, t: Texts) -> Markup:
    how = t("by_windows") if use.by_windows else None
    at = _time(use.signed_in_at, t) if use.signed_in_at else None
    return joined(_spaced([use_text(use, t), at, how, _foreign(use.msg) if use.msg else None], ", "))


def _closed(use: Use, t: Texts) -> Markup:
    if not use.closing:
        return joined([t("nothing_known")])
    opened = None
    if use.open_seconds is not None:
        bound = "at_least" if use.open_bound == "at_least" else "at_most"
        opened = t(bound, time=t.duration(use.open_seconds))
    at = _time(use.closed_at, t) if use.closed_at else None
    return joined(_spaced([t.word("closing", use.closing), at, opened], ", "))


def _course(row: Row, t: Texts) -> Markup | None:
    found = events(row, t)
    if not found:
        return None
    items = [
        tag("li", _time(one.at, t), *((" \u2013 ", _time(one.until, t)) if one.until else ()), ": ", one.text)
        for one in found
    ]
    return joined([tag("h4", t("course")), tag("ol", *items)])


def _erasure(row: Row, t: Texts) -> Markup | None:
    if not row.erasure:
        return None
    parts: list[Markup] = [tag("h4", t("erasure"))]
    for one in row.erasure:
        key = "erasure_confirmed" if one.confirmed else "erasure_open"
        look = "good" if one.confirmed else "bad"
        parts.append(tag("p", _filled(t, key, at=_time(one.checked_at, t)), class_=look))
        rows: list[list[str]] = [
            [_foreign(check.name), _passed(check.passed, t), _foreign(check.detail)] for check in one.checks
        ]
        parts.append(_table([t("check"), t("result"), t("detail")], rows, t("checks")))
    return joined(parts)


def _passed(passed: bool, t: Texts) -> str:  # noqa: FBT001 - a check's result
    return t("passed") if passed else tag("span", t("not_passed"), class_="bad")


def _receipt(pc: PcResult, place: int, number: int, t: Texts) -> Markup:
    receipt, check = pc.row.receipts[place], pc.checks[place]
    verdict = tag("span", t(f"signature_{check}"), class_=_CHECK_LOOKS[check])
    parts = [
        tag("h4", t("receipt", number=receipt.request), id=f"receipt-{number}-{place}"),
        tag("p", verdict, ", ", t("key"), " ", tag("code", _key(receipt.public_key))),
        tag("pre", lines(receipt.text), lang="en"),
    ]
    return joined(parts)


def _key(line: str) -> str:
    """Return a key's fingerprint, as `latchkeyctl device-key` shows it; the line itself if it is no key."""
    try:
        return fingerprint(key_of_line(line))
    except SignatureError:
        return line


# --- the end of the page


def _runs(report: Report, t: Texts) -> Markup:
    rows: list[list[str]] = [[_time(run.at, t), ", ".join(run.pcs)] for run in report.runs]
    return tag(
        "section",
        tag("h2", t("runs"), id="runs"),
        _table([t("run_at"), t("pcs")], rows, t("run_list")),
        aria_labelledby="runs",
    )


def _about(t: Texts) -> Markup:
    keys = ("about_no", "about_habits", "about_times", "about_signature", "about_erasure")
    return tag(
        "section",
        tag("h2", t("meaning"), id="about"),
        *(tag("p", t(key)) for key in keys),
        aria_labelledby="about",
    )


# --- parts


def _time(text: str | None, t: Texts) -> Markup:
    shown = t.time(text)
    if text is None or shown == text:
        return joined([shown])
    day, clock = shown.split(" ", 1)
    # A line ends between them, and neither within the day nor within the offset.
    return tag("time", tag("span", day), " ", tag("span", clock), datetime=text)


def _filled(t: Texts, key: str, **places: str) -> Markup:
    """Return a text with its places filled, where one may be markup."""
    # A place's name stands between its parts: re.split returns the groups, too.
    parts = re.split(r"\{(\w+)\}", t(key))
    return joined([places[part] if n % 2 else part for n, part in enumerate(parts)])


def _place(path: str) -> Markup:
    """Return a path, where a line may end behind each backslash."""
    parts = re.split(r"(?<=\\)(?=.)", path)
    return joined(one for n, part in enumerate(parts) for one in ((tag("wbr"), part) if n else (part,)))


def _foreign(text: str) -> Markup:
    """Return a text that an agent or an error wrote: in English, whatever the page's language."""
    return tag("span", text, lang="en") if text else joined([])


def _spaced(parts: list[str | None] | list[str] | list[Markup], between: str = " ") -> list[str]:
    known = [part for part in parts if part]
    return [one for part in known for one in (between, part)][1:]


def _terms(facts: list[tuple[str, str]], look: str | None = None) -> Markup:
    return tag("dl", *(joined([tag("dt", name), tag("dd", value)]) for name, value in facts), class_=look)


def _table(heads: list[str], rows: Sequence[Sequence[str]], caption: str, look: str | None = None) -> Markup:
    """Return a table whose first column heads its rows.

    On a narrow screen each row is a block, and each cell has its column's head before it: so the cells carry it. The
    roles keep it a table for assistive programs, which go by the layout otherwise.
    """
    body = [
        tag(
            "tr",
            tag("th", row[0], scope="row", role="rowheader"),
            *(
                tag("td", cell, data_label=f"{head}: ", role="cell")
                for head, cell in zip(heads[1:], row[1:], strict=True)
            ),
            role="row",
        )
        for row in rows
    ]
    top = (tag("th", head, scope="col", role="columnheader") for head in heads)
    return tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *top, role="row"), role="rowgroup"),
        tag("tbody", *body, role="rowgroup"),
        class_=look,
        role="table",
    )
