# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims of the pages for which no rule's test stands: docs/claims.md names each of these."""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from pathlib import Path

import latchkey_agent
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.storage import key_slots
from tests.unit.agent.bench import Bench

SOURCE = Path(latchkey_agent.__file__).parent
NETWORK = {
    "asyncio",
    "ftplib",
    "http",
    "requests",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "urllib",
    "xmlrpc",
}
WRITES_REGISTRY = (
    r"SetValue|CreateKey|DeleteKey|DeleteValue|DeleteTree|KEY_ALL_ACCESS|KEY_WRITE|KEY_SET_VALUE"
)
WRITERS = {"windows/installation.py", "windows/registration.py", "windows/win32/registry.py"}
CHANGES_ACCOUNTS = r"NetUserSetInfo|NetUserAdd|NetUserDel|LsaAddAccountRights|LsaRemoveAccountRights"


def sources() -> dict[str, str]:
    """Return the agent's sources by their path."""
    return {path.relative_to(SOURCE).as_posix(): path.read_text("utf-8") for path in SOURCE.rglob("*.py")}


def imported(text: str) -> set[str]:
    """Return the first word of each module that a source imports."""
    nodes = list(ast.walk(ast.parse(text)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in names}


def test_the_agent_imports_no_module_of_the_network() -> None:
    """The agent has no means of its own to send anything to another computer."""
    assert {name for name, text in sources().items() if imported(text) & NETWORK} == set()


def test_the_agent_writes_no_setting_of_windows() -> None:
    """Three modules write to the registry: they register the agent, list its files and keep its own values."""
    assert {name for name, text in sources().items() if re.search(WRITES_REGISTRY, text)} == WRITERS
    assert {name for name, text in sources().items() if re.search(CHANGES_ACCOUNTS, text)} == set()


def test_a_receipt_says_how_long_the_desktop_was_open(bench: Bench, canary: bytearray) -> None:
    """The seconds from the logon to the lock stand at the use."""
    bench.at_logon_screen(canary)
    bench.world.lock_works = bench.world.disconnect_works = False
    bench.sign_in_with_permit()
    bench.world.now += timedelta(seconds=7)
    bench.world.lock_works = True
    assert bench.effects()
    [receipt] = bench.result(rq.SessionEnd(session="CHG-1"))["receipts"]
    assert [use["desktop_open_seconds"] for use in receipt["document"]["uses"]] == [7.0]


def test_windows_warns_as_long_as_agreed(bench: Bench, canary: bytearray) -> None:
    """The agent asks Windows for the warning that the terms name, in seconds."""
    bench.lend(canary, grace=90.0)
    bench.restart()
    assert bench.world.warnings == [90.0]


def test_key_slots_keep_their_size(bench: Bench, canary: bytearray) -> None:
    """Grants and their ends leave the file of key slots at its size."""
    size = key_slots.SIZE
    for session in ("CHG-1", "CHG-2", "CHG-3"):
        bench.lend(canary, session=session)
        assert (bench.folder / key_slots.NAME).stat().st_size == size
    bench.revoke()
    assert (bench.folder / key_slots.NAME).stat().st_size == size


def test_customer_and_operator_see_the_same_check_code(bench: Bench) -> None:
    """The code in the customer's window is the one in the operator's result."""
    bench.start_session()
    asked = bench.result(rq.CredentialRequest(session="CHG-1", restarts=1))["request"]
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    [item] = snapshot.asked
    assert item.code == asked["code"]
