# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: session_checkpoint
short_description: Set or read the checkpoint of a step on the PC
description:
  - Keeps the state of a support session's steps on the PC, so that the next job continues, even from another controller.
  - The role P(latchkey.consent.maintenance#role) sets the checkpoints by itself.
options:
  session:
    required: true
  step:
    description: The step's name.
    type: str
    required: true
  state:
    description:
      - The state to keep. V(absent) deletes the checkpoint.
      - If not set, the task only reads.
      - Setting V(started) again begins the step anew.
    type: str
    choices:
      - started
      - done
      - absent
  not_before:
    description:
      - The start of the maintenance window. ISO 8601, or a time of day in quotes, in the PC's local time.
      - Outside of the window the task fails with V(window_not_open) or V(window_too_short), and sets nothing.
    type: str
  not_after:
    description: The end of the maintenance window. ISO 8601, or a time of day in quotes, in the PC's local time.
    type: str
  limit:
    description:
      - The longest duration of the step in seconds. The task fails if the step could end after the window.
      - If not set, the time that a step of this name needed last on this PC.
    type: float
  spare:
    description: Seconds that the restart after the step needs within the window.
    type: float
  then:
    description:
      - With V(state=done) also begin this step, in the same call. The maintenance window is that step's.
      - A step that may not begin does not. Then RV(begun) is empty, and a task that begins it says why.
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
- name: Read the checkpoint
  latchkey.consent.session_checkpoint:
    session: CHG-4711
    step: Accounting software
  register: known

- name: Run the step once
  when: (known.before.state | default('')) != 'done'
  block:
    - name: Update the accounting software
      ansible.builtin.include_tasks: accounting.yml

    - name: Set the checkpoint
      latchkey.consent.session_checkpoint:
        session: CHG-4711
        step: Accounting software
        state: done
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
step:
  description: The step's name.
  returned: success
  type: str
  sample: Accounting software
boot_id:
  description: The id of the PC's current boot. Another id at a later time means that the PC has restarted.
  returned: success
  type: str
  sample: 51b0c9e2
uptime:
  description: Seconds since the start of the PC's current boot.
  returned: success
  type: float
  sample: 5310.2
before:
  description: The checkpoint before this task; null if there was none.
  returned: success
  type: dict
  contains:
    state:
      description: V(started) or V(done).
      type: str
      sample: started
    at:
      description: The time at which it was set.
      type: str
      sample: "2026-11-23T22:00:00.000+01:00"
    restarted:
      description: Whether the PC is back from the restart that M(latchkey.consent.credential_apply) made for the step.
      type: bool
      sample: false
checkpoints:
  description: The checkpoints of the session, by the name of the step.
  returned: success
  type: dict
  sample:
    Windows updates: {state: done, at: "2026-11-23T22:10:00.000+01:00", restarted: true}
begun:
  description: The step that O(then) has begun. Empty if there is none.
  returned: success
  type: str
  sample: ""
opens_at:
  description: The start of the maintenance window.
  returned: success; null without O(not_before) and O(not_after)
  type: str
  sample: "2026-11-23T22:00:00.000+01:00"
closes_at:
  description: The end of the maintenance window.
  returned: success; null without O(not_before) and O(not_after)
  type: str
  sample: "2026-11-24T05:00:00.000+01:00"
"""
