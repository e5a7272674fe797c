# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer at a simulated PC: controlled by a test or by a script."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from lab.computer import LabError
from lab.simulated import customer_script
from lab.simulated.loop import lab_loop
from latchkey_agent.companion import wording
from latchkey_agent.companion.wording import asks_password
from latchkey_agent.protocol.customer_messages import (
    CustomerAnswer,
    GrantPause,
    GrantRevoke,
    NoticesClosed,
    RequestAllow,
    RequestDecline,
    RequestLater,
)
from latchkey_agent.protocol.frames import wipe

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from lab.simulated.machine import Machine
    from lab.simulated.simulated_companion import Companion, Companions
    from latchkey_agent.companion.wording import RequestWindow
    from latchkey_agent.protocol.customer_messages import AskedItem, CustomerRequest


class Customer:
    """The customer's acts, on the lab's loop. The customer knows their own password."""

    def __init__(self, machine: Machine, companions: Companions, password: bytearray) -> None:
        self._machine = machine
        self._companions = companions
        self._password = bytearray(password)
        self.pin = bytearray(str(secrets.randbelow(900_000) + 100_000).encode("utf-16-le"))

    def forget(self) -> None:
        """Overwrite the password that the customer knows."""
        wipe(self._password)
        wipe(self.pin)

    # --- the request window -----------------------------------------------------------

    async def window(self) -> None:
        """Wait until a request window is on the screen."""
        while True:
            companion = self._companions.of(self._machine.customer.account.sid)
            if companion is not None:
                await companion.until(window_open=True)
                return
            await self._machine_event("signed_in")

    async def allow(self, entry: bytearray | None = None, name: str | None = None) -> str:
        """Click allow and type `entry` (their own password if None); return the refusal, "" if none."""
        account = self._machine.customer.account
        companion, item = self._asked()
        request = RequestAllow(request=item.request, entered=name or account.qualified)
        if asks_password(item):
            self._machine.record("customer", "typed", "Allows it and types into the password field.")
            typed = bytearray(self._password if entry is None else entry)
        else:
            self._machine.record("customer", "allowed", "Allows it; no password is asked for.")
            typed = bytearray()
        try:
            answer = await companion.ask(request, typed)
        finally:
            wipe(typed)
        if answer.done:
            await companion.answered(item.request)
        return answer.error.message if answer.error else ""

    async def mistype(self) -> None:
        """Click allow and type a wrong password."""
        await self.allow(bytearray(secrets.token_urlsafe(9).encode("utf-16-le")))

    async def later(self, seconds: float) -> None:
        """Click later."""
        companion, item = self._asked()
        self._machine.record("customer", "clicked_later", "Wants to be asked again later.")
        self._insist(await companion.ask(RequestLater(request=item.request, seconds=seconds)))
        await companion.answered(item.request)

    async def decline(self, why: str = "", *, report: bool = False, not_today: bool = False) -> None:
        """Click decline or report."""
        companion, item = self._asked()
        text = "Declines, and reports the request." if report else "Declines."
        self._machine.record("customer", "reported" if report else "declined", text)
        request = RequestDecline(request=item.request, why=why, report=report, not_today=not_today)
        self._insist(await companion.ask(request))
        await companion.answered(item.request)

    def _asked(self) -> tuple[Companion, AskedItem]:
        companion = self._companion()
        item = companion.asked()
        if companion.window is None or item is None:
            msg = "there is no request window on the customer's screen"
            raise LabError(msg)
        return companion, item

    # --- the menu -------------------------------------------------------------------------

    async def revoke(self) -> None:
        """Revoke every grant."""
        await self._unlock()
        self._machine.record("customer", "revoked", "Takes the sign-in back.")
        await self._say(GrantRevoke())

    async def pause(self, *, pause: bool) -> None:
        """Pause every grant, or resume it."""
        await self._unlock()
        text = "Pauses the sign-in." if pause else "Resumes the sign-in."
        self._machine.record("customer", "paused" if pause else "resumed", text)
        for item in self._companion().grants():
            await self._say(GrantPause(grant=item.grant, pause=pause))

    async def _say(self, request: CustomerRequest) -> None:
        self._insist(await self._companion().ask(request))

    def _insist(self, answer: CustomerAnswer) -> None:
        if not answer.done:
            why = answer.error.message if answer.error else "it gave no reason"
            msg = f"the agent refused its customer: {why}"
            raise LabError(msg)

    # --- the PC ---------------------------------------------------------------------------

    def sign_in(self) -> None:
        """Sign in at the console, or unlock it, with the customer's password."""
        if not self._machine.running:
            msg = f"no user can sign in: {self._machine.settings.name} does not run"
            raise LabError(msg)
        windows, record = self._machine.windows, self._machine.customer
        refusal = windows.check(record, self._password)
        if refusal is not None:
            msg = f"Windows does not let the customer sign in: {refusal}"
            raise LabError(msg)
        windows.sessions.sign_in(record.account)

    def lock(self) -> None:
        """Lock the screen."""
        self._machine.windows.sessions.lock(self._companion().session.id)

    def sign_out(self) -> None:
        """Sign out."""
        self._machine.windows.sessions.sign_out(self._companion().session.id)

    def change_password(self, new: bytearray | None) -> None:
        """Change the customer's password; None makes a random one."""
        fresh = bytearray(secrets.token_urlsafe(12).encode("utf-16-le")) if new is None else new
        self._machine.customer.set_password(fresh)
        wipe(self._password)
        self._password = bytearray(fresh)
        self._machine.record("customer", "password_changed", "Changes the Windows password.")

    async def _unlock(self) -> None:
        companion = self._companion()
        if companion.session.locked:
            self.sign_in()

    def _companion(self) -> Companion:
        companion = self._companions.of(self._machine.customer.account.sid)
        if companion is None:
            msg = "the customer is not signed in"
            raise LabError(msg)
        return companion

    def read(self) -> dict[str, str]:
        """Return the notices that the customer has read, by their ids."""
        return self._companions.read_by(self._machine.customer.account.sid)

    async def close_notices(self) -> None:
        """Close every notice on the screen."""
        await self._say(NoticesClosed(notices=list(self.read())))

    def request_shown(self) -> tuple[RequestWindow, AskedItem] | None:
        """Return the request window on the screen, and its request."""
        companion = self.companion()
        item = companion.asked() if companion else None
        if companion is None or companion.window is None or item is None:
            return None
        return companion.window, item

    def menu_lines(self) -> list[str]:
        """Return the line of each grant in the menu by the clock."""
        companion, machine = self.companion(), self._machine
        if companion is None:
            return []
        now, language = machine.windows.clock.now(), machine.settings.language
        return [wording.menu(item, now, language).lent for item in companion.grants()]

    def companion(self) -> Companion | None:
        """Return the customer's companion, if they are signed in."""
        return self._companions.of(self._machine.customer.account.sid)

    async def _machine_event(self, what: str, count: int | None = None) -> None:
        events = self._machine.events
        wanted = events.count(what) + 1 if count is None else count
        await asyncio.wrap_future(events.future(what, wanted))

    # --- by a script ------------------------------------------------------------------------

    async def play(self, steps: Sequence[customer_script.Step]) -> None:
        """Carry out all steps, one after the other."""
        for step in steps:
            if isinstance(step, customer_script.AnswerStep):
                await self.window()
            elif isinstance(step, customer_script.ActStep) and step.when:
                await self._machine_event(step.when, step.count)
            await asyncio.sleep(step.after)
            try:
                await self._do(step)
            except LabError:
                if self._machine.running:
                    raise
                self._machine.record(
                    "customer", "interrupted", "The PC goes down while the customer uses it."
                )

    async def _do(self, step: customer_script.Step) -> None:
        deed = _DEEDS[type(step)](self, step)
        if deed is not None:
            await deed

    async def _ignore(self) -> None:
        companion = self._companion()
        self._machine.record("customer", "ignored", "Looks at it and does nothing.")
        await companion.until(window_open=False)


_DEEDS: dict[type[customer_script.Step], Callable[[Customer, Any], Coroutine[Any, Any, object] | None]] = {
    customer_script.Grant: lambda self, _: self.allow(),
    customer_script.Mistype: lambda self, _: self.mistype(),
    customer_script.TypePin: lambda self, _: self.allow(self.pin),
    customer_script.TypeOtherName: lambda self, step: self.allow(name=step.name),
    customer_script.Deny: lambda self, step: self.decline(step.why, not_today=step.not_today),
    customer_script.Report: lambda self, _: self.decline(report=True),
    customer_script.Later: lambda self, step: self.later(step.seconds),
    customer_script.Ignore: lambda self, _: self._ignore(),
    customer_script.Revoke: lambda self, _: self.revoke(),
    customer_script.Pause: lambda self, _: self.pause(pause=True),
    customer_script.Resume: lambda self, _: self.pause(pause=False),
    customer_script.ChangePassword: lambda self, step: self.change_password(step.new),
    customer_script.SignIn: lambda self, _: self.sign_in(),
    customer_script.Lock: lambda self, _: self.lock(),
    customer_script.SignOut: lambda self, _: self.sign_out(),
}


class SimulatedActions:
    """`lab.computer.CustomerActions`: the same acts, from any thread."""

    def __init__(self, customer: Customer) -> None:
        self._customer = customer

    def screen(self) -> str:
        """Return the text of the request window; empty if none is shown."""
        companion = lab_loop.call(self._customer.companion)
        return companion.window.text if companion and companion.window else ""

    def notices(self) -> list[str]:
        """Return the text of every notice shown so far."""
        return list(lab_loop.call(self._customer.read).values())

    def close_notices(self) -> None:
        """Close every notice on the screen."""
        lab_loop.run(self._customer.close_notices())

    def allow(self, password: bytearray | None = None) -> str:
        """Click allow and type a password (UTF-16LE; their own if None); return the refusal, "" if none."""
        return lab_loop.run(self._customer.allow(password))

    def later(self, seconds: float = 900.0) -> None:
        """Click later."""
        lab_loop.run(self._customer.later(seconds))

    def decline(self, why: str = "") -> None:
        """Click decline."""
        lab_loop.run(self._customer.decline(why))

    def report(self) -> None:
        """Click report."""
        lab_loop.run(self._customer.decline(report=True))

    def revoke(self) -> None:
        """Revoke every grant."""
        lab_loop.run(self._customer.revoke())

    def pause(self) -> None:
        """Pause every grant."""
        lab_loop.run(self._customer.pause(pause=True))

    def resume(self) -> None:
        """Resume every paused grant."""
        lab_loop.run(self._customer.pause(pause=False))

    def sign_in(self) -> None:
        """Sign in at the console, or unlock it, with the customer's password."""
        lab_loop.call(self._customer.sign_in)

    def lock(self) -> None:
        """Lock the screen and leave."""
        lab_loop.call(self._customer.lock)

    def sign_out(self) -> None:
        """Sign out."""
        lab_loop.call(self._customer.sign_out)

    def change_password(self, new: bytearray) -> None:
        """Change the customer's Windows password (UTF-16LE)."""
        lab_loop.call(self._customer.change_password, new)
