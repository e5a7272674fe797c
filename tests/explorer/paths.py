# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that broke a rule once. Each is played on the bench, with the whole agent, and breaks none now.

Add the path of a violation here when it is mended: `make explore` prints it in this form.
"""

from __future__ import annotations

from . import runs
from .moves import Move

ACCEPTED: tuple[Move, ...] = (("accept", "p?"),)
OPENS: tuple[Move, ...] = (("appear", "p?"), ("see",), ("effects",))
REPORT: tuple[Move, ...] = (("report", "p?"),)


def call(verb: str, *args: object, operator: str = "X") -> Move:
    """Return an operator's call as a move."""
    return "call", operator, verb, args


PATHS: dict[str, tuple[Move, ...]] = {
    "another operator joins": (*runs.SESSION, call("start", "S", "", operator="Y")),
    "another operator asks": (*runs.SESSION, call("request", "S", "A", "day", operator="Y")),
    "another operator applies": (*runs.GRANT, call("apply", "S", "restart", "", operator="Y")),
    "another desktop of the account is open": (
        *runs.UNLOCK_HELD,
        *ACCEPTED,
        ("remote", "A"),
        ("see",),
        ("effects",),
        *OPENS,
    ),
    "given back between redeeming and report": (*runs.UNLOCK_HELD, *ACCEPTED, call("revoke", "S"), *OPENS),
    "revoked between redeeming and report": (
        *runs.UNLOCK_HELD,
        *ACCEPTED,
        ("take_back", "A"),
        *OPENS,
        *REPORT,
    ),
    "paused between redeeming and report": (*runs.UNLOCK_HELD, *ACCEPTED, ("pause", "g?"), *OPENS, *REPORT),
    "the journal is damaged after redeeming": (
        *runs.HELD,
        *ACCEPTED,
        ("damage",),
        ("appear", "p?"),
        ("see",),
    ),
    "damaged, and started again": (
        *runs.HELD,
        *ACCEPTED,
        ("damage",),
        ("kill",),
        ("start",),
        ("appear", "p?"),
        ("see",),
    ),
    "damaged before the unlock opens": (*runs.UNLOCK_HELD, *ACCEPTED, ("damage",), ("see",), *OPENS),
    "the desktop appears after four minutes": (
        *runs.HELD,
        *ACCEPTED,
        *REPORT,
        ("wait", 240),
        ("effects",),
        *OPENS,
    ),
    "Windows signs in by itself": (*runs.RESTART, ("effects",), ("boot", "A"), ("start",), ("effects",)),
    "the clock steps back before the desktop": (
        *runs.HELD,
        *ACCEPTED,
        *REPORT,
        ("clock", -1),
        ("effects",),
        *OPENS,
    ),
    "the clock steps forward before the desktop": (
        *runs.HELD,
        *ACCEPTED,
        *REPORT,
        ("clock", 180),
        ("effects",),
        *OPENS,
    ),
    "removed before the desktop": (*runs.HELD, *ACCEPTED, ("remove", "X"), *OPENS),
    "the agent is down for half an hour": (
        *runs.HELD,
        *ACCEPTED,
        ("kill",),
        ("wait", 1900),
        ("start",),
        *OPENS,
    ),
    "the session starts anew before the desktop": (
        *runs.HELD,
        *ACCEPTED,
        call("end", "S"),
        ("wait", 1900),
        call("start", "S", ""),
        *OPENS,
    ),
    "an unlock is reported late": (
        *runs.UNLOCK_HELD,
        *ACCEPTED,
        ("kill",),
        ("wait", 1900),
        ("start",),
        *REPORT,
        ("effects",),
    ),
    "the customer signs in and locks": (*runs.AT_LOGON, ("sign_in", "A"), ("see",), ("lock", "A"), ("see",)),
    "the tried grant is given back, another account's comes": (
        *runs.GRANT,
        call("request", "S", "B", "day"),
        call("apply", "S", "restart", ""),
        ("take_back", "A"),
        ("allow", "r?"),
        ("verdict",),
    ),
    "power lost before the refusal is reported": (
        *runs.WRONG,
        ("boot",),
        ("start",),
        ("effects",),
        ("redeem",),
        ("refuse", "p?"),
        ("boot",),
        ("start",),
        ("effects",),
    ),
    "a restart under way, and a stranger": (
        *runs.RESTART,
        ("lock", "A"),
        ("effect_then_kill", 0),
        ("sign_in", "B"),
        ("start",),
        ("effects",),
        ("boot",),
    ),
    "the session starts anew before the answer": (
        *runs.GRANT,
        call("apply", "S", "restart", ""),
        ("verdict",),
        call("end", "S"),
        ("effects",),
        call("start", "S", ""),
        ("answer",),
    ),
    "a request without time": (*runs.SESSION, call("request", "S", "A", "over")),
    "the clock is set forward to the window": (
        *runs.NIGHT,
        ("clock", 15_000),
        call("apply", "S", "restart", ""),
    ),
    "the clock is set back": (*runs.NIGHT, ("clock", -15_000), ("wait", 14_400), ("wait", 14_400)),
    "the PC boots slow and is corrected": (
        *runs.NIGHT_USE,
        ("boot",),
        ("clock", -180),
        ("start",),
        ("effects",),
        ("clock", 180),
    ),
    "the end is sent again": (
        *runs.SESSION,
        call("end", "S"),
        call("start", "S", ""),
        ("again", "end k5"),
    ),
    "the start is sent again": (
        *runs.SESSION,
        call("start", "S", ""),
        call("end", "S"),
        ("again", "start k5"),
    ),
    "giving back is sent again": (
        *runs.GRANT,
        call("revoke", "S"),
        call("request", "S", "A", "day"),
        ("allow", "r?"),
        ("again", "revoke k8"),
    ),
}
"""What happens -> the moves."""
