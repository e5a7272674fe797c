# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders answers as tables for an administrator's terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from latchkey_agent.protocol import answers as ans

Row = Sequence[str]


def table(head: Row, rows: Sequence[Row]) -> str:
    """Return aligned columns; only the head if there are no rows."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def render(command: str, answer: ans.Answer) -> str:
    """Return an answer as the text of one of latchkeyctl's commands."""
    if isinstance(answer.error, ans.ErrorView):
        return f"{answer.error.message}\n{answer.error.hint}\n"
    result: dict[str, Any] = answer.result if isinstance(answer.result, dict) else {}
    return _RENDERERS[command](result)


def _status(result: dict[str, Any]) -> str:
    agent = result["agent"]
    state = "ready" if agent["ready"] else agent["problem"]
    head = f"Latchkey agent {agent['version']} on {agent['device']}: {state}\n\n"
    sessions = [(s["name"], s["state"], s["ticket"], s["reason"], s["ends_at"]) for s in result["sessions"]]
    asked = [
        (r["code"], r["state"], r["account"], r["answer_by"], r.get("waiting_for", ""))
        for r in result["requests"]
    ]
    return (
        head
        + table(("SESSION", "STATE", "TICKET", "REASON", "ENDS"), sessions)
        + "\n"
        + table(("CODE", "REQUEST", "ACCOUNT", "ANSWER BY", "WAITING FOR"), asked)
    )


def _grants(result: dict[str, Any]) -> str:
    rows = [
        (
            g["id"],
            g["state"],
            g["account"],
            f"{g['left']['restarts']} of {g['terms']['restarts']}",
            f"{g['left']['unlocks']} of {g['terms']['unlocks']}",
            g["terms"]["not_after"],
            f"{g.get('ended', '')} {by}" if (by := g.get("revoked_by")) else g.get("ended", ""),
        )
        for g in result["grants"]
    ]
    return table(("GRANT", "STATE", "ACCOUNT", "RESTARTS", "UNLOCKS", "UNTIL", "ENDED"), rows)


def _receipt(result: dict[str, Any]) -> str:
    receipt = result["receipt"]
    return f"{receipt['text']}\nsigned by {receipt['public_key']}\n{receipt['signature']}"


def _device_key(result: dict[str, Any]) -> str:
    replaced = f"in place of {result['replaced']}\n" if result.get("replaced") else ""
    return f"{result['public_key']}\n{result['fingerprint']}\n{replaced}"


def _journal(result: dict[str, Any]) -> str:
    verdict = "intact" if result["intact"] else "NOT INTACT"
    problem = f": {result['problem']}" if result.get("problem") else ""
    return f"{result['events']} events, {verdict}{problem}\nhead {result['head']}\n"


def _unblock(result: dict[str, Any]) -> str:
    return table(("STILL BLOCKED",), [(account,) for account in result["blocked"]])


def _erase(result: dict[str, Any]) -> str:
    rows = [
        (e["grant"], "confirmed" if e["confirmed"] else "NOT CONFIRMED", e["checked_at"])
        for e in result["erasure"]
    ]
    return table(("GRANT", "ERASURE", "CHECKED"), rows)


def _forecast(result: dict[str, Any]) -> str:
    forecast = result["forecast"]
    severities = {f["severity"] for f in forecast["findings"]}
    verdict = "no obstacle to an unattended sign-in was found"
    if "stops" in severities:
        verdict = "an unattended sign-in will not work"
    elif not forecast["ready"]:
        verdict = "it could not be found out whether an unattended sign-in works"
    rows = [(f["severity"], f["code"], f["evidence"], f["advice"]) for f in forecast["findings"]]
    return f"Forecast: {verdict}\n\n" + table(("SEVERITY", "FINDING", "EVIDENCE", "ADVICE"), rows)


_RENDERERS = {
    "status": _status,
    "grants": _grants,
    "receipt": _receipt,
    "device-key": _device_key,
    "journal": _journal,
    "unblock": _unblock,
    "erase": _erase,
    "forecast": _forecast,
}
