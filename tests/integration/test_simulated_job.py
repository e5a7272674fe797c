# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job on a simulated PC, with the real agent, without Ansible: lend, restart, lock, erase."""

from __future__ import annotations

import hashlib
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
    """Return the account on the console, and whether it is locked."""
    session = computer.on_loop(computer.windows.sessions.on_console)
    return (session.account.user, session.locked) if session else None


def end(computer: SimulatedComputer) -> ans.EndedAnswer:
    """End the support session."""
    return ask(computer, rq.SessionEnd(session=SESSION), ans.EndedAnswer)


def test_a_restart_ends_signed_in_and_locked(simulated_pc: MakePc) -> None:
    """After the customer's yes the PC restarts, signs the customer in, and is locked at once."""
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
        erased = end(computer)
        assert [erasure.confirmed for erasure in erased.erasure] == [True]


def test_the_canary_is_nowhere_on_the_pc(simulated_pc: MakePc, canary: bytearray, tmp_path: Path) -> None:
    """After grant, power cut, use and end the password is in no file and no process."""
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


def test_the_agent_keeps_no_needless_copy_in_memory(simulated_pc: MakePc, canary: bytearray) -> None:
    """The agent's memory has no password after the grant, after each redemption and after the end."""
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


def test_the_receipt_has_the_hash_of_the_shown_window(simulated_pc: MakePc) -> None:
    """The window shows the operator's code, and the receipt has the hash of the window's text."""
    with simulated_pc() as computer:
        asked = request(computer)
        shown = computer.events.wait_for("request_shown")
        assert computer.customer.screen() == shown.text
        assert f"Check code: {asked.code}." in shown.text
        assert ENGLISH["choice"] in shown.text
        receipt = ask(computer, rq.Receipt(request=asked.id), ans.ReceiptAnswer).receipt
        digest = hashlib.sha256(shown.text.encode()).hexdigest()
        assert receipt.document["notice"]["text_sha256"] == digest
        assert receipt.document["notice"]["code"] == asked.code


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
    """Each refusal or failure of the customer has its own error code and leads to no grant."""
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
def test_one_wrong_entry_is_explained_and_may_be_corrected(
    simulated_pc: MakePc, first: customer_script.Step
) -> None:
    """After a first wrong entry the window stays, explains it, and accepts the right password."""
    with simulated_pc(script=[first, Grant()]) as computer:
        lend(computer)
        assert computer.events.wait_for("entry_refused").text.startswith("That did not work.")


def test_later_closes_the_window_and_asks_again(simulated_pc: MakePc) -> None:
    """A customer who answers later is asked again after that time, and can then allow it."""
    with simulated_pc(script=[Later(60.0), Grant()]) as computer:
        asked = request(computer)
        computer.events.wait_for("window_closed")
        assert computer.customer.screen() == ""
        computer.let_pass(timedelta(seconds=61))
        assert answered(computer, asked).outcome == "done"


def test_a_locked_screen_shows_no_request(simulated_pc: MakePc) -> None:
    """The request window waits while the screen is locked, and opens when the customer is back."""
    with simulated_pc(script=[Grant()]) as computer:
        computer.customer.lock()
        request(computer)
        computer.events.wait_for("window_waits")
        assert computer.events.count("request_shown") == 0
        computer.customer.sign_in()
        computer.events.wait_for("request_shown")


def test_a_revocation_before_the_restart_prevents_the_sign_in(simulated_pc: MakePc) -> None:
    """After a revocation just before the restart the PC comes back to its empty logon screen."""
    steps = [Grant(), Revoke(when="restart_announced", after=0.0)]
    with simulated_pc(script=steps) as computer:
        lend(computer, grace=0.5)
        use = outcome(computer, begin_restart(computer))
        assert use.error is not None
        assert use.error.code in {"grant_revoked", "permit_cancelled"}
        computer.wait_for_logon_screen(2)
        assert console(computer) is None
        assert computer.events.count("tile_shown") == 0
        assert computer.events.count("no_tile") == 2


def test_power_lost_during_the_restart_still_ends_signed_in(simulated_pc: MakePc) -> None:
    """After a power cut while the PC is down the next boot redeems the permit."""
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
    """A permit that was redeemed before a power cut is not redeemed again."""
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
    """A changed password ends the grant: the agent checks it before the restart, and Windows at the logon."""
    with simulated_pc(script=[Grant(), customer_script.ChangePassword(when="notice_granted")]) as computer:
        lend(computer)
        computer.events.wait_for("password_changed")
        apply = rq.CredentialApply(session=SESSION, action="restart")
        assert refusal(computer, apply).code == "grant_rejected"
        assert refusal(computer, apply).code == "grant_rejected"
        assert len(computer.account.wrong_tries) == 1
        assert computer.events.count("restart_announced") == 0


def test_a_logon_that_windows_refuses_is_never_tried_again(simulated_pc: MakePc) -> None:
    """A password changed while the PC is down leads to one refused logon and ends the grant."""
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
    """A session whose screen cannot be locked is disconnected."""
    policy = "[policy]\nmin_restart_interval = 0\nlock_within = 0.2\n"
    with simulated_pc(script=[Grant()], policy=policy) as computer:
        lend(computer)
        computer.faults.lock_fails = True
        use = outcome(computer, begin_restart(computer))
        assert use.disconnected
        assert console(computer) is None


def test_a_hidden_tile_is_reported(simulated_pc: MakePc) -> None:
    """If the logon screen never asks the agent, the permit lapses and no user is signed in."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        computer.faults.hides_logon_tile = True
        use = outcome(computer, begin_restart(computer, within=2.0))
        assert use.error is not None
        assert use.error.code == "logon_did_not_happen"
        assert console(computer) is None


def test_a_refused_restart_is_reported(simulated_pc: MakePc) -> None:
    """The error of a refused restart has Windows' reason, and the refusal costs no restart of the grant."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        computer.faults.restart_refused = "Not now."
        use = outcome(computer, begin_restart(computer))
        assert use.error is not None
        assert "Not now. (Windows error 5)" in use.error.message
        assert computer.events.count("going_down") == 0


def test_a_restart_does_not_sign_another_user_out(simulated_pc: MakePc) -> None:
    """While another user is signed in the agent does not even ask Windows to restart."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        computer.sign_in_other("bob")
        error = refusal(computer, rq.CredentialApply(session=SESSION, action="restart"))
        assert error.code == "others_signed_in"
        assert computer.events.count("going_down") == 0


def test_an_unlock_opens_the_customers_session(simulated_pc: MakePc) -> None:
    """A permit unlocks a locked console, and the same session continues."""
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
    """At the next sign-in the customer reads notices of the restart and the erasure."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        outcome(computer, begin_restart(computer))
        end(computer)
        assert len(computer.customer.notices()) == 1
        computer.customer.sign_in()
        computer.events.wait_for("notice_erased")
        notices = "\n".join(computer.customer.notices())
        assert "has restarted this PC and signed you in" in notices
        assert "Password erased, checked." in notices
        computer.customer.close_notices()


def test_a_pc_at_its_bitlocker_prompt_does_not_come_back(simulated_pc: MakePc) -> None:
    """A PC at its BitLocker prompt stays down, and no listener answers."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        computer.faults.never_comes_back = True
        begin_restart(computer)
        computer.events.wait_for("halted")
        with pytest.raises(LabError, match="is halted, not up"):
            computer.wait_until_up(0.2)


def test_a_pc_that_never_goes_down_stays_as_it_was(simulated_pc: MakePc) -> None:
    """If an accepted restart never happens, the boot stays the same and the customer stays signed in."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer)
        computer.faults.never_goes_down = True
        before = begin_restart(computer).boot_before
        computer.events.wait_for("not_going_down")
        assert ask(computer, rq.Info(), ans.InfoAnswer).agent.boot_id == before
        assert console(computer) == ("anna", False)


def test_a_pc_that_hangs_during_shutdown_recovers_by_a_power_cycle(simulated_pc: MakePc) -> None:
    """A frozen PC answers no request; after a power cycle the job ends well."""
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
    """A PC that restarts twice signs in only after the first boot if the grant covers no other restart."""
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
    """A restart by another party is covered if the customer granted that."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer, restarts=2, foreign_restarts=True)
        computer.windows_update_restart()
        computer.events.wait_for("locked")
        assert console(computer) == ("anna", True)


def test_an_agent_that_crashes_while_a_permit_waits_recovers(simulated_pc: MakePc) -> None:
    """An agent killed just before the restart comes back, and the job ends well."""
    with simulated_pc(script=[Grant()]) as computer:
        lend(computer, grace=0.5)
        use = begin_restart(computer)
        computer.crash_agent()
        assert outcome(computer, use).state == "logged_on"


def test_power_lost_while_the_customer_types_lends_nothing(simulated_pc: MakePc) -> None:
    """After a power cut during the password entry the PC has no grant and shows the request again."""
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
