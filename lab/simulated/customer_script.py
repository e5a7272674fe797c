# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a customer does, as data: a sequence of steps.

An answer waits for a request window, an act for its occasion: `when` names an
event of the PC (see README.md), `count` how often it must have happened. Then
`after` seconds pass, and the customer does it.

    [Mistype(), Grant()]             says it wrong once, then right
    [Later(60.0), Grant()]           wants to be asked again, then allows
    [Grant(), Revoke(when="restart_announced")]
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Step:
    """Base of all steps. `after`: seconds from the occasion to the deed."""

    after: float = field(default=0.05, kw_only=True)


@dataclass(frozen=True)
class AnswerStep(Step):
    """Base of what a customer does with a request window."""


@dataclass(frozen=True)
class Grant(AnswerStep):
    """Allow it and type the password right."""


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
    """Decline."""

    why: str = ""


@dataclass(frozen=True)
class Report(AnswerStep):
    """Decline, and report the request as suspicious."""


@dataclass(frozen=True)
class Later(AnswerStep):
    """Ask to be asked again; closing the window is the same with its default."""

    seconds: float = 900.0


@dataclass(frozen=True)
class Ignore(AnswerStep):
    """Look at the window and do nothing until it goes away."""


@dataclass(frozen=True)
class ActStep(Step):
    """Base of what a customer does of their own accord."""

    when: str = field(default="", kw_only=True)
    count: int = field(default=1, kw_only=True)


@dataclass(frozen=True)
class Revoke(ActStep):
    """Take everything back; unlocks the screen first where it is locked."""


@dataclass(frozen=True)
class Pause(ActStep):
    """Pause everything that is lent."""


@dataclass(frozen=True)
class Resume(ActStep):
    """Go on with everything that is paused."""


@dataclass(frozen=True)
class ChangePassword(ActStep):
    """Change the Windows password (UTF-16LE); None makes up a new one."""

    new: bytearray | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SignIn(ActStep):
    """Sign in at the console, or unlock it."""


@dataclass(frozen=True)
class Lock(ActStep):
    """Lock the screen and go away."""


@dataclass(frozen=True)
class SignOut(ActStep):
    """Sign out."""
