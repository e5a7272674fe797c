# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Made by tools/generate.py from the agent's protocol; do not edit.
# fmt: off
"""The error table: `code: (message, hint)`, with `{named}` places to fill."""

from __future__ import annotations

ERRORS: dict[str, tuple[str, str]] = {
    "bad_message": (
        'The agent did not understand the request: {detail}.',
        "Check the options' names and values; if they are right, collection and agent are of different versions.",
    ),
    "message_too_large": (
        'The request is larger than the agent accepts ({limit} bytes).',
        'Shorten the reason, the message or the names.',
    ),
    "too_much_to_tell": (
        'The answer has {size} bytes; more than {limit} cannot be sent. What was asked for is done.',
        'Ask for one support session only, or without receipts.',
    ),
    "protocol_mismatch": (
        'The collection speaks protocol {theirs}, the agent on this PC speaks {ours}.',
        'Install matching versions: upgrade the agent with the role latchkey.consent.agent, or the collection.',
    ),
    "not_permitted": (
        'The account {account} may not use the agent.',
        'Use an administrator, or add the account to the local group "Latchkey Operators".',
    ),
    "bad_time": (
        '{field} is not a time that can be used: {detail}.',
        'Write "22:00", "2026-11-23T22:00" or "2026-11-23T22:00:00+01:00"; the end must be after the beginning.',
    ),
    "bad_terms": (
        'These terms allow nothing or too much: {detail}.',
        "Ask for at least one restart or unlock, within what the organisation's policy allows.",
    ),
    "policy_invalid": (
        'The agent refuses every request because its settings file is wrong: {detail}.',
        'Correct the settings file; the agent reads it again by itself.',
    ),
    "policy_refuses": (
        "The organisation's policy does not allow this: {detail}.",
        'Change the request, or have the policy changed by who is responsible for it.',
    ),
    "journal_damaged": (
        "The agent's journal is damaged or was changed: {detail}. Everything sealed was erased.",
        'Find out who or what changed it, then run on the PC: latchkeyctl journal reset (the file is kept aside).',
    ),
    "journal_newer": (
        "The agent's journal was written by a newer agent: {detail}. Nothing was changed.",
        'Install the newer agent again. To give up what it wrote, run on the PC: latchkeyctl journal reset.',
    ),
    "erasure_unconfirmed": (
        'An earlier secret could not be erased for certain ({detail}), so no new one is accepted.',
        'The agent goes on trying; look at the disk. latchkeyctl status tells when it is done.',
    ),
    "storage_failed": (
        'The agent could not write to its journal: {detail}. Nothing was changed.',
        'Make room on the disk or mend it, then try again.',
    ),
    "agent_failed": (
        'The agent met a fault of its own ({detail}). Nothing was changed.',
        "Look at the agent's log on the PC and report it.",
    ),
    "out_of_order": (
        'This is not possible now: {detail}.',
        'Look with latchkey.consent.credential_info how far it is.',
    ),
    "no_session": (
        'There is no open support session named {session} on this PC.',
        'Open it with latchkey.consent.support_session first.',
    ),
    "session_in_use": (
        'The support session {session} is open for another purpose: {detail}.',
        'Use another name, or end that session first.',
    ),
    "reason_missing": (
        'A support session needs a reason that the customer can read.',
        'Set reason.',
    ),
    "no_such_account": (
        'There is no account {account} that can sign in on this PC.',
        'Check the name; write a domain account as DOMAIN\\user.',
    ),
    "nobody_signed_in": (
        'Nobody is signed in at this PC, so nobody can be asked.',
        'Ask while the customer is at the PC, or name the account and wait.',
    ),
    "no_request": (
        'There is no request {request}.',
        'Ask again with latchkey.consent.credential_request.',
    ),
    "denied": (
        'The customer declined{detail}.',
        'Respect it; talk to the customer before asking again.',
    ),
    "reported": (
        'The customer reported the request as suspicious.',
        "Call the customer; the request's code is in the receipt.",
    ),
    "answered_later": (
        'The customer wants to be asked again {detail}.',
        'Run the request again after that time, or give a longer timeout.',
    ),
    "no_answer": (
        'The customer did not answer in time.',
        'Silence is no. Ask when the customer is at the PC, or with a longer timeout.',
    ),
    "request_withdrawn": (
        'The request was taken back before the customer answered.',
        'Ask again.',
    ),
    "wrong_password": (
        "The customer's entry was refused by Windows twice, so the request ended.",
        'Ask again; the customer should try the password at the lock screen first.',
    ),
    "typed_pin": (
        'The customer typed the PIN twice; only the password works after a restart.',
        'Ask again and tell the customer that the Windows password is needed, not the PIN.',
    ),
    "account_refused": (
        'Windows does not let this account sign in: {detail}.',
        'Mend the account, then ask again.',
    ),
    "other_account_entered": (
        'The customer entered another user name than the one that was asked for.',
        'Ask again, naming the right account.',
    ),
    "no_grant": (
        'The customer has lent nothing for the support session {session}.',
        'Ask with latchkey.consent.credential_request first.',
    ),
    "grant_revoked": (
        '{detail} revoked the grant.',
        'A restart that is under way continues, but nobody is signed in. Talk to the customer before you ask again.',
    ),
    "grant_expired": (
        'The time that the customer agreed to is over ({detail}).',
        'Ask again for the time that is needed.',
    ),
    "grant_rejected": (
        'What was lent cannot be used any more ({detail}), so the grant was erased.',
        'The password was changed since, or Windows refuses it, or its record cannot be opened. Ask again.',
    ),
    "grant_paused": (
        'The customer has paused the grant.',
        'Wait until the customer goes on, or talk to them.',
    ),
    "terms_used_up": (
        'The customer agreed to {detail}, and they are used up.',
        'Ask again for more.',
    ),
    "too_early": (
        'The customer agreed to a time that has not begun yet ({detail}).',
        'Apply after that moment.',
    ),
    "restart_too_soon": (
        'This PC was restarted a moment ago; the policy wants {detail} between restarts.',
        'Wait; this keeps a restart loop from running away.',
    ),
    "restart_in_progress": (
        'Another restart or logon of this PC is under way.',
        'Wait until it has come back.',
    ),
    "restart_refused": (
        'Windows refused to restart: {detail}.',
        'Nobody was signed out. Mend what it names, then apply again.',
    ),
    "rename_pending": (
        'This PC gets another name with its next restart, and what was lent is for {device}: it could not be used.',
        'Restart the PC once without Latchkey; the customer signs in and can be asked again.',
    ),
    "others_signed_in": (
        'A restart would sign out {detail}, who was not asked.',
        'Nobody was signed out. Apply again once they have signed out.',
    ),
    "no_permit": (
        'There is no logon permit {permit}.',
        'Look with latchkey.consent.credential_info what became of it.',
    ),
    "logon_refused": (
        'The logon did not succeed ({detail}); the grant was erased and is never tried again.',
        'Ask the customer again.',
    ),
    "logon_interrupted": (
        'The PC went down in the middle of the logon; the permit was already used and is not used again.',
        'Apply again if the terms still allow it.',
    ),
    "logon_did_not_happen": (
        'The PC is back, but its logon screen did not use the permit in time.',
        'See the forecast (credential_info): a banner, a PIN before Windows or a hidden provider stops it.',
    ),
    "permit_cancelled": (
        'The logon permit was cancelled: {detail}.',
        'Nobody was signed in with it. Apply again if the terms still allow it.',
    ),
    "settings_invalid": (
        'The settings were not put in place: {detail}.',
        'The former settings stay in force. Correct what is named; docs/administrator.md lists every key.',
    ),
    "setup_failed": (
        'The agent could not be set up: {detail}.',
        "Connect as an administrator of the PC; check the operators' names.",
    ),
    "agent_not_installed": (
        'The consent agent is not installed on this PC (no {path}).',
        'Install it with the role latchkey.consent.agent, or set agent_path.',
    ),
    "agent_not_running": (
        'The consent agent is installed but does not answer.',
        'Look at the service LatchkeyAgent on the PC.',
    ),
    "not_windows": (
        'This host is not a Windows PC that Ansible reaches by winrm, psrp or ssh with PowerShell.',
        'Set ansible_connection and ansible_shell_type for the host.',
    ),
    "bad_option": (
        "The task's options are wrong: {detail}.",
        "See the module's documentation: ansible-doc latchkey.consent.<module>.",
    ),
    "become_unsupported": (
        'become, async and environment do not reach the agent.',
        "Remove them from the task; the agent checks the connection's own account.",
    ),
    "bad_answer": (
        'What came back from the PC is not an answer of the agent ({detail}).',
        'See whether agent_path names latchkeyctl, and whether a profile script prints something.',
    ),
    "answer_too_large": (
        'The answer from the PC is larger than {limit} bytes and was not read.',
        'See whether agent_path names latchkeyctl.',
    ),
    "connection_lost": (
        'The connection to the PC was lost and did not come back in time; what was asked may have happened.',
        'Run the job again, it goes on where it was; or look with latchkey.consent.credential_info.',
    ),
    "pc_frozen": (
        'The PC accepts connections but does not answer.',
        'It may be busy or hanging. Look at its screen; run the job again later, it goes on where it was.',
    ),
    "pc_not_back": (
        'The PC went down for the restart and was not back within {limit} s.',
        'It may wait at a BitLocker or firmware prompt, or install updates. The permit lapses by itself.',
    ),
    "pc_did_not_restart": (
        'The PC did not go down within {limit} s; it is still in the boot in which the restart was asked for.',
        "Something holds the restart up; look at the PC's screen.",
    ),
    "apply_timeout": (
        'The PC is back, but the sign-in was not finished within {limit} s.',
        'Look with latchkey.consent.credential_info; the permit lapses by itself.',
    ),
    "package_unreadable": (
        "The agent's package cannot be had: {detail}.",
        'Check path or url on the controller; make package builds one.',
    ),
    "package_checksum_wrong": (
        "The agent's package has the SHA-256 {found}, not {wanted}; it was not used.",
        'Get the package again, and the checksum from where it was published.',
    ),
    "package_not_sent": (
        'The package could not be put on the PC: {detail}.',
        "Look at the PC's disk and the connection; nothing was installed.",
    ),
    "package_older": (
        'The agent {installed} is installed, which is newer than {wanted}; it was kept.',
        'To go back, remove it first with state: absent; what is lent will be erased.',
    ),
    "package_busy": (
        'Windows Installer is busy with another installation on the PC, for {limit} s now (1618).',
        'Wait until it is done, or give a longer timeout.',
    ),
    "package_refused": (
        'Windows Installer ended with {number}: {sentence}{detail}',
        "See the PC's Application event log, sources MsiInstaller and Latchkey.",
    ),
    "package_other_version": (
        'The package was installed, but the PC now has the agent {installed}, not {wanted}.',
        "The package is of another version than version says; correct it, or the file's name.",
    ),
    "test_command_failed": (
        'The PC is back and signed in, but test_command did not succeed in time ({detail}).',
        'Look at what the command needs; the session stays locked.',
    ),
}
