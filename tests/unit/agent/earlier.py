# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the files of an agent into those of an earlier one: a journal of version 1, which held the signing key."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import msgspec

from latchkey_agent.storage import device_key
from latchkey_agent.storage.journal import BEGINNING, Head, anchored, link

if TYPE_CHECKING:
    from tests.unit.agent.bench import Bench

ENTROPY = b"latchkey receipt key 1"


def as_version_1(bench: Bench) -> str:
    """Stop the agent and leave the files of an earlier one; return the public key that signed."""
    public_key = bench.agent.core.device_key.public_key
    bench.kill()
    keys = bench.world.computer().keys
    file = bench.folder / device_key.NAME
    kept = msgspec.json.decode(file.read_bytes(), type=device_key.KeptKey)
    seed = keys.unprotect(kept.protected, b"latchkey device key 1")
    file.unlink()
    with closing(sqlite3.connect(bench.journal)) as database:
        database.execute("INSERT INTO keys VALUES ('receipts', ?)", (keys.protect(seed, ENTROPY),))
        database.execute("DROP TABLE receipts")
        database.execute("PRAGMA user_version = 1")
        head = _without_key(database)
        database.commit()
    bench.world.anchor = anchored(head)
    bench.world.boot_anchors = {boot: anchored(head) for boot in bench.world.boot_anchors}
    return public_key


def _without_key(database: sqlite3.Connection) -> Head:
    """Take the key out of the events, and make the chain anew; return its end."""
    head = BEGINNING
    for seq, body in database.execute("SELECT seq, body FROM events ORDER BY seq").fetchall():
        event = msgspec.json.decode(body)
        event.pop("device_key", None)
        old = msgspec.json.encode(event)
        head = Head(seq, link(head.hash, seq, old))
        database.execute("UPDATE events SET body = ?, hash = ? WHERE seq = ?", (old, head.hash, seq))
    return head
