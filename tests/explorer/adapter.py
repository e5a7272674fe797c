# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only module of the explorer that builds commands and calls the domain: a change of the domain ends here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from latchkey_agent.domain import (
    AGENT,
    Actor,
    Authorities,
    Call,
    Decision,
    Now,
    Policy,
    Refused,
    Requester,
    Sealing,
    Signed,
    State,
    Terms,
    awaits_half,
    caused_by,
    checked_requests,
    decide,
    done_before,
    fold,
    open_challenge,
    pin_authorities,
    read_clock,
    redeemable,
    with_call,
)
from latchkey_agent.domain import commands as c
from latchkey_agent.domain.model import Account, Erasure
from latchkey_agent.storage import ssh_signature
from tests.unit.agent import signing

if TYPE_CHECKING:
    from .node import Desktop, Node

START = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
POLICY = Policy(min_restart_interval=60.0, remind_before=3600.0)
ACCOUNTS = {
    "A": Account("S-1-5-21-1-2-3-1001", "anna", "PC-07"),
    "B": Account("S-1-5-21-1-2-3-1002", "ben", "PC-07"),
}
LETTERS = {account.sid: letter for letter, account in ACCOUNTS.items()}
OPERATORS = {
    "X": Account("S-1-5-21-1-2-3-500", "admin", "PC-07"),
    "Y": Account("S-1-5-21-1-2-3-501", "other", "PC-07"),
}
LETTERS |= {account.sid: letter for letter, account in OPERATORS.items()}
ACTORS = {name: Actor(account.qualified, account.sid) for name, account in OPERATORS.items()}
WITHIN, RELOCK = 900, 600
"""Seconds that a permit lives, and that an unlocked desktop stays open."""
SESSION_HOURS = 20
CHALLENGE_TIME = 8 * 3600
"""Seconds within which a challenge can be answered, if its session does not end before."""
AUTHORITIES = {"1": signing.CA, "2": signing.NEXT_CA}
"""The keys that issue certificates, by the signs that moves name them with."""


@cache
def moment(seconds: int) -> datetime:
    """Return the moment of the PC's clock that many seconds after the start."""
    return START + timedelta(seconds=seconds)


def seconds(at: datetime) -> int:
    """Return the seconds after the start; the reverse of `moment`."""
    return int((at - START).total_seconds())


# --- calls of the domain ----------------------------------------------------------------------


def now(n: Node) -> Now:
    """Return the present moment, as the agent reads it (`Core.now`)."""
    return read_clock(n.state, boot_id(n.boot), moment(n.wall), float(n.true - n.booted))


def decided(n: Node, command: c.AnyCommand) -> Decision:
    """Return what the rules decide; raise what they raise."""
    return decide(n.state, command, now(n), POLICY)


def noted(n: Node, decision: Decision, key: str) -> Decision:
    """Return the decision with the operator's call noted in it, and with the account that caused it."""
    operator = n.why.split()[1] if n.why.startswith("call ") else ""
    return caused_by(with_call(decision, key, now(n).at), ACTORS.get(operator, AGENT))


def pinned(n: Node) -> Decision:
    """Return what follows from the authorities that the settings pin now (`Core._note_authorities`)."""
    return pin_authorities(n.state, authorities(*n.settings), now(n), POLICY)


@cache
def authorities(epoch: int, which: str) -> Authorities:
    """Return the authorities of a settings file; `which` are their signs."""
    if not epoch:
        return Authorities()
    keys = tuple(signing.line_of(AUTHORITIES[sign]) for sign in which)
    return Authorities(epoch=epoch, organization=signing.ORGANIZATION, keys=keys)


def is_older(n: Node) -> bool:
    """Tell whether the settings pin older authorities than the agent has seen (`settings.older_keys`)."""
    wanted = authorities(*n.settings)
    return wanted != n.state.authorities and wanted.epoch <= n.state.authorities.epoch


@cache
def fingerprint(sign: str) -> str:
    """Return the fingerprint of an authority's key."""
    return ssh_signature.fingerprint(AUTHORITIES[sign].public_key().public_bytes_raw())


def answerable(n: Node, nonce: str, session: str) -> str:
    """Return the code with which a challenge cannot be answered now; empty if it can."""
    try:
        open_challenge(n.state, nonce, session, now(n))
    except Refused as refusal:
        return refusal.code
    return ""


folded = fold


def known_call(state: State, key: str) -> Call | None:
    """Return the earlier call with this key."""
    return done_before(state, key)


def changes(decision: Decision) -> bool:
    """Tell whether a decision changes anything but the list of calls."""
    return decision.is_change


def waiting_permit(n: Node) -> str:
    """Return the permit that the logon screen of this boot may redeem now, empty if there is none."""
    permit = redeemable(n.state, boot_id(n.boot), now(n), [held for held, _ in n.halves])
    return permit.id if permit else ""


def awaits(n: Node, permit: str) -> bool:
    """Tell whether the logon of a permit waits for the operator's half (`HalfExchange.is_wanted`)."""
    known = n.state.permits.get(permit)
    here = any(held == permit for held, _ in n.halves)
    return known is not None and not here and awaits_half(n.state, known, boot_id(n.boot), now(n))


def boot_id(boot: int) -> str:
    """Return the id of a boot."""
    return f"boot-{boot}"


# --- commands ---------------------------------------------------------------------------------


def start_session(session: str, name: str, operator: str, named: str, wall: int) -> c.AnyCommand:
    """Start or join a session; `named` are the operators that it names."""
    return c.StartSession(
        by=OPERATORS[operator],
        operators=tuple(OPERATORS[other] for other in named),
        session=session,
        name=name,
        requester=Requester("", "", ""),
        reason="updates",
        ticket="",
        ends_at=moment(wall + SESSION_HOURS * 3600),
    )


def end_session(name: str) -> c.AnyCommand:
    """End the session of that name."""
    return c.EndSession(name=name)


def issue_challenge(name: str, operator: str, nonce: str) -> c.AnyCommand:
    """Issue a challenge for the session of that name."""
    return c.IssueChallenge(by=OPERATORS[operator], name=name, nonce=nonce, seed="00" * 16)


def signature(n: Node, operator: str, nonce: str, sign: str) -> Signed:
    """Return the checked signature of an operator's request, whose certificate the authority `sign` has issued."""
    found = n.state.challenges.get(nonce)
    return Signed(
        requester=Requester("Olga Operator", signing.ORGANIZATION, "helpdesk"),
        document=nonce,
        signature="",
        certificate="",
        serial=7,
        key=operator,
        authority=fingerprint(sign),
        nonce=nonce,
        seed=found.seed if found else "",
    )


def make_request(
    request: str,
    name: str,
    operator: str,
    who: str,
    terms: tuple[int, int, int, int, int, int],
    wall: int,
    signed: Signed | None = None,
    *,
    two_parties: bool = False,
) -> c.AnyCommand:
    """Ask an account; `terms`: restarts, unlocks, foreign restarts, first and last second, seconds to answer."""
    restarts, unlocks, foreign, begin, end, answer = terms
    return c.MakeRequest(
        by=OPERATORS[operator],
        request=request,
        code="0000",
        name=name,
        account=ACCOUNTS[who],
        terms=Terms(
            restarts=restarts,
            unlocks=unlocks,
            foreign_restarts=bool(foreign),
            programs=False,
            not_before=moment(wall + begin),
            not_after=moment(wall + end),
            relock_after=float(RELOCK),
            grace=5.0,
            two_parties=two_parties,
        ),
        answer_by=moment(wall + answer),
        ask_again=True,
        signed=signed,
        sealing=Sealing(device="", nonce="", public_key="") if two_parties else None,
    )


def withdraw(request: str) -> c.AnyCommand:
    """Withdraw a request."""
    return c.WithdrawRequest(request=request)


def show(request: str) -> c.AnyCommand:
    """Show a request."""
    return c.ShowRequest(request=request, text_sha256="0" * 64)


def try_entry(request: str) -> c.AnyCommand:
    """Count an entry."""
    return c.TryEntry(request=request)


def refuse_password(request: str) -> c.AnyCommand:
    """Note a wrong entry."""
    return c.RefusePassword(request=request, why="wrong_password", retry=True)


def deny(request: str, *, reported: bool = False, quiet_until: int | None = None) -> c.AnyCommand:
    """Decline; report the request, or do not want to be asked before a moment."""
    until = None if quiet_until is None else moment(quiet_until)
    return c.DenyRequest(request=request, reported=reported, quiet_until=until)


def unblock(asker: str) -> c.AnyCommand:
    """Let an operator ask again that a customer has reported."""
    return c.UnblockAsker(asker=OPERATORS[asker].sid)


def tomorrow(today: int) -> int:
    """Return the beginning of the next day (`CustomerHandler._tomorrow`)."""
    day = moment(today).date() + timedelta(days=1)
    return seconds(datetime(day.year, day.month, day.day, tzinfo=UTC))


def postpone(request: str, n: Node) -> c.AnyCommand:
    """Ask again in ten minutes."""
    return c.PostponeRequest(request=request, until=now(n).at + timedelta(seconds=600))


def give(request: str, grant: str) -> c.AnyCommand:
    """Begin a grant."""
    return c.GiveGrant(request=request, grant=grant, tag="00")


def begin_trial(grant: str) -> c.AnyCommand:
    """Begin a trial."""
    return c.BeginTrial(grant=grant)


def end_trial(grant: str) -> c.AnyCommand:
    """End a trial without a verdict."""
    return c.EndTrial(grant=grant)


def pause(grant: str, *, hold: bool) -> c.AnyCommand:
    """Pause or resume."""
    return c.PauseGrant(grant=grant, pause=hold)


def revoke(grants: tuple[str, ...], *, by_operator: bool, requests: tuple[str, ...] = ()) -> c.AnyCommand:
    """Revoke grants, and decline requests."""
    return c.RevokeGrants(
        grants=grants, requests=requests, revoked_by="operator" if by_operator else "customer"
    )


def checked(state: State, who: str) -> tuple[str, ...]:
    """Return the requests of an account with an entry that Windows has not answered."""
    return tuple(r.id for r in checked_requests(state) if LETTERS[r.account.sid] == who)


def reject(grant: str) -> c.AnyCommand:
    """End a grant whose password Windows refused."""
    return c.RejectGrant(grant=grant, rejection="password_refused")


def note_call(subject: str) -> c.AnyCommand:
    """Note a call that changes nothing."""
    return c.NoteCall(subject=subject)


def apply(
    name: str,
    operator: str,
    permit: str,
    action: str,
    step: str,
    boot: int,
    desktop: str,
    others: tuple[str, ...],
    tried: str | None,
) -> c.AnyCommand:
    """Use the session's grant."""
    return c.ApplyGrant(
        by=OPERATORS[operator],
        name=name,
        permit=permit,
        action=action,  # type: ignore[arg-type]
        boot_id=boot_id(boot),
        step=step or None,
        message="",
        within=float(WITHIN),
        desktop=desktop,  # type: ignore[arg-type]
        others=others,
        tried=tried,
    )


def redeem(permit: str, boot: int, windows_session: int) -> c.AnyCommand:
    """Redeem a permit."""
    return c.RedeemPermit(permit=permit, boot_id=boot_id(boot), windows_session=windows_session)


def report(permit: str, *, refused: bool) -> c.AnyCommand:
    """Report what Windows said to a logon."""
    return c.ReportLogon(permit=permit, rejection="password_refused" if refused else None)


def cancel_permit(permit: str) -> c.AnyCommand:
    """Note that Windows refused to restart."""
    return c.CancelPermit(permit=permit, detail="refused")


def close_desktop(permit: str, how: str) -> c.AnyCommand:
    """Note a closed desktop."""
    return c.CloseDesktop(permit=permit, how=how)  # type: ignore[arg-type]


def record_erasure(grant: str, wall: int) -> c.AnyCommand:
    """Note that nothing was found on the disk."""
    return c.RecordErasure(grant=grant, erasure=Erasure(moment(wall), True, ()))  # noqa: FBT003


def recover(sealed: tuple[str, ...]) -> c.AnyCommand:
    """Settle what a crash interrupted."""
    return c.Recover(sealed=sealed)


def see_boot(boot: int, permit: str) -> c.AnyCommand:
    """See the present boot."""
    return c.SeeBoot(boot_id=boot_id(boot), permit=permit)


def see_sign_ins(desktops: tuple[Desktop, ...], *, automatic: bool) -> c.AnyCommand:
    """See the Windows sessions; `automatic`: Windows may sign an account in by itself."""
    sessions = tuple(c.SeenSession(ACCOUNTS[d.who].sid, d.session, d.console, d.open) for d in desktops)
    return c.SeeSignIns(sessions=sessions, auto_logon=automatic)


TICK = c.Tick()
AT_START = c.AT_START
