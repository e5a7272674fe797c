# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: credential_apply
short_description: Restart a PC with an automatic sign-in, or unlock it
description:
  - Uses the customer's grant once. First the agent checks the terms and the password again.
  - V(restart) restarts the PC, waits until the customer is signed in again and the session is locked, and reconnects.
    It recognises a restart by the PC's boot id, never by clocks.
  - V(unlock) unlocks the customer's locked session for the agreed time. It signs nobody in.
  - If the customer has signed in or unlocked by hand meanwhile, the task succeeds and the password is not used.
  - A restart can be split in two tasks, so that no fork of Ansible is held while the PC restarts. O(mode=begin) asks for
    it and returns. O(mode=collect) finds out later, also in another job or on another controller, because all state is
    on the PC.
  - Only the account that started the support session, and those that it named then, may use its grants.
options:
  session:
    required: true
  action:
    description: The action to use the grant for.
    type: str
    required: true
    choices:
      - restart
      - unlock
  mode:
    description:
      - V(wait) begins the use and waits for its end.
      - V(begin) begins the use and returns, with RV(pending) true. The task itself takes 60 seconds at most. Repeated
        with the same O(step), it joins the use that is in progress or has succeeded, like V(wait).
      - V(collect) begins no use and changes nothing. It looks for the newest use of O(action) and O(step) in the session,
        and waits for its end until O(timeout). If the use is not over then, or the PC is away, RV(pending) is true and
        the task succeeds. It fails if the use has failed, or if no use was begun.
      - V(sign_in) begins no use. After a restart by others it delivers the operator's half of the key for the sign-in
        that a grant of two parties covers, and waits for its end like V(collect). RV(use) is null if no such sign-in waits.
      - In check mode V(begin) predicts like V(wait), and V(collect) reads as always.
    type: str
    choices: [wait, begin, collect, sign_in]
    default: wait
  deadline:
    description:
      - With O(mode=collect), the time after which a use that is not over fails the task. ISO 8601 with its offset, by the
        controller's clock. RV(deadline) of the task that has begun the use is such a time.
      - Without it a PC that stays away stays pending. The agent itself ends a use whose time is over.
    type: str
  means:
    description:
      - V(grant) uses the customer's grant, with a password or without.
      - V(none) restarts without a grant, and signs in no account. It needs O(step), O(action=restart) and a connection
        account that is an administrator of the PC. By default it works only while no account is signed in. The policy
        C(allow_unasked_restarts) also allows it while every signed-in desktop is locked.
    type: str
    choices: [grant, none]
    default: grant
  grace:
    description: Seconds of warning with O(means=none). The warning of any other restart is in the grant's terms.
    type: float
    default: 60
  step:
    description:
      - A name that makes the task repeatable. If this session already has a successful use for the step, the task does
        nothing and returns that use. If such a use is in progress, the task waits for it.
      - Without it each task is one use of its own. Repeated calls of the same task after a lost connection stay one use.
    type: str
  done:
    description:
      - Whether to set the checkpoint of O(step) to done first, in the same call.
      - The checkpoint stays also if the use is refused.
    type: bool
    default: false
  when_pending:
    description:
      - Whether to do nothing if Windows has no pending restart. Then RV(use) is null, and O(test_command) does not run.
      - With O(mode=collect), whether a use that was not begun is no error.
    type: bool
    default: false
  not_before:
    description: The start of the maintenance window. ISO 8601, or a time of day in quotes, in the PC's local time.
    type: str
  not_after:
    description: The end of the maintenance window. The task fails if the use could end later.
    type: str
  limit:
    description: Seconds that the use may need in the maintenance window.
    type: float
  message:
    description:
      - A text that the customer reads during the warning before a restart.
      - At most 160 characters. Windows shows it as a quotation of IT.
    type: str
    default: ""
  test_command:
    description:
      - PowerShell text that runs after the sign-in, repeatedly until it succeeds.
      - It succeeds if it throws no error and its last program, if any, ends with exit code 0.
      - It runs as the connection's account, not as the customer. A task with O(mode=begin) does not run it.
    type: str
  then:
    description:
      - Also begin this step when the use is over, or when none was due, in the same task. The maintenance window is that
        step's, too.
      - A step that may not begin does not. Then RV(begun) is empty, and a task that begins it says why.
    type: str
  then_limit:
    description: The longest duration of the step O(then) in seconds, as O(latchkey.consent.session_checkpoint#module:limit).
    type: float
  then_spare:
    description: Seconds that the restart after the step O(then) needs within the window.
    type: float
  timeout:
    description:
      - Longest duration of the task in seconds, from the first request to the last test.
      - The logon permit expires a little earlier, so that nobody is signed in after the task has given up.
      - By default 900. With O(mode=begin), the seconds that the use may take until its end. With O(mode=collect), the
        seconds that the task waits, by default 0, which looks once.
    type: float
extends_documentation_fragment:
  - latchkey.consent.agent
  - latchkey.consent.attributes
author:
  - Latchkey contributors (@latchkey)
"""

EXAMPLES = r"""
- name: Restart, and continue when the customer is signed in again
  latchkey.consent.credential_apply:
    session: CHG-4711
    action: restart
  register: restarted

- name: Show how long it took
  ansible.builtin.debug:
    msg: "{{ restarted.elapsed.outage }} s away, locked at {{ restarted.signed_in.locked_at }}"

- name: Restart once, even if the job runs again
  latchkey.consent.credential_apply:
    session: CHG-4711
    action: restart
    step: Accounting software
    message: The accounting software is being updated. Please leave the PC on.
    test_command: if ((Get-Service AcctServer).Status -ne 'Running') { throw 'not yet' }
    timeout: 1800

- name: Restart a PC on which no account is signed in
  latchkey.consent.credential_apply:
    session: CHG-4711
    action: restart
    means: none
    step: Windows updates

- name: Begin a restart, and hold no fork while the PC restarts
  latchkey.consent.credential_apply:
    session: CHG-4711
    action: restart
    step: Accounting software
    mode: begin
  register: begun

- name: Find out whether the customer is signed in again, in this job or in a later one
  latchkey.consent.credential_apply:
    session: CHG-4711
    action: restart
    step: Accounting software
    mode: collect
    deadline: "{{ begun.deadline }}"
  register: collected

- name: Say whether to collect again
  ansible.builtin.debug:
    msg: "{{ 'Collect again, waiting for ' ~ collected.waiting_for if collected.pending else 'Signed in again' }}"

- name: Restart after a step, and begin the next one in the same task
  latchkey.consent.credential_apply:
    session: CHG-4711
    action: restart
    step: Windows updates
    done: true
    then: Accounting software

- name: Unlock the customer's session for the agreed time
  latchkey.consent.credential_apply:
    session: CHG-4711
    action: unlock
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
  returned: when the connection failed, such as with RV(error_code=pc_unreachable), or the PC is away
  type: str
  sample: Connection refused
boot:
  description: The boot ids before and after. Every start of Windows makes a new one.
  returned: once the grant was used
  type: dict
  sample: {before: 8d1f4f6a, after: 51b0c9e2}
signed_in:
  description: The sign-in with the grant; null if there was none, also if the customer signed in by hand.
  returned: once the grant was used
  type: dict
  contains:
    account:
      description: The account.
      type: str
      sample: PC1\maria
    at:
      description: The time of the sign-in.
      type: str
      sample: "2026-11-23T22:11:02.000+01:00"
    locked_at:
      description: The time at which the session was locked; null if it was disconnected instead, or is unlocked on purpose.
      type: str
      sample: "2026-11-23T22:11:03.000+01:00"
    disconnected:
      description: Whether the session was disconnected because it could not be locked.
      type: bool
      sample: false
    desktop_open_seconds:
      description: >-
        Seconds for which the desktop was open at most before the lock, counted from the moment at which the password
        left the agent.
      type: float
      sample: 0.8
elapsed:
  description: The durations in seconds. The parts add up to C(total).
  returned: once the grant was used
  type: dict
  contains:
    going_down:
      description: From the start of the task until the PC was away, with the warning.
      type: float
      sample: 6.2
    outage:
      description: The time in which the PC could not be reached.
      type: float
      sample: 31.7
    overhead:
      description: The rest, with the sign-in and the test.
      type: float
      sample: 1.4
    total:
      description: The whole duration.
      type: float
      sample: 39.3
left:
  description: The restarts and unlocks that are left.
  returned: once the grant was used
  type: dict
  sample: {restarts: 2, unlocks: 0}
use:
  description: The use, as the agent reports it; null if nothing had to be done.
  returned: once the grant was used
  type: dict
pending:
  description: Whether the use is not over. Always false with O(mode=wait).
  returned: once the grant was used
  type: bool
  sample: false
waiting_for:
  description: The event that a pending use waits for; else empty.
  returned: once the grant was used
  type: str
  sample: the PC to come back
deadline:
  description: The time, by the controller's clock, at which the use is over or has failed.
  returned: with O(mode=begin)
  type: str
  sample: "2026-11-23T21:25:00+00:00"
begun:
  description: The step of O(then) if it has begun; else empty.
  returned: with O(then), once the use is over
  type: str
  sample: Accounting software
boot_id:
  description: The PC's present boot id.
  returned: if the step of O(then) has begun
  type: str
  sample: 51b0c9e2
checkpoints:
  description: All checkpoints of the session, by the names of their steps.
  returned: if the step of O(then) has begun
  type: dict
"""
