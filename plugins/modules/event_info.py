# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: event_info
short_description: Read the answers of customers and the ends of grants on a PC
description:
  - Reads the events of the agent's journal from a place on, in their order, and waits for news if wanted.
  - The event source C(latchkey.consent.grants) for Event-Driven Ansible uses it. The page on events shows both.
  - Changes nothing on the PC.
options:
  position:
    description:
      - The place to read from, as RV(position) of an earlier result. V(0) is the beginning of the journal.
      - If not set, the end of the journal. The result then has no events, and names the place to go on from.
    type: int
  mark:
    description:
      - RV(mark) of the same earlier result. Set it wherever O(position) is above V(0).
    type: str
  wait:
    description:
      - Longest time in seconds to wait for an event, at most 15.
    type: float
    default: 0
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
- name: Note the present end of the journal
  latchkey.consent.event_info:
  register: noted

- name: Wait up to 15 seconds for an event after that place
  latchkey.consent.event_info:
    position: 42
    mark: 9f3ac1d29f3ac1d29f3ac1d29f3ac1d2
    wait: 15
  register: news
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
device:
  description: The PC's name.
  returned: success
  type: str
  sample: PC1
known:
  description:
    - Whether the journal has the place of O(position) and O(mark).
    - V(false) if the journal is a new one, or an earlier copy of the PC was restored. Then there are no events, and the
      place in the result is the end of the journal.
  returned: success
  type: bool
  sample: true
position:
  description: The place to go on from, the number of an entry of the journal.
  returned: success
  type: int
  sample: 42
mark:
  description: The beginning of that entry's hash; null at the beginning of the journal.
  returned: success
  type: str
  sample: 9f3ac1d29f3ac1d29f3ac1d29f3ac1d2
more:
  description: Whether there may be further events already.
  returned: success
  type: bool
  sample: false
events:
  description: The events after the place, in the order of the journal.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The id of the event, which no other event has.
      type: str
      sample: 9f3ac1d29f3ac1d29f3ac1d29f3ac1d2
    position:
      description: Its number in the journal.
      type: int
      sample: 42
    at:
      description: Its time, by the agent's clock.
      type: str
      sample: "2026-11-23T22:00:10.000+01:00"
    event:
      description:
        - V(granted), V(denied) or V(reported) is the answer of the customer.
        - V(revoked), V(rejected) or V(ended) is the end of a grant.
        - V(erasure_failed) if the erasure of a grant is not confirmed.
      type: str
      sample: granted
    session:
      description: The name of the support session; empty if the agent no longer keeps it.
      type: str
      sample: CHG-4711
    request:
      description: The id of the request.
      type: str
      sample: 0d8f5c1e-6f3c-4c59-9c83-2c9f2f1c5a77
    grant:
      description: The id of the grant; empty for V(denied) and V(reported).
      type: str
      sample: 6f0a2f8e-5a3c-4a44-8d4e-7d2f8a1f2b3c
    reason:
      description:
        - A stable word, or empty. For V(revoked) V(customer) or V(operator). For V(ended) V(replaced), V(used_up),
          V(expired) or V(session_ended). For V(erasure_failed) V(lost) if no further try can confirm it.
      type: str
      sample: ""
"""
