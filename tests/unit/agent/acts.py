# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The acts of a history (see `play`), with their weights and arguments."""

from __future__ import annotations

from typing import Any, NamedTuple

SESSIONS = ("CHG-1", "CHG-2")
PORTS = ("accounts", "sessions", "lock", "disconnect", "power", "protect", "unprotect", "notifier", "anchor")


class Act(NamedTuple):
    """An act: a method of `play.Play` and its arguments."""

    name: str
    arguments: tuple[Any, ...] = ()


def prelude(whose: str) -> list[Act]:
    """Return the acts that end in a grant, with which most interesting histories begin."""
    return [
        Act("start_session", (0, "CHG-1")),
        Act("request", (0, "CHG-1", "anna", (3, 2), whose)),
        Act("answer", ("anna", "allow")),
    ]


WHO = ("anna", "anna", "anna", "ben")
SERVED = ("CHG-1", "CHG-1", "CHG-1", "CHG-2")
WHOSE = ("ours", "anybody's", "windows'")
LOGONS = ("well", "well", "well", "unreported", "late", "slow", "dies")
ACTS: dict[str, tuple[int, tuple[tuple[Any, ...], ...]]] = {
    "start_session": (2, ((0, 1), SERVED)),
    "end_session": (1, ((0, 1), SESSIONS)),
    "request": (5, ((0, 1), SERVED, WHO, ((1, 0), (2, 1), (3, 2), (3, 3), (0, 1)), WHOSE)),
    "withdraw": (1, ((0, 1), SESSIONS)),
    "revoke_as_operator": (1, ((0, 1), SESSIONS)),
    "erase_all": (1, ((0, 1),)),
    "apply": (8, ((0, 1), SERVED, ("restart", "restart", "unlock"), (None, "one", "two", "three"))),
    "use": (12, ((0, 1), SERVED, ("restart", "restart", "unlock"), (None, "one", "two", "three"), LOGONS)),
    "restart_plainly": (4, ((0, 1), SERVED, ("one", "two", "three"))),
    "ask_again": (8, ()),
    "answer": (10, (WHO, ("allow", "allow", "allow", "mistype", "guess", "deny", "later", "look"))),
    "revoke": (1, (WHO,)),
    "pause": (3, (WHO, ("hold", "go on", "go on"))),
    "read": (1, (WHO,)),
    "change_password": (2, (WHO,)),
    "come": (2, (WHO,)),
    "leave": (3, ()),
    "log_on": (10, (LOGONS,)),
    "redeem_again": (2, ()),
    "go_down": (6, ()),
    "restart_by_others": (3, ()),
    "crash": (2, ()),
    "power_cut": (2, ()),
    "cut_soon": (6, (tuple(range(1, 16)),)),
    "die_asking": (2, (("same", "changed"),)),
    "wait": (9, ((1.0, 30.0, 61.0, 61.0, 61.0, 61.0, 700.0, 3600.0),)),
    "set_clock": (2, ((61.0, 3600.0, 20_000.0, -30.0, -3600.0, -20_000.0),)),
    "break_port": (2, (PORTS,)),
    "break_disk": (1, (("full", "dead"),)),
    "repair": (6, ()),
    "lag": (1, ()),
    "catch_up": (3, ()),
    "settle": (1, ()),
}
"""Each act's weight, and the choices for each argument."""
