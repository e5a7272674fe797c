# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deeds by which a player plays everybody else: the customer, and what befalls the PC.

The command `lab` and the page share this table.
"""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from lab.computer import LabError
from lab.tryout import pc_state, play_password
from latchkey_agent.protocol.frames import wipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.computer import CustomerActions
    from lab.tryout.lab_pc import LabPC

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=366)
USUAL_LATER, LONGEST_LATER = timedelta(minutes=15), timedelta(days=1)
WINDOW_SECONDS = 3.0
"""The longest time until a refused entry shows its window again."""


class Argument(NamedTuple):
    """The argument of a deed: its label and an example. `usual`: it may be left out."""

    label: str
    example: str
    usual: bool = False


class Deed(NamedTuple):
    """One deed. `do` returns the sentence that tells what happened."""

    name: str
    label: str
    party: Literal["customer", "pc"]
    help: str
    do: Callable[[LabPC, str], str]
    argument: Argument | None = None


# --- the customer ---------------------------------------------------------------------


def _acts(
    act: Callable[[CustomerActions], None], said: str, need: Callable[[LabPC], None] | None = None
) -> Callable[[LabPC, str], str]:
    """Return the deed of a customer that has one act and no argument.

    Args:
        act: the act.
        said: the rest of the sentence about the customer.
        need: raises LabError where the act is not possible.
    """

    def do(pc: LabPC, _: str) -> str:
        if need is not None:
            need(pc)
        act(pc.computer.customer)
        return f"{pc.customer} {said}"

    return do


def _allow(pc: LabPC, _: str) -> str:
    _need_window(pc)
    refusal = typed(pc, None)
    return f"The entry was refused: {refusal}" if refusal else f"{pc.customer} allowed it."


def _mistype(pc: LabPC, _: str) -> str:
    _need_window(pc)
    wrong = play_password.make()
    try:
        return f"The entry was refused: {typed(pc, wrong)}"
    finally:
        wipe(wrong)


def typed(pc: LabPC, password: bytearray | None) -> str:
    """Allow the request with a password, the right one if None; return the window's words of refusal, "" if none."""
    refusal = pc.computer.customer.allow(password)
    until = time.monotonic() + WINDOW_SECONDS
    while refusal and (shown := pc.computer.request_shown()) is not None and time.monotonic() < until:
        # The window that is shown again says how many tries are left. The agent's words are for the last one.
        if error := shown[0].error:
            return error
        time.sleep(0.05)
    return refusal


def _decline(pc: LabPC, why: str) -> str:
    _need_window(pc)
    pc.computer.customer.decline(why)
    return f"{pc.customer} declined."


def _later(pc: LabPC, text: str) -> str:
    wait = _time(text, LONGEST_LATER) if text else USUAL_LATER
    _need_window(pc)
    pc.computer.customer.later(wait.total_seconds())
    return f"{pc.customer} wants to be asked later."


def _change_password(pc: LabPC, _: str) -> str:
    fresh = play_password.make()
    pc.computer.customer.change_password(fresh)
    wipe(pc.password)
    pc.password = fresh
    return f"{pc.customer} has a new Windows password."


def _need_window(pc: LabPC) -> None:
    console = pc.computer.on_console()
    if console is None or console.locked:
        state = "locked" if console else "without a user"
        msg = f"No request window is on the screen of {pc.name}: it is {state}. First: lab {pc.name} sign-in"
        raise LabError(msg)
    if not pc.computer.customer.screen():
        msg = f"No request window is on the screen of {pc.name}"
        raise LabError(msg)


def _need_grant(pc: LabPC) -> None:
    if not pc_state.lent(pc):
        msg = f"{pc.customer} has lent nothing at present"
        raise LabError(msg)


_report = _acts(lambda who: who.report(), "declined and reported the request.", _need_window)
_revoke = _acts(lambda who: who.revoke(), "took the sign-in back.", _need_grant)
_pause = _acts(lambda who: who.pause(), "paused the sign-in.", _need_grant)
_resume = _acts(lambda who: who.resume(), "resumed the sign-in.", _need_grant)
_lock = _acts(lambda who: who.lock(), "locked the screen and left.")
_sign_in = _acts(lambda who: who.sign_in(), "is at the desktop.")
_sign_out = _acts(lambda who: who.sign_out(), "signed out.")


# --- the PC -----------------------------------------------------------------------------


def _power_cut(pc: LabPC, _: str) -> str:
    pc.computer.power_cut()
    return f"{pc.name} has no power. Switch it on: power-on"


def _power_on(pc: LabPC, _: str) -> str:
    pc.computer.power_on()
    return f"{pc.name} starts."


def _shut_down(pc: LabPC, _: str) -> str:
    pc.computer.shut_down()
    return f"{pc.name} is off. Switch it on: power-on"


def _windows_update(pc: LabPC, _: str) -> str:
    pc.computer.windows_update_restart()
    return f"Windows Update restarts {pc.name}."


def _pending(pc: LabPC, _: str) -> str:
    pc.computer.on_loop(lambda: pc.computer.windows.registry.pending_restart.append("Windows Update"))
    return f"Windows waits for a restart of {pc.name}."


def _clock(pc: LabPC, text: str) -> str:
    pc.computer.let_pass(_time(text))
    return f"It is {pc.computer.windows.clock.now():%A %H:%M} on {pc.name}."


def _sleep(pc: LabPC, text: str) -> str:
    pc.computer.sleep(_time(text) if text else timedelta(hours=1))
    return f"{pc.name} slept, and is awake again."


def _crash_agent(pc: LabPC, _: str) -> str:
    pc.computer.crash_agent()
    return f"The agent of {pc.name} crashed; Windows has started it again."


def _need_power(pc: LabPC) -> None:
    if pc.computer.power_state != "on":
        msg = f"{pc.name} is not up: {pc_state.power(pc)}"
        raise LabError(msg)


def _time(text: str, most: timedelta = LONGEST) -> timedelta:
    """Return a time such as `+2h`, `30m` or `1d`, of at most so much."""
    found = re.fullmatch(r"\+?([0-9]{1,6})\s*([smhd])", text.strip(), re.ASCII)
    told = timedelta(**{UNITS[found[2]]: int(found[1])}) if found else None
    if told is None or not timedelta() < told <= most:
        msg = f"{text!r} is no time. Write it as +2h, 30m or 1d; at most {most.days}d"
        raise LabError(msg)
    return told


STATUS = "status"
"""Shows the PC and changes nothing; the running lab answers it."""
HOW_FAR = Argument("How far", "+2h")
WITHOUT_POWER = {"power-on", "change-password"}
"""The deeds that do not need a PC that is up."""

DEEDS = {
    deed.name: deed
    for deed in (
        Deed("allow", "Allow", "customer", "allow the request and type the right password", _allow),
        Deed("mistype", "Mistype", "customer", "allow the request and type a wrong password", _mistype),
        Deed(
            "decline", "Decline", "customer", "decline the request", _decline,
            Argument("Reason", "Not this week", usual=True),
        ),
        Deed(
            "later", "Later", "customer", "want to be asked again later", _later,
            Argument("In", "15m", usual=True),
        ),
        Deed("report", "Report", "customer", "decline and report the request", _report),
        Deed("revoke", "Revoke", "customer", "take the sign-in back", _revoke),
        Deed("pause", "Pause", "customer", "pause the sign-in", _pause),
        Deed("resume", "Resume", "customer", "resume the paused sign-in", _resume),
        Deed("lock", "Lock the screen", "customer", "lock the screen and leave", _lock),
        Deed("sign-in", "Sign in", "customer", "sign in, or unlock the screen", _sign_in),
        Deed("sign-out", "Sign out", "customer", "sign out of Windows", _sign_out),
        Deed(
            "change-password", "Change the password", "customer", "change the Windows password", _change_password
        ),
        Deed("power-cut", "Cut the power", "pc", "cut the power", _power_cut),
        Deed("power-on", "Switch on", "pc", "switch the PC on", _power_on),
        Deed("shut-down", "Shut down", "pc", "shut the PC down", _shut_down),
        Deed("windows-update", "Windows Update", "pc", "let Windows Update restart the PC", _windows_update),
        Deed("pending", "Pending restart", "pc", "let Windows wait for a restart", _pending),
        Deed("clock", "Let time pass", "pc", "let time pass on the PC", _clock, HOW_FAR),
        Deed(
            "sleep", "Sleep", "pc", "let the PC sleep and wake up", _sleep, Argument("How long", "1h", usual=True)
        ),
        Deed("crash-agent", "Crash the agent", "pc", "kill the agent; Windows starts it again", _crash_agent),
    )
}  # fmt: skip
"""Every deed by its name."""


def done(pc: LabPC, name: str, argument: str = "") -> str:
    """Do a deed; return the sentence that tells what happened.

    Raises:
        LabError: there is no such deed, it has no or needs an argument, or it is not possible now.
    """
    deed = DEEDS.get(name)
    if deed is None:
        msg = f"There is no deed {name!r}. Deeds: {STATUS}, {', '.join(DEEDS)}"
        raise LabError(msg)
    if argument and deed.argument is None:
        msg = f"The deed {name} has no argument, but {argument!r} was given"
        raise LabError(msg)
    if not argument and deed.argument is not None and not deed.argument.usual:
        msg = f"The deed {name} needs an argument, for example: {name} {deed.argument.example}"
        raise LabError(msg)
    if name not in WITHOUT_POWER:
        _need_power(pc)
    try:
        return deed.do(pc, argument)
    except (OSError, TimeoutError, RuntimeError, ValueError, msgspec.MsgspecError) as fault:
        msg = f"The deed {name} did not succeed on {pc.name}: {str(fault) or type(fault).__name__}"
        raise LabError(msg) from None
