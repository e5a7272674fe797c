# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The headers from which the provider is compiled agree with Microsoft's metadata."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from agent.packaging.system_tools import METADATA
from agent.packaging.workshop import ROOT
from tests.native.built import BarePC
from tests.needs import require


@pytest.fixture(scope="module")
def headers(pc: BarePC) -> dict[str, int | str]:
    """Sizes, offsets, places of methods, identifiers and numbers, as compiled."""
    values: dict[str, int | str] = json.loads(pc.run(program=r"C:\lab\layout.exe"))
    return values


def test_every_structure_method_and_number_is_as_in_microsofts_metadata(
    headers: dict[str, int | str],
) -> None:
    """Every structure and number that the provider shares with Windows."""
    require(METADATA)
    done = subprocess.run(
        [sys.executable, "-m", "tests.native.metadata"],
        cwd=ROOT, input=json.dumps(list(headers)), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == headers


def test_the_packed_credential_has_the_layout_that_lsa_reads(headers: dict[str, int | str]) -> None:
    """KERB_INTERACTIVE_UNLOCK_LOGON on 64-bit Windows, written out."""
    assert headers["size KERB_INTERACTIVE_UNLOCK_LOGON"] == 64
    names = ("MessageType", "LogonDomainName", "UserName", "Password")
    assert [headers[f"offset KERB_INTERACTIVE_LOGON {name}"] for name in names] == [0, 8, 24, 40]
    assert headers["offset KERB_INTERACTIVE_UNLOCK_LOGON LogonId"] == 56
