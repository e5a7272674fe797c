# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: credential_request
short_description: Ask the customer to lend their Windows sign-in
description:
  - Asks the customer, on their own screen, to lend their Windows sign-in under stated terms, and waits for the answer.
  - The customer types the password into a window of their PC. It is checked there, sealed there, and stays there.
  - Everything but a yes fails the task with an RV(error_code) of its own. Silence is no.
options:
  session:
    required: true
  account:
    description:
      - Whose sign-in, as C(user) or C(DOMAIN\\user).
      - If not set, the account that is signed in at the PC's own screen.
    type: str
  restarts:
    description: How many restarts after which the customer is signed in again. What is not lent is not allowed.
    type: int
    default: 0
  unlocks:
    description: How many times the customer's session may be unlocked.
    type: int
    default: 0
  foreign_restarts:
    description: Whether restarts that others start, such as Windows Update, are covered too.
    type: bool
    default: false
  not_before:
    description:
      - From when on it may be used. If not set, at once.
      - ISO 8601, or a time of day in quotes. Without an offset it is in the PC's time zone.
      - Two times of day, here and in O(not_after), mean one night, also in the middle of it.
    type: str
  not_after:
    description:
      - Until when it may be used. If not set, until the session ends.
      - ISO 8601, or a time of day in quotes. Without an offset it is in the PC's time zone.
    type: str
  wait:
    description:
      - Whether to wait for the answer. If not, a request that is pending is a success, and the same task later, with
        O(wait=true), gets the answer.
    type: bool
    default: true
  answer_by:
    description:
      - Until when an answer counts. If not set, O(timeout) when waiting, and else as long as the terms could be used.
      - ISO 8601, or a time of day in quotes. Without an offset it is in the PC's time zone.
    type: str
  timeout:
    description:
      - How many seconds to wait for the answer. Then the request is taken back, so that nothing stays open.
    type: float
    default: 600
extends_documentation_fragment:
  - latchkey.consent.agent
  - latchkey.consent.attributes
author:
  - Latchkey contributors (@latchkey)
"""

EXAMPLES = r"""
- name: Ask in the evening, before the customer leaves
  latchkey.consent.credential_request:
    session: CHG-4711
    restarts: 3
    not_before: "22:00"
    not_after: "05:00"
    timeout: 900
  register: asked

- name: Leave the question on the screen until six and go on
  latchkey.consent.credential_request:
    session: CHG-4711
    account: OFFICE\maria
    restarts: 1
    wait: false
    answer_by: "18:00"

- name: Ask, and accept a no
  latchkey.consent.credential_request:
    session: CHG-4711
    unlocks: 1
  register: asked
  failed_when:
    - asked is failed
    - asked.error_code not in ['denied', 'no_answer', 'answered_later']
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
answer:
  description: V(granted), V(denied), V(later), V(no_answer) or V(pending).
  returned: success, and where the failure is the customer's answer
  type: str
  sample: granted
code:
  description: The four digits that the customer sees too, to read out on the phone.
  returned: when something was asked
  type: str
  sample: "4711"
request:
  description: The request; none where a grant was found that covers the terms.
  returned: when something was asked
  type: dict
  contains:
    id:
      description: What it is called at the agent; its receipt has the same name.
      type: str
      sample: 0d8f5c1e-6f3c-4c59-9c83-2c9f2f1c5a77
    state:
      description: V(pending), V(shown), V(later), V(granted), V(denied), V(withdrawn) or V(expired).
      type: str
      sample: granted
    code:
      description: The four digits on the customer's screen.
      type: str
      sample: "4711"
    account:
      description: Who is asked.
      type: str
      sample: PC1\maria
    terms:
      description: What is asked for.
      type: dict
    asked_at:
      description: When it was asked.
      type: str
      sample: "2026-11-23T21:59:05.000+01:00"
    shown_at:
      description: When the window came up, if it did.
      type: str
      sample: "2026-11-23T21:59:06.000+01:00"
    later_until:
      description: Until when the customer does not want to be asked, if they said so.
      type: str
      sample:
    answer_by:
      description: Until when an answer counts.
      type: str
      sample: "2026-11-23T22:09:05.000+01:00"
    answered_at:
      description: When it was answered, if it was.
      type: str
      sample: "2026-11-23T22:00:10.000+01:00"
    why:
      description: What the customer chose to say about a no.
      type: str
      sample: ""
    entries_refused:
      description: How often what they typed was refused by Windows.
      type: int
      sample: 0
    receipt:
      description: The receipt's name.
      type: str
      sample: 0d8f5c1e-6f3c-4c59-9c83-2c9f2f1c5a77
    waiting_for:
      description: What is waited for, in words; empty when nothing is.
      type: str
      sample: ""
grant:
  description: What the customer has lent; none while they have not.
  returned: success
  type: dict
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
"""
