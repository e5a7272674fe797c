# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: credential_revoke
short_description: Revoke the session's grants
description:
  - Revokes the grants of a support session before its end. The agent erases them and returns the
    result of the erasure's checks.
  - The session continues, and the customer can be asked again.
options:
  session:
    required: true
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
- name: Revoke the grant after the last restart
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
grants:
  description: The revoked grants; empty if there was none.
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
        - The programs that ran in the customer's name, as M(latchkey.consent.credential_info) returns them.
      type: list
      elements: dict
      sample: []
erasure:
  description: The result of the erasure's checks, over all grants.
  returned: success
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
"""
