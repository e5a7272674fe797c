# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutants that no test can tell from the code, each with its reason.

`make mutants` leaves them out of its count. It fails if one no longer exists, or if a test kills it.
"""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {}
"""By module and mutant, as `make mutants` prints them."""
