# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixture that makes a test's password, and the search for that password.

from tests.canary import canary, search  # the import makes the fixture available
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.canary import (
    Find,
    make,
    search,
    search_bytes,
    search_memory,
    search_processes,
    text_forms,
    variants,
)
from latchkey_agent.protocol.frames import wipe

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Find",
    "canary",
    "make",
    "search",
    "search_bytes",
    "search_memory",
    "search_processes",
    "text_forms",
    "variants",
]


@pytest.fixture
def canary() -> Iterator[bytearray]:
    """A new password for each test (UTF-16LE), overwritten after the test."""
    password = make()
    yield password
    wipe(password)
