# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Joins a run with the report of earlier runs of the same session."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, TypeVar

from ._report_model import Report, Row, Run, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")


def with_run(old: Report | None, new: Report) -> Report:
    """Return the report of a run, with the earlier runs' PCs and failures.

    A PC of this run has its newer state. A PC that is not in this run keeps its row.
    """
    if old is None:
        return new
    rows = {row.name: row for row in old.pcs}
    for row in new.pcs:
        known = rows.get(row.name)
        rows[row.name] = row if known is None else merged(known, row)
    return dataclasses.replace(new, runs=[*old.runs, *new.runs], pcs=list(rows.values()))


def merged(old: Row, new: Row) -> Row:
    """Return a PC's row: the newer facts, and the earlier ones that the PC no longer tells.

    The agent forgets old sessions, so a receipt or an erasure of an earlier run stays in the report. A PC that
    did not answer in this run keeps its facts; `missed` says why it was not read.
    """
    base = new if new.read_at is not None else _kept(old, new)
    failures = [*old.failures, *([old.missed] if old.missed else []), *new.failures]
    return dataclasses.replace(
        base,
        job_at=new.job_at or old.job_at,
        steps=_joined(old.steps, new.steps, lambda step: step.name),
        requests=_known(_joined(old.requests, new.requests, lambda one: one.id), lambda one: one.id),
        grants=_joined(old.grants, new.grants, lambda grant: grant.id),
        uses=_joined(old.uses, new.uses, lambda use: use.permit),
        omitted=_joined(old.omitted, new.omitted, lambda one: (one.at, one.why)),
        programs=_joined(old.programs, new.programs, lambda one: one.command),
        receipts=_joined(old.receipts, new.receipts, lambda receipt: receipt.request),
        erasure=_known(_joined(old.erasure, new.erasure, lambda one: one.grant), lambda one: one.grant),
        failures=_joined([], failures, _what_failed),
    )


def _kept(old: Row, new: Row) -> Row:
    return dataclasses.replace(old, run_at=new.run_at, missed=new.missed)


def _joined(old: list[T], new: list[T], key: Callable[[T], Hashable]) -> list[T]:
    """Return all entries in order, each once: the newer one in the older one's place."""
    return list({**{key(one): one for one in old}, **{key(one): one for one in new}}.values())


def _known(entries: list[T], key: Callable[[T], str]) -> list[T]:
    """Return the entries without those of a summary, which have no id, once the PC itself has told its own."""
    own = [one for one in entries if key(one)]
    return own or entries


def _what_failed(failure: Trouble) -> tuple[str, str, str, str]:
    return failure.at, failure.step, failure.error_code, failure.msg


def run_of(rows: list[Row], at: str) -> Run:
    """Return the entry of a run with these PCs."""
    return Run(at=at, pcs=[row.name for row in rows])
