# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a history (see `play`), kept outside of the agent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from latchkey_agent.domain.model import Account


@dataclass
class Ledger:
    """The facts of a history, which no crash of the agent erases."""

    entered: dict[str, bytes] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    handed: Counter[str] = field(default_factory=Counter)
    by_grant: Counter[str] = field(default_factory=Counter)
    entries: Counter[str] = field(default_factory=Counter)
    jumped: bool = False
    restarts: int = 0
    by_hand: set[Account] = field(default_factory=set)
