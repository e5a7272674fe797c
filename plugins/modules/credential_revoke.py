# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: credential_revoke
short_description: Give back what the customer has lent
description:
  - The operator gives the grants of the support session back before it ends. They are erased, and the proof is returned.
  - The session stays open, and the customer can be asked again.
options:
  session:
    required: true
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
- name: The restarts are done, the rest needs no sign-in
  latchkey.consent.credential_revoke:
    session: CHG-4711
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
grants:
  description: What was given back; nothing where nothing was lent.
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
  description: The proof of erasure, over all grants.
  returned: success
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
"""
