# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: credential_info
short_description: Show the sessions, requests and grants on a PC
description:
  - Reads the agent's state, of one support session or of all.
  - Also shows whether Windows has a pending restart and, if wanted, whether an unattended logon will work on this PC.
options:
  account:
    description:
      - The account for O(forecast). If not set, the account that is signed in at the PC's own screen.
    type: str
  forecast:
    description: Whether to check for obstacles to an unattended logon.
    type: bool
    default: false
  means:
    description:
      - The means that O(forecast) is for, as in M(latchkey.consent.credential_request). With V(arso) the obstacles to a
        sign-in with a password do not count, and those to Windows' own sign-in do.
    type: str
    choices: [auto, grant, arso]
    default: grant
  receipts:
    description: Whether to return the receipts.
    type: bool
    default: false
  timeout:
    description:
      - Longest time in seconds to retry a lost connection for the agent's answer.
      - A PC that accepts no connection at all counts as unreachable after 30 seconds.
    type: float
    default: 60
extends_documentation_fragment:
  - latchkey.consent.agent
  - latchkey.consent.attributes
author:
  - Latchkey contributors (@latchkey)
"""

EXAMPLES = r"""
- name: Check whether an unattended logon will work
  latchkey.consent.credential_info:
    forecast: true
  register: known

- name: Stop if it will not work
  ansible.builtin.assert:
    that: known.forecast.ready
    fail_msg: "{{ known.forecast.findings | map(attribute='advice') | join(' ') }}"

- name: Restart only if Windows has a pending restart
  latchkey.consent.credential_apply:
    session: CHG-4711
    action: restart
  when: known.pending_restart.pending
"""

RETURN = r"""
session:
  description: The support session's name.
  returned: always; null if O(session) is not set
  type: str
  sample: CHG-4711
error_code:
  description:
    - The stable code of the error, for conditions. The page on errors lists every code.
  returned: on failure
  type: str
  sample: no_session
msg:
  description: The reason for the failure, in one sentence.
  returned: on failure
  type: str
  sample: There is no support session named CHG-4711 on this PC, or it has ended.
hint:
  description: Advice for the operator.
  returned: on failure
  type: str
  sample: Start the session with latchkey.consent.support_session first.
outcome:
  description:
    - V(refused) if nothing happened, apart from the changes that the other values report.
    - V(unknown) if the action may have happened. Run the job again, which continues, or check the current state with
      M(latchkey.consent.credential_info).
  returned: on failure
  type: str
  sample: refused
retry_after:
  description: Seconds after which the same request can succeed.
  returned: on failure, if waiting helps
  type: float
  sample: 42.0
connection_error:
  description: The connection plugin's error when the connection could not be made or was lost.
  returned: when the connection failed, such as with RV(error_code=pc_unreachable)
  type: str
  sample: Connection refused
agent:
  description: The agent itself.
  returned: success
  type: dict
  contains:
    version:
      description: The agent's version.
      type: str
      sample: 0.1.0
    protocol:
      description: The version of its protocol.
      type: int
      sample: 1
    device:
      description: The PC's name.
      type: str
      sample: PC1
    boot_id:
      description: The id of the current boot.
      type: str
      sample: 51b0c9e2
    now:
      description: The PC's clock.
      type: str
      sample: "2026-11-23T22:00:00.000+01:00"
    ready:
      description: Whether the agent accepts requests.
      type: bool
      sample: true
    organization:
      description: The organisation that is named in the settings.
      type: str
      sample: Example Ltd.
    problem:
      description: The reason for refusing requests; empty if it accepts them.
      type: str
      sample: ""
sessions:
  description: The support sessions, as M(latchkey.consent.support_session) returns them, with their C(name).
  returned: success
  type: list
  elements: dict
requests:
  description: The requests, as M(latchkey.consent.credential_request) returns them.
  returned: success
  type: list
  elements: dict
grants:
  description: The grants, with all their uses.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its id at the agent.
      type: str
      sample: 6f0a2f8e-5a3c-4a44-8d4e-7d2f8a1f2b3c
    state:
      description:
        - V(active) or V(paused) before its end.
        - V(revoked), V(replaced), V(used_up), V(expired), V(rejected) or V(session_ended) until it is erased.
        - V(erased), or V(erase_failed) if the erasure is not confirmed.
      type: str
      sample: active
    account:
      description: The account that the grant is for.
      type: str
      sample: PC1\maria
    terms:
      description: The terms that the customer agreed to.
      type: dict
      contains:
        means:
          description: V(grant) with a password, V(arso) without.
          type: str
          sample: grant
        two_parties:
          description: Whether the password opens only together with the operator's half of the key.
          type: bool
          sample: false
        restarts:
          description: The number of restarts.
          type: int
          sample: 3
        unlocks:
          description: The number of unlocks.
          type: int
          sample: 0
        foreign_restarts:
          description: Whether the grant also covers restarts that others start.
          type: bool
          sample: false
        programs:
          description: Whether programs may run in the customer's name.
          type: bool
          sample: false
        not_before:
          description: The start of the time window.
          type: str
          sample: "2026-11-23T22:00:00.000+01:00"
        not_after:
          description: The end of the time window.
          type: str
          sample: "2026-11-24T05:00:00.000+01:00"
        relock_after:
          description: Seconds for which an unlock may leave the desktop open.
          type: float
          sample: 600.0
        grace:
          description: Seconds of warning before each restart.
          type: float
          sample: 5.0
    left:
      description: The restarts and unlocks that are left.
      type: dict
      sample: {restarts: 2, unlocks: 0}
    granted_at:
      description: The time of the consent.
      type: str
      sample: "2026-11-23T22:00:10.000+01:00"
    ended:
      description: The reason for its end; empty before its end.
      type: str
      sample: ""
    ended_at:
      description: The time of its end; null before its end.
      type: str
      sample:
    revoked_by:
      description: V(customer) or V(operator); empty unless it was revoked.
      type: str
      sample: ""
    request:
      description: The id of the request that it answers.
      type: str
      sample: 0d8f5c1e-6f3c-4c59-9c83-2c9f2f1c5a77
    uses:
      description: Its uses so far, each with its times.
      type: list
      elements: dict
    sealing:
      description:
        - The operator's public key under terms of two parties, else null. Its C(device) is the fingerprint of the PC's
          device key, its C(nonce) random. The sealing key is not in it.
      type: dict
      sample: null
    omitted:
      description:
        - The restarts by others after which no account was signed in, each with its time C(at) and the reason C(why).
        - C(why) is V(policy), V(not_agreed), V(paused), V(clock_behind), V(too_early), V(used_up), V(other_account) or
          V(own_restart).
        - V(own_restart) is no restart by others. The agent had begun it for a use that was void before the PC went down.
      type: list
      elements: dict
      sample: []
    programs:
      description:
        - The programs that ran in the customer's name, without their arguments and output. The receipt has the arguments.
        - C(state) is V(running), V(exited), V(stopped) by the agent, V(not_started), or V(lost) when agent or PC stopped.
      type: list
      elements: dict
      contains:
        command:
          description: The agent's id of the command, as M(latchkey.consent.session_command) returns it.
          type: str
          sample: 7f01d2a4-3a52-4a7e-8f53-2a1c2f0b9a11
        program:
          description: The path of the program.
          type: str
          sample: C:\Windows\System32\reg.exe
        state:
          description: How it ended, or V(running).
          type: str
          sample: exited
        started_at:
          description: The time of its start.
          type: str
          sample: "2026-11-23T22:10:00.000+01:00"
        by:
          description: The account that started it.
          type: str
          sample: PC1\admin
        step:
          description: The step for which it ran; null if none was named.
          type: str
          sample: Editor
        ended_at:
          description: The time of its end; null while it runs.
          type: str
          sample: "2026-11-23T22:10:42.000+01:00"
        exit_code:
          description: Its exit code; null unless it ended by itself.
          type: int
          sample: 0
        why:
          description: The reason why the agent ended it, V(limit), V(grant_ended), V(paused) or V(session_ended); else empty.
          type: str
          sample: ""
erasure:
  description: The checks of the erasure of each grant that has ended.
  returned: success
  type: list
  elements: dict
pending_restart:
  description:
    - Whether Windows has a pending restart that a restart settles, and the reasons.
    - A reason that the last restart did not settle does not count in the present boot. The PC's event log names it.
  returned: success
  type: dict
  sample: {pending: true, reasons: [Windows Update]}
forecast:
  description: Whether an unattended logon will work; null unless O(forecast=true).
  returned: success
  type: dict
  contains:
    ready:
      description: Whether nothing stops the logon, and nothing that may stop it is unknown.
      type: bool
      sample: false
    findings:
      description:
        - The findings, the worst first, each with a stable C(code), evidence and advice. The evidence names the setting.
        - The C(severity) is V(stops), V(unknown) (it may stop, which could not be found out), V(warns) or V(notes).
        - A code that ends in C(_unknown) is of a fact that could not be found out. The page on the forecast lists every
          code.
      type: list
      elements: dict
      sample:
        - code: logon_banner
          severity: stops
          evidence: >-
            A logon banner (legal notice) must be confirmed by hand before a sign-in. Found in
            HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System\LegalNoticeText.
          advice: >-
            Confirm it at the PC, or let the owner of the policy remove it for this PC. Latchkey does not change it.
receipts:
  description: The signed receipts of the session's requests.
  returned: success; empty unless O(receipts=true)
  type: list
  elements: dict
  contains:
    request:
      description: The id of the request.
      type: str
      sample: 0d8f5c1e-6f3c-4c59-9c83-2c9f2f1c5a77
    document:
      description: >-
        The request, the consent, the uses and the erasure, each with its time. It is complete up to C(as_of);
        C(closed) says whether nothing can follow.
      type: dict
    signature:
      description: >-
        The PC's SSH signature (SSHSIG) of the document as JSON with sorted keys and without spaces, for the namespace
        C(latchkey-receipt).
      type: str
    public_key:
      description: The device key that verifies the signature, as OpenSSH writes it.
      type: str
      sample: ssh-ed25519 AAAA
    text:
      description: The document as readable text.
      type: str
      sample: Receipt 0d8f5c1e
journal_head:
  description:
    - The end of the PC's journal, signed by the PC. Null if the agent is of an earlier release.
    - Checked if O(known_pcs) is set.
  returned: success
  type: dict
  contains:
    device:
      description: The PC's own name.
      type: str
      sample: PC1
    position:
      description: The number of the journal's last entry.
      type: int
      sample: 4711
    hash:
      description: The hash of that entry (SHA-256, hexadecimal).
      type: str
      sample: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
    at:
      description: The time of the signature.
      type: str
      sample: "2026-11-23T22:00:00.000+01:00"
    signature:
      description: The SSH signature (SSHSIG) for the namespace C(latchkey-journal).
      type: str
    public_key:
      description: The PC's device key, as OpenSSH writes it.
      type: str
      sample: ssh-ed25519 AAAA
device_key:
  description: The PC's device key, as OpenSSH writes it. Checked if O(known_pcs) is set.
  returned: success
  type: str
  sample: ssh-ed25519 AAAA
enrolled:
  description: Whether the task added the PC's line to O(known_pcs). In check mode, whether it would.
  returned: success
  type: bool
"""
