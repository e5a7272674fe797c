# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule 11 against restored copies: an older journal gives back neither a grant nor a use of one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from latchkey_agent.core.copy_guard import COUNTED
from latchkey_agent.domain import events as e
from latchkey_agent.domain.transitions import GrantState
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.storage import key_slots
from tests.unit.agent.bench import Bench, cuts
from tests.unit.agent.world import World

RESTART = rq.CredentialApply(session="CHG-1", action="restart")
END = rq.SessionEnd(session="CHG-1")
Act = Callable[[Bench], object]


@pytest.fixture
def counting(place: Path) -> Iterator[Bench]:
    """An agent on a PC with a counter."""
    made = Bench(place, World(counter=5))
    yield made
    made.stop()


class Copy:
    """A copy of the agent's files, with or without the key slots, and of the anchor."""

    def __init__(self, bench: Bench, *, slots: bool) -> None:
        bench.kill()
        self._folder = bench.folder.with_name("copy")
        shutil.copytree(bench.folder, self._folder)
        if not slots:
            (self._folder / key_slots.NAME).unlink()
        self._anchor = bench.world.anchor
        bench.start()

    def restore(self, bench: Bench) -> None:
        """Put the copy back while the agent is stopped."""
        for file in self._folder.iterdir():
            shutil.copyfile(file, bench.folder / file.name)
        for log in bench.folder.glob("journal.db-*"):
            if not (self._folder / log.name).exists():
                log.unlink()
        bench.world.anchor = self._anchor


def restored(bench: Bench, act: Act, *, slots: bool, new_boot: bool) -> None:
    """Copy the files, act, and start the agent on the copy."""
    copy = Copy(bench, slots=slots)
    act(bench)
    bench.stop()
    if new_boot:
        bench.world.reboot()
    copy.restore(bench)
    bench.start()


ENDS: dict[str, Act] = {
    "revoked": Bench.revoke,
    "ended": lambda bench: bench.ask(END),
    "erased": lambda bench: bench.ask(rq.EraseAll()),
}


@pytest.mark.parametrize("act", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("slots", [False, True], ids=["without slots", "with slots"])
def test_rule_11_a_copy_that_is_restored_in_its_own_boot_is_damage(
    bench: Bench, canary: bytearray, act: Act, *, slots: bool
) -> None:
    """Database, key slots and anchor together are older than the head in the memory of Windows."""
    bench.lend(canary)
    restored(bench, act, slots=slots, new_boot=False)
    assert bench.code(RESTART) == "journal_damaged"
    assert bench.seal_tags() == 0
    assert not any((bench.folder / key_slots.NAME).read_bytes())


@pytest.mark.parametrize("act", ENDS.values(), ids=ENDS)
def test_rule_11_a_copy_without_the_key_slots_gives_no_grant_back(
    bench: Bench, canary: bytearray, act: Act
) -> None:
    """In another boot the start rejects each live grant whose key is gone."""
    grant = bench.lend(canary)
    restored(bench, act, slots=False, new_boot=True)
    assert bench.state.grants[grant].rejection == "record_unreadable"
    assert bench.code(RESTART) == "grant_rejected"


@pytest.mark.parametrize("act", ENDS.values(), ids=ENDS)
def test_rule_11_the_counter_notices_a_copy_of_the_whole_disk(
    counting: Bench, canary: bytearray, act: Act
) -> None:
    """In another boot the start rejects every live grant of a journal that is behind the counter."""
    grant = counting.lend(canary)
    restored(counting, act, slots=True, new_boot=True)
    assert counting.state.grants[grant].rejection == "journal_restored"
    error = counting.error(RESTART)
    assert (error.code, "restored from an older copy" in error.message) == ("grant_rejected", True)
    counting.effects()
    assert counting.state.grants[grant].state is GrantState.ERASED
    assert counting.seal_tags() == 0
    counting.lend(canary, session="CHG-2")
    counting.crash()
    assert counting.restart("CHG-2")


def test_rule_03_a_restored_copy_gives_no_use_back(counting: Bench, canary: bytearray) -> None:
    """A use that was made after the copy cannot be made again."""
    grant = counting.lend(canary)

    def use(bench: Bench) -> None:
        bench.restart()
        bench.reboot()
        bench.sign_in_with_permit()

    restored(counting, use, slots=True, new_boot=True)
    assert counting.state.grants[grant].rejection == "journal_restored"


def test_every_event_that_takes_something_from_a_grant_is_counted() -> None:
    """The end of a grant, and the redeeming of a permit."""
    assert (e.GrantEnded, e.PermitRedeemed) == COUNTED


@pytest.mark.parametrize("act", [Bench.revoke, lambda bench: bench.ask(END)], ids=["revoked", "ended"])
def test_a_power_cut_around_the_counter_is_no_restored_copy(place: Path, canary: bytearray, act: Act) -> None:
    """A cut between the event and the counter is made up for, and rejects no other grant."""
    for cut in cuts(place, _lend_two, act, lambda: World(counter=5)):
        assert {grant.rejection for grant in cut.bench.state.grants.values()} == {None}
        assert cut.bench.world.counter == cut.bench.agent.core.journal.count()


def _lend_two(bench: Bench) -> None:
    password = bytearray(b"x\0")
    bench.lend(password, session="CHG-2")
    bench.lend(password, session="CHG-1")


def test_a_counter_that_fails_later_is_made_up_for(counting: Bench, canary: bytearray) -> None:
    """An end is journalled all the same; the next start advances the counter."""
    counting.lend(canary)
    counting.world.broken.add("counter")
    counting.revoke()
    assert counting.world.counter == 5
    counting.world.broken.clear()
    counting.crash()
    assert counting.world.counter == 6 == counting.agent.core.journal.count()
    counting.lend(canary, session="CHG-2")
    assert counting.restart("CHG-2")


def test_nothing_is_used_while_the_counter_cannot_be_read(counting: Bench, canary: bytearray) -> None:
    """The agent tries again; nothing is rejected for it."""
    counting.lend(canary)
    counting.kill()
    counting.world.broken.add("counter")
    counting.start()
    assert counting.code(RESTART) == "agent_failed"
    counting.world.broken.clear()
    counting.wake()
    assert counting.restart()


def test_a_counter_that_is_gone_rejects_the_live_grants(counting: Bench, canary: bytearray) -> None:
    """Without the counter the agent cannot tell a copy from the journal."""
    grant = counting.lend(canary)
    counting.kill()
    counting.world.counter = None
    counting.start()
    assert counting.state.grants[grant].rejection == "journal_restored"
    counting.lend(canary, session="CHG-2")
    counting.crash()
    assert counting.restart("CHG-2")


def test_another_counter_that_is_lower_is_taken_over(counting: Bench, canary: bytearray) -> None:
    """A TPM that was cleared is no restored copy: the journal is ahead of it."""
    counting.lend(canary)
    counting.kill()
    counting.world.counter = 7
    counting.start()
    counting.lend(canary, session="CHG-2")
    counting.kill()
    counting.world.counter = 3
    counting.start()
    assert counting.restart("CHG-2")
    assert counting.agent.core.journal.count() == 3
