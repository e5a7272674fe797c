# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits the contents of crash reports."""

from __future__ import annotations

from .win32 import api

WER_FAULT_REPORTING_FLAG_NOHEAP = 0x1


def keep_heap_out_of_reports() -> None:
    """Exclude this process's heap from Windows Error Reporting ("WerSetFlags", Microsoft Learn).

    The heap may contain a password. If Windows refuses, the process runs anyway.
    """
    api.WerSetFlags(WER_FAULT_REPORTING_FLAG_NOHEAP)
