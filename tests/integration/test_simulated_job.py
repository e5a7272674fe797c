# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job on a simulated PC, with the real agent, without Ansible: lend, restart, lock, erase."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab.computer import LabError
from lab.simulated import customer_script
from lab.simulated.customer_script import Deny, Grant, Later, Mistype, Report, Revoke, TypeOtherName, TypePin
from latchkey_agent.companion.texts import ENGLISH
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from tests.canary import Find, search, search_memory, search_processes
from tests.integration.simulated_fixtures import (
    SESSION,
    answered,
    ask,
    begin_restart,
    lend,
    outcome,
    refusal,
    request,
)

if TYPE_CHECKING:
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.integration.simulated_fixtures import MakePc


def console(computer: SimulatedComputer) -> tuple[str, bool] | None:
    """Who is on the console, and whether it is locked."""
    session = computer.on_loop(computer.windows.sessions.on_console)
    return (session.account.user, session.locked) if session else None


def end(computer: SimulatedComputer) -> ans.EndedAnswer:
    """End the support session."""
    return ask(computer, rq.SessionEnd(session=SESSION), ans.EndedAnswer)


def test_a_restart_ends_signed_in_and_locked(simulated_pc: MakePc) -> None:
    """The customer allows, the PC restarts, comes back as the customer, and is locked at once."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        use = outcome(computer, begin_restart(computer))
        assert (use.state, use.disconnected, use.error) == ("logged_on", False, None)
        assert use.boot_after not in {None, use.boot_before}
        assert use.locked_at is not None
        assert console(computer) == ("anna", True)
        whats = [event.what for event in computer.events.all() if event.lane == "pc"]
        story = ["tile_shown", "permit_redeemed", "signed_in", "locked"]
        assert whats[-4:] == story
        proof = end(computer)
        assert [erasure.confirmed for erasure in proof.erasure] == [True]


def test_the_canary_is_nowhere_on_the_pc(simulated_pc: MakePc, canary: bytearray, tmp_path: Path) -> None:
    """Lent, used and given back, cut off in between: the password is in no file and no process."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        assert search([tmp_path], canary) == []
        begin_restart(computer)
        computer.events.wait_for("boot", 2)
        computer.power_cut()
        assert search([tmp_path], canary) == []
        computer.power_on()
        computer.wait_until_up()
        assert search_processes(canary) == []
        end(computer)
    assert search([tmp_path], canary) == []


def test_the_agent_holds_no_copy_when_it_has_no_need(simulated_pc: MakePc, canary: bytearray) -> None:
    """After the grant, after each redemption and after the end its memory has no password in it."""
    with simulated_pc(script=[Grant()]) as computer:

        def held() -> list[Find]:
            computer.settle()
            assert computer.agent_pid is not None
            return search_memory(computer.agent_pid, canary)

        lend(computer, restarts=1, unlocks=1)
        assert held() == []
        outcome(computer, begin_restart(computer))
        assert held() == []
        apply = rq.CredentialApply(session=SESSION, action="unlock")
        use = ask(computer, apply, ans.ApplyAnswer).use
        assert use is not None
        outcome(computer, use)
        assert held() == []
        end(computer)
        assert held() == []


def test_the_window_shows_what_the_receipt_says_was_shown(simulated_pc: MakePc) -> None:
    """The text on the screen has the operator's code in it, and its hash went to the journal."""
    with simulated_pc() as computer:
        asked = request(computer)
        shown = computer.events.wait_for("request_shown")
        assert computer.customer.screen() == shown.text
        assert f"Check code {asked.code}." in shown.text
        assert ENGLISH["choice"] in shown.text


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([Deny()], "denied"),
        ([Deny("Still working")], "denied"),
        ([Report()], "reported"),
        ([Mistype(), Mistype()], "wrong_password"),
        ([TypePin(), TypePin()], "typed_pin"),
    ],
    ids=["denied", "denied-why", "reported", "mistyped-twice", "pin-twice"],
)
def test_every_no_has_its_own_code(
    simulated_pc: MakePc, steps: list[customer_script.Step], code: str
) -> None:
    """Each way of the customer to say no, or to fail, is told apart, and lends nothing."""
    with simulated_pc(script=steps) as computer:
        asked = request(computer)
        error = answered(computer, asked).error
        assert isinstance(error, ans.ErrorView)
        assert error.code == code
        apply = rq.CredentialApply(session=SESSION, action="restart")
        assert refusal(computer, apply).code == "no_grant"


@pytest.mark.parametrize(
    "first", [Mistype(), TypePin(), TypeOtherName()], ids=["mistyped", "pin", "other-name"]
)
def test_one_wrong_entry_is_explained_and_may_be_mended(
    simulated_pc: MakePc, first: customer_script.Step
) -> None:
    """After a first wrong entry the window stays, says so, and takes the right one."""
    with simulated_pc(script=[first, Grant()]) as computer:
        lend(computer)
        assert computer.events.wait_for("entry_refused").text.startswith("That did not work.")


def test_later_closes_the_window_and_asks_again(simulated_pc: MakePc) -> None:
    """A customer who says later is asked again after that time, and may then allow it."""
    with simulated_pc(script=[Later(60.0), Grant()]) as computer:
        asked = request(computer)
        computer.events.wait_for("window_closed")
        assert computer.customer.screen() == ""
        computer.set_clock(computer.windows.clock.now() + timedelta(seconds=61))
        assert answered(computer, asked).outcome == "done"


def test_a_locked_screen_asks_nobody(simulated_pc: MakePc) -> None:
    """Nothing is shown while the screen is locked; when the customer is back, the window opens."""
    with simulated_pc(script=[Grant()]) as computer:
        computer.customer.lock()
        request(computer)
        computer.events.wait_for("window_waits")
        assert computer.events.count("request_shown") == 0
        computer.customer.sign_in()
        computer.events.wait_for("request_shown")


def test_revoked_during_the_restart_nobody_is_signed_in(simulated_pc: MakePc) -> None:
    """Taken back in the seconds before the restart: the PC comes back to its empty logon screen."""
    steps = [Grant(), Revoke(when="restart_announced", after=0.0)]
    with simulated_pc(script=steps) as computer:
        lend(computer)
        use = outcome(computer, begin_restart(computer, grace=0.5))
        assert use.error is not None
        assert use.error.code in {"grant_revoked", "permit_cancelled"}
        computer.wait_for_logon_screen(2)
        assert console(computer) is None
        assert computer.events.count("tile_shown") == 0
        assert computer.events.count("no_tile") == 2


def test_power_lost_during_the_restart_still_ends_signed_in(simulated_pc: MakePc) -> None:
    """A power cut while the PC is down changes nothing: the next boot redeems the permit."""
    with simulated_pc(script=[Grant()], restart_seconds=30.0) as computer:
        lend(computer)
        computer.faults.cut_power_at = "down"
        use = begin_restart(computer)
        computer.events.wait_for("power_cut")
        computer.power_on()
        computer.wait_until_up()
        assert outcome(computer, use).state == "logged_on"
        assert console(computer) == ("anna", True)


def test_power_lost_after_redeeming_never_logs_on_twice(simulated_pc: MakePc) -> None:
    """A permit that was redeemed when the power went is not redeemed again."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        computer.faults.cut_power_at = "permit_redeemed"
        use = begin_restart(computer)
        computer.events.wait_for("power_cut")
        computer.power_on()
        computer.wait_until_up()
        after = outcome(computer, use)
        assert after.error is not None
        assert after.error.code == "logon_interrupted"
        assert computer.events.count("permit_redeemed") == 1
        assert console(computer) is None


def test_a_password_changed_since_is_tried_once(simulated_pc: MakePc) -> None:
    """The agent finds out before the restart, or Windows at the logon; the grant is gone then."""
    with simulated_pc(script=[Grant(), customer_script.ChangePassword(when="notice_granted")]) as computer:
        lend(computer)
        computer.events.wait_for("password_changed")
        apply = rq.CredentialApply(session=SESSION, action="restart", grace=0.05)
        assert refusal(computer, apply).code == "grant_rejected"
        assert refusal(computer, apply).code == "grant_rejected"
        assert len(computer.account.wrong_tries) == 1
        assert computer.events.count("restart_announced") == 0


def test_a_logon_that_windows_refuses_is_never_tried_again(simulated_pc: MakePc) -> None:
    """A password changed while the PC was down: one refused logon, and the grant is gone."""
    steps = [Grant(), customer_script.ChangePassword(when="down", after=0.0)]
    with simulated_pc(script=steps) as computer:
        lend(computer)
        use = outcome(computer, begin_restart(computer))
        assert use.error is not None
        assert use.error.code == "logon_refused"
        computer.wait_for_logon_screen(2)
        assert computer.events.count("logon_refused") == 1
        assert len(computer.account.wrong_tries) == 1
        assert console(computer) is None


def test_a_lock_that_fails_ends_disconnected(simulated_pc: MakePc) -> None:
    """Where the screen cannot be locked the session is cut off from it."""
    policy = "[policy]\nmin_restart_interval = 0\nlock_within = 0.2\n"
    with simulated_pc(script=[Grant()], policy=policy) as computer:
        lend(computer)
        computer.faults.lock_fails = True
        use = outcome(computer, begin_restart(computer))
        assert use.disconnected
        assert console(computer) is None


def test_a_hidden_tile_is_told(simulated_pc: MakePc) -> None:
    """A logon screen that never asks leaves the permit to lapse, and nobody signed in."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        computer.faults.hides_logon_tile = True
        use = outcome(computer, begin_restart(computer, within=2.0))
        assert use.error is not None
        assert use.error.code == "logon_did_not_happen"
        assert console(computer) is None


def test_a_restart_that_windows_refuses_is_told(simulated_pc: MakePc) -> None:
    """With Windows' own reason; nothing happens and nothing is used up."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        computer.faults.restart_refused = "Not now."
        use = outcome(computer, begin_restart(computer))
        assert use.error is not None
        assert "Not now. (Windows error 5)" in use.error.message
        assert computer.events.count("going_down") == 0


def test_nobody_else_is_signed_out(simulated_pc: MakePc) -> None:
    """Somebody who was not asked is signed in, too: Windows is not even asked to restart."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        computer.sign_in_other("bob")
        error = refusal(computer, rq.CredentialApply(session=SESSION, action="restart"))
        assert error.code == "others_signed_in"
        assert computer.events.count("going_down") == 0


def test_an_unlock_opens_the_customers_session(simulated_pc: MakePc) -> None:
    """A locked console is unlocked by a permit, the same session goes on."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer, unlocks=1)
        computer.customer.lock()
        apply = rq.CredentialApply(session=SESSION, action="unlock")
        use = ask(computer, apply, ans.ApplyAnswer).use
        assert use is not None
        assert outcome(computer, use).state == "logged_on"
        assert console(computer) == ("anna", False)
        assert computer.events.count("signed_in") == 1


def test_the_customer_reads_what_happened_while_away(simulated_pc: MakePc) -> None:
    """At the next sign-in the customer reads that the PC was restarted, and that all is erased."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        outcome(computer, begin_restart(computer))
        end(computer)
        assert len(computer.customer.notices()) == 1
        computer.customer.sign_in()
        computer.events.wait_for("notice_erased")
        told = "\n".join(computer.customer.notices())
        assert "has restarted this PC and signed you in" in told
        assert "Password erased, checked." in told
        computer.customer.close_notices()


def test_a_pc_at_its_bitlocker_prompt_does_not_come_back(simulated_pc: MakePc) -> None:
    """It went down, nothing listens, and it stays so."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        computer.faults.never_comes_back = True
        begin_restart(computer)
        computer.events.wait_for("halted")
        with pytest.raises(LabError, match="is halted, not up"):
            computer.wait_until_up(0.2)


def test_a_pc_that_never_goes_down_stays_as_it_was(simulated_pc: MakePc) -> None:
    """Windows took the restart and nothing came of it: the same boot, the customer still at work."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        computer.faults.never_goes_down = True
        before = begin_restart(computer).boot_before
        computer.events.wait_for("not_going_down")
        assert ask(computer, rq.Info(), ans.InfoAnswer).agent.boot_id == before
        assert console(computer) == ("anna", False)


def test_a_pc_that_hangs_on_its_way_down_goes_on_when_it_is_freed(simulated_pc: MakePc) -> None:
    """Frozen it answers nobody; cut off and switched on again it ends the job."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        computer.faults.hangs_on_restart = True
        use = begin_restart(computer)
        computer.events.wait_for("frozen")
        computer.power_cut()
        computer.power_on()
        computer.wait_until_up()
        assert outcome(computer, use).state == "logged_on"
        assert console(computer) == ("anna", True)


def test_a_second_boot_of_its_own_is_a_foreign_restart(simulated_pc: MakePc) -> None:
    """A PC that restarts twice signs in after the first boot only where nothing more was lent."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        computer.faults.restarts_twice = True
        begin_restart(computer)
        computer.events.wait_for("up", 3)
        computer.settle()
        assert computer.events.count("permit_redeemed") <= 1


def test_windows_update_restarts_and_the_customer_is_signed_in_where_agreed(
    simulated_pc: MakePc,
) -> None:
    """A restart that somebody else starts is covered where the customer agreed to it."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer, restarts=2, foreign_restarts=True)
        computer.windows_update_restart()
        computer.events.wait_for("locked")
        assert console(computer) == ("anna", True)


def test_an_agent_that_crashes_while_a_permit_waits_goes_on(simulated_pc: MakePc) -> None:
    """Killed in the seconds before the restart, the agent comes back and the job ends well."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        use = begin_restart(computer, grace=0.5)
        computer.crash_agent()
        assert outcome(computer, use).state == "logged_on"


def test_power_lost_while_the_customer_types_lends_nothing(simulated_pc: MakePc) -> None:
    """A PC that dies under the customer's hands has no grant afterwards, and asks again."""
    with simulated_pc(script=[Grant()]) as computer:
        computer.faults.cut_power_at = "typed"
        request(computer)
        computer.events.wait_for("interrupted")
        computer.power_on()
        computer.wait_until_up()
        apply = rq.CredentialApply(session=SESSION, action="restart")
        assert refusal(computer, apply).code == "no_grant"
        computer.customer.sign_in()
        computer.events.wait_for("request_shown", 2)
