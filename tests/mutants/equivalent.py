# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutants that no test can tell from the code, each with its reason.

`make mutants` leaves them out of its count. It fails if one no longer exists, or if a test kills it.
"""

from __future__ import annotations

_ALWAYS_GIVEN = "every notice is made with this value given, so the default is never used"

EQUIVALENT: dict[str, dict[str, str]] = {
    "domain/model.py": {
        "(while_away): while_away: bool = True -> while_away: bool = None": _ALWAYS_GIVEN,
        "(while_away): True -> False": _ALWAYS_GIVEN,
    },
}
"""By module and mutant, as `make mutants` prints them."""
