# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credential provider's DLL, under Wine: from the agent's event to the packed credential."""

from __future__ import annotations

import importlib.util
import shutil
from typing import TYPE_CHECKING

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
    if not shutil.which("wine") or importlib.util.find_spec("ziglang") is None:
        print("left out: the provider's figure needs Wine and the ziglang wheel")
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
