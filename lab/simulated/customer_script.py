# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script of a customer, as data: a sequence of steps.

An answer waits for a request window. An act waits for its event: `when` names an
event of the PC (see README.md), `count` how often it must have happened. The customer
acts `after` seconds later.

    [Mistype(), Grant()]             mistypes once, then types the right password
    [Later(60.0), Grant()]           asks to be asked again, then allows
    [Grant(), Revoke(when="restart_announced")]
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Step:
    """Base of all steps. `after`: seconds from the event to the act."""

    after: float = field(default=0.05, kw_only=True)


@dataclass(frozen=True)
class AnswerStep(Step):
    """Base of the answers to a request window."""


@dataclass(frozen=True)
class Grant(AnswerStep):
    """Allow it and type the right password."""


@dataclass(frozen=True)
class Mistype(AnswerStep):
    """Allow it and type a wrong password."""


@dataclass(frozen=True)
class TypePin(AnswerStep):
    """Allow it and type the PIN."""


@dataclass(frozen=True)
class TypeOtherName(AnswerStep):
    """Allow it and change the user name in the dialog."""

    name: str = "somebody.else"


@dataclass(frozen=True)
class Deny(AnswerStep):
    """Decline; `not_today`: and want to be asked nothing more today."""

    why: str = ""
    not_today: bool = False


@dataclass(frozen=True)
class Report(AnswerStep):
    """Decline, and report the request as suspicious."""


@dataclass(frozen=True)
class Later(AnswerStep):
    """Ask to be asked again; closing the window is the same with its default."""

    seconds: float = 900.0


@dataclass(frozen=True)
class Ignore(AnswerStep):
    """Look at the window and do nothing until it closes."""


@dataclass(frozen=True)
class ActStep(Step):
    """Base of the customer's own acts."""

    when: str = field(default="", kw_only=True)
    count: int = field(default=1, kw_only=True)


@dataclass(frozen=True)
class Revoke(ActStep):
    """Revoke every grant; unlock a locked screen first."""


@dataclass(frozen=True)
class Pause(ActStep):
    """Pause every grant."""


@dataclass(frozen=True)
class Resume(ActStep):
    """Resume every paused grant."""


@dataclass(frozen=True)
class ChangePassword(ActStep):
    """Change the Windows password (UTF-16LE); None makes a random one."""

    new: bytearray | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SignIn(ActStep):
    """Sign in at the console, or unlock it."""


@dataclass(frozen=True)
class Lock(ActStep):
    """Lock the screen and leave."""


@dataclass(frozen=True)
class SignOut(ActStep):
    """Sign out."""
