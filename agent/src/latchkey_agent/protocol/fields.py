# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Types that the messages of every pipe share: bounded fields, the base class, the requester.

Moments are ISO 8601 with offset; in a request also without one, or a time of
day (`"22:00"`): the PC resolves those in its own time zone. Durations are
seconds.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

# The customer decides by this text. So it has no controls (some drive a terminal), no line ends, and no characters
# that hide text or turn its direction. Python's `$` also matches before a last line end: exclude that separately.
_PLAIN = r"[^\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]*$(?!\n)"
Name = Annotated[str, Meta(min_length=1, max_length=128, pattern=rf"^(?=.*\S){_PLAIN}")]
"""The name of a support session or a step: one line, not blank."""
Line = Annotated[str, Meta(max_length=256, pattern=f"^{_PLAIN}")]
"""One line of plain text, possibly empty."""
Moment = Annotated[str, Meta(min_length=1, max_length=40)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z-]+$(?!\n)")]
Count = Annotated[int, Meta(ge=0, le=100)]
Seconds = Annotated[float, Meta(ge=0, le=604_800)]
Wait = Annotated[float, Meta(ge=0, le=60)]
"""The length of one long poll at the agent, in seconds."""


class Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every message."""


class Requester(Message, frozen=True, kw_only=True):
    """The person who asks, as the customer reads it."""

    name: Line = ""
    organization: Line = ""
    role: Line = ""
