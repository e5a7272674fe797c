# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo with the real ansible-playbook: its output, and checks that can fail."""

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

    from lab.demo.story import Story

pytestmark = pytest.mark.skipif(
    not COLLECTIONS.is_dir(), reason="the collection's path is not set up: run make test"
)


def test_the_tested_endings_cover_every_promise() -> None:
    """The ending with a power cut checks every promise of the first ending, and more."""
    assert set(ENDINGS["grant"].promises) < set(ENDINGS["power-cut"].promises)
    assert set(ENDINGS) == {"grant", "deny", "revoke", "power-cut"}


@pytest.mark.parametrize("name", ["revoke", "power-cut"])
def test_an_ending_keeps_its_promises(name: str, tmp_path: Path) -> None:
    """The ending runs through the real ansible-playbook and keeps its promises."""
    stream = io.StringIO()
    with Stage(ENDINGS[name], tmp_path, Lanes(stream)).played() as story:
        verdicts = [check(story) for check in ENDINGS[name].promises]
    assert all(verdict.kept for verdict in verdicts), (verdicts, stream.getvalue())


def test_a_broken_promise_is_reported(tmp_path: Path) -> None:
    """After a declined request its own promises hold, and all other promises are reported as broken."""
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
            p.customer_was_notified,
            p.revoked_wins,
            p.survived_power_cut,
        )
        kept = [check(story).promise for check in others if check(story).kept]
        assert kept == []
        _break_each_promise(story)
    for lane in ("operator |", "customer |", "PC       |"):
        assert lane in stream.getvalue()


def _break_each_promise(story: Story) -> None:
    """Break the facts behind each promise that held, and expect the check to fail."""
    leak = story.folder / "pc" / "disk" / "leak.txt"
    leak.write_bytes(story.password)
    assert not p.password_stayed_secret(story).kept
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
