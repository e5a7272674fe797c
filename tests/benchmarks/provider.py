# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credential provider's DLL, under Wine: from the agent's event to the packed credential."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.packaging.system_tools import WINE_ALONE
from tests.benchmarks.figures import Figure
from tests.native.bench import milliseconds
from tests.native.built import BarePC
from tests.native.programs import register

if TYPE_CHECKING:
    from pathlib import Path

GOAL = 50.0
SAMPLES = 200


def measure(folder: Path) -> list[Figure]:
    """Run whole logons with the real DLL; return no figure without Wine or the compiler."""
    if lacking := WINE_ALONE.missing():
        print(f"left out: the provider's figure ({lacking})")
        return []
    with BarePC(folder / "pc") as pc:
        register(pc)
        value = milliseconds(pc, SAMPLES)
    return [
        Figure(
            "permit redeemed by the credential provider after the agent's event",
            value,
            "ms",
            GOAL,
            where="twice asked whether there is a permit, once redeemed: a connection and a question to Wine's "
            "service manager each",
        )
    ]
