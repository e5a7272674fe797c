# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors that the agent reports.

A row is a stable code, one plain sentence and advice for the administrator at the PC: it names no
part of Ansible. The collection has its own errors and Ansible's advice for these in
`plugins/plugin_utils/_error_table.py`. `docs/errors.md` shows both tables (`tools/generate.py`).
"""

from __future__ import annotations

from typing import NamedTuple

from .answers import ErrorView


class ErrorRow(NamedTuple):
    """One row: `message` and `hint` may have `{named}` places to fill."""

    message: str
    hint: str


ERRORS: dict[str, ErrorRow] = {
    # --- the request's form
    "bad_message": ErrorRow(
        "The agent did not understand the request: {detail}.",
        "Check the names and values in the request. If they are right, its sender and the agent differ in version.",
    ),
    "message_too_large": ErrorRow(
        "The request is larger than the agent accepts ({limit} bytes).",
        "Shorten the reason, the message, the names or the arguments.",
    ),
    "response_exceeds_limit": ErrorRow(
        "The requested action is done, but its answer has {size} bytes and the agent sends at most {limit}.",
        "Ask for one support session only, or without receipts.",
    ),
    "protocol_mismatch": ErrorRow(
        "The request uses protocol {theirs}; the agent on this PC uses protocol {ours}.",
        "Install matching versions of the agent and of the program that sends the request.",
    ),
    "not_permitted": ErrorRow(
        "The account {account} may not use the agent.",
        "Use an administrator, or add the account to the local group \"Latchkey Operators\".",
    ),
    "administrators_only": ErrorRow(
        "The account {account} may ask and use, but this needs an administrator of the PC.",
        "Use an account that is a member of Administrators.",
    ),
    "bad_time": ErrorRow(
        "{field} is not a usable time: {detail}.",
        "Write \"22:00\", \"2026-11-23T22:00\" or \"2026-11-23T22:00:00+01:00\"; the end must be after the start.",
    ),
    "bad_terms": ErrorRow(
        "These terms allow no use, or exceed a limit: {detail}.",
        "Ask for at least one restart or unlock, within the limits of the organisation's policy.",
    ),
    # --- the agent itself
    "policy_invalid": ErrorRow(
        "The agent refuses every request because its settings file is wrong: {detail}.",
        "Correct the settings file. The agent then reads it again by itself.",
    ),
    "policy_refuses": ErrorRow(
        "The organisation's policy does not allow this: {detail}.",
        "Change the request, or ask the person responsible for the policy to change it.",
    ),
    "journal_damaged": ErrorRow(
        "The agent's journal is damaged or was changed: {detail}. The agent erased all sealed passwords.",
        "Find the cause, then run on the PC: latchkeyctl journal reset. The damaged file stays beside the new journal.",
    ),
    "journal_newer": ErrorRow(
        "A newer agent wrote the journal on this PC: {detail}. Nothing was changed.",
        "Install the newer agent again. To discard its journal, run on the PC: latchkeyctl journal reset.",
    ),
    "journal_head_unknown": ErrorRow(
        "This PC's journal does not contain entry {position}, which it had{when}; the PC may have been restored from a "
        "backup or image, or its journal was set aside. Nothing was changed or shown.",
        "Find out what happened to the PC. If it was restored, run on the PC: latchkeyctl erase --all. Then discard "
        "the last head that is kept for the PC.",
    ),
    "erasure_unconfirmed": ErrorRow(
        "The erasure of an earlier password is not confirmed ({detail}), so the agent accepts no new one.",
        "Check the disk. The agent tries again by itself; latchkeyctl status shows when it has succeeded.",
    ),
    "storage_failed": ErrorRow(
        "The agent could not read or write its journal: {detail}. Nothing was changed.",
        "Free disk space or repair the disk, then try again.",
    ),
    "device_key_unusable": ErrorRow(
        "This PC's device key cannot be used: {detail}. The agent keeps the key, and signs nothing meanwhile.",
        "The agent tries again by itself. If the key stays unusable, run on the PC: latchkeyctl device-key --replace. "
        "Each controller must then accept the new key.",
    ),
    "agent_failed": ErrorRow(
        "The agent met an internal error ({detail}). Nothing was changed.",
        "Check the agent's log on the PC, and report the error.",
    ),
    "agent_not_running": ErrorRow(
        "The consent agent is installed but does not answer.",
        "Check the service LatchkeyAgent on the PC.",
    ),
    "out_of_order": ErrorRow(
        "This is not possible now: {detail}.",
        "Check the current state on the PC with latchkeyctl status.",
    ),
    # --- support session
    "no_session": ErrorRow(
        "There is no support session named {session} on this PC, or it has ended.",
        "Start the support session first.",
    ),
    "session_in_use": ErrorRow(
        "The support session {session} was started for another purpose: {detail}.",
        "Use another name, or end that session first.",
    ),
    "not_owner": ErrorRow(
        "The support session {session} belongs to {detail}; it does not name the account {account}.",
        "Work as the account that started it, or let that account name yours when it starts the next one.",
    ),
    "call_forgotten": ErrorRow(
        "This call was carried out before, and the agent no longer keeps its result.",
        "Check the current state on the PC with latchkeyctl status.",
    ),
    "reason_missing": ErrorRow(
        "A support session needs a reason that the customer can read.",
        "Set reason.",
    ),
    # --- request
    "no_such_account": ErrorRow(
        "There is no account {account} that can sign in on this PC.",
        "Check the name. Write a domain account as DOMAIN\\user.",
    ),
    "nobody_signed_in": ErrorRow(
        "No account is signed in on this PC, so the agent cannot ask a customer.",
        "Ask while the customer is at the PC, or name the account and wait for the sign-in.",
    ),
    "no_request": ErrorRow(
        "There is no request {request}.",
        "Make a new request.",
    ),
    "denied": ErrorRow(
        "The customer declined{detail}.",
        "Accept the answer. Talk to the customer before you ask again.",
    ),
    "reported": ErrorRow(
        "The customer reported the request as suspicious.",
        "Call the customer. The receipt shows the request's code.",
    ),
    "asker_blocked": ErrorRow(
        "A customer reported a request of {account}, so this account may not ask on this PC.",
        "Talk to the customer. An administrator lifts the block on the PC with latchkeyctl unblock ACCOUNT.",
    ),
    "customer_not_alone": ErrorRow(
        "It cannot be known whether the customer gave this answer: {detail}.",
        "Nothing was allowed. Answer again after that has ended.",
    ),
    "arso_not_possible": ErrorRow(
        "Windows would not sign the customer in by itself after a restart: {detail}.",
        "Ask for a grant with a password (means: grant). Latchkey does not change settings of Windows.",
    ),
    "asked_too_soon": ErrorRow(
        "The same account may ask this customer again later.",
        "Wait, or talk to the customer. The wait doubles with each request without a yes; a postponed one holds it.",
    ),
    "not_today": ErrorRow(
        "The customer does not want to be asked before {detail}.",
        "Ask on that day, or let the customer call you.",
    ),
    "too_many_requests": ErrorRow(
        "The customer has open requests of other sessions already: {detail}.",
        "Wait until they are answered or over.",
    ),
    "no_answer": ErrorRow(
        "The customer did not answer in time.",
        "Silence means no. Ask when the customer is at the PC, or leave more time for the answer.",
    ),
    "request_withdrawn": ErrorRow(
        "The request was withdrawn before the customer answered.",
        "Make a new request if it is still needed.",
    ),
    "wrong_password": ErrorRow(
        "Windows refused the customer's entry twice, so the request ended.",
        "Ask again. The customer should try the password at the lock screen first.",
    ),
    "typed_pin": ErrorRow(
        "The customer typed the PIN twice. After a restart only the password works.",
        "Ask again, and tell the customer to type the Windows password instead of the PIN.",
    ),
    "account_refused": ErrorRow(
        "Windows does not let this account sign in: {detail}.",
        "Correct the account, then ask again.",
    ),
    "other_account_entered": ErrorRow(
        "The customer entered another user name than the requested one.",
        "Ask again with the right account.",
    ),
    # --- signed requests
    "signature_required": ErrorRow(
        "This PC takes signed requests only, and the request is not signed. Nothing was shown.",
        "Sign the request with the key of a certificate that the organisation's authority has issued. The policy can "
        "set allow_unsigned.",
    ),
    "signature_invalid": ErrorRow(
        "The operator's signature does not count: {detail}. Nothing was shown, and nothing was used.",
        "Sign again, with the key that the certificate names.",
    ),
    "request_differs": ErrorRow(
        "The signed text is not the request as this PC takes it; these fields differ: {detail}. Nothing was shown.",
        "Start the support session again and sign anew. If it happens again, find out who changes requests on the way.",
    ),
    "account_not_signed": ErrorRow(
        "The signed request names no account, so it does not say whom it asks. Nothing was shown.",
        "Name the account in the request, or start the support session again while the customer is at the screen.",
    ),
    "certificate_unusable": ErrorRow(
        "The certificate cannot be used: {detail}. Nothing was shown or used.",
        "Issue an OpenSSH user certificate for an Ed25519 key, with a name, a principal, and nothing critical in it.",
    ),
    "certificate_untrusted": ErrorRow(
        "The certificate was issued by the authority {detail}, which this PC does not know. Nothing was shown or used.",
        "Use a certificate of the organisation's present authority, or let an administrator pin that authority.",
    ),
    "certificate_expired": ErrorRow(
        "The certificate has expired at {detail}. Nothing was shown or used.",
        "Issue a new certificate. If this one should still be valid, check the PC's clock.",
    ),
    "certificate_ends_early": ErrorRow(
        "The certificate ends at {detail}, which may be before the sign-in of this use. Nothing was used.",
        "Issue a new certificate of the same person, and apply the grant with it.",
    ),
    "certificate_long_lived": ErrorRow(
        "The certificate is valid until {detail}; this PC takes none that is still valid for more than {days} days. "
        "Nothing was shown or used.",
        "Issue a certificate that ends after some hours or days (ssh-keygen -V), since none can be revoked. If this "
        "one ends soon, check the PC's clock.",
    ),
    "certificate_not_yet_valid": ErrorRow(
        "The certificate is valid from {detail} on, and not yet. Nothing was shown or used.",
        "Check the clocks of the PC and of the computer that issued the certificate, or wait.",
    ),
    "certificate_not_allowed": ErrorRow(
        "The certificate does not count on this PC: {detail}. Nothing was shown or used.",
        "Use a certificate for this PC's organisation, with a principal that its settings allow.",
    ),
    "challenge_unknown": ErrorRow(
        "The signed request answers a challenge that this PC has not issued for this support session, or has "
        "forgotten. Nothing was shown.",
        "Start the support session again and sign its new challenge.",
    ),
    "challenge_used": ErrorRow(
        "The signed request answers a challenge that was answered before. Nothing was shown.",
        "Start the support session again and sign its new challenge. If you did not sign twice, find out who repeats "
        "requests.",
    ),
    "challenge_expired": ErrorRow(
        "The signed request answers a challenge that was valid until {detail}. Nothing was shown.",
        "Start the support session again and sign its new challenge.",
    ),
    # --- apply
    "no_grant": ErrorRow(
        "The customer has given no grant for the support session {session}.",
        "Request a grant first.",
    ),
    "grant_revoked": ErrorRow(
        "{detail} revoked the grant.",
        "A restart under way continues without a sign-in. Talk to a customer who revoked before you ask again.",
    ),
    "grant_expired": ErrorRow(
        "The time that the customer agreed to is over ({detail}).",
        "Request a new grant for the time that is needed.",
    ),
    "grant_rejected": ErrorRow(
        "The grant can no longer be used ({detail}), so the agent erased it.",
        "The password was changed, Windows refuses it, or the sealed record cannot be opened. Request a new grant.",
    ),
    "grant_paused": ErrorRow(
        "The customer paused the grant.",
        "Wait until the customer resumes it, or talk to the customer.",
    ),
    "terms_used_up": ErrorRow(
        "The customer agreed to {detail}, and they are used up.",
        "Request a new grant for more.",
    ),
    "clock_behind": ErrorRow(
        "The clock of this PC is wrong: {detail}. No grant is used until it is corrected.",
        "Correct the clock of the PC, or wait until Windows has synchronised it.",
    ),
    "too_early": ErrorRow(
        "The time that the customer agreed to has not begun ({detail}).",
        "Apply the grant after that moment.",
    ),
    "too_late": ErrorRow(
        "The PC would restart too late: {detail}.",
        "Request a longer time or a shorter warning, or let the use take more time.",
    ),
    "window_not_open": ErrorRow(
        "{step} did not begin, because the maintenance window is not open: {detail}.",
        "Run the job again after that moment; it continues.",
    ),
    "window_too_short": ErrorRow(
        "{step}, or its restart, did not begin, because it could end after the maintenance window: {detail}.",
        "Run the job again in the next window; it continues.",
    ),
    "not_signed_in": ErrorRow(
        "{account} is not signed in, so there is no desktop to unlock or to run a program on.",
        "Apply a restart if the grant allows one, or wait until the account is signed in.",
    ),
    "restart_too_soon": ErrorRow(
        "This PC was restarted a moment ago; the policy requires {detail} between restarts.",
        "Wait. This limit stops restart loops.",
    ),
    "restart_in_progress": ErrorRow(
        "Another restart or logon of this PC is in progress.",
        "Wait until it is finished.",
    ),
    "restart_refused": ErrorRow(
        "Windows refused to restart: {detail}.",
        "No account was signed out. Remove the cause, then apply the grant again.",
    ),
    "rename_pending": ErrorRow(
        "The next restart gives this PC another name. The grant is for {device} and would not work afterwards.",
        "Restart the PC once without Latchkey. Ask the customer again after the sign-in.",
    ),
    "others_signed_in": ErrorRow(
        "A restart would sign out {detail}, whom the agent did not ask.",
        "No account was signed out. Restart again after they have signed out.",
    ),
    "no_permit": ErrorRow(
        "There is no logon permit {permit}.",
        "Show the grant's receipt with latchkeyctl receipt: it lists the uses.",
    ),
    # --- two parties
    "half_missing": ErrorRow(
        "This grant is of two parties, so its password opens only with the operator's half of the key.",
        "Apply the grant with the sealing key with which it was requested.",
    ),
    "half_not_awaited": ErrorRow(
        "The agent does not wait for this half of a key: {detail}.",
        "Nothing was used. Apply the grant again: the agent then says anew for what it needs the half.",
    ),
    "half_unreadable": ErrorRow(
        "The operator's half of the key cannot be read: {detail}.",
        "Nothing was used, and the grant stays. Apply the grant again with the controller that requested it.",
    ),
    "wrong_half": ErrorRow(
        "The sealed password does not open with the half of the key that was delivered, or its record is damaged.",
        "Nothing was used, and the grant stays. Apply the grant with the sealing key with which it was requested. If "
        "it fails with that key too, the record was changed: revoke the grant, and ask the customer anew.",
    ),
    "apply_not_signed": ErrorRow(
        "{name} signed the request of this grant, so a use needs the signature of {name}, too.",
        "Nothing was used, and the grant stays. Apply the grant with the key and certificate of the request.",
    ),
    "apply_differs": ErrorRow(
        "The signed text is not the use for which this PC wants the half; these fields differ: {detail}.",
        "Nothing was used, and the grant stays. If it happens again, find out who changes messages on the way.",
    ),
    "other_device_key": ErrorRow(
        "The operator's half is for the device key {detail}, and this PC signs with another one.",
        "If the PC's device key was replaced, accept it on the controller, and ask the customer anew.",
    ),
    # --- session_command
    "programs_not_agreed": ErrorRow(
        "The customer did not agree that programs run in their name.",
        "Request a grant with the term programs first.",
    ),
    "command_not_started": ErrorRow(
        "Windows did not start the program: {detail}.",
        "Check the program's path and the working folder. The account needs a token without administrator rights.",
    ),
    "command_timed_out": ErrorRow(
        "The program, or one that it started, still ran after {limit} s. The agent ended all of them.",
        "Check what it waits for: nobody can answer it. If it only needs longer, set a longer limit.",
    ),
    "command_lost": ErrorRow(
        "The agent or the PC stopped while the program ran. It was ended, and its result is not known.",
        "Check on the PC what it has done before you run it again.",
    ),
    "desktop_open": ErrorRow(
        "All passwords are erased, but a desktop that a logon permit opened has not been seen locked yet.",
        "Lock the PC or sign the account out, then try again: the agent must not be removed before.",
    ),
    "logon_refused": ErrorRow(
        "The logon failed ({detail}). The agent erased the grant and does not try it again.",
        "Request a new grant.",
    ),
    "logon_interrupted": ErrorRow(
        "The PC went down during the logon. The permit was used and does not work again.",
        "Apply the grant again if its terms still allow it.",
    ),
    "not_signed_on": ErrorRow(
        "The PC is up, but Windows did not sign the customer in by itself in time.",
        "Let the customer sign in at the PC's logon screen, or ask for a grant with a password (means: grant).",
    ),
    "logon_did_not_happen": ErrorRow(
        "The PC is up, but its logon screen did not use the permit in time.",
        "Run latchkeyctl forecast on the PC: a banner, a PIN before Windows, a filter or provider of another program, "
        "or hidden accounts may stop the logon.",
    ),
    "permit_cancelled": ErrorRow(
        "The logon permit was cancelled: {detail}.",
        "It signed in no account. Apply the grant again if its terms still allow it.",
    ),
    # --- setup
    "settings_invalid": ErrorRow(
        "The agent refused the new settings: {detail}.",
        "The previous settings stay in force. Correct the named one; docs/administrator.md lists every key.",
    ),
    "setup_failed": ErrorRow(
        "The agent could not be set up: {detail}.",
        "Use an administrator of the PC, and check the operators' names.",
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
