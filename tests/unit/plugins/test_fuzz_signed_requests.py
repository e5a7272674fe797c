# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No changed input stops a reader of signed requests, and the fuzzer would find one that does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from latchkey_agent.storage import ssh_certificate, ssh_signature
from latchkey_agent.storage.ssh_signature import SignatureError
from tests.unit.plugins import fuzz_signed_requests as fuzzer


@pytest.fixture
def pc(tmp_path: Path) -> Iterator[fuzzer.Pc]:
    """A PC that pins an authority."""
    made = fuzzer.Pc(tmp_path)
    yield made
    made.bench.stop()


def test_no_input_stops_a_reader(pc: fuzzer.Pc) -> None:
    """Of some thousand inputs each is read or refused; `python -m` with its name tries a million."""
    kinds = fuzzer.fuzz(fuzzer.readers(pc), 6000, 18)
    assert min(kinds.values()) >= 2
    assert kinds["a certificate that the authority issued"] >= 6
    assert kinds["a signed request, by the whole agent"] >= 4


def test_another_exception_is_found(pc: fuzzer.Pc) -> None:
    """A name that is no UTF-8 would end the call of a reader that does not expect it."""
    careless = patch.object(ssh_certificate, "_text", lambda value: value.decode("utf-8"))
    with careless, pytest.raises(fuzzer.Finding, match="UnicodeDecodeError"):
        fuzzer.fuzz(fuzzer.readers(pc), 20_000, 18)


def test_a_signature_that_is_not_checked_is_found(pc: fuzzer.Pc) -> None:
    """A certificate that counts although it was changed is a finding."""
    careless = patch.object(ssh_certificate, "_verify", lambda *_: None)
    with careless, pytest.raises(fuzzer.Finding, match="a changed certificate counts"):
        fuzzer.fuzz(fuzzer.readers(pc), 20_000, 18)


def test_an_input_that_takes_long_is_found(pc: fuzzer.Pc, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader must not be kept busy by one input."""

    def busy(_text: str) -> None:
        until = time.process_time() + 0.02
        while time.process_time() < until:
            pass
        raise SignatureError("at last")

    monkeypatch.setattr(fuzzer, "SECONDS", 0.01)
    monkeypatch.setattr(ssh_signature, "parse", busy)
    with pytest.raises(fuzzer.Finding, match=" took "):
        fuzzer.fuzz(fuzzer.readers(pc), 1000, 18)
