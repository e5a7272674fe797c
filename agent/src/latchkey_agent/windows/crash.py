# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Windows may keep of a process that crashes."""

from __future__ import annotations

from .win32 import api

WER_FAULT_REPORTING_FLAG_NOHEAP = 0x1


def keep_heap_out_of_reports() -> None:
    """Tell Windows Error Reporting to leave this process's heap out of its reports ("WerSetFlags", Microsoft Learn).

    A password that the process holds lies there. Where Windows refuses, the process runs all the same.
    """
    api.WerSetFlags(WER_FAULT_REPORTING_FLAG_NOHEAP)
