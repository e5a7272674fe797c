# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: support_session
short_description: Open or end a support session on a PC
description:
  - Opens a support session, the engagement that all requests and grants belong to, or ends it.
  - The end of the session erases everything that the customer has lent for it, and returns the proof.
options:
  session:
    required: true
  state:
    description:
      - V(started) opens the session, or finds it open. It must be the same purpose, since the customer may
        have read it already.
      - V(ended) ends it. Ending it again returns the proof again.
    type: str
    choices:
      - started
      - ended
    default: started
  reason:
    description:
      - Why, in words that the customer understands.
      - Needed to open a session; may be left out where it is open already.
    type: str
    default: ""
  ticket:
    description: The number under which the customer can ask about it.
    type: str
    default: ""
  requester:
    description: Who asks, as the customer shall read it.
    type: dict
    suboptions:
      name:
        description: The person or the team.
        type: str
        default: ""
      organization:
        description: Their company.
        type: str
        default: ""
      role:
        description: What they are to the customer.
        type: str
        default: ""
  ends:
    description:
      - When the session ends by itself, at the latest.
      - ISO 8601, or a time of day in quotes, which is the next such moment at the PC. Without an offset it is in the PC's
        time zone.
      - The organisation's policy may end it earlier.
    type: str
  language:
    description:
      - The language of what the customer reads where their own is not known, such as V(de) or V(en).
    type: str
    default: ""
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
- name: Open a session and end it when all is done
  hosts: office_pcs
  gather_facts: false
  module_defaults:
    group/latchkey.consent.consent:
      session: CHG-4711
  tasks:
    - name: Open the support session
      latchkey.consent.support_session:
        reason: Monthly updates
        ticket: CHG-4711
        requester:
          name: Ada Meyer
          organization: Example Ltd.
          role: IT support
        ends: "05:30"

    # ... what is to be done ...

    - name: End the support session
      latchkey.consent.support_session:
        state: ended
      register: ended

    - name: Show the proof of erasure
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
state:
  description: V(open), V(ended) or V(expired).
  returned: success
  type: str
  sample: open
id:
  description: What the session is called at the agent.
  returned: success
  type: str
  sample: 3c9a7e0e-1a43-4a55-9d55-0f3f2c1b7a10
reason:
  description: Why, as the customer reads it.
  returned: success
  type: str
  sample: Monthly updates
ticket:
  description: The ticket.
  returned: success
  type: str
  sample: CHG-4711
requester:
  description: Who asks.
  returned: success
  type: dict
  sample: {name: Ada Meyer, organization: Example Ltd., role: IT support}
language:
  description: The language that was asked for.
  returned: success
  type: str
  sample: de
started_at:
  description: When it was opened.
  returned: success
  type: str
  sample: "2026-11-23T21:59:00.000+01:00"
ends_at:
  description: When it ends by itself.
  returned: success
  type: str
  sample: "2026-11-24T05:30:00.000+01:00"
checkpoints:
  description: The steps that are known on the PC, by name.
  returned: success
  type: dict
  sample:
    Windows updates: {state: done, at: "2026-11-23T22:10:00.000+01:00", restarted: true}
erasure:
  description: The proof of erasure, over all grants.
  returned: when O(state=ended)
  type: dict
  contains:
    confirmed:
      description: Whether every check passed. True where nothing was ever sealed.
      type: bool
      sample: true
    checked_at:
      description: When the last check was made; none where nothing was ever sealed.
      type: str
      sample: "2026-11-24T05:00:01.000+01:00"
    checks:
      description: What was looked at. A check passed if it passed for each grant.
      type: list
      elements: dict
      sample: [{name: write-ahead log, passed: true, detail: empty}]
    grants:
      description: The same for each grant, with its RV(ignore:grant).
      type: list
      elements: dict
receipts:
  description: The signed receipts of the session's requests.
  returned: when O(state=ended)
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
