# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The errors that the collection reports, and Ansible's advice for those of the agent.

`docs/errors.md` shows both (`tools/generate.py`), so this file imports nothing but the standard library.
"""

from __future__ import annotations

from typing import NamedTuple


class ErrorRow(NamedTuple):
    """One row: `message` and `hint` may have `{named}` places to fill."""

    message: str
    hint: str


ERRORS: dict[str, ErrorRow] = {
    # --- the task
    "bad_option": ErrorRow(
        "The task's options are wrong: {detail}.",
        "Read the module's documentation: ansible-doc latchkey.consent.<module>.",
    ),
    "become_unsupported": ErrorRow(
        "The task would run with become, and the agent knows the connection's own account only.",
        "Set become: false on the task. If the inventory sets ansible_become, also set that variable to false there.",
    ),
    "async_unsupported": ErrorRow(
        "The task has async, and the collection's tasks cannot run in the background.",
        "Remove async and poll from the task, and set timeout.",
    ),
    "environment_unsupported": ErrorRow(
        "The task has an environment, and it does not reach the agent.",
        "Remove environment from the task. That of a play or block does no harm.",
    ),
    "not_windows": ErrorRow(
        "This host is not a Windows PC that Ansible reaches by winrm, psrp or ssh with PowerShell.",
        "Set ansible_connection and ansible_shell_type for the host.",
    ),
    # --- the connection and the agent's answer
    "agent_not_installed": ErrorRow(
        "The consent agent is not installed on this PC (no {path}).",
        "Install it with the role latchkey.consent.agent, or set agent_path.",
    ),
    "agent_not_running": ErrorRow(
        "The consent agent is installed but does not answer{waited}.",
        "Check the service LatchkeyAgent and the System event log on the PC. Error 1053 there means that the service "
        "did not start in time: start it again.",
    ),
    "bad_answer": ErrorRow(
        "The PC sent something that is not an answer of the agent ({detail}).",
        "Check that agent_path names latchkeyctl, and that no profile script prints anything.",
    ),
    "program_failed": ErrorRow(
        "The agent's program gave no answer (exit code {number}). The PC says: {detail}.",
        "Antivirus (AMSI) or application control (AppLocker, Constrained Language Mode) may have stopped it. Allow the "
        "agent's program and the collection's scripts. If agent_path is set, check it.",
    ),
    "answer_too_large": ErrorRow(
        "The answer from the PC is larger than {limit} bytes and was not read.",
        "Check that agent_path names latchkeyctl.",
    ),
    "pc_unreachable": ErrorRow(
        "The PC could not be reached. Nothing was sent to it.",
        "Check that the PC is on, and that its address, port and firewall are right. Then run the job again.",
    ),
    "connection_lost": ErrorRow(
        "The connection to the PC was lost and did not come back in time. The requested action may have happened.",
        "Run the job again: it continues. Or check the current state with latchkey.consent.credential_info.",
    ),
    "credentials_rejected": ErrorRow(
        "The PC refuses the account that Ansible connects with. {sent}",
        "Check the user name and the password of the connection. The task tries them twice at most, because more tries "
        "can lock the account.",
    ),
    "client_certificate_rejected": ErrorRow(
        "The PC refuses the client certificate that Ansible connects with. {sent}",
        "Check its expiry, that the PC trusts its issuer, and that WinRM on the PC maps its user principal name to an "
        "account (winrm/config/service/certmapping). The task tries it twice at most.",
    ),
    "client_certificate_unusable": ErrorRow(
        "The client certificate of the connection cannot be used. {sent}",
        "Check that the files of the certificate and of its key exist, are PEM, and belong together. The task's result "
        "quotes the connection plugin (connection_error).",
    ),
    "authentication_not_offered": ErrorRow(
        "The PC does not offer the authentication that Ansible connects with. {sent}",
        "Enable it on the PC (for CredSSP: Enable-WSManCredSSP -Role Server), or choose another one in the inventory. "
        "The task's result names those that the PC offers (connection_error).",
    ),
    "kerberos_kdc_unreachable": ErrorRow(
        "Ansible's computer reaches no domain controller for Kerberos. {sent}",
        "Check that krb5.conf or DNS names a controller (KDC), that it is on, and that port 88 is open. While a "
        "controller restarts, the task tries again within its time.",
    ),
    "kerberos_clock_skew": ErrorRow(
        "The clocks of Ansible's computer and of the domain controller differ too much for Kerberos. {sent}",
        "Set both clocks by the same time server. Kerberos allows a difference of five minutes.",
    ),
    "kerberos_spn_missing": ErrorRow(
        "The domain knows no service for Kerberos under the name by which Ansible reaches this PC. {sent}",
        "Check that the PC is a member of the domain, and use its full name there: as ansible_host, or in "
        "ansible_winrm_kerberos_hostname_override or ansible_psrp_negotiate_hostname_override.",
    ),
    "kerberos_no_ticket": ErrorRow(
        "The account that Ansible connects with has no valid Kerberos ticket. {sent}",
        "Set ansible_password, so that Ansible gets a new Kerberos ticket for each connection. Or renew yours with "
        "kinit before it expires, and run the job again.",
    ),
    "kerberos_not_configured": ErrorRow(
        "Kerberos is not set up on Ansible's computer. {sent}",
        "The result's connection_error names what is missing: a Python package, the program kinit, or a realm in "
        "krb5.conf.",
    ),
    "too_many_shells": ErrorRow(
        "The PC opens no remote shell: this account has as many as WinRM allows (MaxShellsPerUser, 30 by default).",
        "Wait until other jobs end. WinRM closes a forgotten shell after two hours; Restart-Service WinRM closes all.",
    ),
    "pc_frozen": ErrorRow(
        "The PC accepts connections but does not answer.",
        "The PC may be busy or hanging. Check its screen. Run the job again later: it continues.",
    ),
    # --- request and apply
    "no_answer": ErrorRow(
        "The customer did not answer in time.",
        "Silence means no. Ask when the customer is at the PC, or set a longer timeout.",
    ),
    "answered_later": ErrorRow(
        "The customer wants to be asked again {detail}.",
        "Run the task again after that time, or set a longer timeout.",
    ),
    "pc_not_back": ErrorRow(
        "The PC went down for the restart and was not back {limit}.",
        "It may wait at a BitLocker or firmware prompt, or install updates. The permit expires by itself.",
    ),
    "pc_did_not_restart": ErrorRow(
        "The PC did not go down {limit} after the request to restart.",
        "Something delays the restart. Check the PC's screen.",
    ),
    "apply_timeout": ErrorRow(
        "The PC is back, but the sign-in was not finished {limit}.",
        "Check the current state with latchkey.consent.credential_info. The permit expires by itself.",
    ),
    "nothing_begun": ErrorRow(
        "No {use} was begun in the support session {session} on this PC.",
        "Begin it with mode: begin first. A job that was ended before its call arrived has begun nothing.",
    ),
    "test_command_failed": ErrorRow(
        "The PC is back and the customer is signed in, but test_command did not succeed in time ({detail}).",
        "Check the conditions of the command. The customer's session stays locked.",
    ),
    # --- session_command
    "command_failed": ErrorRow(
        "The program ended with exit code {number}.",
        "Read stdout and stderr in the task's result. If the code means success, say so with failed_when.",
    ),
    "erasure_unconfirmed": ErrorRow(
        "The erasure of a password is not confirmed: {detail}.",
        "Check the PC's disk. The agent tries again by itself; run the task again for the result of the checks.",
    ),
    # --- the device key and the journal head
    "device_key_changed": ErrorRow(
        "{pc} signs with another device key, {found}, than the one in {path}, {known}. Nothing of its answer was used.",
        "Find out the reason: another PC may answer under this name. Compare with latchkeyctl device-key at the PC. To "
        "accept the new key, remove the PC's line from the file. If the agent was installed anew, its journal is new, "
        "too: delete {head}. Then run the job again.",
    ),
    "device_key_shared": ErrorRow(
        "{pc} signs with the device key {found}, which {path} has for {other}. {pc} was not added, and nothing of its "
        "answer was used.",
        "Two PCs from one image have one key. Run latchkeyctl device-key --replace on {pc}, then run the job again. "
        "If {pc} is another name of the same PC, write this name on its line.",
    ),
    "journal_head_invalid": ErrorRow(
        "The journal head of {pc} does not count: {detail}. Nothing of its answer was used.",
        "Upgrade the agent with the role latchkey.consent.agent if it is older than the collection. Otherwise find out "
        "which program answers in the agent's place.",
    ),
    "signing_key_unusable": ErrorRow(
        "The request cannot be signed: {detail}. Nothing was sent to the PC.",
        "Set signing_key to an OpenSSH private key (Ed25519, without a passphrase) and signing_certificate to its "
        "certificate: a path or the content.",
    ),
    "challenge_missing": ErrorRow(
        "The request cannot be signed: the PC has given no challenge for the session {session}{detail}.",
        "If the PC has given a reason, remove it. Otherwise run latchkey.consent.support_session before it in the same "
        "play. If that task's result has no challenge, the PC pins no authority, or its agent is of an earlier "
        "release: pin the authority, install the present agent, or leave out signing_key for this PC.",
    ),
    "challenge_invalid": ErrorRow(
        "The request is not signed: the PC's challenge for the session {session} does not count, because {detail}.",
        "Let latchkey.consent.support_session in this play have the session's reason, ticket and all its operators. If "
        "it has, find out who changes messages between controller and PC, or which PC answers.",
    ),
    "known_pcs_unusable": ErrorRow(
        "The file known_pcs cannot be used: {detail}.",
        "Correct the path, the rights or the line on the controller, or end the program that locks it. Then run the "
        "job again.",
    ),
    # --- two parties
    "sealing_key_unusable": ErrorRow(
        "The sealing key cannot be used: {detail}. Nothing was sent to the PC.",
        "Give sealing_key the path or the text of an Ed25519 key of ssh-keygen without a passphrase, or of an X25519 "
        "private key in PEM. The playbook latchkey.consent.keys makes one.",
    ),
    "sealing_key_missing": ErrorRow(
        "The grant is of two parties, and the task has no sealing_key. The PC goes on waiting for the operator's half.",
        "Run the job again with the sealing key with which the grant was requested.",
    ),
    "sealing_key_other": ErrorRow(
        "The grant of the support session {session} was requested with another sealing key, under another name of the "
        "session, or on another PC.",
        "Use the sealing key of that request. If it was replaced or lost, revoke the grant and ask the customer anew.",
    ),
    "two_parties_unconfirmed": ErrorRow(
        "The PC does not confirm that this grant is of two parties and opens with this sealing key: {detail}.",
        "Revoke the grant. Then find out which program changes messages on the way to the PC. An agent of an earlier "
        "release confirms nothing: upgrade it.",
    ),
    "half_request_invalid": ErrorRow(
        "The PC wants the operator's half of a key, and its message does not count: {detail}. It got nothing.",
        "Find out which program answers in the agent's place, and whether the PC's disk was copied.",
    ),
    "hpke_missing": ErrorRow(
        "The Python package cryptography on this controller has no HPKE, which a sealing key needs.",
        "Install cryptography 50 for the Python of Ansible, or use the execution environment of this collection.",
    ),
    # --- the report
    "report_foreign": ErrorRow(
        "{path} is in the way of the report: {detail}. It was not changed.",
        "Choose another path, or move the file away. A report holds one support session.",
    ),
    "report_not_written": ErrorRow(
        "The report was not written ({detail}). An earlier report is as it was.",
        "Free disk space, or check the path and the rights of its folder. Then run the playbook "
        "latchkey.consent.report.",
    ),
    # --- the package
    "package_unreadable": ErrorRow(
        "The agent's package cannot be read: {detail}.",
        "Check path or url on the controller. make package builds a package.",
    ),
    "package_checksum_wrong": ErrorRow(
        "The agent's package has the SHA-256 {found} instead of {wanted}; it was not used.",
        "Get the package again, and the checksum from its publisher.",
    ),
    "package_not_sent": ErrorRow(
        "The package could not be copied to the PC: {detail}.",
        "Nothing was installed. Check the PC's disk and the connection.",
    ),
    "package_unknown": ErrorRow(
        "The PC does not tell whether the agent is installed: {detail}.",
        "Nothing is assumed. Check that the account may run reg.exe on the PC, and run the task again.",
    ),
    "package_not_run": ErrorRow(
        "Windows Installer was not run, or its exit code did not arrive: {detail}.",
        "Check that the account may run msiexec.exe on the PC, and run the task again.",
    ),
    "package_older": ErrorRow(
        "The PC has the agent {installed}, which is newer than {wanted}. It was kept.",
        "To go back, first remove the agent with state: absent. This erases every grant.",
    ),
    "package_busy": ErrorRow(
        "Windows Installer has been busy with another installation on the PC for {limit} s (1618).",
        "Wait until that installation is finished, or set a longer timeout.",
    ),
    "package_refused": ErrorRow(
        "Windows Installer ended with {number}: {sentence}{detail}",
        "Check the PC's Application event log, sources MsiInstaller and Latchkey.",
    ),
    "package_other_version": ErrorRow(
        "The package was installed, but the PC now has the agent {installed} instead of {wanted}.",
        "The version option or the file's name does not match the package. Correct it.",
    ),
}  # fmt: skip

ADVICE: dict[str, str] = {
    "bad_message": "Check the task's options. If they are right, install collection and agent of the same version.",
    "journal_head_unknown": (
        "Find out what happened to the PC. If it was restored, run latchkeyctl erase --all there first, because grants "
        "that ended since may be live again. Then delete the PC's file in the folder of kept heads (its name is that "
        "of known_pcs with .heads) on the controller, and run the job again."
    ),
    "signature_required": "Set signing_key and signing_certificate. The PC's policy can set allow_unsigned.",
    "challenge_unknown": "Run latchkey.consent.support_session again before the request.",
    "challenge_used": (
        "Run latchkey.consent.support_session again before the request. If the job did not ask twice, find out who "
        "repeats requests."
    ),
    "challenge_expired": "Run latchkey.consent.support_session again before the request.",
    "response_exceeds_limit": "Set session in latchkey.consent.credential_info, or leave out receipts.",
    "protocol_mismatch": "Upgrade the agent with the role latchkey.consent.agent, or upgrade the collection.",
    "half_missing": "Set sealing_key to the key with which the grant was requested.",
    "apply_not_signed": "Set signing_key and signing_certificate to those of the request.",
    "half_not_awaited": "Run the job again: it asks the PC anew for what the half is needed.",
    "other_device_key": (
        "If the PC's device key was replaced, accept it in known_pcs, and ask the customer anew. Otherwise another PC "
        "answers under this name."
    ),
    "out_of_order": "Check the current state with latchkey.consent.credential_info.",
    "no_session": "Start the session with latchkey.consent.support_session first.",
    "not_owner": "Use the account that started the session, or name this one in operators at its start.",
    "call_forgotten": "Check the current state with latchkey.consent.credential_info, then run the job again.",
    "reason_missing": "Set reason in latchkey.consent.support_session.",
    "nobody_signed_in": "Ask while the customer is at the PC, or set account: the task then waits for the sign-in.",
    "denied": "Accept the answer. After a talk with the customer set ask_again in latchkey.consent.credential_request.",
    "grant_revoked": (
        "A restart under way continues without a sign-in. After a talk with the customer set ask_again in "
        "latchkey.consent.credential_request."
    ),
    "no_request": "Make a new request with latchkey.consent.credential_request.",
    "no_answer": "Silence means no. Ask when the customer is at the PC, or set a longer timeout.",
    "no_grant": "Request a grant with latchkey.consent.credential_request first.",
    "no_permit": "Check the uses of the grant with latchkey.consent.credential_info.",
    "programs_not_agreed": "Request a grant with programs in latchkey.consent.credential_request first.",
    "command_timed_out": (
        "Check what it waits for: nobody can answer it. If it only needs longer, set limit of the task higher."
    ),
    "clock_behind": "Correct the PC's clock, for example with w32tm /resync. Then run the job again: it continues.",
    "desktop_open": "Lock the PC or sign the account out. Then run the task again.",
    "logon_did_not_happen": (
        "Run latchkey.consent.credential_info with forecast: true. A banner, a PIN before Windows, a filter or "
        "provider of another program, or hidden accounts may stop the logon."
    ),
    "setup_failed": "Connect with an administrator of the PC, and check operators in latchkey.consent.agent_package.",
}
"""Ansible's hint in place of the agent's, by the agent's code."""
