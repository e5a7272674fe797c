# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: credential_apply
short_description: Restart a PC and be signed in again, or unlock it
description:
  - Uses what the customer has lent, once. The terms and the password are checked again before anything is done.
  - V(restart) restarts the PC, waits until the customer is signed in again and the session is locked, and takes the
    connection up again. It tells a restart by the PC's boot id, never by clocks.
  - V(unlock) unlocks the customer's locked session, or signs them in where nobody is, for a limited time.
options:
  session:
    required: true
  action:
    description: What to do with the grant.
    type: str
    required: true
    choices:
      - restart
      - unlock
  step:
    description:
      - A name that makes the task repeatable. If the same step's use was successful before in this session, nothing is done,
        and its result is returned; if it is under way, it is waited for.
      - Without it each task is a use of its own, however often it asks again after a lost connection.
    type: str
  message:
    description: What the customer reads during O(grace), in addition to what is going to happen.
    type: str
    default: ""
  grace:
    description: How many seconds of warning the customer gets before a restart.
    type: float
    default: 5
  relock_after:
    description: After how many seconds an unlocked session is locked again, unless the support session ends before.
    type: float
    default: 600
  test_command:
    description:
      - PowerShell text that is run once the customer is signed in, again and again until it succeeds.
      - It succeeds if it throws no error and the last program that it ran, if any, ended with exit code 0.
      - It runs as the connection's account, not as the customer.
    type: str
  timeout:
    description:
      - How many seconds all of it may take, from the first question to the last test.
      - The logon permit lapses a little earlier, so that nobody is signed in after the task has given up.
    type: float
    default: 900
extends_documentation_fragment:
  - latchkey.consent.agent
  - latchkey.consent.attributes
author:
  - Latchkey contributors (@latchkey)
"""

EXAMPLES = r"""
- name: Restart, and go on when the customer is signed in again
  latchkey.consent.credential_apply:
    session: CHG-4711
    action: restart
  register: restarted

- name: Show how long it took
  ansible.builtin.debug:
    msg: "{{ restarted.elapsed.outage }} s away, locked at {{ restarted.signed_in.locked_at }}"

- name: Restart once, however often the job is launched
  latchkey.consent.credential_apply:
    session: CHG-4711
    action: restart
    step: Accounting software
    message: The accounting software is being updated. Please leave the PC on.
    grace: 60
    test_command: if ((Get-Service AcctServer).Status -ne 'Running') { throw 'not yet' }
    timeout: 1800

- name: Unlock the customer's session for five minutes
  latchkey.consent.credential_apply:
    session: CHG-4711
    action: unlock
    relock_after: 300
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
boot:
  description: The boot before and after, as ids that are made anew at every start of Windows.
  returned: once the grant was used
  type: dict
  sample: {before: 8d1f4f6a, after: 51b0c9e2}
signed_in:
  description: Who was signed in, none where nobody was.
  returned: once the grant was used
  type: dict
  contains:
    account:
      description: The account.
      type: str
      sample: PC1\maria
    at:
      description: When Windows had signed it in.
      type: str
      sample: "2026-11-23T22:11:02.000+01:00"
    locked_at:
      description: When the session was seen locked; none where it was disconnected instead, or is unlocked on purpose.
      type: str
      sample: "2026-11-23T22:11:03.000+01:00"
    disconnected:
      description: Whether the session was disconnected because it could not be locked.
      type: bool
      sample: false
    desktop_open_seconds:
      description: For how long the desktop was open before.
      type: float
      sample: 0.8
elapsed:
  description: Where the time went, in seconds. The parts add up to C(total).
  returned: once the grant was used
  type: dict
  contains:
    going_down:
      description: From the beginning until the PC was away, the warning included.
      type: float
      sample: 6.2
    outage:
      description: While the PC could not be reached.
      type: float
      sample: 31.7
    overhead:
      description: The rest, signing in and testing included.
      type: float
      sample: 1.4
    total:
      description: All of it.
      type: float
      sample: 39.3
left:
  description: How many restarts and unlocks are left.
  returned: once the grant was used
  type: dict
  sample: {restarts: 2, unlocks: 0}
use:
  description: The use as the agent tells it; none where nothing had to be done.
  returned: once the grant was used
  type: dict
"""
