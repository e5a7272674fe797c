# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: credential_info
short_description: Tell what is asked, lent and used on a PC
description:
  - Reads what the agent knows, of one support session or of all.
  - Also tells whether Windows waits for a restart and, if wanted, whether an unattended logon will work here.
options:
  account:
    description:
      - For which account O(forecast) is made. If not set, the one that is signed in at the PC's own screen.
    type: str
  forecast:
    description: Whether to find out what stands in the way of an unattended logon.
    type: bool
    default: false
  receipts:
    description: Whether to return the receipts too.
    type: bool
    default: false
  timeout:
    description:
      - How many seconds to try to get the agent's answer where the connection is lost.
      - A PC that cannot be reached at all is unreachable after 30 seconds at most.
    type: float
    default: 60
extends_documentation_fragment:
  - latchkey.consent.agent
  - latchkey.consent.attributes
author:
  - Latchkey contributors (@latchkey)
"""

EXAMPLES = r"""
- name: Look whether an unattended logon will work
  latchkey.consent.credential_info:
    forecast: true
  register: known

- name: Stop where it will not
  ansible.builtin.assert:
    that: known.forecast.ready
    fail_msg: "{{ known.forecast.findings | map(attribute='advice') | join(' ') }}"

- name: Restart only if Windows waits for it
  latchkey.consent.credential_apply:
    session: CHG-4711
    action: restart
  when: known.pending_restart.pending
"""

RETURN = r"""
session:
  description: The support session's name.
  returned: always; none where O(session) is not set
  type: str
  sample: CHG-4711
error_code:
  description:
    - Why the task failed, as a stable word to decide on. The page on errors lists them all.
  returned: on failure
  type: str
  sample: no_session
msg:
  description: Why the task failed, as a sentence.
  returned: on failure
  type: str
  sample: There is no open support session named CHG-4711 on this PC.
hint:
  description: What to do about it.
  returned: on failure
  type: str
  sample: Open it with latchkey.consent.support_session first.
outcome:
  description:
    - V(refused), nothing happened, or what did happen is told by the other values.
    - V(unknown), it may have happened. Run the job again, it goes on where it was, or look with
      M(latchkey.consent.credential_info).
  returned: on failure
  type: str
  sample: refused
connection_error:
  description: What the connection plugin said when the PC could not be reached any more.
  returned: when RV(error_code) is V(connection_lost), V(pc_frozen) or V(pc_not_back)
  type: str
  sample: Connection refused
agent:
  description: The agent itself.
  returned: success
  type: dict
  contains:
    version:
      description: Its version.
      type: str
      sample: 0.1.0
    protocol:
      description: The protocol that it speaks.
      type: int
      sample: 1
    device:
      description: The PC's name.
      type: str
      sample: PC1
    boot_id:
      description: The boot that the PC is in.
      type: str
      sample: 51b0c9e2
    now:
      description: The PC's clock.
      type: str
      sample: "2026-11-23T22:00:00.000+01:00"
    ready:
      description: Whether it accepts requests.
      type: bool
      sample: true
    organization:
      description: The organisation that installed it.
      type: str
      sample: Example Ltd.
    problem:
      description: Why it does not accept requests; empty if it does.
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
      description: What it is called at the agent.
      type: str
      sample: 6f0a2f8e-5a3c-4a44-8d4e-7d2f8a1f2b3c
    state:
      description:
        - V(active) or V(paused) while it can be used; V(revoked), V(withdrawn), V(used_up), V(expired), V(rejected) or
          V(session_ended) until it is erased; V(erased), or V(erase_failed) where that is not certain.
      type: str
      sample: active
    account:
      description: Whose sign-in it is.
      type: str
      sample: PC1\maria
    terms:
      description: What the customer agreed to.
      type: dict
      contains:
        account:
          description: Whose sign-in it is.
          type: str
          sample: PC1\maria
        restarts:
          description: How many restarts.
          type: int
          sample: 3
        unlocks:
          description: How many unlocks.
          type: int
          sample: 0
        foreign_restarts:
          description: Whether restarts that others start are covered.
          type: bool
          sample: false
        not_before:
          description: From when on.
          type: str
          sample: "2026-11-23T22:00:00.000+01:00"
        not_after:
          description: Until when.
          type: str
          sample: "2026-11-24T05:00:00.000+01:00"
    left:
      description: How many restarts and unlocks are left.
      type: dict
      sample: {restarts: 2, unlocks: 0}
    granted_at:
      description: When the customer agreed.
      type: str
      sample: "2026-11-23T22:00:10.000+01:00"
    ended:
      description: How it ended, empty while it has not.
      type: str
      sample: ""
    ended_at:
      description: When it ended, if it has.
      type: str
      sample:
    receipt:
      description: The receipt's name.
      type: str
      sample: 0d8f5c1e-6f3c-4c59-9c83-2c9f2f1c5a77
    uses:
      description: What it was used for so far, each with its times.
      type: list
      elements: dict
erasure:
  description: The proof of erasure of each grant that has one.
  returned: success
  type: list
  elements: dict
pending_restart:
  description: Whether Windows waits for a restart, and what for.
  returned: success
  type: dict
  sample: {pending: true, reasons: [Windows Update]}
forecast:
  description: Whether an unattended logon will work; none unless O(forecast=true).
  returned: success
  type: dict
  contains:
    ready:
      description: Whether nothing is known that would stop it.
      type: bool
      sample: false
    findings:
      description: What helps or hinders, each with the evidence and what to do.
      type: list
      elements: dict
      sample:
        - code: logon_banner
          severity: stops
          evidence: A logon banner (legal notice) must be confirmed by hand before anybody signs in.
          advice: Somebody must confirm it at the PC, or its owner lifts it for this PC. Latchkey never changes it.
receipts:
  description: The signed receipts of the session's requests.
  returned: success; empty unless O(receipts=true)
  type: list
  elements: dict
  contains:
    id:
      description: The receipt's name.
      type: str
      sample: 0d8f5c1e-6f3c-4c59-9c83-2c9f2f1c5a77
    document:
      description: What was asked, agreed, used and erased, and when.
      type: dict
    signature:
      description: The PC's signature of the document (Ed25519, Base64).
      type: str
      sample: c2lnbmF0dXJl
    public_key:
      description: The key to check it with (Base64).
      type: str
      sample: a2V5
    text:
      description: The document to read.
      type: str
      sample: Receipt 0d8f5c1e
"""
