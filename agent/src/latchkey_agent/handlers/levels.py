# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one table of the control pipe's verbs and the level that each needs.

An operator may be a member of "Latchkey Operators" only. Such an account asks and uses; it neither removes evidence
nor lifts a block that a customer's report has set, and does not keep the agent busy with the whole journal.
"""

from __future__ import annotations

from latchkey_agent.protocol import control_requests as rq

from .peer import Level

LEVELS: dict[type[rq.ControlRequest], Level] = {
    rq.SessionStart: "operator",
    rq.SessionEnd: "operator",
    rq.CredentialRequest: "operator",
    rq.RequestWait: "operator",
    rq.RequestWithdraw: "operator",
    rq.CredentialApply: "operator",
    rq.ApplyWait: "operator",
    rq.SessionCommand: "operator",
    rq.CommandWait: "operator",
    rq.CredentialRevoke: "operator",
    rq.Checkpoint: "operator",
    rq.Info: "operator",
    rq.Events: "operator",
    rq.Receipt: "operator",
    rq.ReceiptList: "operator",
    rq.DeviceKey: "operator",
    rq.JournalVerify: "administrator",
    rq.JournalReset: "administrator",
    rq.EraseAll: "administrator",
    rq.AskerUnblock: "administrator",
    rq.DeviceKeyReplace: "administrator",
}
