# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Broken rules, each one change of the text of a function of the domain. The explorer must find every one."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any, NamedTuple
from unittest.mock import patch


class Mutant(NamedTuple):
    """A broken rule.

    Attributes:
        name: what is broken.
        changes: the functions, as `module.function` or `module.Class.property`, each with a part of its text and
            what stands there instead. Two where one rule backs up the other.
        run: the run that finds it.
        kinds: the violations by which it is found.
    """

    name: str
    changes: tuple[tuple[str, str, str], ...]
    run: str
    kinds: tuple[str, ...]


MUTANTS = (
    Mutant(
        "one party is enough at the logon screen",
        (("permits.redeemable", "permit.id in held or not _of_two(state, permit)", "True"),),
        "two parties at logon",
        ("told_without_half", "redeemed_by_one_party"),
    ),
    Mutant(
        "a use of two parties is given back for ever",
        (("permits._is_given_back", "sum(not one.foreign for one in earlier) < agreed", "True"),),
        "two parties, in vain",
        ("restarts_exceed_terms",),
    ),
    Mutant(
        "redeemed in any boot",
        (("permits._may_redeem", "return right_boot and", "return"),),
        "restart asked",
        ("own_lock_opened",),
    ),
    Mutant(
        "redeemed before the terms begin",
        (("permits._may_redeem", "and has_begun", ""),),
        "night, restart",
        ("used_with_slow_clock", "used_before_window"),
    ),
    Mutant(
        "redeeming is not recorded",
        (("evolve._permit", "state=after", 'state=permit.state if given == "redeem" else after'),),
        "at logon",
        ("handed_out_twice", "handed_out_unrecorded"),
    ),
    Mutant(
        "an opened desktop is never due",
        (("permits.lapse", "if may_stay_open(state, permit, now)", "if True"),),
        "unlocked",
        ("left_open",),
    ),
    Mutant(
        "a use is not counted",
        (
            (
                "evolve._count",
                "draft.grants[grant.id] = replace(grant, left=left)",
                "draft.grants[grant.id] = grant",
            ),
        ),
        "restart asked",
        ("uses_exceed_terms", "restarts_exceed_terms"),
    ),
    Mutant(
        "a paused grant is applied",
        (("grants.must_hold", "grant.state is GrantState.PAUSED", "False"),),
        "two operators",
        ("used_while_paused",),
    ),
    Mutant(
        "a new grant replaces none",
        (("requests.give", "if grant.account.sid == request.account.sid", "if False"),),
        "asking twice",
        ("two_grants",),
    ),
    Mutant(
        "the end of a session ends no grant",
        (("decision.end_session", "for grant in live_grants(state, session.id)", "for grant in []"),),
        "two operators",
        ("grant_without_session",),
    ),
    Mutant(
        "a restart need not lock",
        (("grants.apply", 'must_lock=command.action == "restart"', "must_lock=False"),),
        "redeemed",
        ("open_must_lock",),
    ),
    Mutant(
        "a logon closes nothing",
        (("permits._logged_on", "if relock_at is None:", "if False:"),),
        "redeemed",
        ("open_must_lock",),
    ),
    Mutant(
        "a logon without a report is not seen",
        (("permits._signed_in", "if is_awaited:", "if False:"),),
        "redeemed",
        ("open_must_lock",),
    ),
    Mutant(
        "a logon that was given up is not seen",
        (("permits._signed_in", "{PermitState.REDEEMED, PermitState.REFUSED}", "{PermitState.REDEEMED}"),),
        "redeemed",
        ("open_must_lock",),
    ),
    Mutant(
        "any open desktop of the account is the logon's",
        (("permits.opened_by", "return session.console or", "return True or"),),
        "redeemed",
        ("open_must_lock", "left_open"),
    ),
    Mutant(
        "a logon that was given up stays open",
        (
            ("permits._awaited", "if permit.state is PermitState.REDEEMED", "if True"),
            ("permits._open_until", "or is_late", ""),
            ("permits._logged_on", "permit.redeemed_at or now.at", "now.at"),
        ),
        "unlock redeemed",
        ("opened_though_given_up",),
    ),
    Mutant(
        "a permit outlives a sign-in by hand",
        (("permits._signed_in", "if permit.state is PermitState.ISSUED", "if False"),),
        "at logon",
        ("own_lock_opened",),
    ),
    Mutant(
        "a void restart is forgotten",
        (("model.is_under_way", "or permit.is_unseen or may_restart(permit, boot_id)", ""),),
        "void restart",
        ("automatic_sign_in_left_open",),
    ),
    Mutant(
        "the interval is ignored",
        (("grants.not_too_soon", "> 0", "> 1e9"),),
        "soon again",
        ("restarts_too_close",),
    ),
    Mutant(
        "the permit is on another grant than the tried one",
        (("grants.live_grant", "if tried is None else state.grants.get(tried)", ""),),
        "two accounts",
        ("other_grant_used",),
    ),
    Mutant(
        "a use before its terms begin",
        (("grants._within", "if now.opens < terms.not_before", "if False"),),
        "night",
        ("used_before_window",),
    ),
    Mutant(
        "a clock set forward opens", (("clock.Now.opens", "min(", "max("),), "night", ("used_before_window",)
    ),
    Mutant(
        "a clock set back prolongs",
        (("clock.Now.ends", "max(self.at, self.wall)", "self.wall"),),
        "night",
        ("lives_too_long",),
    ),
    Mutant(
        "a grant never expires",
        (("decide._grants", "if now.ends >=", "if False and now.ends >="),),
        "day, clock",
        ("lives_too_long",),
    ),
    Mutant(
        "a call is not noted",
        (("idempotency.with_call", "if not key:", "if True:"),),
        "sent again",
        ("sent_again_changes:start", "sent_again_changes:end"),
    ),
    Mutant(
        "a call that changes nothing is not noted",
        (("idempotency.with_call", "if not key:", "if not key or not decision.events:"),),
        "sent again",
        ("sent_again_changes:start", "sent_again_changes:request"),
    ),
    Mutant(
        "anybody uses a session",
        (("decision.may_use", "not in", "is"),),
        "two operators",
        ("stranger:apply", "stranger:start", "stranger:request"),
    ),
    Mutant(
        "a lapsed use is given back",
        (("permits._lapsed", "why=why, refund=refund", "why=why, refund=True"),),
        "two restarts",
        ("restarts_exceed_terms", "refunded_though_under_way"),
    ),
    Mutant(
        "an end is not read back",
        (
            (
                "decision.end_grant",
                "(fx.ConfirmErasure(grant=grant.id),)",
                "(fx.SummonCompanion(account=grant.account),)",
            ),
        ),
        "two operators",
        ("erasure_forgotten",),
    ),
    Mutant(
        "a refused logon ends nothing",
        (("permits._logon_refused", "if command.passes", "if True"),),
        "refused by Windows",
        ("refused_password_tried_again",),
    ),
    Mutant(
        "a lost verdict is no trial",
        (("permits._after_trial", "is_second = grant.is_doubtful and", "is_second = False and"),),
        "two verdicts lost",
        ("refused_password_tried_again",),
    ),
    Mutant(
        "the customer is not told",
        (("evolve._notice", "draft.notices[notice.id] = notice", "pass"),),
        "two operators",
        ("customer_not_told",),
    ),
    Mutant(
        "an ended grant's desktop stays open",
        (
            (
                "decision.end_grant",
                'return decision if ended.how == "use_up" else',
                "return decision if True else",
            ),
        ),
        "unlocked",
        ("open_after_end",),
    ),
    Mutant(
        "a dead request is made",
        (("requests.ask", "if answer_by <= now.ends", "if False"),),
        "asking",
        ("dead_request",),
    ),
    Mutant(
        "restarts by others need no agreement",
        (("recovery._why_omitted", "if not grant.terms.foreign_restarts", "if False"),),
        "two restarts",
        ("not_agreed",),
    ),
    Mutant(
        "a report blocks nobody",
        (("requests._spared", "if command.by.sid in state.blocked", "if False"),),
        "leave me alone",
        ("asked_after_report",),
    ),
    Mutant(
        "a customer is reminded again and again",
        (("requests.reminder_at", "or request.reminded_at is not None", ""),),
        "asking",
        ("reminded_too_often",),
    ),
    Mutant(
        "a customer who said later is reminded all the same",
        (("requests.reminder_at", "request.was_postponed or", ""),),
        "asking",
        ("reminded_too_often",),
    ),
    Mutant(
        "not today means now",
        (("requests._spared", "and now.opens < until", "and False"),),
        "leave me alone",
        ("asked_when_not_wanted",),
    ),
    Mutant(
        "a challenge serves any number of requests",
        (("challenges.open_challenge", "if found.used:", "if False:"),),
        "signed",
        ("challenge_answered_twice",),
    ),
    Mutant(
        "a challenge serves another session",
        (("challenges.open_challenge", "or found.session != session", ""),),
        "signed",
        ("challenge_stretched",),
    ),
    Mutant(
        "a challenge has no end",
        (("challenges.open_challenge", "if found.expires_at <= now.ends:", "if False:"),),
        "signed",
        ("challenge_stretched",),
    ),
    Mutant(
        "an open request survives another authority",
        (("requests.pin", "and not counts(r.signed, pinned, policy)", "and False"),),
        "signed",
        ("untrusted_open",),
    ),
    Mutant(
        "another person's window is taken for the signer's own",
        (("challenges.is_same_signer", "(one.requester, one.key) == (other.requester, other.key)", "True"),),
        "signed",
        ("other_signer",),
    ),
    Mutant(
        "a covered request uses no challenge",
        (
            (
                "requests._used_challenge",
                "return (e.ChallengeUsed(at=now.at, nonce=challenge.nonce),)",
                "return ()",
            ),
        ),
        "signed",
        ("challenge_answered_twice",),
    ),
    Mutant(
        "nine entries",
        (("requests.try_entry", ">= TRIES", ">= 9"), ("requests.refused_entry", "< TRIES", "< 9")),
        "asking",
        ("third_entry",),
    ),
    Mutant(
        "a paused grant is redeemed",
        (
            ("permits._may_redeem", "and grant.state is GrantState.ACTIVE", ""),
            ("grants.pause", "in issued_permits(state, grant.id)", "in []"),
        ),
        "at logon",
        ("used_while_paused",),
    ),
    Mutant(
        "an ended grant is redeemed",
        (
            ("permits._may_redeem", "and grant.state is GrantState.ACTIVE", ""),
            ("decision.end_grant", "in issued_permits(state, grant.id)", "in []"),
        ),
        "at logon",
        ("used_after_end",),
    ),
    Mutant(
        "a permit lives on",
        (
            ("permits._may_redeem", "and not is_over", ""),
            ("permits.lapse", "if now.at >= last_moment(permit)", "if False"),
        ),
        "at logon",
        ("redeemed_late",),
    ),
)


@contextmanager
def broken(mutant: Mutant) -> Iterator[None]:
    """Break the rule, wherever it is used."""
    with ExitStack() as stack:
        for function, old, new in mutant.changes:
            _break(function, old, new, stack)
        yield


def _break(function: str, old: str, new: str, stack: ExitStack) -> None:
    module, *owners, name = function.split(".")
    home: Any = import_module(f"latchkey_agent.domain.{module}")
    for owner in owners:
        home = getattr(home, owner)
    before = vars(home)[name]
    if isinstance(before, property):
        stack.enter_context(patch.object(home, name, property(_changed(before.fget, old, new))))
    else:
        _replace(before, _changed(before, old, new), stack)


def _changed(function: Any, old: str, new: str) -> Any:
    source = textwrap.dedent(inspect.getsource(function)).replace("@property\n", "")
    assert old in source, f"{function.__qualname__} no longer says {old!r}"
    made: dict[str, Any] = {}
    changed = source.replace(old, new, 1)
    exec(compile(changed, function.__qualname__, "exec"), function.__globals__, made)  # noqa: S102 - our own source
    return made[function.__name__]


def _replace(before: Any, after: Any, stack: ExitStack) -> None:
    for name, module in list(sys.modules.items()):
        if not name.startswith(("latchkey_agent.domain", "tests.explorer")):
            continue
        for key, value in list(vars(module).items()):
            if value is before:
                stack.enter_context(patch.object(module, key, after))
        for table in (v for k, v in list(vars(module).items()) if k == "_RULES"):
            changed = {key: after for key, value in table.items() if value is before}
            stack.enter_context(patch.dict(table, changed))
