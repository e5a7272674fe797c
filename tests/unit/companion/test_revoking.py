# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revoking all grants: one click is enough, even while the agent is away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from latchkey_agent.companion import steps as s
from latchkey_agent.companion.texts import ENGLISH
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.companion.presenter_harness import Harness, failed, lent


@pytest.fixture
def harness() -> Harness:
    """Return a companion without a customer snapshot."""
    return Harness()


def test_a_revocation_while_the_agent_is_away_takes_effect_when_it_returns(harness: Harness) -> None:
    """One click is enough (rule 7)."""
    harness.show_snapshot(lent=[lent()])
    harness.handle(s.AgentLost())
    harness.handle(s.MenuPicked("revoke"))
    harness.agent_replies(cm.GrantRevoke, None)
    assert harness.message() == ENGLISH["revoke_lost"]
    harness.show_snapshot(lent=[lent()])
    assert harness.sent(cm.GrantRevoke) == cm.GrantRevoke()
    harness.agent_replies(cm.GrantRevoke)
    harness.handle(s.AgentLost())
    assert harness.show_snapshot(lent=[lent()]) == []


def test_the_customer_reads_that_the_agent_did_not_receive_a_revocation(harness: Harness) -> None:
    """The message also says that the grant cannot be used while the agent is away."""
    harness.show_snapshot(lent=[lent()])
    harness.handle(s.MenuPicked("revoke"))
    harness.agent_replies(cm.GrantRevoke, None)
    assert harness.message() == ENGLISH["revoke_lost"]


@pytest.mark.parametrize("answer", [None, failed("storage_failed")])
def test_a_revocation_is_repeated_until_the_agent_confirms_it(
    harness: Harness, answer: cm.CustomerAnswer | None
) -> None:
    """The agent answers but fails: the customer need not click again and sees one message."""
    harness.show_snapshot(lent=[lent()])
    harness.handle(s.MenuPicked("revoke"))
    harness.agent_replies(cm.GrantRevoke, answer)
    assert harness.presenter.needs_screen_checks
    for _ in range(2):
        assert harness.handle(s.ScreenChecked()) == []
        harness.now += timedelta(seconds=10)
        harness.handle(s.ScreenChecked())
        assert harness.agent_replies(cm.GrantRevoke, answer) == []
    harness.now += timedelta(seconds=10)
    harness.handle(s.ScreenChecked())
    assert harness.agent_replies(cm.GrantRevoke) == []
    harness.now += timedelta(seconds=10)
    assert harness.handle(s.ScreenChecked()) == []
    assert not harness.presenter.needs_screen_checks


def test_a_revocation_that_the_agent_cannot_journal_is_not_told_as_a_silent_agent(harness: Harness) -> None:
    """The agent runs and answers. A failure of another kind after the same click is told, too."""
    harness.show_snapshot(lent=[lent()])
    harness.handle(s.MenuPicked("revoke"))
    harness.agent_replies(cm.GrantRevoke, failed("storage_failed"))
    assert harness.message() == ENGLISH["revoke_failed"].format(code="storage_failed")
    harness.now += timedelta(seconds=10)
    harness.handle(s.ScreenChecked())
    harness.agent_replies(cm.GrantRevoke, None)
    assert harness.message() == ENGLISH["revoke_lost"]


def test_a_clock_that_was_set_back_does_not_delay_a_revocation(harness: Harness) -> None:
    """The companion repeats the request at once."""
    harness.show_snapshot(lent=[lent()])
    harness.handle(s.MenuPicked("revoke"))
    harness.agent_replies(cm.GrantRevoke, None)
    harness.now -= timedelta(hours=1)
    harness.handle(s.ScreenChecked())
    assert harness.sent(cm.GrantRevoke) == cm.GrantRevoke()


def test_an_old_revocation_does_not_revoke_a_later_grant(harness: Harness) -> None:
    """No grant was left when the agent came back; a later grant is a new decision of the customer."""
    harness.show_snapshot(lent=[lent()])
    harness.handle(s.AgentLost())
    harness.handle(s.MenuPicked("revoke"))
    harness.agent_replies(cm.GrantRevoke, None)
    harness.show_snapshot()
    harness.handle(s.AgentLost())
    harness.show_snapshot(lent=[lent(grant="g-2")])
    assert not [action for action in harness.actions if isinstance(action, s.SendToAgent)]
