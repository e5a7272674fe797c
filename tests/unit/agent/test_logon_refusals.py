# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of Windows' refusals is complete and agrees with the codes of the lab's Windows."""

from __future__ import annotations

import pytest

from lab.simulated.codes import CODES
from latchkey_agent.domain import BY_WIN32, REFUSALS, LogonRefusal, reported, sentence


def test_every_refusal_has_one_row() -> None:
    """No refusal is without a sentence, and no two share one."""
    assert set(REFUSALS) == set(LogonRefusal)
    sentences = [row.sentence for row in REFUSALS.values()]
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("refusal", sorted(set(LogonRefusal) - {LogonRefusal.OTHER}))
def test_the_table_knows_the_numbers_of_the_labs_windows(refusal: LogonRefusal) -> None:
    """Each code that the lab took from Microsoft's lists leads to the same refusal in the agent."""
    code = CODES[refusal]
    same = {
        LogonRefusal.LOOKS_LIKE_PIN: LogonRefusal.WRONG_PASSWORD,
        LogonRefusal.BLANK_PASSWORD: LogonRefusal.ACCOUNT_RESTRICTION,
    }
    expected = same.get(refusal, refusal)
    assert BY_WIN32[code.win32] == expected
    assert reported(code.status, code.substatus) == expected


def test_unknown_codes_are_shown_as_numbers() -> None:
    """Codes that the table lacks reach the operator as numbers."""
    assert sentence(reported(0xC0000001, 5)) == "Windows answered 0xC0000001, 0x00000005"


def test_no_code_means_two_refusals() -> None:
    """Each number stands in one row."""
    win32 = [code for row in REFUSALS.values() for code in row.win32]
    ntstatus = [code for row in REFUSALS.values() for code in row.ntstatus]
    assert len(win32) == len(set(win32))
    assert len(ntstatus) == len(set(ntstatus))


def test_only_what_passes_is_temporary() -> None:
    """Nothing about the password or the account passes by itself; a locked account, too, is final."""
    passing = {refusal for refusal, row in REFUSALS.items() if row.is_temporary}
    assert passing == {
        LogonRefusal.LOGON_HOURS,
        LogonRefusal.NO_LOGON_SERVERS,
        LogonRefusal.DOMAIN_TRUST,
        LogonRefusal.CLOCK_SKEW,
        LogonRefusal.RESOURCES,
        LogonRefusal.RPC,
    }
