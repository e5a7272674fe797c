# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo with the real ansible-playbook: its output, and checks that can fail."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from lab.demo import __main__ as demo
from lab.demo import promises as p
from lab.demo.endings import ENDINGS
from lab.demo.evidence import FILE
from lab.demo.job_file import JOB
from lab.demo.lanes import Lanes
from lab.demo.operator import COLLECTIONS
from lab.demo.stage import Stage
from tests import demo_output

if TYPE_CHECKING:
    from pathlib import Path

    from lab.demo.story import Story

pytestmark = pytest.mark.skipif(
    not COLLECTIONS.is_dir(), reason="the collection's path is not set up: run make test"
)


def test_the_tested_endings_cover_every_promise() -> None:
    """The ending with a power cut checks every promise of the first ending, and more."""
    assert set(ENDINGS["grant"].promises) < set(ENDINGS["power-cut"].promises)
    assert set(ENDINGS) == {"grant", "deny", "revoke", "power-cut", "unsigned"}


def test_the_demo_can_be_read_in_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make demo` shows job, window, promises and advice once, in 85 lines without codes; a file has all evidence."""
    stream = io.StringIO()
    monkeypatch.setattr(demo, "Lanes", lambda: Lanes(stream))
    monkeypatch.setattr(demo, "ROOT", tmp_path)

    assert demo.main(["grant", "simulated"]) == 0

    shown = stream.getvalue()
    demo_output.check(shown, JOB, most=85)
    assert shown.count("IT asks for your permission") == 1
    promises = ENDINGS["grant"].promises
    assert shown.count("\n  kept   ") == len(promises)
    assert f"\n{len(promises)} of {len(promises)} promises kept\n" in shown
    assert shown.count("\nNext:\n") == 1
    folder = tmp_path / "build/demo/grant"
    [command] = [line for line in shown.splitlines() if line.startswith("ssh-keygen -Y verify ")]
    assert all((folder / name).is_file() for name in ("known_pcs", "receipt.json", "receipt.json.sig"))
    assert command.endswith(" -s receipt.json.sig < receipt.json")
    assert [path.name for path in (folder / "keys").iterdir()] == ["operator-cert.pub"]
    written = (folder / FILE).read_text(encoding="utf-8")
    for evidence in ("16 encodings", "The receipt of PC-ANNA", "ok  key slot overwritten"):
        assert evidence in written


def test_the_check_finds_codes() -> None:
    """Each kind of code that the demo once printed is found; a sentence with a time and a check code is not one."""
    assert demo_output.raw_codes("10:12: The customer declined. Check code: 8591. Boot 2.") == set()
    for code in (
        "[denied]",
        '{"msg": 1}',
        "470f3bbae177",
        "grant_revoked",
        "notice_used",
        "answered: denied",
    ):
        assert demo_output.raw_codes(code), code


@pytest.mark.parametrize("name", ["revoke", "power-cut", "unsigned"])
def test_an_ending_keeps_its_promises(name: str, tmp_path: Path) -> None:
    """The ending runs through the real ansible-playbook and keeps its promises."""
    stream = io.StringIO()
    with Stage(ENDINGS[name], tmp_path, Lanes(stream)).played() as story:
        verdicts = [check(story) for check in ENDINGS[name].promises]
    assert all(verdict.kept for verdict in verdicts), (verdicts, stream.getvalue())
    demo_output.check(stream.getvalue(), JOB, most=72)


def test_a_broken_promise_is_reported(tmp_path: Path) -> None:
    """After a declined request its own promises hold, and all other promises are reported as broken."""
    stream = io.StringIO()
    deny = ENDINGS["deny"]
    with Stage(deny, tmp_path, Lanes(stream)).played() as story:
        assert all(check(story).kept for check in deny.promises), stream.getvalue()
        others = (
            p.succeeded,
            p.each_step_once,
            p.no_more_restarts,
            p.locked_at_once,
            p.erased,
            p.customer_was_notified,
            p.both_parties,
            p.name_unchecked,
            p.revoked_wins,
            p.survived_power_cut,
        )
        kept = [check(story).promise for check in others if check(story).kept]
        assert kept == []
        _break_each_promise(story)
    demo_output.check(stream.getvalue(), JOB, most=48)
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
    assert not p.reason_given(story).kept
    story.computer.events.add("customer", "request_shown", "Title\nNobody has signed this.\nField\nAllow")
    assert not p.signature_checked(story).kept
    story.computer.events.add("customer", "typed", "")
    assert not p.no_means_no(story).kept
