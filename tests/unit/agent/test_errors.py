# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent really raises each row of the error table, with a readable message."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from latchkey_agent.cli import agent_setup, ctl
from latchkey_agent.domain import LogonRefusal
from latchkey_agent.protocol import PROTOCOL_VERSION, codec, frames
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol.errors import ERRORS
from latchkey_agent.protocol.fields import DeliveredHalf, SeenHead
from latchkey_agent.storage.journal import SCHEMA_VERSION
from latchkey_agent.stream import Stream
from tests.unit.agent.bench import PROGRAM, Bench
from tests.unit.agent.second_party import SecondParty
from tests.unit.agent.signing import NEXT_CA, Controller, certificate, pin, utc
from tests.unit.agent.world import ANNA, BEN, CUSTOMER, OPERATOR, SECOND_OPERATOR

PASSWORD = "canary".encode("utf-16-le")
WRONG = "wrong".encode("utf-16-le")
RESTART = rq.CredentialApply(session="CHG-1", action="restart")
START_SESSION = rq.SessionStart(session="CHG-1", reason="Updates")
Scenario = Callable[[Bench], ans.ErrorView]


def raw(bench: Bench, body: bytes) -> ans.ErrorView:
    """Send a body that no client would send."""
    return refused(msgspec.json.decode(bench.agent.control(body, OPERATOR), type=ans.Answer))


def refused(answer: ans.Answer) -> ans.ErrorView:
    """Return the error of an answer."""
    assert isinstance(answer.error, ans.ErrorView)
    return answer.error


def asked(bench: Bench, request: rq.ControlRequest) -> ans.ErrorView:
    """Start a session, send a request, and return its error."""
    bench.start_session()
    return bench.error(request)


def lent(bench: Bench, then: Callable[[Bench], object], **terms: Any) -> ans.ErrorView:
    """Grant, let something happen, and return the error of a use."""
    bench.lend(PASSWORD, **terms)
    then(bench)
    return bench.error(RESTART)


def answered(bench: Bench, answer: Callable[[str], object]) -> ans.ErrorView:
    """Show a request, let the customer act, and return the error of the wait."""
    request = bench.shown_request(PASSWORD)
    answer(request)
    return bench.error(rq.RequestWait(session="CHG-1", request=request))


def entered(bench: Bench, *refusals: LogonRefusal) -> ans.ErrorView:
    """Let Windows refuse the customer's entries in turn, and return the error of the wait."""
    bench.world.answers = list(refusals)
    return answered(bench, lambda request: [bench.allow(request, PASSWORD) for _ in refusals])


def used(bench: Bench, permit: str) -> ans.ErrorView:
    """Return the error of a use."""
    use = bench.result(rq.ApplyWait(session="CHG-1", permit=permit))["use"]
    return msgspec.convert(use["error"], ans.ErrorView)


def too_much(bench: Bench) -> ans.ErrorView:
    """Collect more receipts than one answer can hold."""
    for number in range(40):
        session = f"CHG-{number}"
        bench.result(rq.SessionStart(session=session, reason="x y " * 39 + "x"))
        for restarts in (*range(1, 10), *range(1, 10)):
            asked = rq.CredentialRequest(session=session, account="anna", restarts=restarts)
            request = bench.result(asked)["request"]["id"]
            bench.result(rq.RequestWithdraw(session=session, request=request))
        bench.world.now += timedelta(hours=1)
    body = bench.agent.control(msgspec.json.encode(rq.Info(receipts=True)), OPERATOR)
    assert len(body) <= frames.MAX_BODY
    return refused(msgspec.json.decode(body, type=ans.Answer))


def damaged(bench: Bench) -> ans.ErrorView:
    """Damage the journal."""
    bench.start_session()
    bench.database.execute("DELETE FROM events WHERE seq = 2")
    bench.crash()
    return bench.error(START_SESSION)


def newer(bench: Bench) -> ans.ErrorView:
    """Give the journal the version of a newer agent."""
    bench.set_journal_version(SCHEMA_VERSION + 1)
    return bench.error(START_SESSION)


def head_of_another(bench: Bench) -> ans.ErrorView:
    """Name a head that another journal had."""
    seen = SeenHead(position=7, hash="0" * 64, at="2026-11-30T12:00:00+01:00")
    return bench.error(rq.Info(seen=seen))


def signed(bench: Bench, *, at: timedelta = timedelta(), **wrong: Any) -> ans.ErrorView:
    """Send a signed request whose certificate, or whose signed text, has something wrong in it."""
    pin(bench)
    bench.world.sign_in(ANNA)
    changes, options = wrong.pop("changes", {}), wrong.pop("options", {})
    controller = Controller(bench, certificate(bench.world.now, **wrong))
    controller.start()
    until = utc(bench.world.now + timedelta(hours=12))
    sent = controller.signed(controller.request(not_after=until, **options), **changes)
    bench.world.now += at
    return bench.error(sent)


def signed_use_at_the_end(bench: Bench) -> ans.ErrorView:
    """Sign a use with a certificate that ends before the sign-in."""
    pin(bench)
    second = SecondParty(bench)
    Controller(bench).lend_to_two("canary".encode("utf-16-le"), second)
    soon = Controller(bench, certificate(bench.world.now, until=timedelta(minutes=10)))
    wanted = second.wanted()
    return bench.error(second.use(half=soon.delivered(wanted, second.delivered(wanted))))


def unsigned(bench: Bench) -> ans.ErrorView:
    """Send an unsigned request to a PC that pins an authority."""
    pin(bench)
    return asked(bench, rq.CredentialRequest(session="CHG-1", restarts=1))


def unfit_signature(bench: Bench) -> ans.ErrorView:
    """Change the signed text after it was signed."""
    pin(bench)
    controller = Controller(bench)
    controller.start()
    sent = controller.signed(controller.request())
    assert sent.signature is not None
    changed = replace(sent.signature, document=sent.signature.document + " ")
    return bench.error(replace(sent, signature=changed))


def answered_twice(bench: Bench) -> ans.ErrorView:
    """Send a signed request once more."""
    pin(bench)
    bench.world.sign_in(ANNA)
    controller = Controller(bench)
    controller.start()
    sent = controller.signed(controller.request())
    bench.result(sent)
    return bench.error(sent)


def renamed(bench: Bench) -> ans.ErrorView:
    """Give the PC a new name that takes effect at the next restart."""
    bench.lend(PASSWORD)
    bench.world.pending = ["computer rename"]
    return bench.error(RESTART)


def unconfirmed(bench: Bench) -> ans.ErrorView:
    """End a grant while another program holds the journal's log."""
    bench.lend(PASSWORD)
    with bench.read_by_others():
        bench.revoke()
        return bench.error(rq.CredentialRequest(session="CHG-1", restarts=1))


def disk_full(bench: Bench) -> ans.ErrorView:
    """Fill the disk."""
    bench.world.disk = "full"
    return bench.error(START_SESSION)


def key_kept(bench: Bench) -> ans.ErrorView:
    """Let Windows open nothing when the agent starts."""
    bench.world.broken.add("unprotect")
    bench.crash()
    return bench.error(rq.DeviceKey())


def port_broken(bench: Bench) -> ans.ErrorView:
    """Break the port that lists the sessions."""
    bench.start_session()
    bench.world.broken.add("sessions")
    return bench.error(rq.CredentialRequest(session="CHG-1", restarts=1))


def policy(bench: Bench, text: str, request: rq.ControlRequest) -> ans.ErrorView:
    """Change the settings file, then send a request."""
    bench.start_session()
    bench.settings.write_text(text)
    return bench.error(request)


def other_purpose(bench: Bench) -> ans.ErrorView:
    """Use the name of a started session for another purpose."""
    bench.start_session()
    return bench.error(rq.SessionStart(session="CHG-1", reason="Something else"))


def nobody(bench: Bench) -> ans.ErrorView:
    """Request a grant while nobody is signed in."""
    bench.start_session()
    bench.world.signed_in = []
    return bench.error(rq.CredentialRequest(session="CHG-1", restarts=1))


def other_account(bench: Bench) -> ans.ErrorView:
    """Enter another account's name twice."""
    request = bench.shown_request(PASSWORD)
    entry = cm.RequestAllow(request=request, entered="ben")
    assert bench.customer_code(entry, PASSWORD) == "other_account_entered"
    assert bench.customer_code(entry, PASSWORD) == "other_account_entered"
    return bench.error(rq.RequestWait(session="CHG-1", request=request))


def too_soon(bench: Bench) -> ans.ErrorView:
    """Restart twice within the policy's interval."""
    bench.settings.write_text("[policy]\nmin_restart_interval = 60.0\n")
    bench.lend(PASSWORD)
    bench.restart()
    bench.reboot()
    bench.sign_in_with_permit()
    return bench.error(RESTART)


def restart_refused(bench: Bench) -> ans.ErrorView:
    """Let Windows refuse to restart."""
    bench.world.refuses_restart = "somebody else is signed in"
    bench.lend(PASSWORD)
    return used(bench, bench.restart())


def others_signed_in(bench: Bench) -> ans.ErrorView:
    """Sign another account in before the restart."""
    bench.lend(PASSWORD)
    bench.world.sign_in(BEN, session_id=2)
    return bench.error(RESTART)


def signed_out(bench: Bench) -> ans.ErrorView:
    """Sign the customer out before the unlock."""
    bench.lend(PASSWORD, unlocks=1)
    bench.world.signed_in = []
    return bench.error(rq.CredentialApply(session="CHG-1", action="unlock"))


def logon_refused(bench: Bench) -> ans.ErrorView:
    """Let Windows refuse the logon."""
    permit = bench.at_logon_screen(PASSWORD)
    bench.redeem()
    bench.report(permit, 0xC000006E, 0xC0000072)
    return used(bench, permit)


def interrupted(bench: Bench) -> ans.ErrorView:
    """Cut the power during the logon."""
    permit = bench.at_logon_screen(PASSWORD)
    bench.redeem()
    bench.power_cut()
    return used(bench, permit)


def not_owner(bench: Bench) -> ans.ErrorView:
    """Use a grant of another operator's session."""
    bench.lend(PASSWORD)
    return bench.error(RESTART, SECOND_OPERATOR)


def clock_behind(bench: Bench) -> ans.ErrorView:
    """Use a grant while the clock is an hour behind."""
    bench.lend(PASSWORD)
    bench.world.set_clock(bench.world.now - timedelta(hours=1))
    return bench.error(RESTART)


def call_forgotten(bench: Bench) -> ans.ErrorView:
    """Send a call again whose session was forgotten since."""
    call = replace(START_SESSION, idempotency_key="first")
    bench.ask(call)
    for number in range(50):
        bench.ask(rq.SessionEnd(session="CHG-1" if number == 0 else f"CHG-{number}-0"))
        bench.ask(replace(START_SESSION, session=f"CHG-{number + 1}-0"))
    return bench.error(call)


def desktop_open(bench: Bench) -> ans.ErrorView:
    """Erase everything while the desktop of a logon has not appeared."""
    permit = bench.at_logon_screen(PASSWORD)
    bench.redeem()
    bench.report(permit)
    return bench.error(rq.EraseAll())


def declined(bench: Bench, **how: Any) -> ans.ErrorView:
    """Let the customer decline, and ask again at once."""
    request = bench.shown_request(PASSWORD)
    assert bench.customer(cm.RequestDecline(request=request, **how)).done
    return bench.error(rq.CredentialRequest(session="CHG-1", restarts=1, ask_again=True))


def too_many(bench: Bench) -> ans.ErrorView:
    """Ask from a second session."""
    bench.start_session()
    bench.request()
    bench.start_session("CHG-2")
    return bench.error(rq.CredentialRequest(session="CHG-2", restarts=1))


def unused(bench: Bench) -> ans.ErrorView:
    """Let the permit expire at the logon screen."""
    permit = bench.at_logon_screen(PASSWORD)
    bench.world.now += timedelta(hours=1)
    return used(bench, permit)


def forbidden(bench: Bench) -> ans.ErrorView:
    """Ask for Windows' own sign-in where a setting forbids it."""
    return asked(bench, rq.CredentialRequest(session="CHG-1", restarts=1, means="arso"))


def not_signed_on(bench: Bench) -> ans.ErrorView:
    """Let Windows sign nobody in by itself."""
    bench.agree_to_sign_on()
    permit = bench.restart()
    bench.reboot()
    bench.world.now += timedelta(hours=1)
    return used(bench, permit)


def not_alone(bench: Bench) -> ans.ErrorView:
    """Allow a request while a program of IT runs in the customer's name."""
    bench.settings.write_text("[policy]\nallow_programs = true\n")
    bench.agree_to_sign_on(programs=True)
    bench.command()
    request = bench.request(restarts=3, means="arso", programs=True)
    bench.show(request)
    answer = bench.allow(request, b"")
    assert answer.error is not None
    return answer.error


def ended_under_way(bench: Bench) -> ans.ErrorView:
    """End the session while the PC restarts."""
    permit = bench.at_logon_screen(PASSWORD)
    bench.ask(rq.SessionEnd(session="CHG-1"))
    return used(bench, permit)


def program(bench: Bench, **more: Any) -> ans.ErrorView:
    """Run a program, and return the error of its end."""
    bench.settings.write_text("[policy]\nallow_programs = true\n")
    bench.lend(PASSWORD, programs=True)
    bench.world.broken |= more.get("broken", set())
    command = bench.command()["id"]
    if more.get("crashes"):
        bench.crash()
    bench.follow_programs()
    view = bench.result(rq.CommandWait(session="CHG-1", command=command))["command"]
    return msgspec.convert(view["error"], ans.ErrorView)


def programs_not_agreed(bench: Bench) -> ans.ErrorView:
    """Run a program under a grant without that term."""
    bench.lend(PASSWORD)
    return bench.error(rq.SessionCommand(session="CHG-1", program=PROGRAM))


def reused(bench: Bench) -> None:
    """Use up the only restart."""
    bench.restart()
    bench.reboot()
    bench.sign_in_with_permit()


def nobody_serves() -> AbstractContextManager[Stream]:
    """Fail to connect."""
    raise FileNotFoundError


def silent(_: Bench) -> ans.ErrorView:
    """Send a request while the agent does not run."""
    return refused(ctl.exchange(nobody_serves, b"{}"))


def set_up(bench: Bench, body: bytes) -> ans.ErrorView:
    """Send a set-up request."""
    return refused(agent_setup.apply(body, bench.settings, NoGroup()))


class NoGroup:
    """A PC without members in its local group."""

    def members(self) -> list[agent_setup.Member]:
        """Return no members."""
        return []

    def find(self, name: str) -> agent_setup.Member | None:
        """Return no account."""
        return None

    def change(self, add: list[agent_setup.Member], remove: list[agent_setup.Member]) -> None:
        """Change nothing."""


def half(bench: Bench, given: Callable[[SecondParty, dict[str, Any]], DeliveredHalf]) -> ans.ErrorView:
    """Apply a grant of two parties with this half."""
    second = SecondParty(bench)
    second.lend(PASSWORD)
    return bench.error(second.use(half=given(second, second.wanted())))


def half_missing(bench: Bench) -> ans.ErrorView:
    """Apply a grant of two parties without the operator's half."""
    second = SecondParty(bench)
    second.lend(PASSWORD)
    return bench.error(second.use())


def other_device_key(bench: Bench) -> ans.ErrorView:
    """Replace the device key after a grant of two parties."""
    second = SecondParty(bench)
    second.lend(PASSWORD)
    bench.result(rq.DeviceKeyReplace())
    return bench.error(second.use())


def signed_use(
    bench: Bench, given: Callable[[Controller, dict[str, Any], DeliveredHalf], DeliveredHalf]
) -> ans.ErrorView:
    """Apply a grant of two parties whose request was signed, with this delivery."""
    pin(bench)
    second, controller = SecondParty(bench), Controller(bench)
    controller.lend_to_two(PASSWORD, second)
    wanted = second.wanted()
    return bench.error(second.use(half=given(controller, wanted, second.delivered(wanted))))


SCENARIOS: dict[str, Scenario] = {
    "apply_not_signed": lambda bench: signed_use(bench, lambda _controller, _wanted, given: given),
    "apply_differs": lambda bench: signed_use(
        bench, lambda c, wanted, given: c.delivered(wanted, given, step="x")
    ),
    "half_missing": half_missing,
    "half_not_awaited": lambda bench: half(bench, lambda s, w: replace(s.delivered(w), nonce="0")),
    "half_unreadable": lambda bench: half(bench, lambda s, w: replace(s.delivered(w), sealed="00" * 80)),
    "wrong_half": lambda bench: half(bench, lambda s, w: s.delivered(w, bytes(32))),
    "other_device_key": other_device_key,
    "administrators_only": lambda bench: bench.error(rq.EraseAll(), SECOND_OPERATOR),
    "asker_blocked": lambda bench: declined(bench, report=True),
    "arso_not_possible": forbidden,
    "customer_not_alone": not_alone,
    "asked_too_soon": declined,
    "not_today": lambda bench: declined(bench, not_today=True),
    "too_many_requests": too_many,
    "not_owner": not_owner,
    "clock_behind": clock_behind,
    "call_forgotten": call_forgotten,
    "desktop_open": desktop_open,
    "programs_not_agreed": programs_not_agreed,
    "command_not_started": lambda bench: program(bench, broken={"programs"}),
    "command_timed_out": program,
    "command_lost": lambda bench: program(bench, crashes=True),
    "bad_message": lambda bench: raw(bench, b'{"verb": "shutdown"}'),
    "message_too_large": lambda bench: raw(bench, b" " * (codec.MAX_REQUEST + 1)),
    "response_exceeds_limit": too_much,
    "protocol_mismatch": lambda bench: raw(bench, b'{"protocol": %d}' % (PROTOCOL_VERSION + 1)),
    "not_permitted": lambda bench: bench.error(START_SESSION, CUSTOMER),
    "bad_time": lambda bench: bench.error(
        rq.SessionStart(session="CHG-1", reason="Updates", ends="tomorrow")
    ),
    "bad_terms": lambda bench: asked(bench, rq.CredentialRequest(session="CHG-1")),
    "policy_invalid": lambda bench: policy(bench, "policy = 1", START_SESSION),
    "policy_refuses": lambda bench: asked(bench, rq.CredentialRequest(session="CHG-1", restarts=11)),
    "journal_damaged": damaged,
    "journal_newer": newer,
    "journal_head_unknown": head_of_another,
    "signature_required": unsigned,
    "signature_invalid": unfit_signature,
    "request_differs": lambda bench: signed(bench, changes={"restarts": 9}),
    "account_not_signed": lambda bench: signed(bench, options={"account": None}),
    "certificate_unusable": lambda bench: signed(bench, principals=()),
    "certificate_untrusted": lambda bench: signed(bench, ca=NEXT_CA),
    "certificate_expired": lambda bench: signed(bench, until=-timedelta(minutes=1)),
    "certificate_long_lived": lambda bench: signed(bench, until=timedelta(days=32)),
    "certificate_not_yet_valid": lambda bench: signed(bench, since=timedelta(minutes=1)),
    "certificate_not_allowed": lambda bench: signed(bench, principals=(b"intern",)),
    "certificate_ends_early": signed_use_at_the_end,
    "challenge_unknown": lambda bench: signed(bench, changes={"nonce": "0"}),
    "challenge_used": answered_twice,
    "challenge_expired": lambda bench: signed(bench, at=timedelta(hours=8), until=timedelta(hours=20)),
    "rename_pending": renamed,
    "erasure_unconfirmed": unconfirmed,
    "storage_failed": disk_full,
    "device_key_unusable": key_kept,
    "agent_failed": port_broken,
    "out_of_order": lambda bench: bench.error(rq.JournalReset()),
    "no_session": lambda bench: bench.error(RESTART),
    "session_in_use": other_purpose,
    "reason_missing": lambda bench: bench.error(rq.SessionStart(session="CHG-1", reason="")),
    "no_such_account": lambda bench: asked(
        bench, rq.CredentialRequest(session="CHG-1", account="nobody", restarts=1)
    ),
    "nobody_signed_in": nobody,
    "no_request": lambda bench: bench.error(rq.Receipt(request="none")),
    "denied": lambda bench: answered(
        bench, lambda request: bench.customer(cm.RequestDecline(request=request, why="I am still working"))
    ),
    "reported": lambda bench: answered(
        bench, lambda request: bench.customer(cm.RequestDecline(request=request, report=True))
    ),
    "no_answer": lambda bench: answered(
        bench, lambda _: setattr(bench.world, "now", bench.world.now + timedelta(days=1))
    ),
    "request_withdrawn": lambda bench: answered(
        bench, lambda request: bench.ask(rq.RequestWithdraw(session="CHG-1", request=request))
    ),
    "wrong_password": lambda bench: answered(
        bench, lambda request: [bench.allow(request, WRONG) for _ in range(2)]
    ),
    "typed_pin": lambda bench: entered(bench, LogonRefusal.LOOKS_LIKE_PIN, LogonRefusal.LOOKS_LIKE_PIN),
    "account_refused": lambda bench: entered(bench, LogonRefusal.ACCOUNT_DISABLED),
    "other_account_entered": other_account,
    "no_grant": lambda bench: asked(bench, RESTART),
    "grant_revoked": lambda bench: lent(bench, Bench.revoke),
    "grant_expired": lambda bench: lent(
        bench, lambda b: setattr(b.world, "now", b.world.now + timedelta(hours=3)), not_after="20:00"
    ),
    "grant_rejected": lambda bench: lent(bench, lambda b: b.world.set_password(ANNA, WRONG)),
    "grant_paused": lambda bench: lent(
        bench, lambda b: b.customer(cm.GrantPause(grant=next(iter(b.state.grants))))
    ),
    "terms_used_up": lambda bench: lent(bench, reused, restarts=1),
    "too_early": lambda bench: lent(bench, lambda _: None, not_before="22:00", not_after="05:00"),
    "too_late": lambda bench: lent(bench, lambda _: None, not_after="18:01", grace=120.0),
    "window_not_open": lambda bench: asked(
        bench, rq.Checkpoint(session="CHG-1", step="Updates", not_before="22:00", not_after="05:00")
    ),
    "window_too_short": lambda bench: asked(
        bench, rq.Checkpoint(session="CHG-1", step="Updates", not_after="19:00", limit=7200.0)
    ),
    "not_signed_in": signed_out,
    "restart_too_soon": too_soon,
    "restart_in_progress": lambda bench: lent(bench, lambda b: b.restart(step="another")),
    "restart_refused": restart_refused,
    "others_signed_in": others_signed_in,
    "no_permit": lambda bench: bench.error(rq.ApplyWait(session="CHG-1", permit="none")),
    "logon_refused": logon_refused,
    "logon_interrupted": interrupted,
    "not_signed_on": not_signed_on,
    "logon_did_not_happen": unused,
    "permit_cancelled": ended_under_way,
    "settings_invalid": lambda bench: set_up(bench, b'{"verb": "setup", "settings": {"policy": {"x": 1}}}'),
    "setup_failed": lambda bench: set_up(bench, b'{"verb": "setup", "operators": ["nobody"]}'),
    "agent_not_running": silent,
}


def test_every_row_has_a_scenario() -> None:
    """The scenarios and the rows of the agent's error table are the same set."""
    assert set(SCENARIOS) == set(ERRORS)


OF_ANSIBLE = re.compile(
    r"ansible|latchkey\.consent|playbook|collection|\b(?:task|role|module|option)s?\b"
    r"|\b(?:support_session|session_checkpoint|agent_package|credential_\w+)\b|\w+: (?:true|false|absent)"
)


@pytest.mark.parametrize("code", ERRORS)
def test_the_agent_names_no_part_of_ansible(code: str) -> None:
    """An administrator at the PC reads these; Ansible's advice is the collection's."""
    assert not OF_ANSIBLE.search(" ".join(ERRORS[code]).lower())


@pytest.mark.parametrize("code", SCENARIOS)
def test_the_agent_raises_each_error(bench: Bench, code: str) -> None:
    """Each error has its own code, with every placeholder of message and hint filled."""
    error = SCENARIOS[code](bench)
    assert error.code == code
    for text, row in ((error.message, ERRORS[code].message), (error.hint, ERRORS[code].hint)):
        places = re.escape(row).replace(r"\{", "{")
        assert re.fullmatch(re.sub(r"\{\w+\\?}", "(.+)", places), text), text
        assert not re.search(r"[{}]|  | \.|\(\)|None|<|'$", text), text
        assert text.endswith((".", ">"))


@pytest.mark.parametrize("code", ERRORS)
def test_every_message_can_be_filled(code: str) -> None:
    """Each placeholder is a name, so no brace is left over."""
    row = ERRORS[code]
    for text in (row.message, row.hint):
        places = dict.fromkeys(re.findall(r"{(\w+)}", text), "x")
        assert not re.search(r"[{}]", text.format(**places))


def test_the_customers_reason_is_never_taken_for_a_code(bench: Bench) -> None:
    """A reason that spells an error code stays the customer's reason."""
    for why in ("bad_time", "wrong_password", "reported", "looks_like_pin"):
        bench.world.now += timedelta(hours=1)
        request = bench.shown_request(PASSWORD)
        bench.customer(cm.RequestDecline(request=request, why=why))
        error = bench.error(rq.RequestWait(session="CHG-1", request=request))
        assert (error.code, why in error.message) == ("denied", True)
