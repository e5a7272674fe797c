# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what the customer sees: what happened in, what to do out. Pure.

It touches neither Windows nor the clock, and waits for nothing; `director`
brings it what happens and carries out what it says.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from latchkey_agent import __version__
from latchkey_agent.companion import menu, receipt_text
from latchkey_agent.companion.notices import News
from latchkey_agent.companion.presenter_context import View
from latchkey_agent.companion.request_window import Asking
from latchkey_agent.companion.revoking import Revoking
from latchkey_agent.companion.steps import (
    Answered,
    AnyAction,
    AnyInput,
    Balloon,
    BalloonOver,
    Chosen,
    Entered,
    HideIcon,
    Lost,
    NewsClosed,
    Picked,
    Screen,
    Seen,
    ShowIcon,
    ShowPages,
    Tell,
    Told,
    Unshown,
    Watched,
)
from latchkey_agent.protocol.answers import ReceiptView
from latchkey_agent.protocol.customer_messages import (
    CustomerAnswer,
    CustomerSnapshot,
    GrantPause,
    GrantRevoke,
    OwnReceipts,
)


class Presenter:
    """One companion's mind.

    Args:
        language: of the customer's Windows, as `de` or `en`.
        now: the present moment, in the PC's zone.
    """

    def __init__(self, language: str, now: datetime) -> None:
        self._view = View(language, now, CustomerSnapshot(version=0), Screen())
        self._asking = Asking(self._view)
        self._news = News(self._view)
        self._revoking = Revoking(self._view)
        self._tip = ""
        self._handlers: dict[type[AnyInput], Callable[[Any], list[AnyAction]]] = {
            Watched: self._watched,
            Lost: self._lost,
            Seen: lambda _: [],
            Answered: self._asking.answered,
            Unshown: self._asking.unshown,
            Chosen: self._asking.chosen,
            Entered: self._asking.entered,
            Told: self._told,
            NewsClosed: lambda _: self._news.closed(),
            BalloonOver: self._news.balloon_over,
            Picked: self._picked,
        }

    @property
    def watches_screen(self) -> bool:
        """Whether something waits for what the screen is doing, or for a while to pass."""
        return bool(self._view.snapshot.asked) or self._news.is_waiting or self._revoking.is_waiting

    def menu(self, now: datetime) -> list[menu.Entry]:
        """Return the lines of the icon's menu."""
        return menu.entries(self._view.snapshot, now, self._view.language)

    def handle(self, event: AnyInput, screen: Screen, now: datetime) -> list[AnyAction]:
        """Return what to do about what has happened, in order.

        Args:
            event: what has happened.
            screen: what the screen is doing now.
            now: the present moment, in the PC's zone.
        """
        self._view.now = now
        self._view.screen = screen
        # A notice of the companion's own waits its turn like the agent's.
        actions = [action for action in self._handlers[type(event)](event) if not self._kept(action)]
        actions += self._revoking.refresh()
        asking = self._asking.refresh()
        news = self._news.refresh(busy=self._asking.is_busy)
        return [*self._icon(), *actions, *asking, *news]

    def _kept(self, action: AnyAction) -> bool:
        if isinstance(action, Balloon):
            self._news.add(action.text)
        return isinstance(action, Balloon)

    # --- the agent ------------------------------------------------------------------

    def _watched(self, event: Watched) -> list[AnyAction]:
        anew = not self._view.connected
        self._view.connected = True
        self._view.snapshot = event.snapshot
        self._asking.watched(anew=anew)
        self._news.watched()
        return self._revoking.watched(anew=anew)

    def _lost(self, _event: Lost) -> list[AnyAction]:
        self._view.connected = False
        return []

    def _told(self, event: Told) -> list[AnyAction]:
        match event.request:
            case GrantRevoke():
                return self._revoking.told(event.answer)
            case OwnReceipts() if event.answer is not None and event.answer.done:
                return [self._receipts(event.answer.receipts)]
            case GrantPause() | OwnReceipts():
                return self._not_done(event.answer)
        return self._asking.told(event)

    def _not_done(self, answer: CustomerAnswer | None) -> list[AnyAction]:
        """Say that the agent is silent, or refuses; nothing where it has done what it was told."""
        if answer is None:
            return [self._view.message(self._view.say("agent_silent"))]
        if answer.done:
            return []
        code = answer.error.code if answer.error else ""
        return [self._view.message(self._view.say("not_possible", code=code))]

    def _receipts(self, views: list[ReceiptView]) -> ShowPages:
        view = self._view
        if not views:
            return view.message(view.say("receipts_none"))
        total = str(len(views))
        pages = (
            f"{view.say('receipt_of', n=str(number), total=total)}\n\n"
            f"{receipt_text.render(found, view.now, view.language)}"
            for number, found in enumerate(views, 1)
        )
        return ShowPages(view.say("menu_receipts"), tuple(pages), view.say("older"), view.say("newer"))

    # --- the menu ---------------------------------------------------------------------

    def _picked(self, event: Picked) -> list[AnyAction]:
        match event.deed:
            case "show":
                return self._asking.insist()
            case "revoke":
                return self._revoking.wanted()
            case "pause" | "resume":
                return [Tell(GrantPause(grant=event.grant, pause=event.deed == "pause"))]
            case "receipts":
                return [Tell(OwnReceipts())]
            case "report":
                return [self._report()]
        return [self._view.message(self._view.say("about", version=__version__))]

    def _report(self) -> ShowPages:
        view, snapshot = self._view, self._view.snapshot
        knows_whom = snapshot.organization and snapshot.phone
        call = view.say(
            "report_call_phone" if knows_whom else "report_call",
            **({"organization": snapshot.organization, "phone": snapshot.phone} if knows_whom else {}),
        )
        asked = [view.say("report_asked")] if snapshot.asked else []
        lent = [view.say("report_lent", revoke=view.say("revoke"))] if snapshot.lent else []
        return ShowPages(view.say("report_title"), ("\n\n".join((*asked, *lent, call)),), "", "")

    # --- the icon -----------------------------------------------------------------------

    def _icon(self) -> list[AnyAction]:
        """Show the icon while something is asked or lent, or a notice needs its place; else hide it."""
        tip = self._wanted_tip()
        if tip == self._tip:
            return []
        self._tip = tip
        return [ShowIcon(tip) if tip else HideIcon()]

    def _wanted_tip(self) -> str:
        snapshot = self._view.snapshot
        if snapshot.asked:
            return self._view.say("tray_asked")
        if snapshot.lent:
            return self._view.say("tray_lent")
        return self._view.say("tray_news") if self._news.is_on else ""
