# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules: Windows itself signs the customer in again (ARSO), with their yes and without their password."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from latchkey_agent.companion.receipt_text import render as render_for_customer
from latchkey_agent.domain import LogonFacts, PermitState, needs_password, obstacles, render
from latchkey_agent.domain.model import Account
from latchkey_agent.ports import SignIn
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from tests.unit.agent.bench import NO_INTERVAL, Bench, verdict
from tests.unit.agent.test_terms import TERMS
from tests.unit.agent.world import ANNA, BEN, LOGON, OTHER, START

ALLOWED = LogonFacts(restart_sign_on=True, auto_logon=False)
HERE = [SignIn(1, ANNA, console=True, active=True, locked=False)]
Act = Callable[[Bench], object]


def ask(bench: Bench, **options: Any) -> dict[str, Any]:
    """Start a session where ARSO is allowed, ask for one restart, and return the result."""
    bench.world.facts = bench.world.facts._replace(restart_sign_on=True)
    bench.start_session()
    wanted: dict[str, Any] = {"restarts": 1, "means": "arso", **options}
    return bench.result(rq.CredentialRequest(session="CHG-1", **wanted))


def told(bench: Bench) -> list[tuple[str, str]]:
    """Return kind and detail of the customer's notices, in order."""
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    return [(notice.kind, notice.detail) for notice in snapshot.notices]


def receipt(bench: Bench) -> ans.ReceiptView:
    """Return the newest receipt."""
    request = next(reversed(bench.state.requests))
    return ans.ReceiptView(**bench.result(rq.Receipt(request=request))["receipt"])


# --- the whole way --------------------------------------------------------------------------------


def test_windows_signs_the_customer_in_again_without_a_password(bench: Bench) -> None:
    """One click allows it; the PC restarts with SHUTDOWN_ARSO, comes back locked, and no password was ever there."""
    grant = bench.agree_to_sign_on(restarts=1)
    assert (bench.sealed(), bench.seal_tags(), bench.world.checks) == (set(), 0, [])
    permit = bench.restart(step="Updates")
    assert bench.world.signs_on
    bench.reboot()
    assert bench.world.announced == 0
    bench.windows_signs_on()
    use = bench.result(rq.ApplyWait(session="CHG-1", permit=permit))
    assert (use["finished"], use["use"]["state"], use["use"].get("error")) == (True, "logged_on", None)
    assert use["use"]["locked_at"] is not None
    assert bench.state.grants[grant].ended == "used_up"
    assert bench.world.checks == []


def test_rule_09_a_desktop_that_windows_opens_is_locked(bench: Bench) -> None:
    """ARSO locks by itself; a desktop that is open all the same is locked by the agent."""
    bench.agree_to_sign_on()
    permit = bench.restart()
    bench.reboot()
    bench.windows_signs_on(locked=False)
    assert bench.world.open_desktops() == []
    assert bench.state.permits[permit].closing == "locked"
    # The customer may have signed in by hand, so the notices leave that open.
    assert {("used", "arso_open"), ("locked", "by_itself")} <= set(told(bench))


def test_rule_09_a_desktop_that_opens_after_windows_own_lock_is_locked_once(bench: Bench) -> None:
    """Windows lists the session as locked before its desktop opens; later the desktop is the customer's own."""
    bench.agree_to_sign_on(restarts=2)
    for minutes, left in ((1, 0), (3, 1)):
        permit = bench.restart(step=f"after {minutes} minutes")
        bench.reboot()
        bench.windows_signs_on()
        assert bench.state.permits[permit].closing == "locked"
        bench.world.now += timedelta(minutes=minutes)
        bench.windows_signs_on(locked=False)
        assert len(bench.world.open_desktops()) == left


def by_remote_desktop(bench: Bench) -> None:
    """Let the customer sign in by remote desktop, and the agent see it."""
    bench.world.signed_in = [SignIn(5, ANNA, console=False, active=True, locked=False)]
    for _ in range(3):
        bench.agent.sessions_changed()
        bench.effects()
        bench.world.now += timedelta(minutes=1)


def test_a_remote_sign_in_is_the_customers_own(bench: Bench) -> None:
    """Windows signs in at the PC's own screen only: a remote desktop stays open, and the use is over."""
    bench.agree_to_sign_on()
    permit = bench.restart()
    bench.reboot()
    by_remote_desktop(bench)
    assert len(bench.world.open_desktops()) == 1
    assert bench.state.permits[permit].why == "signed_in"
    assert bench.result(rq.ApplyWait(session="CHG-1", permit=permit))["finished"]


def test_a_remote_sign_in_after_a_revocation_stays_open(bench: Bench) -> None:
    """A void permit locks what Windows opens at the PC's own screen, and no remote desktop."""
    bench.agree_to_sign_on(grace=300.0)
    bench.restart()
    revoke(bench)
    bench.reboot()
    by_remote_desktop(bench)
    assert len(bench.world.open_desktops()) == 1


def test_a_remote_desktop_beside_the_one_of_windows_stays_open(bench: Bench) -> None:
    """Only the desktop on the PC's own screen is locked."""
    bench.agree_to_sign_on()
    bench.restart()
    bench.reboot()
    bench.world.signed_in = [SignIn(5, ANNA, console=False, active=True, locked=False)]
    bench.world.signed_in.append(SignIn(1, ANNA, console=True, active=True, locked=False))
    bench.agent.sessions_changed()
    bench.effects()
    assert [s.console for s in bench.world.open_desktops()] == [False]


def test_the_watch_after_windows_own_lock_survives_a_failed_look(bench: Bench) -> None:
    """Windows does not list its sessions for a moment: the next look locks."""
    bench.agree_to_sign_on()
    bench.restart()
    bench.reboot()
    bench.windows_signs_on()
    bench.world.broken.add("sessions")
    bench.agent.sessions_changed()
    bench.world.broken.clear()
    bench.windows_signs_on(locked=False)
    assert bench.world.open_desktops() == []


def test_rule_10_the_customer_reads_that_windows_signed_them_in(bench: Bench) -> None:
    """Grant, use and lock are told in words that name no password; the receipt says that none was asked for."""
    bench.agree_to_sign_on(restarts=1)
    bench.restart()
    bench.reboot()
    bench.windows_signs_on()
    assert told(bench) == [("granted", "arso"), ("used", "arso"), ("ended", "used_up"), ("locked", "arso")]
    view = receipt(bench)
    document = view.document
    assert (document["terms"]["means"], document["data"], document["storage_location"]) == (
        "arso",
        [],
        "none",
    )
    assert (document["closed"], document["erasure"]) == (True, None)
    assert "no password was asked for" in render(document)
    text = render_for_customer(view, START)
    assert "Without a password: Windows signs you in again by itself." in text
    assert "sealed" not in text


def test_a_live_receipt_says_that_no_password_is_stored(bench: Bench) -> None:
    """Before the end the receipt neither says that a password is sealed nor that something is erased."""
    bench.agree_to_sign_on()
    view = receipt(bench)
    assert not view.document["closed"]
    assert "Still allowed; no password is stored" in render_for_customer(view, START)


def test_rule_08_the_end_has_nothing_to_erase(bench: Bench) -> None:
    """A session without a password ends without checks of an erasure, and blocks no later request."""
    bench.agree_to_sign_on()
    ended = bench.result(rq.SessionEnd(session="CHG-1"))
    assert ended["erasure"] == []
    assert "erasure_checked" not in bench.events()
    bench.world.now += timedelta(hours=1)
    bench.wake()
    assert bench.result(rq.Info())["agent"]["ready"]
    ask(bench)


@pytest.mark.parametrize("request_", [rq.CredentialRevoke(session="CHG-1"), rq.EraseAll()])
def test_the_operator_gives_it_back_without_an_erasure(bench: Bench, request_: rq.ControlRequest) -> None:
    """Revoking ends the grant; there are no checks, since nothing was stored."""
    bench.agree_to_sign_on()
    assert bench.result(request_)["erasure"] == []
    assert bench.code(rq.CredentialApply(session="CHG-1", action="restart")) == "grant_revoked"


def test_rule_13_a_call_that_is_sent_again_restarts_once(bench: Bench) -> None:
    """The same key means the same use, also after the restart."""
    bench.agree_to_sign_on(restarts=2)
    call = rq.CredentialApply(session="CHG-1", action="restart", step="Updates", idempotency_key="k1")
    first = bench.result(call)
    bench.reboot()
    bench.windows_signs_on()
    again = bench.result(call)
    assert again["use"]["permit"] == first["use"]["permit"]
    assert len(bench.world.restarts) == 1


@pytest.mark.parametrize("crash", [Bench.crash, Bench.power_cut])
def test_a_grant_without_a_password_outlives_the_agent(bench: Bench, crash: Act) -> None:
    """A start looks for a sealed record of grants with a password only."""
    grant = bench.agree_to_sign_on()
    crash(bench)
    assert bench.state.grants[grant].ended is None
    assert verdict(bench.agent.core.journal).problem == ""
    bench.world.sign_in(ANNA)
    bench.restart()


# --- the logon screen has no part in it ---------------------------------------------------------------


def test_rule_12_the_logon_screen_gets_no_permit(bench: Bench) -> None:
    """There is no password to hand over: the provider sees nothing, before and after the restart."""
    bench.agree_to_sign_on()
    permit = bench.restart()
    for _ in range(2):
        answer, secret = bench.logon(lm.Peek(), LOGON)
        assert (answer.done, secret) == (False, bytearray())
        answer, secret = bench.logon(lm.Redeem(permit=permit), LOGON)
        assert (answer.done, secret) == (False, bytearray())
        bench.reboot()
    assert bench.world.announced == 0


def test_windows_that_signs_nobody_in_costs_the_restart(bench: Bench) -> None:
    """The PC waits at its logon screen: the use lapses with a code of its own, and the customer is told."""
    bench.agree_to_sign_on(restarts=2)
    permit = bench.restart()
    bench.reboot()
    view = bench.result(rq.ApplyWait(session="CHG-1", permit=permit))
    assert view["waiting_for"] == "Windows to sign the customer in by itself"
    bench.world.now += timedelta(hours=1)
    bench.wake()
    use = bench.result(rq.ApplyWait(session="CHG-1", permit=permit))
    assert (use["use"]["error"]["code"], use["left"]["restarts"]) == ("not_signed_on", 1)
    assert told(bench)[-1] == ("restarted", "")


def test_a_restart_that_does_not_come_has_its_own_reason(bench: Bench) -> None:
    """A program blocks the restart: it is not said that Windows did not sign in."""
    bench.agree_to_sign_on()
    permit = bench.restart()
    bench.world.now += timedelta(hours=1)
    bench.wake()
    assert bench.state.permits[permit].why == "not_restarted"


def test_a_restart_by_others_signs_nobody_in(bench: Bench) -> None:
    """There is no password for it, and the grant notes the reason."""
    grant = bench.agree_to_sign_on()
    bench.reboot()
    assert [o.why for o in bench.state.grants[grant].omitted] == ["not_agreed"]
    assert bench.state.permits == {}


# --- revoking and pausing ----------------------------------------------------------------------------


def revoke(bench: Bench) -> None:
    """The customer revokes."""
    assert bench.revoke()


def pause(bench: Bench) -> None:
    """The customer pauses."""
    assert bench.customer(cm.GrantPause(grant=next(reversed(bench.state.grants)))).done


@pytest.mark.parametrize("void", [revoke, pause])
@pytest.mark.parametrize("locked", [True, False])
def test_rule_09_windows_may_sign_in_after_a_revocation_and_is_locked(
    bench: Bench, void: Act, *, locked: bool
) -> None:
    """Windows does not take a restart with ARSO back: a desktop that it opens for a void permit is locked."""
    bench.agree_to_sign_on(grace=300.0)
    permit = bench.restart()
    void(bench)
    bench.reboot()
    bench.windows_signs_on(locked=locked)
    assert bench.state.permits[permit].state is PermitState.CANCELLED
    assert bench.world.open_desktops() == []


def test_a_late_sign_in_by_hand_after_a_revocation_stays_open(bench: Bench) -> None:
    """Windows signs in within minutes; hours later the customer has signed in, and is not locked out."""
    bench.agree_to_sign_on(grace=300.0)
    bench.restart()
    revoke(bench)
    bench.reboot()
    bench.world.now += timedelta(hours=2)
    bench.wake()
    bench.windows_signs_on(locked=False)
    assert len(bench.world.open_desktops()) == 1


def test_rule_07_a_revocation_before_the_restart_is_told_as_it_is(bench: Bench) -> None:
    """The notice says that Windows may still sign in."""
    bench.agree_to_sign_on(grace=300.0)
    bench.restart()
    revoke(bench)
    assert told(bench)[-1] == ("ended", "revoked_by_customer_arso")


def test_rule_07_a_revoked_yes_restarts_nothing(bench: Bench) -> None:
    """After a revocation no restart begins."""
    bench.agree_to_sign_on()
    revoke(bench)
    assert bench.code(rq.CredentialApply(session="CHG-1", action="restart")) == "grant_revoked"
    assert bench.world.restarts == []


# --- whose yes it is ----------------------------------------------------------------------------------


def test_rule_04_only_the_customer_allows(bench: Bench) -> None:
    """Another account's companion cannot allow it, nor anybody before the window was shown."""
    request = ask(bench)["request"]["id"]
    allow = cm.RequestAllow(request=request, entered="PC-07\\anna")
    assert bench.customer_code(allow) == "out_of_order"
    bench.show(request)
    assert OTHER.account == BEN
    assert bench.customer_code(allow, peer=OTHER) == "no_request"
    assert bench.state.grants == {}


def test_rule_04_a_desktop_that_is_open_for_it_allows_nothing(bench: Bench, canary: bytearray) -> None:
    """IT may sit at a desktop that was unlocked for it, so a click there is not the customer's."""
    bench.lend(canary, restarts=0, unlocks=1, relock_after=600.0)
    bench.world.signed_in = [s._replace(locked=True) for s in bench.world.signed_in]
    bench.result(rq.CredentialApply(session="CHG-1", action="unlock"))
    bench.sign_in_with_permit()
    assert bench.world.open_desktops()
    bench.world.facts = bench.world.facts._replace(restart_sign_on=True)
    bench.result(rq.SessionStart(session="CHG-2", reason="x"))
    request = bench.request("CHG-2", means="arso", restarts=1)
    bench.show(request)
    allow = cm.RequestAllow(request=request, entered="PC-07\\anna")
    assert bench.customer_code(allow) == "customer_not_alone"
    bench.world.now += timedelta(minutes=11)
    bench.wake()
    bench.effects()
    assert bench.customer(allow).done


def test_a_password_that_comes_along_is_not_stored(bench: Bench, canary: bytearray) -> None:
    """A companion that sends a password all the same has it overwritten; nothing checks or seals it."""
    request = ask(bench)["request"]["id"]
    bench.show(request)
    assert bench.allow(request, canary).done
    assert (bench.sealed(), bench.world.checks) == (set(), [])
    assert bytes(canary) not in bench.content()


def test_a_second_yes_changes_nothing(bench: Bench) -> None:
    """The request is answered; a companion that repeats the yes is told so."""
    request = ask(bench)["request"]["id"]
    bench.show(request)
    assert bench.allow(request, b"").done
    assert not bench.allow(request, b"").done
    assert len(bench.state.grants) == 1


# --- where it may be asked for ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"unlocks": 1}, "bad_terms"),
        ({"foreign_restarts": True}, "bad_terms"),
        ({"restarts": 0}, "bad_terms"),
    ],
)
def test_rule_03_terms_that_need_a_password_are_refused(
    bench: Bench, terms: dict[str, Any], code: str
) -> None:
    """Windows' own sign-in follows a restart that the agent orders, and nothing else."""
    bench.world.facts = ALLOWED
    bench.start_session()
    wanted = {"session": "CHG-1", "means": "arso", "restarts": 1, **terms}
    assert bench.code(rq.CredentialRequest(**wanted)) == code


def test_the_policy_may_forbid_it(bench: Bench) -> None:
    """`allow_arso = false` refuses it, and `auto` asks for a password."""
    bench.settings.write_text(f"[policy]\n{NO_INTERVAL}\nallow_arso = false\n")
    bench.world.facts = ALLOWED
    bench.start_session()
    assert bench.code(rq.CredentialRequest(session="CHG-1", restarts=1, means="arso")) == "policy_refuses"
    asked = bench.result(rq.CredentialRequest(session="CHG-1", restarts=1, means="auto"))
    assert asked["request"]["terms"].get("means", "grant") == "grant"
    assert "the policy of this PC does not allow Windows' own sign-in" in asked["means_why"]


@pytest.mark.parametrize(
    ("facts", "account", "here", "text", "stops"),
    [
        (ALLOWED, ANNA, HERE, "", False),
        (ALLOWED, ANNA, [], "PC-07\\anna is not signed in at the PC's own screen", True),
        (
            ALLOWED,
            ANNA,
            [SignIn(2, ANNA, console=False, active=True, locked=False)],
            "PC-07\\anna is not signed in at the PC's own screen",
            True,
        ),
        (
            ALLOWED._replace(restart_sign_on=False, places=(("restart_sign_on", "HKLM\\X"),)),
            ANNA,
            HERE,
            "a setting of Windows forbids it (HKLM\\X)",
            True,
        ),
        (ALLOWED._replace(restart_sign_on=None), ANNA, HERE, "could not be found out", False),
        (ALLOWED._replace(auto_logon=None), ANNA, HERE, "at each start could not be found out", False),
        (
            ALLOWED,
            Account(ANNA.sid, "anna", "AzureAD", "entra"),
            HERE,
            "may want BitLocker and a TPM",
            False,
        ),
        (ALLOWED._replace(auto_logon=True), ANNA, HERE, "signs an account in by itself at each start", True),
        (
            ALLOWED,
            Account(ANNA.sid, "anna", "OFFICE", "domain"),
            HERE,
            "may not do it for an account of a domain",
            False,
        ),
    ],
)
def test_each_obstacle_is_named(
    facts: LogonFacts, account: Account, here: list[SignIn], text: str, *, stops: bool
) -> None:
    """An operator reads the setting or the state that stands in the way, and whether that is certain."""
    found = obstacles(facts, account, here)
    assert [(text in one.text, one.stops) for one in found] == ([(True, stops)] if text else [])


def test_a_certain_obstacle_comes_first(bench: Bench) -> None:
    """The message names it first."""
    found = obstacles(LogonFacts(), replace(ANNA, kind="domain"), [])
    assert [one.stops for one in found] == [True, False, False, False]


def test_an_obstacle_is_found_before_anybody_is_asked(bench: Bench) -> None:
    """Where Windows would not sign in, no window opens."""
    bench.world.facts = ALLOWED._replace(restart_sign_on=False)
    bench.start_session()
    error = bench.error(rq.CredentialRequest(session="CHG-1", restarts=1, means="arso"))
    assert (error.code, bench.state.requests) == ("arso_not_possible", {})


def signs_out(bench: Bench) -> None:
    """The customer signs out."""
    bench.world.signed_in = []


def forbids(bench: Bench) -> None:
    """An administrator sets the policy that forbids ARSO."""
    bench.world.facts = bench.world.facts._replace(restart_sign_on=False)


@pytest.mark.parametrize(("change", "code"), [(signs_out, "not_signed_in"), (forbids, "arso_not_possible")])
def test_an_obstacle_is_found_before_the_restart(bench: Bench, change: Act, code: str) -> None:
    """The PC does not restart into a logon screen at which nobody is signed in; the use is kept."""
    grant = bench.agree_to_sign_on()
    change(bench)
    assert bench.code(rq.CredentialApply(session="CHG-1", action="restart")) == code
    assert (bench.world.restarts, bench.state.grants[grant].left.restarts) == ([], 2)


# --- auto ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({"unlocks": 1}, "a password is needed: an unlock is asked for"),
        ({"foreign_restarts": True}, "a password is needed: restarts by others are asked for"),
    ],
)
def test_auto_asks_for_a_password_where_only_that_serves(
    bench: Bench, terms: dict[str, Any], why: str
) -> None:
    """The answer says which means were chosen, and why."""
    asked = ask(bench, means="auto", **terms)
    assert (asked["request"]["terms"].get("means", "grant"), asked["means_why"]) == ("grant", why)


def test_auto_takes_windows_own_sign_in_where_it_is_sure_to_work(bench: Bench) -> None:
    """The weakest means that is enough: no password."""
    asked = ask(bench, means="auto")
    assert asked["request"]["terms"].get("means", "grant") == "arso"
    assert asked["means_why"] == "Windows signs the customer in again by itself, so no password is needed"


def test_auto_takes_no_chance(bench: Bench) -> None:
    """What could not be found out counts against it."""
    bench.world.facts = ALLOWED._replace(restart_sign_on=None)
    bench.start_session()
    asked = bench.result(rq.CredentialRequest(session="CHG-1", restarts=1, means="auto"))
    assert asked["request"]["terms"].get("means", "grant") == "grant"
    assert "could not be found out" in asked["means_why"]


@pytest.mark.parametrize("means", ["auto", "arso"])
def test_rule_13_a_job_that_is_launched_again_means_the_earlier_request(bench: Bench, means: str) -> None:
    """At night the customer may be signed out and a policy set: the job finds its grant, and asks nobody again."""
    grant = bench.agree_to_sign_on(restarts=1)
    bench.world.signed_in = []
    forbids(bench)
    wanted: dict[str, Any] = {"session": "CHG-1", "restarts": 1, "means": means, "account": "anna"}
    again = bench.result(rq.CredentialRequest(**wanted))
    assert (again.get("request"), again["grant"]["id"]) == (None, grant)


def test_auto_falls_back_to_nothing_that_was_not_agreed(bench: Bench) -> None:
    """A yes without a password does not cover a request with one: the customer is asked anew."""
    bench.agree_to_sign_on(restarts=1)
    asked = bench.result(rq.CredentialRequest(session="CHG-1", restarts=1, unlocks=1, means="auto"))
    assert (asked["request"]["state"], asked["request"]["terms"].get("means", "grant")) == (
        "pending",
        "grant",
    )


def test_a_lent_password_also_serves_a_request_without_one(bench: Bench, canary: bytearray) -> None:
    """The customer has agreed to more: nobody is asked again."""
    grant = bench.lend(canary)
    again = bench.result(rq.CredentialRequest(session="CHG-1", restarts=1, means="arso"))
    assert (again.get("request"), again["grant"]["id"]) == (None, grant)


def test_the_terms_that_need_a_password_are_told_apart() -> None:
    """One restart of the agent's own is all that Windows' sign-in serves."""
    assert needs_password(replace(TERMS, unlocks=0)) == ""
    assert needs_password(replace(TERMS, unlocks=0, restarts=0)) == "no restart is asked for"
