# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs: where each begins, and which moves it has. Each is small enough to be searched deeply."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple
from unittest.mock import patch

from . import moves
from .node import Node

Groups = dict[str, tuple[object, ...]]

# --- beginnings ---------------------------------------------------------------------------------

HERE: tuple[moves.Move, ...] = (("start",), ("sign_in", "A"), ("see",))
SESSION = (*HERE, ("call", "X", "start", ("S", "")))


def granted(terms: str = "day", who: str = "A", name: str = "S") -> tuple[moves.Move, ...]:
    """Return the moves that end in a grant."""
    return (("call", "X", "request", (name, who, terms)), ("allow", "r?"))


GRANT = (*SESSION, *granted())
TWO = (*SESSION, *granted("two"))
BOTH = (*GRANT, *granted(who="B"))
NIGHT = (*SESSION, *granted("night"))
OTHERS = (*SESSION, *granted("others"))


def use(action: str, step: str = "") -> tuple[moves.Move, ...]:
    """Return the moves of an apply."""
    return (("call", "X", "apply", ("S", action, step)), ("verdict",), ("answer",))


RESTART = (*GRANT, *use("restart"))
ASKED = (*RESTART, ("effects",))
AT_LOGON = (*RESTART, ("effects",), ("boot",), ("start",), ("effects",))
HELD = (*AT_LOGON, ("redeem",))
LOCKED = (*GRANT, ("lock", "A"), ("see",))
UNLOCK = (*LOCKED, *use("unlock"), ("effects",))
UNLOCK_HELD = (*UNLOCK, ("redeem",))
UNLOCKED = (*UNLOCK_HELD, ("accept", "p?"), ("appear", "p?"), ("see",), ("effects",), ("report", "p?"))
NIGHT_USE = (*NIGHT, ("wait", 14_410), *use("restart"), ("effects",))
BY_OTHERS = (*OTHERS, ("boot",), ("start",), ("effects",))
WRONG = (*BY_OTHERS, ("change_password", "A"), ("redeem",), ("refuse", "p?"))
MORE = (
    *SESSION,
    *granted("more"),
    ("boot",),
    ("start",),
    ("effects",),
    ("change_password", "A"),
    ("redeem",),
    ("refuse", "p?"),
)
WRONG_TWICE = (*MORE, ("boot",), ("start",), ("effects",), ("redeem",), ("refuse", "p?"))
SOON = (*TWO, *use("restart"), ("effects",), ("boot",), ("start",), ("effects",), ("sign_in", "A"), ("see",))
PARTIES = (*SESSION, *granted("parties"))
PARTIES_AT_LOGON = (*PARTIES, *use("restart"), ("effects",), ("boot",), ("start",), ("effects",))
PARTIES_BY_OTHERS = (*PARTIES, ("boot",), ("start",), ("effects",))
IN_VAIN = (*use("restart"), ("effects",), ("boot",), ("start",), ("effects",), ("wait", 1000))
PARTY_IN_VAIN_TWICE = (*SESSION, *granted("party"), *IN_VAIN, *IN_VAIN)
TWO_SESSIONS = (*GRANT, ("call", "Y", "start", ("T", "")))

# --- moves --------------------------------------------------------------------------------------

BASE: Groups = {"work": (), "logon": ("lose",), "restart": (), "applying": ()}


def call(operator: str, verb: str, *args: object) -> tuple[object, ...]:
    """Return a call."""
    return operator, verb, args


def calls(
    *verbs: str, operators: str = "XY", names: str = "S", who: str = "A", terms: str = "day"
) -> tuple[Any, ...]:
    """Return all calls of some verbs."""
    found: list[tuple[object, ...]] = []
    for operator in operators:
        for verb in verbs:
            if verb in {"restart", "unlock"}:
                found += [call(operator, "apply", name, verb, "") for name in names]
            elif verb == "request":
                found += [call(operator, verb, name, whom, terms) for name in names for whom in who]
            elif verb == "start":
                found += [call(operator, verb, name, "") for name in names]
            elif verb == "erase_all":
                found.append(call(operator, verb))
            else:
                found += [call(operator, verb, name) for name in names]
    return tuple(found)


class Run(NamedTuple):
    """A beginning and its moves."""

    name: str
    beginning: tuple[moves.Move, ...]
    groups: Groups

    def begin(self) -> tuple[Node, tuple[moves.Move, ...]]:
        """Return the first state, and the moves that led there, with every id written out."""
        node, path = Node(), list[moves.Move]()
        node.repeats = "again" in self.groups
        for move in self.beginning:
            real = tuple(_newest(node, word) for word in move)
            path.append(real)
            node = moves.do(node, real)
        return node, tuple(path)


def _newest(n: Node, word: object) -> object:
    """Return the newest id of a kind for a word such as `p?`."""
    things = {
        "r?": tuple(n.state.requests),
        "g?": tuple(n.state.grants),
        "p?": tuple(n.state.permits) or tuple(logon.permit for logon in n.logons),
    }
    return things[word][-1] if isinstance(word, str) and word in things else word


@contextmanager
def few_sessions() -> Iterator[None]:
    """Let the state keep one ended session that the rules no longer need."""
    # The package has a function of this name.
    module = import_module("latchkey_agent.domain.evolve")
    with patch.multiple(module, KEPT_SESSIONS=1, AT_ONCE=1):
        yield


PINNED = (*HERE, ("pin", "1"), ("call", "X", "start", ("S", "Y")))


def signed(
    *ages: str, authority: str = "1", operators: str = "X", terms: str = "day", name: str = "S"
) -> tuple[Any, ...]:
    """Return the signed requests of operators who answer their `new` or `old` challenge."""
    return tuple(call(one, "signed", name, "A", terms, age, authority) for one in operators for age in ages)


PEOPLE: Groups = {"people": ("A", "B")}
CRASH: Groups = {"crash": ("effect",)}
BOOT: Groups = {"boot": ("",)}
TAKE_BACK: Groups = {"take_back": ("A", "B"), "pause": ()}
TIME: Groups = {"time": (5, 130, 1900)}
CLOCK: Groups = {"clock": (-1, 180, -180, 7200, -7200)}

RUNS: tuple[Run, ...] = (
    Run(
        "asking",
        HERE,
        {
            "calls": (
                *calls("start", "request", "end", who="AB"),
                *calls("request", terms="over", operators="X"),
            ),
            "withdraw": ("X", "Y"),
            "answer": ("allow", "mistype", "deny", "later"),
            "time": (700, 3700),
            **CRASH,
            "work": (),
        },
    ),
    Run(
        "leave me alone",
        SESSION,
        {
            "calls": (
                *calls("request", who="AB"),
                call("X", "start", "T", ""),
                *calls("request", names="T", operators="X"),
                call("X", "unblock", "X"),
                call("X", "unblock", "Y"),
            ),
            "withdraw": ("X",),
            "answer": ("deny", "report_request", "not_today", "later"),
            "time": (70, 30_000),
            "clock": (30_000, -30_000),
            "crash": (),
        },
    ),
    Run(
        "asking twice",
        GRANT,
        {
            **BASE,
            "calls": (
                *calls("request", who="AB", terms="two", operators="X"),
                *calls("request", operators="X"),
                *calls("revoke", "end", operators="X"),
            ),
            "answer": ("allow", "mistype", "deny", "later"),
            "take_back": ("A",),
            "time": (700,),
            **CRASH,
        },
    ),
    Run(
        "signed",
        PINNED,
        {
            "calls": (
                *signed("new", "old", operators="XY"),
                *signed("new", authority="2"),
                *signed("new", terms="two"),
                *calls("start", "request", "end", operators="X"),
                call("Y", "start", "S", ""),
                call("X", "start", "T", ""),
                *signed("old", name="T"),
            ),
            "pin": ("1", "2", "12", ""),
            "answer": ("allow", "deny"),
            "time": (3700, 30_000),
            **CRASH,
            "work": (),
        },
    ),
    Run(
        "signed, sent again",
        PINNED,
        {
            **BASE,
            "calls": (*signed("new"), *signed("new", authority="2"), *calls("start", "end", operators="X")),
            "again": (),
            "pin": ("2", "12"),
            "answer": ("allow",),
            "withdraw": ("X",),
        },
    ),
    Run(
        "sent again",
        SESSION,
        {
            **BASE,
            "calls": calls("start", "end", "request", "restart", "revoke", operators="X"),
            "again": (),
            "answer": ("allow", "deny"),
            "withdraw": ("X",),
        },
    ),
    Run(
        "sent again, lent",
        GRANT,
        {
            **BASE,
            "calls": calls("start", "end", "request", "restart", "unlock", "revoke", operators="X"),
            "again": (),
            "answer": ("allow",),
            "time": (130, 1000),
            **PEOPLE,
        },
    ),
    Run(
        "two operators",
        GRANT,
        {
            **BASE,
            "calls": calls("start", "request", "restart", "unlock", "revoke", "end"),
            "withdraw": ("X", "Y"),
            "answer": ("allow",),
            **TAKE_BACK,
        },
    ),
    Run(
        "two accounts",
        GRANT,
        {
            **BASE,
            "calls": calls("request", "restart", "unlock", "revoke", operators="X", who="AB"),
            "answer": ("allow",),
            "take_back": ("A", "B"),
            **PEOPLE,
            **CRASH,
        },
    ),
    Run(
        "two sessions",
        TWO_SESSIONS,
        {
            **BASE,
            "calls": (
                *calls("request", "restart", "revoke", "end", names="T", operators="Y"),
                *calls("restart", "end", operators="X"),
            ),
            "answer": ("allow",),
            **PEOPLE,
            **CRASH,
        },
    ),
    Run(
        "restart asked",
        RESTART,
        {**BASE, "calls": calls("restart", "revoke", operators="X"), **PEOPLE, **CRASH, **TAKE_BACK, **TIME},
    ),
    Run(
        "void restart",
        (*ASKED, ("call", "X", "end", ("S",)), ("call", "X", "start", ("T", ""))),
        {**BASE, "calls": calls("start", "end", names="T", operators="X"), "boot": ("", "A"), **CRASH},
    ),
    Run(
        "two restarts",
        TWO,
        {**BASE, "calls": calls("restart", operators="X"), **PEOPLE, **CRASH, **BOOT, "time": (30, 70, 1000)},
    ),
    Run(
        "at logon",
        AT_LOGON,
        {
            **BASE,
            **PEOPLE,
            **CRASH,
            **BOOT,
            **TAKE_BACK,
            **TIME,
            "calls": calls("revoke", "end", operators="X"),
        },
    ),
    Run(
        "redeemed",
        HELD,
        {
            **BASE,
            **PEOPLE,
            **CRASH,
            **TAKE_BACK,
            **TIME,
            "calls": calls("revoke", "start", "end", operators="X"),
            "remote": ("A",),
        },
    ),
    Run("redeemed, clock", HELD, {**BASE, **CRASH, **BOOT, **TIME, **CLOCK, "password": ("A",)}),
    Run(
        "unlock issued",
        UNLOCK,
        {
            **BASE,
            **PEOPLE,
            **CRASH,
            **TAKE_BACK,
            **TIME,
            "calls": calls("unlock", "revoke", "end", operators="X"),
        },
    ),
    Run(
        "unlock redeemed",
        UNLOCK_HELD,
        {
            **BASE,
            **PEOPLE,
            **CRASH,
            **TAKE_BACK,
            **TIME,
            "calls": calls("revoke", "start", "end", operators="X"),
            "remote": ("A",),
        },
    ),
    Run("unlock redeemed, clock", UNLOCK_HELD, {**BASE, **CRASH, **TIME, **CLOCK}),
    Run(
        "unlocked",
        UNLOCKED,
        {
            **BASE,
            **PEOPLE,
            **CRASH,
            **BOOT,
            **TAKE_BACK,
            **TIME,
            **CLOCK,
            "calls": calls("revoke", "end", operators="X"),
        },
    ),
    Run(
        "removal",
        UNLOCK_HELD,
        {**BASE, **PEOPLE, **CRASH, **TIME, "remove": ("X",), "calls": calls("erase_all", operators="X")},
    ),
    Run("damaged", UNLOCK_HELD, {**BASE, **PEOPLE, **CRASH, **TIME, "damage": ()}),
    Run("damaged after a restart", HELD, {**BASE, **PEOPLE, **CRASH, "time": (130, 1900), "damage": ()}),
    Run("removal after a restart", HELD, {**BASE, **PEOPLE, **CRASH, "remove": ("X",), "take_back": ("A",)}),
    Run(
        "old password",
        GRANT,
        {
            **BASE,
            "password": ("A",),
            "calls": calls("restart", "unlock", operators="X"),
            "people": ("A",),
            **CRASH,
            **BOOT,
            "time": (5, 130),
        },
    ),
    Run(
        "refused by Windows",
        WRONG,
        {**BASE, **CRASH, **BOOT, "people": ("A",), "calls": calls("restart", operators="X"), "time": (70,)},
    ),
    Run(
        "two verdicts lost",
        WRONG_TWICE,
        {**BASE, **CRASH, **BOOT, "people": ("A",), "calls": calls("restart", operators="X"), "time": (70,)},
    ),
    Run(
        "soon again",
        SOON,
        {
            **BASE,
            **PEOPLE,
            **CRASH,
            **BOOT,
            "calls": calls("restart", "unlock", operators="X"),
            "time": (10, 70),
        },
    ),
    Run(
        "night",
        NIGHT,
        {
            **BASE,
            **CRASH,
            **BOOT,
            "calls": calls("restart", operators="X"),
            "clock": (180, 15_000, -15_000, -180),
            "time": (5, 130, 14_400),
        },
    ),
    Run(
        "night, restart",
        NIGHT_USE,
        {**BASE, **CRASH, **BOOT, "clock": (180, -180, 7200, -7200, 111_600), "time": (5, 130, 7200)},
    ),
    Run(
        "day, clock",
        GRANT,
        {
            **BASE,
            **CRASH,
            **BOOT,
            "calls": calls("restart", "unlock", operators="X"),
            "clock": (-7200, 7200),
            "time": (5, 5000),
            "people": ("A",),
        },
    ),
    Run("others restart", OTHERS, {**BASE, **PEOPLE, **CRASH, **BOOT, **TAKE_BACK, "time": (30, 70, 1000)}),
    Run(
        "two parties",
        PARTIES,
        {
            **BASE,
            **PEOPLE,
            **CRASH,
            **TAKE_BACK,
            "deliver": (),
            "calls": calls("restart", "unlock", "revoke", operators="X"),
            "time": (5, 130, 1000),
        },
    ),
    Run(
        "two parties at logon",
        PARTIES_AT_LOGON,
        {
            **BASE,
            **PEOPLE,
            **CRASH,
            **BOOT,
            **TAKE_BACK,
            "deliver": (),
            "calls": calls("restart", "revoke", "end", operators="X"),
            "time": (5, 130, 1000),
        },
    ),
    Run(
        "two parties, others restart",
        PARTIES_BY_OTHERS,
        {**BASE, **PEOPLE, **CRASH, **BOOT, **TAKE_BACK, "deliver": (), "time": (130, 1000, 7000)},
    ),
    Run(
        "two parties, in vain",
        PARTY_IN_VAIN_TWICE,
        {**BASE, **CRASH, "deliver": (), "calls": calls("restart", operators="X"), "time": (130, 1000)},
    ),
    Run(
        "automatic sign-in", RESTART, {**BASE, **CRASH, "boot": ("A",), "time": (130, 1000), "people": ("A",)}
    ),
)
