# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No changed input stops a reader of halves, and the fuzzer would find one that does, or that gives a half away."""

from __future__ import annotations

import importlib
from unittest.mock import patch

import pytest

from latchkey_agent.storage import hpke
from tests.unit.plugins import fuzz_halves as fuzzer
from tests.unit.plugins.fuzz_signed_requests import PLUGINS, Finding, fuzz


def test_no_input_stops_a_reader() -> None:
    """Of some thousand inputs each is read or refused; `python -m` with the fuzzer's name tries a million."""
    kinds = fuzz(fuzzer.readers(), 6000, 18)
    assert sorted(kinds.values())[1] >= 5
    assert min(kinds.values()) >= 1


def test_another_exception_is_found() -> None:
    """A delivery that is too short would end the call of an agent that does not expect it."""
    with patch.object(fuzzer, "HalfError", ZeroDivisionError), pytest.raises(Finding, match="HalfError"):
        fuzz(fuzzer.readers(), 2000, 18)


def test_a_delivery_that_is_not_checked_is_found() -> None:
    """A changed delivery that opens is a finding."""
    careless = patch.object(hpke, "open_sealed", lambda *_: bytearray(fuzzer.HALF))
    with careless, pytest.raises(Finding, match="a changed delivery opens"):
        fuzz(fuzzer.readers(), 2000, 18)


def test_a_wish_that_is_not_compared_is_found() -> None:
    """A half that is given for another use than the task's is a finding."""
    halves = importlib.import_module(f"{PLUGINS}._half_answers")
    careless = patch.object(halves, "_require_meant", lambda *_: None)
    signed = [one for one in fuzzer.readers() if one.name == "a PC's wish that it has signed"]
    with careless, pytest.raises(Finding, match="a half is given for another text"):
        fuzz(signed, 20_000, 18)
