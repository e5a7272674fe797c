# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what the customer sees: takes events, returns actions. Pure.

The presenter calls neither Windows nor the clock and never waits. `director`
passes it the events and performs its actions.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from latchkey_agent import __version__
from latchkey_agent.companion import menu, receipt_text
from latchkey_agent.companion.notices import Notices
from latchkey_agent.companion.presenter_context import View
from latchkey_agent.companion.request_window import RequestFlow
from latchkey_agent.companion.revoking import Revocation
from latchkey_agent.companion.steps import (
    AgentLost,
    AgentReplied,
    AnyAction,
    AnyEvent,
    Balloon,
    BalloonExpired,
    ChoiceMade,
    HideIcon,
    MenuPicked,
    MissedNoticesClosed,
    PasswordEntered,
    RequestAnswered,
    RequestNotShown,
    Screen,
    ScreenChecked,
    SendToAgent,
    ShowIcon,
    ShowPages,
    SnapshotChanged,
)
from latchkey_agent.protocol.customer_messages import (
    CustomerAnswer,
    CustomerSnapshot,
    GrantPause,
    GrantRevoke,
    OwnReceipts,
)


class Presenter:
    """The decisions of one companion.

    Args:
        language: the language of the customer's Windows, as `de` or `en`.
        now: the current time in the PC's time zone.
    """

    def __init__(self, language: str, now: datetime) -> None:
        self._view = View(language, now, CustomerSnapshot(version=0), Screen())
        self._request_flow = RequestFlow(self._view)
        self._notices = Notices(self._view)
        self._revocation = Revocation(self._view)
        self._tip = ""
        self._handlers: dict[type[AnyEvent], Callable[[Any], list[AnyAction]]] = {
            SnapshotChanged: self._snapshot_changed,
            AgentLost: self._agent_lost,
            ScreenChecked: lambda _: [],
            RequestAnswered: self._request_flow.answered,
            RequestNotShown: self._request_flow.not_shown,
            ChoiceMade: self._request_flow.chosen,
            PasswordEntered: self._request_flow.entered,
            AgentReplied: self._agent_replied,
            MissedNoticesClosed: lambda _: self._notices.window_closed(),
            BalloonExpired: self._notices.balloon_expired,
            MenuPicked: self._menu_picked,
        }

    @property
    def needs_screen_checks(self) -> bool:
        """Whether something waits for a change of the screen or for time to pass."""
        return bool(self._view.snapshot.asked) or self._notices.is_waiting or self._revocation.is_waiting

    def menu(self, now: datetime) -> list[menu.Entry]:
        """Return the entries of the tray menu."""
        return menu.entries(self._view.snapshot, now, self._view.language)

    def handle(self, event: AnyEvent, screen: Screen, now: datetime) -> list[AnyAction]:
        """Handle an event and return the actions to perform, in order.

        Args:
            event: the event.
            screen: the current state of the screen.
            now: the current time in the PC's time zone.
        """
        self._view.now = now
        self._view.screen = screen
        # A balloon of the companion itself queues behind the agent's notices.
        actions = [action for action in self._handlers[type(event)](event) if not self._queue_balloon(action)]
        actions += self._revocation.refresh()
        asking = [action for action in self._request_flow.refresh() if not self._queue_balloon(action)]
        news = self._notices.refresh(busy=self._request_flow.is_busy)
        return [*self._icon(), *actions, *asking, *news]

    def _queue_balloon(self, action: AnyAction) -> bool:
        if isinstance(action, Balloon):
            self._notices.add(action.text)
        return isinstance(action, Balloon)

    # --- the agent ------------------------------------------------------------------

    def _snapshot_changed(self, event: SnapshotChanged) -> list[AnyAction]:
        reconnected = not self._view.connected
        self._view.connected = True
        self._view.snapshot = event.snapshot
        settled = self._request_flow.snapshot_changed(reconnected=reconnected)
        self._notices.snapshot_changed()
        return [*settled, *self._revocation.snapshot_changed(reconnected=reconnected)]

    def _agent_lost(self, _event: AgentLost) -> list[AnyAction]:
        self._view.connected = False
        return []

    def _agent_replied(self, event: AgentReplied) -> list[AnyAction]:
        match event.request:
            case GrantRevoke():
                return self._revocation.agent_replied(event.answer)
            case OwnReceipts() if event.answer is not None and event.answer.done:
                return [self._receipts(event.answer)]
            case OwnReceipts():
                return self._report_failure(event.answer, "receipts_unreadable")
            case GrantPause():
                return self._report_failure(event.answer, "not_possible")
        return self._request_flow.agent_replied(event)

    def _report_failure(self, answer: CustomerAnswer | None, name: str) -> list[AnyAction]:
        """Show a message if the agent did not answer, or the text of this name if it refused the request."""
        if answer is None:
            return [self._view.message(self._view.text("agent_silent"))]
        if answer.done:
            return []
        code = answer.error.code if answer.error else ""
        return [self._view.message(self._view.text(name, code=code))]

    def _receipts(self, answer: CustomerAnswer) -> ShowPages:
        view, views = self._view, answer.receipts
        earlier = receipt_text.earlier(answer.receipts_since, view.now, view.language)
        if not views:
            return view.message(earlier or view.text("receipts_none"))
        total = str(len(views))
        pages = [
            f"{view.text('receipt_of', n=str(number), total=total)}\n\n"
            f"{receipt_text.render(receipt, view.now, view.language)}"
            for number, receipt in enumerate(views, 1)
        ]
        if earlier:
            pages[-1] += f"\n\n{earlier}"
        return ShowPages(view.text("menu_receipts"), tuple(pages), view.text("older"), view.text("newer"))

    # --- the menu ---------------------------------------------------------------------

    def _menu_picked(self, event: MenuPicked) -> list[AnyAction]:
        match event.action:
            case "show":
                return self._request_flow.show_now()
            case "revoke":
                return self._revocation.revoke_all()
            case "pause" | "resume":
                return [SendToAgent(GrantPause(grant=event.grant, pause=event.action == "pause"))]
            case "receipts":
                return [SendToAgent(OwnReceipts())]
            case "report":
                return [self._report()]
        return [self._view.message(self._view.text("about", version=__version__))]

    def _report(self) -> ShowPages:
        view, snapshot = self._view, self._view.snapshot
        has_contact = snapshot.organization and snapshot.phone
        call = view.text(
            "report_call_phone" if has_contact else "report_call",
            **({"organization": snapshot.organization, "phone": snapshot.phone} if has_contact else {}),
        )
        asked = [view.text("report_asked")] if snapshot.asked else []
        lent = [view.text("report_lent", revoke=view.text("revoke"))] if snapshot.lent else []
        return ShowPages(view.text("report_title"), ("\n\n".join((*asked, *lent, call)),), "", "")

    # --- the icon -----------------------------------------------------------------------

    def _icon(self) -> list[AnyAction]:
        """Show the icon while there is an open request, a grant or a visible notice; otherwise hide it."""
        tip = self._wanted_tip()
        if tip == self._tip:
            return []
        self._tip = tip
        return [ShowIcon(tip) if tip else HideIcon()]

    def _wanted_tip(self) -> str:
        snapshot = self._view.snapshot
        if snapshot.asked:
            return self._view.text("tray_asked")
        if snapshot.lent:
            return self._view.text("tray_lent")
        if snapshot.postponed:
            return self._view.text("tray_later")
        return self._view.text("tray_news") if self._notices.is_showing else ""
