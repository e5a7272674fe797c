# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The report as CSV: one row for each PC, with stable words in its head and for its results.

UTF-8 with a byte order mark, so that a spreadsheet reads umlauts; CRLF (RFC 4180). Times are the PC's, as it wrote
them.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from ._report_result import PcResult, failed, last_request, open_seconds
from ._terminal_text import plain

if TYPE_CHECKING:
    from ._answers import ProgramView
    from ._report_model import Report

_FORMULA = re.compile(r"(^|[;,|])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""The beginning of a cell that a spreadsheet takes for a formula, also where it splits the line at another sign."""


def as_csv(report: Report, pcs: list[PcResult]) -> bytes:
    """Return the table of the PCs."""
    rows = [_cells(report, pc) for pc in pcs]
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(rows[0] if rows else ["name"])
    writer.writerows([[harmless(str(cell)) for cell in row.values()] for row in rows])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe stands before its beginning."""
    return _FORMULA.sub(r"\1\2'", plain(text))


def _cells(report: Report, pc: PcResult) -> dict[str, object]:
    row, asked = pc.row, last_request(pc.row)
    failures = failed(row)
    failure = failures[-1] if failures else None
    return {
        "session": report.session,
        "name": row.name,
        "device": row.device,
        "result": pc.outcome,
        "next": _listed(pc.next_steps),
        "account": asked.account if asked else "",
        "asked_at": (asked.asked_at or "") if asked else "",
        "answer": asked.state if asked else "",
        "answered_at": (asked.answered_at or "") if asked else "",
        "reason": (asked.why or asked.refusal) if asked else "",
        "done": _listed(pc.steps("done")),
        "skipped": _listed(pc.steps("skipped")),
        "left_over": _listed(pc.steps("left_over")),
        "failed_step": failure.step if failure else "",
        "failed_code": failure.error_code if failure else "",
        "failed_why": failure.msg if failure else "",
        "restarts": sum(not use.foreign for use in pc.restarts),
        "restarts_by_others": sum(use.foreign for use in pc.restarts),
        "restarts_without_sign_in": len(row.omitted),
        "unlocks": len(pc.unlocks),
        "programs": _listed([f"{one.program} {_end(one)}" for one in row.programs]),
        "open_seconds": open_seconds(row.uses),
        "receipts": _listed([receipt.request for receipt in row.receipts]),
        "signatures": _listed(list(pc.checks)),
        "erasure": _erasure(pc),
        "not_read": (row.missed.error_code or "lost") if row.missed else "",
    }


def _listed(names: list[str]) -> str:
    return "; ".join(names)


def _end(program: ProgramView) -> str:
    return program.state if program.exit_code is None else str(program.exit_code)


def _erasure(pc: PcResult) -> str:
    if not pc.row.erasure:
        return ""
    return "confirmed" if all(one.confirmed for one in pc.row.erasure) else "not confirmed"
