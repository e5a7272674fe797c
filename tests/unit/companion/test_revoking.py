# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking everything back: one click is enough, whether the agent is there or not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from latchkey_agent.companion import steps as s
from latchkey_agent.companion.texts import ENGLISH
from latchkey_agent.protocol import local_messages as p
from tests.unit.companion.desk import Desk, failed, lent


@pytest.fixture
def desk() -> Desk:
    """A companion that has heard nothing yet."""
    return Desk()


def test_what_is_taken_back_while_the_agent_is_away_is_taken_back_when_it_returns(desk: Desk) -> None:
    """The customer has said it once; that is enough (rule 7)."""
    desk.shows(lent=[lent()])
    desk.happens(s.Lost())
    desk.happens(s.Picked("revoke"))
    desk.heard(p.GrantRevoke, None)
    assert desk.message() == ENGLISH["revoke_lost"]
    desk.shows(lent=[lent()])
    assert desk.told(p.GrantRevoke) == p.GrantRevoke()
    desk.heard(p.GrantRevoke)
    desk.happens(s.Lost())
    assert desk.shows(lent=[lent()]) == []


def test_a_revocation_that_nobody_heard_is_said(desk: Desk) -> None:
    """With what it means: nobody can use it while the agent is away."""
    desk.shows(lent=[lent()])
    desk.happens(s.Picked("revoke"))
    desk.heard(p.GrantRevoke, None)
    assert desk.message() == ENGLISH["revoke_lost"]


@pytest.mark.parametrize("answer", [None, failed("storage_failed")])
def test_a_revocation_is_said_again_until_it_is_done(desk: Desk, answer: p.CustomerAnswer | None) -> None:
    """The agent is there and could not: nobody has to click again, and it is complained of once."""
    desk.shows(lent=[lent()])
    desk.happens(s.Picked("revoke"))
    desk.heard(p.GrantRevoke, answer)
    assert desk.presenter.watches_screen
    for _ in range(2):
        assert desk.happens(s.Seen()) == []
        desk.now += timedelta(seconds=10)
        desk.happens(s.Seen())
        assert desk.heard(p.GrantRevoke, answer) == []
    desk.now += timedelta(seconds=10)
    desk.happens(s.Seen())
    assert desk.heard(p.GrantRevoke) == []
    desk.now += timedelta(seconds=10)
    assert desk.happens(s.Seen()) == []
    assert not desk.presenter.watches_screen


def test_a_clock_that_was_set_back_delays_no_revocation(desk: Desk) -> None:
    """It is said again at once."""
    desk.shows(lent=[lent()])
    desk.happens(s.Picked("revoke"))
    desk.heard(p.GrantRevoke, None)
    desk.now -= timedelta(hours=1)
    desk.happens(s.Seen())
    assert desk.told(p.GrantRevoke) == p.GrantRevoke()


def test_what_was_over_when_the_agent_came_back_revokes_nothing_later(desk: Desk) -> None:
    """A new grant is the customer's new word."""
    desk.shows(lent=[lent()])
    desk.happens(s.Lost())
    desk.happens(s.Picked("revoke"))
    desk.heard(p.GrantRevoke, None)
    desk.shows()
    desk.happens(s.Lost())
    desk.shows(lent=[lent(grant="g-2")])
    assert not [action for action in desk.done if isinstance(action, s.Tell)]
