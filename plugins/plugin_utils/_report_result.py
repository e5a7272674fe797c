# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""What the facts of a report come to: each PC's result, the next step, and the counts."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._receipt_verdict import VALID, WRONG, Check, checked
from ._report_times import order

if TYPE_CHECKING:
    from ._known_pcs import KnownPcs
    from ._report_model import Asked, Lent, Report, Row, Trouble, Use

OUTCOMES = (
    "done",
    "agreed",
    "waiting",
    "left_over",
    "failed",
    "no_answer",
    "declined",
    "reported",
    "revoked",
    "unusable",
    "not_asked",
    "unreachable",
    "unread",
    "nothing",
)
"""The results of a PC. A no of the customer is an answer: it counts apart from failures."""

OPEN = frozenset({"pending", "shown", "later"})
_UNASKED = frozenset({"asked_too_soon", "nobody_signed_in", "not_signed_in", "not_today"})
_LEFT_OVER = frozenset({"quorum_missed"})
"""Error codes of a PC whose customer may have agreed, and on which no step began."""
_NEXT = {
    "agreed": "run",
    "waiting": "wait",
    "left_over": "run_again",
    "failed": "repair",
    "no_answer": "ask_again",
    "declined": "accept",
    "reported": "call",
    "revoked": "accept",
    "unusable": "ask_again",
    "not_asked": "ask_again",
    "unreachable": "switch_on",
    "unread": "read_again",
    "nothing": "check_session",
}


def outcome(row: Row) -> str:
    """Return a PC's result, one of `OUTCOMES`."""
    if row.steps and all(step.state == "done" for step in row.steps):
        return "done"
    if (said := _answer(row)) and said not in {"agreed", "waiting"}:
        return said
    if _is_empty(row):
        return "nothing" if row.missed is None else _why_missed(row)
    if latest := [one for one in failed(row) if one.at == row.job_at]:
        return _why_failed(latest[-1])
    if row.missed is not None:
        return _why_missed(row)
    if row.steps:
        return said if said == "waiting" else "left_over"
    return _without_steps(row, said)


def _why_failed(latest: Trouble) -> str:
    if latest.error_code in _LEFT_OVER:
        return "left_over"
    return "not_asked" if latest.error_code in _UNASKED else "failed"


def _without_steps(row: Row, said: str) -> str:
    """Return the result of a job that names no steps: its last use decides."""
    if row.session_state not in {"ended", "expired"}:
        return said or "nothing"
    last = max(row.uses, key=lambda use: order(use.issued_at), default=None)
    if last is None:
        return "left_over" if said else "nothing"
    return "failed" if last.error_code else "done"


def failed(row: Row) -> list[Trouble]:
    """Return the job's own failures, the oldest first."""
    return [one for one in row.failures if not one.reading]


def _is_empty(row: Row) -> bool:
    return not (row.session_state or row.requests or row.steps or failed(row))


def _why_missed(row: Row) -> str:
    return "unreachable" if row.missed and row.missed.unreachable else "unread"


def last_request(row: Row) -> Asked | None:
    """Return the newest request, None if the customer was not asked."""
    return max(row.requests, key=lambda one: order(one.asked_at), default=None)


def _answer(row: Row) -> str:
    """Return what the customer's last answer comes to, empty without a request."""
    asked = last_request(row)
    if asked is None:
        return ""
    if asked.state == "denied" and asked.refusal:
        return "reported" if asked.refusal.startswith("reported") else "unusable"
    if asked.state in OPEN:
        return "waiting" if row.session_state in {"started", ""} else "no_answer"
    grant = grant_of(row, asked)
    if grant is not None and grant.ended == "revoked" and grant.revoked_by == "customer":
        return "revoked"
    known = {"denied": "declined", "expired": "no_answer", "withdrawn": "no_answer", "granted": "agreed"}
    return known.get(asked.state, "")


def grant_of(row: Row, asked: Asked) -> Lent | None:
    """Return the newest grant that answers a request, None if there is none."""
    return next((one for one in reversed(row.grants) if one.request == asked.id), None)


def next_steps(row: Row, checks: list[Check]) -> list[str]:
    """Return the operator's next steps, as keys of the report's texts."""
    result = outcome(row)
    steps = [_NEXT[result]] if result in _NEXT else []
    if result == "left_over" and row.steps and all(step.state != "left_over" for step in row.steps):
        # A job that is launched again leaves skipped steps alone.
        steps = ["new_session"]
    if row.missed is not None and not {"switch_on", "read_again"} & set(steps):
        steps.append("read_again")
    if any(not one.confirmed for one in row.erasure):
        steps.append("check_erasure")
    if WRONG & set(checks):
        steps.append("check_receipt")
    if row.pending_restart:
        steps.append("pending_restart")
    if result == "done" and row.session_state == "started":
        steps.append("end_session")
    return steps


def open_seconds(uses: list[Use]) -> float:
    """Return the seconds for which the desktop was open, over all uses."""
    return round(sum(use.open_seconds or 0.0 for use in uses), 3)


@dataclass(frozen=True, kw_only=True)
class PcResult:
    """A PC's row with its result.

    Attributes:
        row: the facts.
        outcome: one of `OUTCOMES`.
        checks: the result of each receipt's signature, in the order of the receipts.
        next_steps: keys of the report's texts.
    """

    row: Row
    outcome: str
    checks: list[Check]
    next_steps: list[str]

    @property
    def restarts(self) -> list[Use]:
        """The restarts with a use of a grant, the oldest first."""
        return self._uses("restart")

    @property
    def unlocks(self) -> list[Use]:
        """The unlocks, the oldest first."""
        return self._uses("unlock")

    def _uses(self, action: str) -> list[Use]:
        return sorted(
            (use for use in self.row.uses if use.action == action), key=lambda use: order(use.issued_at)
        )

    def steps(self, state: str) -> list[str]:
        """Return the names of the steps in this state."""
        return [step.name for step in self.row.steps if step.state == state]


def results_of(report: Report, known: KnownPcs | None = None) -> list[PcResult]:
    """Return the rows with their results. `known` has the enrolled keys; without it the receipts' own keys count.

    Raises:
        Failure: `known_pcs_unusable`: a line of a PC cannot be used.
    """
    results = []
    for row in report.pcs:
        checks = [checked(receipt, report.session, known, row.name).check for receipt in row.receipts]
        results.append(
            PcResult(row=row, outcome=outcome(row), checks=checks, next_steps=next_steps(row, checks))
        )
    return results


def totals(pcs: list[PcResult]) -> dict[str, Any]:
    """Return the counts over all PCs."""
    uses = [use for pc in pcs for use in pc.row.uses]
    restarts = [use for use in uses if use.action == "restart"]
    checks = [check for pc in pcs for check in pc.checks]
    erasures = [one for pc in pcs for one in pc.row.erasure]
    return {
        "pcs": len(pcs),
        "outcomes": {name: n for name in OUTCOMES if (n := sum(pc.outcome == name for pc in pcs))},
        "restarts": sum(not use.foreign for use in restarts),
        "restarts_by_others": sum(use.foreign for use in restarts),
        "restarts_without_sign_in": sum(len(pc.row.omitted) for pc in pcs),
        "programs": sum(len(pc.row.programs) for pc in pcs),
        "unlocks": sum(use.action == "unlock" for use in uses),
        "open_seconds": open_seconds(uses),
        "receipts": len(checks),
        "receipts_valid": sum(check in VALID for check in checks),
        "erasures": len(erasures),
        "erasures_confirmed": sum(one.confirmed for one in erasures),
    }


def as_json(report: Report, pcs: list[PcResult]) -> dict[str, Any]:
    """Return the report as the JSON file has it: the facts, and beside them what they come to."""
    plain = dataclasses.asdict(report)
    for facts, pc in zip(plain["pcs"], pcs, strict=True):
        facts["outcome"] = pc.outcome
        facts["next"] = pc.next_steps
        facts["open_seconds"] = open_seconds(pc.row.uses)
        for receipt, check in zip(facts["receipts"], pc.checks, strict=True):
            receipt["signature_check"] = check
    return {**plain, "summary": totals(pcs)}
