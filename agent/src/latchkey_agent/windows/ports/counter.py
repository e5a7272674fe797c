# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PC's counter against restored copies: none yet.

A TPM 2.0 can keep one (TPM2_NV_DefineSpace with TPMA_NV_COUNTER, TPM2_NV_Increment), but defining it
needs the owner's authorization, and nobody has tried on a real PC how Windows gives it to a service
(docs/verify-on-windows.md). A counter that silently does not count would be worse than none.
"""

from __future__ import annotations


class NoCounter:
    """Implements ports.MonotonicCounter for a PC without a counter."""

    def read(self) -> int | None:
        """Return None: there is no counter."""
        return None

    def advance(self) -> None:
        """Do nothing. The agent does not call this without a counter."""
