# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of a play account: easy to read and to type on every keyboard."""

from __future__ import annotations

import secrets

LETTERS = "abcdefghkmnprstuvwx"
"""Without those that look alike, and without y and z, which keyboards swap."""
DIGITS = "23456789"


def make() -> bytearray:
    """Return a new password (UTF-16LE): three groups of letters and digits, without another sign."""
    groups = ("".join(secrets.choice(LETTERS) for _ in range(4)) + secrets.choice(DIGITS) for _ in range(3))
    return bytearray("".join(groups).encode("utf-16-le"))
