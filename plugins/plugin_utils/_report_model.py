# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The report of a support session: its facts about each PC, as the JSON file keeps them.

`_answer_reader.read` reads these classes from the file again, so a damaged file is found before it is used.
The customer's habits are left out: no moment at which a request was shown or postponed, no display block, no entry.
A program's arguments and output are left out, too: they may tell more than the work. A receipt has the arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ._answers import ErasureView, OmittedView, ProgramView, ReceiptView, SignerView, TermsView

SCHEMA = "latchkey-report-1"
"""The version of the JSON file's form. It changes when a field changes its meaning or is removed."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A failure in one run: of the job, or (`reading`) of reading the PC for the report. `at` is the run's time."""

    at: str
    error_code: str = ""
    msg: str = ""
    hint: str = ""
    step: str = ""
    task: str = ""
    unreachable: bool = False
    reading: bool = False


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step. `state`: `done`, `skipped` or `left_over`; `at`: its checkpoint's time, if it was begun."""

    name: str
    state: str
    why: str = ""
    at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request and its answer. `why`: the customer's words; `refusal`: the reason why no entry could serve.

    `signed_by`: the person whose signature the PC has checked; None for an unsigned request.
    """

    id: str
    state: str
    code: str = ""
    account: str = ""
    asked_by: str = ""
    signed_by: SignerView | None = None
    asked_at: str | None = None
    answered_at: str | None = None
    why: str = ""
    refusal: str = ""
    terms: TermsView | None = None


@dataclass(frozen=True, kw_only=True)
class Lent:
    """A grant."""

    id: str
    request: str
    state: str
    granted_at: str
    ended: str = ""
    ended_at: str | None = None
    revoked_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Use:
    """A use of a grant. `by`: the account that used it; `open_bound`: `at_most` or `at_least`.

    `by_windows`: Windows signed the account in by itself. The moment at which the customer signed in is left out.
    """

    permit: str
    action: str
    state: str
    issued_at: str
    step: str = ""
    by: str = ""
    foreign: bool = False
    why: str = ""
    signed_in_at: str | None = None
    by_windows: bool = False
    closed_at: str | None = None
    closing: str = ""
    open_seconds: float | None = None
    open_bound: str = "at_most"
    error_code: str = ""
    msg: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """The facts about one PC.

    Attributes:
        name: the PC's name in the inventory.
        run_at: the last run that had this PC.
        job_at: the last of these runs in which a job had worked on the PC; empty if all only read it.
        read_at: the last run in which the PC answered; None if none did.
        as_of: the PC's clock at that moment.
        device: the PC's own name.
        session_state: `started`, `ended`, `expired`, or empty if the PC knows no such session.
        missed: the reason for which the PC was not read in the last run; None if it was.
        failures: the failures of all runs, the oldest first.
    """

    name: str
    run_at: str
    job_at: str = ""
    read_at: str | None = None
    as_of: str | None = None
    device: str = ""
    session_state: str = ""
    started_at: str | None = None
    ends_at: str | None = None
    reason: str = ""
    ticket: str = ""
    steps: list[Step] = field(default_factory=list)
    requests: list[Asked] = field(default_factory=list)
    grants: list[Lent] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    omitted: list[OmittedView] = field(default_factory=list)
    programs: list[ProgramView] = field(default_factory=list)
    receipts: list[ReceiptView] = field(default_factory=list)
    erasure: list[ErasureView] = field(default_factory=list)
    pending_restart: list[str] = field(default_factory=list)
    missed: Trouble | None = None
    failures: list[Trouble] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run that wrote the report, with its PCs."""

    at: str
    pcs: list[str]


@dataclass(frozen=True, kw_only=True)
class Report:
    """The report of one support session over all runs."""

    schema: str
    session: str
    written_at: str
    language: str
    title: str = ""
    organization: str = ""
    runs: list[Run]
    pcs: list[Row]
