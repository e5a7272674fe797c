# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: session_checkpoint
short_description: Remember on the PC which step is done
description:
  - Remembers at the agent how far the steps of a support session are, so that a job that is launched again, elsewhere even, goes
    on where the last one ended.
  - The role P(latchkey.consent.maintenance#role) does this by itself.
options:
  session:
    required: true
  step:
    description: The step's name.
    type: str
    required: true
  state:
    description:
      - What to remember; V(absent) forgets the step.
      - If not set, nothing is changed, and only what is known is told.
    type: str
    choices:
      - started
      - done
      - absent
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
- name: Look whether it is done
  latchkey.consent.session_checkpoint:
    session: CHG-4711
    step: Accounting software
  register: known

- name: Do it once
  when: (known.before.state | default('')) != 'done'
  block:
    - name: Update the accounting software
      ansible.builtin.include_tasks: accounting.yml

    - name: Remember that it is done
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
step:
  description: The step's name.
  returned: success
  type: str
  sample: Accounting software
before:
  description: What was known of the step before this task; none where nothing was.
  returned: success
  type: dict
  contains:
    state:
      description: V(started) or V(done).
      type: str
      sample: started
    at:
      description: Since when.
      type: str
      sample: "2026-11-23T22:00:00.000+01:00"
    restarted:
      description: Whether the restart that M(latchkey.consent.credential_apply) did for the step has come back.
      type: bool
      sample: false
checkpoints:
  description: The steps that are known on the PC, by name.
  returned: success
  type: dict
  sample:
    Windows updates: {state: done, at: "2026-11-23T22:10:00.000+01:00", restarted: true}
"""
