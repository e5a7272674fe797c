# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: support_session
short_description: Start or end a support session on a PC
description:
  - Starts or ends a support session. All requests and grants belong to one.
  - The end of the session erases its grants and returns the result of the erasure's checks.
options:
  session:
    required: true
  state:
    description:
      - V(started) starts the session, or finds it started. Then O(reason) and O(ticket), if given, must be the same,
        since the customer may have read them already. O(requester) stays as it was at the start.
      - V(ended) ends the session. Ending it again returns the checks again.
    type: str
    choices:
      - started
      - ended
    default: started
  reason:
    description:
      - The reason for the session, in words that the customer understands. At most 160 characters.
      - Required to start a session. May be left out if the session is started already.
    type: str
    default: ""
  ticket:
    description: The ticket number, for questions of the customer. At most 80 characters.
    type: str
    default: ""
  operators:
    description:
      - Further Windows accounts that may ask the customer and use the grants of this session, as C(user) or
        C(DOMAIN\\user), such as the account of a scheduler that works at night. The customer's window shows them.
      - The account that starts the session always may. No account can be added later. At most five.
    type: list
    elements: str
    default: []
  requester:
    description: The requester, as the customer reads it.
    type: dict
    suboptions:
      name:
        description: The person or the team.
        type: str
        default: ""
      organization:
        description: The requester's company.
        type: str
        default: ""
      role:
        description: The requester's role for the customer.
        type: str
        default: ""
  ends:
    description:
      - The latest time at which the session ends by itself.
      - ISO 8601, or a time of day in quotes, which means its next occurrence on the PC. Without an offset it is in the
        PC's time zone.
      - A time that the organisation's policy does not allow is refused. If not set, the policy's longest time.
    type: str
  settled_steps:
    description:
      - With V(state=ended) the steps that need no more work.
      - With V(state=started) do not start a session anew that has ended with all these steps settled, while the end
        that it had agreed is not over. The task then returns the ended session, so that a repeated job asks no customer
        again. RV(state) tells.
      - The role P(latchkey.consent.maintenance#role) sets it.
    type: list
    elements: str
    default: []
  forecast:
    description:
      - Whether to read the forecast in the same call. V(stop) starts no session where a finding says that the sign-in
        after a restart will not work. Then the task succeeds with V(not_started) in RV(state).
    type: str
    choices:
      - ignore
      - warn
      - stop
    default: ignore
  means:
    description: The means of the forecast, as in M(latchkey.consent.credential_info).
    type: str
    choices:
      - auto
      - grant
      - arso
    default: grant
  account:
    description: The account of the forecast. If not set, the account that is signed in at the PC's own screen.
    type: str
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
- name: Start a session and end it after the work
  hosts: office_pcs
  gather_facts: false
  module_defaults:
    group/latchkey.consent.consent:
      session: CHG-4711
  tasks:
    - name: Start the support session
      latchkey.consent.support_session:
        reason: Monthly updates
        ticket: CHG-4711
        requester:
          name: Ada Meyer
          organization: Example Ltd.
          role: IT support
        ends: "05:30"

    # ... the tasks ...

    - name: End the support session
      latchkey.consent.support_session:
        state: ended
      register: ended

    - name: Show the result of the erasure's checks
      ansible.builtin.debug:
        var: ended.erasure
"""

RETURN = r"""
session:
  description: The support session's name.
  returned: always
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
state:
  description: V(started), V(ended) or V(expired). V(not_started) if the forecast stopped the start.
  returned: success
  type: str
  sample: started
id:
  description: The id of the session at the agent.
  returned: success
  type: str
  sample: 3c9a7e0e-1a43-4a55-9d55-0f3f2c1b7a10
reason:
  description: The reason, as the customer reads it.
  returned: success
  type: str
  sample: Monthly updates
ticket:
  description: The ticket number.
  returned: success
  type: str
  sample: CHG-4711
requester:
  description: The requester.
  returned: success
  type: dict
  sample: {name: Ada Meyer, organization: Example Ltd., role: IT support}
owner:
  description: The Windows account that started the session, as Windows verified it.
  returned: success
  type: str
  sample: PC1\ada
operators:
  description: The further accounts that may ask and use the grants.
  returned: success
  type: list
  elements: str
  sample: []
started_at:
  description: The time of the start.
  returned: success
  type: str
  sample: "2026-11-23T21:59:00.000+01:00"
ends_at:
  description: The time at which the session ends by itself.
  returned: success
  type: str
  sample: "2026-11-24T05:30:00.000+01:00"
checkpoints:
  description: The checkpoints of the session, by the name of the step.
  returned: success
  type: dict
  sample:
    Windows updates: {state: done, at: "2026-11-23T22:10:00.000+01:00", restarted: true}
forecast:
  description: Whether an unattended logon will work; null for O(forecast=ignore).
  returned: when O(state=started)
  type: dict
  contains:
    ready:
      description: Whether nothing stops the logon, and nothing that may stop it is unknown.
      type: bool
      sample: true
    findings:
      description: The findings, the worst first, as M(latchkey.consent.credential_info) returns them.
      type: list
      elements: dict
      sample: []
erasure:
  description: The result of the erasure's checks, over all grants.
  returned: when O(state=ended)
  type: dict
  contains:
    confirmed:
      description: Whether every check passed. True if nothing was ever sealed.
      type: bool
      sample: true
    checked_at:
      description: The time of the last check; null if nothing was ever sealed.
      type: str
      sample: "2026-11-24T05:00:01.000+01:00"
    checks:
      description: The checks. A check passed if it passed for each grant.
      type: list
      elements: dict
      sample: [{name: write-ahead log, passed: true, detail: empty}]
    grants:
      description: The same for each grant, with the id of the grant.
      type: list
      elements: dict
receipts:
  description: The signed receipts of the session's requests.
  returned: when O(state=ended)
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
challenge:
  description:
    - The PC's challenge for a signed request that follows, also in the fact C(latchkey_challenges).
    - Null where the PC pins no authority, at the end of a session, and in check mode.
  returned: success, with O(state=started)
  type: dict
  sample:
challenge_why:
  description:
    - The PC's reason for giving no RV(challenge), such as too many calls of the account within an hour.
    - Empty with a challenge, and where the PC pins no authority.
  returned: success, with O(state=started)
  type: str
  sample: ""
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
