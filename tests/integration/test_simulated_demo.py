# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo, with the real ansible-playbook: what it shows, and that its checks can fail."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from lab.demo import promises as p
from lab.demo.endings import ENDINGS
from lab.demo.lanes import Lanes
from lab.demo.operator import COLLECTIONS
from lab.demo.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not COLLECTIONS.is_dir(), reason="the collection's path is not set up (make test does it)"
)


def test_every_promise_is_kept_by_some_ending_that_is_tested() -> None:
    """What the first ending promises is a part of what the power cut's promises."""
    assert set(ENDINGS["grant"].promises) < set(ENDINGS["power-cut"].promises)
    assert set(ENDINGS) == {"grant", "deny", "revoke", "power-cut"}


@pytest.mark.parametrize("name", ["revoke", "power-cut"])
def test_an_ending_keeps_its_promises(name: str, tmp_path: Path) -> None:
    """The ending runs through the real ansible-playbook and keeps what it promises."""
    stream = io.StringIO()
    with Stage(ENDINGS[name], tmp_path, Lanes(stream)).played() as story:
        verdicts = [check(story) for check in ENDINGS[name].promises]
    assert all(verdict.kept for verdict in verdicts), (verdicts, stream.getvalue())


def test_a_promise_that_is_broken_is_told(tmp_path: Path) -> None:
    """On a job that the customer declined its own promises hold, and every other one is broken."""
    stream = io.StringIO()
    deny = ENDINGS["deny"]
    with Stage(deny, tmp_path, Lanes(stream)).played() as story:
        assert all(check(story).kept for check in deny.promises), stream.getvalue()
        others = (
            p.ended_with(0),
            p.each_step_once,
            p.no_more_restarts,
            p.locked_at_once,
            p.erased,
            p.customer_was_told,
            p.revoked_wins,
            p.survived_power_cut,
        )
        kept = [check(story).promise for check in others if check(story).kept]
        assert kept == []
        _break_what_holds(story)
    for lane in ("operator |", "customer |", "PC       |"):
        assert lane in stream.getvalue()


def _break_what_holds(story: p.Story) -> None:
    """Each promise that held breaks as soon as what it looks at is not so."""
    leak = story.folder / "pc" / "disk" / "leak.txt"
    leak.write_bytes(story.password)
    assert not p.nobody_saw_it(story).kept
    leak.unlink()
    damaged = msgspec.structs.replace(story.journal, intact=False)
    assert not p.journal_intact(replace(story, journal=damaged)).kept
    forged = [msgspec.structs.replace(r, signature="00" * 64) for r in story.info.receipts]
    info = msgspec.structs.replace(story.info, receipts=forged)
    assert not p.receipt_signed(replace(story, info=info)).kept
    (story.folder / "operator" / "ansible.txt").write_text("code 0000", encoding="utf-8")
    assert not p.code_on_both_sides(story).kept
    story.computer.events.add("customer", "typed", "")
    assert not p.no_means_no(story).kept
