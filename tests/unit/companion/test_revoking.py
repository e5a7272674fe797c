# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking everything back: one click is enough, whether the agent is there or not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from latchkey_agent.companion import steps as s
from latchkey_agent.companion.texts import ENGLISH
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.companion.presenter_harness import Harness, failed, lent


@pytest.fixture
def harness() -> Harness:
    """A companion that has heard nothing yet."""
    return Harness()


def test_what_is_taken_back_while_the_agent_is_away_is_taken_back_when_it_returns(harness: Harness) -> None:
    """The customer has said it once; that is enough (rule 7)."""
    harness.shows(lent=[lent()])
    harness.happens(s.Lost())
    harness.happens(s.Picked("revoke"))
    harness.heard(cm.GrantRevoke, None)
    assert harness.message() == ENGLISH["revoke_lost"]
    harness.shows(lent=[lent()])
    assert harness.told(cm.GrantRevoke) == cm.GrantRevoke()
    harness.heard(cm.GrantRevoke)
    harness.happens(s.Lost())
    assert harness.shows(lent=[lent()]) == []


def test_a_revocation_that_nobody_heard_is_said(harness: Harness) -> None:
    """With what it means: nobody can use it while the agent is away."""
    harness.shows(lent=[lent()])
    harness.happens(s.Picked("revoke"))
    harness.heard(cm.GrantRevoke, None)
    assert harness.message() == ENGLISH["revoke_lost"]


@pytest.mark.parametrize("answer", [None, failed("storage_failed")])
def test_a_revocation_is_said_again_until_it_is_done(
    harness: Harness, answer: cm.CustomerAnswer | None
) -> None:
    """The agent is there and could not: nobody has to click again, and it is complained of once."""
    harness.shows(lent=[lent()])
    harness.happens(s.Picked("revoke"))
    harness.heard(cm.GrantRevoke, answer)
    assert harness.presenter.watches_screen
    for _ in range(2):
        assert harness.happens(s.Seen()) == []
        harness.now += timedelta(seconds=10)
        harness.happens(s.Seen())
        assert harness.heard(cm.GrantRevoke, answer) == []
    harness.now += timedelta(seconds=10)
    harness.happens(s.Seen())
    assert harness.heard(cm.GrantRevoke) == []
    harness.now += timedelta(seconds=10)
    assert harness.happens(s.Seen()) == []
    assert not harness.presenter.watches_screen


def test_a_clock_that_was_set_back_delays_no_revocation(harness: Harness) -> None:
    """It is said again at once."""
    harness.shows(lent=[lent()])
    harness.happens(s.Picked("revoke"))
    harness.heard(cm.GrantRevoke, None)
    harness.now -= timedelta(hours=1)
    harness.happens(s.Seen())
    assert harness.told(cm.GrantRevoke) == cm.GrantRevoke()


def test_what_was_over_when_the_agent_came_back_revokes_nothing_later(harness: Harness) -> None:
    """A new grant is the customer's new word."""
    harness.shows(lent=[lent()])
    harness.happens(s.Lost())
    harness.happens(s.Picked("revoke"))
    harness.heard(cm.GrantRevoke, None)
    harness.shows()
    harness.happens(s.Lost())
    harness.shows(lent=[lent(grant="g-2")])
    assert not [action for action in harness.done if isinstance(action, s.Tell)]
