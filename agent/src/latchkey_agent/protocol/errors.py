# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one table of everything that can be refused or go wrong.

A row is a stable code, who raises it, one plain sentence and what to do next.
`docs/errors.md` and the collection's `plugins/plugin_utils/_error_table.py` are
generated from it (`tools/generate.py`); a test walks every row.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from .answers import ErrorView

Side = Literal["agent", "controller"]


class ErrorRow(NamedTuple):
    """One row: `message` and `hint` may have `{named}` places to fill."""

    side: Side
    message: str
    hint: str


_A: Side = "agent"
_C: Side = "controller"

ERRORS: dict[str, ErrorRow] = {
    # --- what was sent
    "bad_message": ErrorRow(
        _A, "The agent did not understand the request: {detail}.",
        "Check the options' names and values; if they are right, collection and agent are of different versions.",
    ),
    "message_too_large": ErrorRow(
        _A, "The request is larger than the agent accepts ({limit} bytes).",
        "Shorten the reason, the message or the names.",
    ),
    "too_much_to_tell": ErrorRow(
        _A, "The answer has {size} bytes; more than {limit} cannot be sent. What was asked for is done.",
        "Ask for one support session only, or without receipts.",
    ),
    "protocol_mismatch": ErrorRow(
        _A, "The collection speaks protocol {theirs}, the agent on this PC speaks {ours}.",
        "Install matching versions: upgrade the agent with the role latchkey.consent.agent, or the collection.",
    ),
    "not_permitted": ErrorRow(
        _A, "The account {account} may not use the agent.",
        "Use an administrator, or add the account to the local group \"Latchkey Operators\".",
    ),
    "bad_time": ErrorRow(
        _A, "{field} is not a time that can be used: {detail}.",
        "Write \"22:00\", \"2026-11-23T22:00\" or \"2026-11-23T22:00:00+01:00\"; the end must be after the beginning.",
    ),
    "bad_terms": ErrorRow(
        _A, "These terms allow nothing or too much: {detail}.",
        "Ask for at least one restart or unlock, within what the organisation's policy allows.",
    ),
    # --- the agent itself
    "policy_invalid": ErrorRow(
        _A, "The agent refuses every request because its settings file is wrong: {detail}.",
        "Correct the settings file; the agent reads it again by itself.",
    ),
    "policy_refuses": ErrorRow(
        _A, "The organisation's policy does not allow this: {detail}.",
        "Change the request, or have the policy changed by who is responsible for it.",
    ),
    "journal_damaged": ErrorRow(
        _A, "The agent's journal is damaged or was changed: {detail}. Everything sealed was erased.",
        "Find out who or what changed it, then run on the PC: latchkeyctl journal reset (the file is kept aside).",
    ),
    "journal_newer": ErrorRow(
        _A, "The agent's journal was written by a newer agent: {detail}. Nothing was changed.",
        "Install the newer agent again. To give up what it wrote, run on the PC: latchkeyctl journal reset.",
    ),
    "erasure_unconfirmed": ErrorRow(
        _A, "An earlier secret could not be erased for certain ({detail}), so no new one is accepted.",
        "The agent goes on trying; look at the disk. latchkeyctl status tells when it is done.",
    ),
    "storage_failed": ErrorRow(
        _A, "The agent could not write to its journal: {detail}. Nothing was changed.",
        "Make room on the disk or mend it, then try again.",
    ),
    "agent_failed": ErrorRow(
        _A, "The agent met a fault of its own ({detail}). Nothing was changed.",
        "Look at the agent's log on the PC and report it.",
    ),
    "out_of_order": ErrorRow(
        _A, "This is not possible now: {detail}.",
        "Look with latchkey.consent.credential_info how far it is.",
    ),
    # --- support session
    "no_session": ErrorRow(
        _A, "There is no open support session named {session} on this PC.",
        "Open it with latchkey.consent.support_session first.",
    ),
    "session_in_use": ErrorRow(
        _A, "The support session {session} is open for another purpose: {detail}.",
        "Use another name, or end that session first.",
    ),
    "reason_missing": ErrorRow(
        _A, "A support session needs a reason that the customer can read.",
        "Set reason.",
    ),
    # --- request
    "no_such_account": ErrorRow(
        _A, "There is no account {account} that can sign in on this PC.",
        "Check the name; write a domain account as DOMAIN\\user.",
    ),
    "nobody_signed_in": ErrorRow(
        _A, "Nobody is signed in at this PC, so nobody can be asked.",
        "Ask while the customer is at the PC, or name the account and wait.",
    ),
    "no_request": ErrorRow(
        _A, "There is no request {request}.",
        "Ask again with latchkey.consent.credential_request.",
    ),
    "denied": ErrorRow(
        _A, "The customer declined{detail}.",
        "Respect it; talk to the customer before asking again.",
    ),
    "reported": ErrorRow(
        _A, "The customer reported the request as suspicious.",
        "Call the customer; the request's code is in the receipt.",
    ),
    "answered_later": ErrorRow(
        _C, "The customer wants to be asked again {detail}.",
        "Run the request again after that time, or give a longer timeout.",
    ),
    "no_answer": ErrorRow(
        _A, "The customer did not answer in time.",
        "Silence is no. Ask when the customer is at the PC, or with a longer timeout.",
    ),
    "request_withdrawn": ErrorRow(
        _A, "The request was taken back before the customer answered.",
        "Ask again.",
    ),
    "wrong_password": ErrorRow(
        _A, "The customer's entry was refused by Windows twice, so the request ended.",
        "Ask again; the customer should try the password at the lock screen first.",
    ),
    "typed_pin": ErrorRow(
        _A, "The customer typed the PIN twice; only the password works after a restart.",
        "Ask again and tell the customer that the Windows password is needed, not the PIN.",
    ),
    "account_refused": ErrorRow(
        _A, "Windows does not let this account sign in: {detail}.",
        "Mend the account, then ask again.",
    ),
    "other_account_entered": ErrorRow(
        _A, "The customer entered another user name than the one that was asked for.",
        "Ask again, naming the right account.",
    ),
    # --- apply
    "no_grant": ErrorRow(
        _A, "The customer has lent nothing for the support session {session}.",
        "Ask with latchkey.consent.credential_request first.",
    ),
    "grant_revoked": ErrorRow(
        _A, "{detail} revoked the grant.",
        "A restart that is under way continues, but nobody is signed in. Talk to the customer before you ask again.",
    ),
    "grant_expired": ErrorRow(
        _A, "The time that the customer agreed to is over ({detail}).",
        "Ask again for the time that is needed.",
    ),
    "grant_rejected": ErrorRow(
        _A, "What was lent cannot be used any more ({detail}), so the grant was erased.",
        "The password was changed since, or Windows refuses it, or its record cannot be opened. Ask again.",
    ),
    "grant_paused": ErrorRow(
        _A, "The customer has paused the grant.",
        "Wait until the customer goes on, or talk to them.",
    ),
    "terms_used_up": ErrorRow(
        _A, "The customer agreed to {detail}, and they are used up.",
        "Ask again for more.",
    ),
    "too_early": ErrorRow(
        _A, "The customer agreed to a time that has not begun yet ({detail}).",
        "Apply after that moment.",
    ),
    "restart_too_soon": ErrorRow(
        _A, "This PC was restarted a moment ago; the policy wants {detail} between restarts.",
        "Wait; this keeps a restart loop from running away.",
    ),
    "restart_in_progress": ErrorRow(
        _A, "Another restart or logon of this PC is under way.",
        "Wait until it has come back.",
    ),
    "restart_refused": ErrorRow(
        _A, "Windows refused to restart: {detail}.",
        "Nobody was signed out. Mend what it names, then apply again.",
    ),
    "rename_pending": ErrorRow(
        _A, "This PC gets another name with its next restart, and what was lent is for {device}: it could not be used.",
        "Restart the PC once without Latchkey; the customer signs in and can be asked again.",
    ),
    "others_signed_in": ErrorRow(
        _A, "A restart would sign out {detail}, who was not asked.",
        "Nobody was signed out. Apply again once they have signed out.",
    ),
    "no_permit": ErrorRow(
        _A, "There is no logon permit {permit}.",
        "Look with latchkey.consent.credential_info what became of it.",
    ),
    "logon_refused": ErrorRow(
        _A, "The logon did not succeed ({detail}); the grant was erased and is never tried again.",
        "Ask the customer again.",
    ),
    "logon_interrupted": ErrorRow(
        _A, "The PC went down in the middle of the logon; the permit was already used and is not used again.",
        "Apply again if the terms still allow it.",
    ),
    "logon_did_not_happen": ErrorRow(
        _A, "The PC is back, but its logon screen did not use the permit in time.",
        "See the forecast (credential_info): a banner, a PIN before Windows or a hidden provider stops it.",
    ),
    "permit_cancelled": ErrorRow(
        _A, "The logon permit was cancelled: {detail}.",
        "Nobody was signed in with it. Apply again if the terms still allow it.",
    ),
    # --- setting the agent up
    "settings_invalid": ErrorRow(
        _A, "The settings were not put in place: {detail}.",
        "The former settings stay in force. Correct what is named; docs/administrator.md lists every key.",
    ),
    "setup_failed": ErrorRow(
        _A, "The agent could not be set up: {detail}.",
        "Connect as an administrator of the PC; check the operators' names.",
    ),
    # --- controller
    "agent_not_installed": ErrorRow(
        _C, "The consent agent is not installed on this PC (no {path}).",
        "Install it with the role latchkey.consent.agent, or set agent_path.",
    ),
    "agent_not_running": ErrorRow(
        _A, "The consent agent is installed but does not answer.",
        "Look at the service LatchkeyAgent on the PC.",
    ),
    "not_windows": ErrorRow(
        _C, "This host is not a Windows PC that Ansible reaches by winrm, psrp or ssh with PowerShell.",
        "Set ansible_connection and ansible_shell_type for the host.",
    ),
    "bad_option": ErrorRow(
        _C, "The task's options are wrong: {detail}.",
        "See the module's documentation: ansible-doc latchkey.consent.<module>.",
    ),
    "become_unsupported": ErrorRow(
        _C, "become, async and environment do not reach the agent.",
        "Remove them from the task; the agent checks the connection's own account.",
    ),
    "bad_answer": ErrorRow(
        _C, "What came back from the PC is not an answer of the agent ({detail}).",
        "See whether agent_path names latchkeyctl, and whether a profile script prints something.",
    ),
    "answer_too_large": ErrorRow(
        _C, "The answer from the PC is larger than {limit} bytes and was not read.",
        "See whether agent_path names latchkeyctl.",
    ),
    "connection_lost": ErrorRow(
        _C, "The connection to the PC was lost and did not come back in time; what was asked may have happened.",
        "Run the job again, it goes on where it was; or look with latchkey.consent.credential_info.",
    ),
    "pc_frozen": ErrorRow(
        _C, "The PC accepts connections but does not answer.",
        "It may be busy or hanging. Look at its screen; run the job again later, it goes on where it was.",
    ),
    "pc_not_back": ErrorRow(
        _C, "The PC went down for the restart and was not back within {limit} s.",
        "It may wait at a BitLocker or firmware prompt, or install updates. The permit lapses by itself.",
    ),
    "pc_did_not_restart": ErrorRow(
        _C, "The PC did not go down within {limit} s; it is still in the boot in which the restart was asked for.",
        "Something holds the restart up; look at the PC's screen.",
    ),
    "apply_timeout": ErrorRow(
        _C, "The PC is back, but the sign-in was not finished within {limit} s.",
        "Look with latchkey.consent.credential_info; the permit lapses by itself.",
    ),
    "package_unreadable": ErrorRow(
        _C, "The agent's package cannot be had: {detail}.",
        "Check path or url on the controller; make package builds one.",
    ),
    "package_checksum_wrong": ErrorRow(
        _C, "The agent's package has the SHA-256 {found}, not {wanted}; it was not used.",
        "Get the package again, and the checksum from where it was published.",
    ),
    "package_not_sent": ErrorRow(
        _C, "The package could not be put on the PC: {detail}.",
        "Look at the PC's disk and the connection; nothing was installed.",
    ),
    "package_older": ErrorRow(
        _C, "The agent {installed} is installed, which is newer than {wanted}; it was kept.",
        "To go back, remove it first with state: absent; what is lent will be erased.",
    ),
    "package_busy": ErrorRow(
        _C, "Windows Installer is busy with another installation on the PC, for {limit} s now (1618).",
        "Wait until it is done, or give a longer timeout.",
    ),
    "package_refused": ErrorRow(
        _C, "Windows Installer ended with {number}: {sentence}{detail}",
        "See the PC's Application event log, sources MsiInstaller and Latchkey.",
    ),
    "package_other_version": ErrorRow(
        _C, "The package was installed, but the PC now has the agent {installed}, not {wanted}.",
        "The package is of another version than version says; correct it, or the file's name.",
    ),
    "test_command_failed": ErrorRow(
        _C, "The PC is back and signed in, but test_command did not succeed in time ({detail}).",
        "Look at what the command needs; the session stays locked.",
    ),
}  # fmt: skip


def error(code: str, *, retry_after: float | None = None, **places: object) -> ErrorView:
    """Return the error of a row, its places filled.

    Raises:
        KeyError: no such row, or a place that the row names was not given.
    """
    row = ERRORS[code]
    return ErrorView(
        code=code,
        message=row.message.format(**places),
        hint=row.hint.format(**places),
        retry_after=retry_after,
    )
