# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Begins the next step in the task that has ended the restart before it: each task costs the controller time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from . import _answers as ans
from ._failure import Failure

if TYPE_CHECKING:
    from ._agent_client import Agent
    from ._wait_clock import Clock

_SECONDS = 60.0
"""Longest time to retry a lost connection."""


@dataclass(frozen=True)
class NextStep:
    """The step to begin. `bounds` are the fields of its maintenance window."""

    session: str
    step: str
    bounds: dict[str, Any]

    def begin(self, agent: Agent, clock: Clock) -> dict[str, Any]:
        """Set the checkpoint of the step to started; return the values for the task's result.

        A step that may not begin does not: the restart before it has succeeded, and this task says that. A later task
        that begins the step says the reason.
        """
        try:
            answer = agent.change(
                ans.CheckpointAnswer,
                "checkpoint",
                clock.deadline(_SECONDS),
                session=self.session,
                step=self.step,
                state="started",
                **self.bounds,
            ).result
        except Failure:
            return {"begun": ""}
        checkpoints = {name: asdict(one) for name, one in answer.checkpoints.items()}
        return {"begun": self.step, "boot_id": answer.boot_id, "checkpoints": checkpoints}
