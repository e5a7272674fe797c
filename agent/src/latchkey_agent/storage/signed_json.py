# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of a document that are signed, and the purposes of signatures. Needs no cryptography."""

from __future__ import annotations

import json
from typing import Any

RECEIPT, JOURNAL, DEVICE_KEY = "latchkey-receipt", "latchkey-journal", "latchkey-device-key"
HALF, APPLY = "latchkey-half", "latchkey-apply"
CHALLENGE, REQUEST = "latchkey-challenge", "latchkey-request"
"""The namespaces (PROTOCOL.sshsig of OpenSSH): a signature for one purpose counts for no other."""


def canonical_json(document: dict[str, Any]) -> bytes:
    """Return the bytes of a document that are signed: sorted keys, no spaces, ASCII.

    A number keeps its kind and its shortest form, in which Python and msgspec write the same value.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
