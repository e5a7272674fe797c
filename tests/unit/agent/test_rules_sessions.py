# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for sessions and for repeated calls alone: each decision whole, each refusal with its words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from latchkey_agent.domain import Now, idempotency, sessions
from latchkey_agent.domain import commands as c
from latchkey_agent.domain import effects as fx
from latchkey_agent.domain import events as e
from latchkey_agent.domain.decision import Decision
from latchkey_agent.domain.evolve import fold
from latchkey_agent.domain.model import Call, Checkpoint, Notice, Requester, State, SupportSession
from latchkey_agent.domain.policy import Policy
from latchkey_agent.domain.refusal import Refused
from latchkey_agent.domain.transitions import SessionState
from tests.unit.agent.bench import at
from tests.unit.agent.world import ADMIN, ANNA, BEN, START

NOW = at(START)
HOUR = timedelta(hours=1)
REQUESTER = Requester("Karla Kern", "Kern IT", "technician")
FIRST = c.StartSession(
    by=ADMIN,
    operators=(BEN,),
    session="s-1",
    name="CHG-1",
    requester=REQUESTER,
    reason="Monthly updates",
    ticket="T-1",
    ends_at=START + HOUR,
)
SESSION = SupportSession(
    id="s-1",
    name="CHG-1",
    owner=ADMIN,
    operators=(BEN,),
    requester=REQUESTER,
    reason="Monthly updates",
    ticket="T-1",
    started_at=START,
    ends_at=START + HOUR,
)
STATE = State(sessions={"s-1": SESSION})
AGAIN = replace(FIRST, session="s-2")


def refusal(rule: Any, *arguments: Any) -> tuple[str, dict[str, Any]]:
    """Return code and places of the refusal of a command."""
    with pytest.raises(Refused) as caught:
        rule(*arguments)
    return caught.value.code, caught.value.places


def test_a_session_starts_with_what_was_asked() -> None:
    """Every word of the command is in the event, and the answer is about the new session."""
    started = e.SessionStarted(
        at=START,
        session="s-1",
        name="CHG-1",
        owner=ADMIN,
        operators=(BEN,),
        requester=REQUESTER,
        reason="Monthly updates",
        ticket="T-1",
        ends_at=START + HOUR,
    )
    assert sessions.start(State(), FIRST, NOW, Policy()) == Decision((started,), subject="s-1")


def test_a_session_beyond_the_policy_is_refused_with_the_latest_time() -> None:
    """A session that is cut silently would make its later requests fail for a reason that is not theirs."""
    command = replace(FIRST, ends_at=START + 24 * HOUR + timedelta(seconds=1))
    detail = "a support session lasts 24 h at most, so this one would end by " + (
        START + 24 * HOUR
    ).isoformat(timespec="minutes")
    refused = ("policy_refuses", {"detail": detail})
    assert refusal(sessions.start, State(), command, NOW, Policy(max_session_hours=24)) == refused


@pytest.mark.parametrize(("asked", "meant"), [(None, 24), (HOUR, 1), (23 * HOUR, 23), (24 * HOUR, 24)])
def test_a_session_ends_when_it_is_asked_to_and_after_the_policys_time_at_the_latest(
    asked: timedelta | None, meant: int
) -> None:
    """Without an end it lasts as long as the policy allows."""
    command = replace(FIRST, ends_at=None if asked is None else START + asked)
    decision = sessions.start(State(), command, NOW, Policy(max_session_hours=24))
    assert [event.ends_at for event in decision.events if isinstance(event, e.SessionStarted)] == [
        START + meant * HOUR
    ]


@pytest.mark.parametrize("ends_at", [START, START - HOUR])
def test_a_session_that_would_be_over_at_once_is_refused(ends_at: Any) -> None:
    """The later of the agent's time and the PC's clock counts."""
    refused = ("bad_time", {"field": "ends", "detail": "the session would be over before it begins"})
    assert refusal(sessions.start, State(), replace(FIRST, ends_at=ends_at), NOW, Policy()) == refused
    ahead = Now(START - 2 * HOUR, START, 0.0)
    assert refusal(sessions.start, State(), replace(FIRST, ends_at=ends_at), ahead, Policy()) == refused


def test_a_session_needs_a_reason_and_perhaps_a_ticket() -> None:
    """Whether it needs a ticket is the policy's."""
    assert refusal(sessions.start, State(), replace(FIRST, reason=""), NOW, Policy()) == (
        "reason_missing",
        {},
    )
    bare, strict = replace(FIRST, ticket=""), Policy(require_ticket=True)
    assert sessions.start(State(), bare, NOW, Policy()).events
    assert sessions.start(State(), FIRST, NOW, strict).events
    refused = ("policy_refuses", {"detail": "a support session needs a ticket"})
    assert refusal(sessions.start, State(), bare, NOW, strict) == refused


@pytest.mark.parametrize(
    "same", [{}, {"reason": ""}, {"ticket": ""}, {"by": BEN}, {"operators": (ADMIN,)}, {"operators": ()}]
)
def test_a_started_session_is_joined(same: dict[str, Any]) -> None:
    """What is not said is not compared, and the owner may be named as an operator."""
    assert sessions.start(STATE, replace(AGAIN, **same), NOW, Policy()) == Decision(subject="s-1")


@pytest.mark.parametrize(
    ("other", "detail"),
    [
        ({"reason": "Another"}, "its reason is 'Monthly updates'"),
        ({"ticket": "T-2"}, "its ticket is 'T-1'"),
        ({"operators": (BEN, ANNA)}, "it started without the operator PC-07\\anna"),
    ],
)
def test_a_started_session_is_not_joined_for_another_purpose(other: dict[str, Any], detail: str) -> None:
    """The customer may have read what the session is for and whose it is."""
    refused = ("session_in_use", {"session": "CHG-1", "detail": detail})
    assert refusal(sessions.start, STATE, replace(AGAIN, **other), NOW, Policy()) == refused


def test_a_started_session_is_joined_by_its_own_accounts_only() -> None:
    """Another account is told whose it is."""
    code, places = refusal(sessions.start, STATE, replace(AGAIN, by=ANNA), NOW, Policy())
    assert (code, places["session"], places["detail"]) == ("not_owner", "CHG-1", ADMIN.qualified)


@pytest.mark.parametrize("other", [{"name": "CHG-2"}, {"state": SessionState.ENDED}])
def test_only_a_started_session_of_that_name_is_joined(other: dict[str, Any]) -> None:
    """One of another name and one that is over do not count."""
    state = State(sessions={"s-1": replace(SESSION, **other)})
    assert sessions.start(state, AGAIN, NOW, Policy()).subject == "s-2"


def test_an_ended_session_stays_ended() -> None:
    """The answer is about the latest one of that name; a name that was never used is refused."""
    over = {
        number: replace(SESSION, id=number, name=name, state=SessionState.ENDED)
        for number, name in (("s-1", "CHG-1"), ("s-2", "CHG-1"), ("s-3", "CHG-2"))
    }
    state = State(sessions=over)
    assert sessions.end(state, c.EndSession(name="CHG-1"), NOW, Policy()) == Decision(subject="s-2")
    refused = ("no_session", {"session": "CHG-3"})
    assert refusal(sessions.end, state, c.EndSession(name="CHG-3"), NOW, Policy()) == refused


def test_a_started_session_ends() -> None:
    """The event says that it was ended, and when."""
    decision = sessions.end(STATE, c.EndSession(name="CHG-1"), NOW, Policy())
    assert decision.events == (e.SessionEnded(at=START, session="s-1", how="end"),)
    assert decision.subject == "s-1"


SETTLED = replace(
    SESSION, state=SessionState.ENDED, ended_at=START, settled_steps=("one", "two"), ends_at=START + HOUR
)


@pytest.mark.parametrize("steps", [("one",), ("two", "one")])
def test_a_job_that_is_launched_again_starts_no_session_for_settled_steps(steps: tuple[str, ...]) -> None:
    """The ended session is returned, also to an operator that it named, and nothing is journalled."""
    for by in (ADMIN, BEN):
        command = replace(AGAIN, by=by, settled_steps=steps)
        state = State(sessions={"s-1": SETTLED})
        assert sessions.start(state, command, NOW, Policy()) == Decision(subject="s-1")


@pytest.mark.parametrize(
    ("session", "change"),
    [
        (SETTLED, {"settled_steps": ("one", "three")}),
        (SETTLED, {"settled_steps": ()}),
        (SETTLED, {"settled_steps": ("one",), "name": "CHG-2"}),
        (SETTLED, {"settled_steps": ("one",), "by": ANNA}),
        (SETTLED, {"settled_steps": ("one",), "reason": "An urgent patch"}),
        (SETTLED, {"settled_steps": ("one",), "ticket": "T-2"}),
        (replace(SETTLED, settled_steps=()), {"settled_steps": ("one",)}),
        (replace(SETTLED, ends_at=START), {"settled_steps": ("one",)}),
    ],
    ids=[
        *(
            "another step",
            "none named",
            "another name",
            "another account",
            "another reason",
            "another ticket",
        ),
        *("none settled", "its time is over"),
    ],
)
def test_other_work_starts_a_session(session: SupportSession, change: dict[str, Any]) -> None:
    """A name means the same work for its own accounts only, and until the end that the session had agreed."""
    command = replace(AGAIN, **change)
    decision = sessions.start(State(sessions={"s-1": session}), command, NOW, Policy())
    assert decision.subject == "s-2"
    assert len(decision.events) == 1


def test_the_latest_session_of_a_name_counts() -> None:
    """Not an older one that had settled the steps."""
    newer = replace(SETTLED, id="s-3", settled_steps=())
    state = State(sessions={"s-1": SETTLED, "s-3": newer})
    assert sessions.start(state, replace(AGAIN, settled_steps=("one",)), NOW, Policy()).subject == "s-2"


def test_the_end_keeps_the_settled_steps() -> None:
    """In the journal, and from there in the state."""
    decision = sessions.end(STATE, c.EndSession(name="CHG-1", settled_steps=("one",)), NOW, Policy())
    assert decision.events == (e.SessionEnded(at=START, session="s-1", how="end", settled_steps=("one",)),)
    assert fold(STATE, decision.events).sessions["s-1"].settled_steps == ("one",)


def checkpoint(step: str, state: Any) -> c.SetCheckpoint:
    """Return a command of the session's owner."""
    return c.SetCheckpoint(by=ADMIN, name="CHG-1", step=step, state=state)


@pytest.mark.parametrize(
    ("step", "state", "is_change"),
    [
        ("one", "done", False),
        ("one", "started", True),
        ("one", None, True),
        ("two", None, False),
        ("two", "done", True),
        ("three", "started", True),
    ],
)
def test_a_checkpoint_is_set_if_it_differs(step: str, state: Any, *, is_change: bool) -> None:
    """Removing one that is not there changes nothing either; a step that begins again has a new beginning."""
    known = {"one": Checkpoint("done", START), "three": Checkpoint("started", START)}
    session = replace(SESSION, checkpoints=known)
    decision = sessions.set_checkpoint(
        State(sessions={"s-1": session}), checkpoint(step, state), NOW, Policy()
    )
    event = e.CheckpointSet(at=START, session="s-1", step=step, state=state)
    assert decision == Decision((event,) if is_change else (), subject="s-1")


def test_a_session_has_500_checkpoints_at_most() -> None:
    """A known one can still be changed."""
    most = {f"{number}": Checkpoint("started", START) for number in range(500)}
    full = State(sessions={"s-1": replace(SESSION, checkpoints=most)})
    refused = ("policy_refuses", {"detail": "at most 500 checkpoints for a session"})
    assert refusal(sessions.set_checkpoint, full, checkpoint("one more", "done"), NOW, Policy()) == refused
    assert sessions.set_checkpoint(full, checkpoint("7", "done"), NOW, Policy()).events
    del most["0"]
    assert sessions.set_checkpoint(full, checkpoint("one more", "done"), NOW, Policy()).events


def test_a_checkpoint_is_set_by_the_sessions_own_accounts_only() -> None:
    """In a started session of that name."""
    command = replace(checkpoint("one", "done"), by=ANNA)
    assert refusal(sessions.set_checkpoint, STATE, command, NOW, Policy())[0] == "not_owner"
    command = replace(checkpoint("one", "done"), name="CHG-2")
    assert refusal(sessions.set_checkpoint, STATE, command, NOW, Policy())[0] == "no_session"


def test_a_customer_closes_their_own_notices() -> None:
    """Those of others and those that are gone are left out; without any there is nothing to journal."""
    notices = {
        number: Notice(id=number, account=account.sid, kind="failed", at=START, ticket="")
        for number, account in (("1", ANNA), ("2", BEN), ("3", ANNA))
    }
    command = c.CloseNotices(account=ANNA.sid, notices=("3", "2", "1", "gone"))
    closed = e.NoticesClosed(at=START, notices=("3", "1"))
    assert sessions.close_notices(State(notices=notices), command, NOW, Policy()) == Decision((closed,))
    assert sessions.close_notices(State(), command, NOW, Policy()) == Decision()


# --- repeated calls -----------------------------------------------------------------------------


def test_a_call_is_noted_on_its_first_event() -> None:
    """Everything else of the decision stays; a call without a key is not noted."""
    events = tuple(e.SessionEnded(at=START, session=f"s-{number}", how="end") for number in range(3))
    decision = Decision(events, (fx.SummonCompanion(account=ANNA),), "s-1")
    noted = idempotency.with_call(decision, "end 1", START)
    call = Call("end 1", "s-1", changed=True)
    assert noted == replace(decision, events=(replace(events[0], call=call), *events[1:]))
    assert idempotency.with_call(decision, "", START) == decision


def test_a_call_that_changed_nothing_is_noted_by_itself() -> None:
    """Its event names the moment, and the call as one without a change."""
    noted = idempotency.with_call(Decision(subject="s-1"), "end 1", START)
    call = Call("end 1", "s-1", changed=False)
    assert noted == Decision((e.CallNoted(at=START, call=call),), subject="s-1")
    assert not noted.is_change


def test_noting_a_call_is_about_its_subject() -> None:
    """It decides nothing else."""
    command = c.NoteCall(subject="s-1")
    assert idempotency.note(State(), command, NOW, Policy()) == Decision(subject="s-1")


def test_a_call_is_known_by_its_key() -> None:
    """Another key is a new call."""
    call = Call("end 1", "s-1", changed=True)
    state = State(calls={"end 1": call})
    assert idempotency.done_before(state, "end 1") == call
    assert idempotency.done_before(state, "end 2") is None
