# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: credential_request
short_description: Ask the customer for a grant
description:
  - Asks the customer, on their own screen, to lend their Windows sign-in under stated terms, and waits for the answer.
  - The customer types the password into a window of their PC. The agent checks it and seals it there, and
    sends it nowhere. With O(means=arso) the customer types none.
  - Every answer except yes fails the task, each with its own RV(error_code). Silence means no.
options:
  session:
    required: true
  account:
    description:
      - The account, as C(user) or C(DOMAIN\\user).
      - If not set, the account that is signed in at the PC's own screen.
    type: str
  means:
    description:
      - V(grant) asks for the password, with which the agent signs the customer in after a restart.
      - V(arso) asks for a yes only. After a restart that Latchkey orders, Windows itself signs the customer in and locks
        the screen (Automatic Restart Sign-On). It serves no unlocks and no restarts by others. The task fails with
        C(arso_not_possible), and asks nobody, where Windows would not do it.
      - V(auto) takes V(arso) where no known fact speaks against it, else V(grant). RV(means_why) has the reason.
    type: str
    choices: [auto, grant, arso]
    default: grant
  restarts:
    description: The number of restarts with an automatic sign-in. Without a grant for it, no restart is allowed.
    type: int
    default: 0
  unlocks:
    description: The number of unlocks of the customer's session.
    type: int
    default: 0
  foreign_restarts:
    description: Whether the grant also covers restarts that others start, such as Windows Update.
    type: bool
    default: false
  programs:
    description:
      - Whether M(latchkey.consent.session_command) may run programs in the customer's name, not elevated.
      - The organisation's policy must allow it (C(allow_programs)).
    type: bool
    default: false
  not_before:
    description:
      - The start of the time in which the grant may be used. If not set, now.
      - ISO 8601, or a time of day in quotes. Without an offset it is in the PC's time zone.
      - Two times of day, here and in O(not_after), mean one night, even if that night has begun. They mean 16 hours at
        most; write a longer window with dates.
    type: str
  not_after:
    description:
      - The end of the time in which the grant may be used. If not set, the end of the session. It must not be later.
      - ISO 8601, or a time of day in quotes. Without an offset it is in the PC's time zone.
    type: str
  relock_after:
    description:
      - Seconds for which an unlock may leave the desktop open. Then the agent locks it again.
      - The organisation's policy has a maximum. The end of the grant or of the session locks earlier.
    type: float
    default: 600
  grace:
    description: Seconds of warning that the customer gets before each restart.
    type: float
    default: 5
  wait:
    description:
      - Whether to wait for the answer. If V(false), the task succeeds with the pending request. The same task with
        O(wait=true) gets the answer later.
    type: bool
    default: true
  answer_by:
    description:
      - The last time for an answer. If not set, the end of O(timeout) when waiting, otherwise O(not_after).
      - ISO 8601, or a time of day in quotes. Without an offset it is in the PC's time zone.
    type: str
  ask_again:
    description:
      - Whether to ask also a customer who has said no in this session, reported a request, or revoked the grant.
      - If V(false), the task fails with the customer's last answer and shows no window. Talk to the customer first.
    type: bool
    default: false
  timeout:
    description:
      - Seconds to wait for the answer. Then the task withdraws the request.
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

- name: Ask until six without waiting
  latchkey.consent.credential_request:
    session: CHG-4711
    account: OFFICE\maria
    restarts: 1
    wait: false
    answer_by: "18:00"

- name: Ask for a yes only, where Windows can sign the customer in again by itself
  latchkey.consent.credential_request:
    session: CHG-4711
    restarts: 1
    means: auto

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
means_why:
  description: The reason why O(means=auto) chose the means of the request; empty for any other O(means).
  returned: success
  type: str
  sample: ""
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
answer:
  description: V(granted), V(denied), V(revoked), V(later), V(no_answer) or V(pending).
  returned: success, and on failure because of the customer's answer
  type: str
  sample: granted
code:
  description: The digits that the customer also sees, to compare on the phone; six if the request is signed, else four.
  returned: if the agent made a request
  type: str
  sample: "4711"
request:
  description: The request; null if an earlier grant covers the terms.
  returned: if the agent made a request
  type: dict
  contains:
    id:
      description: Its id at the agent, which also names its receipt.
      type: str
      sample: 0d8f5c1e-6f3c-4c59-9c83-2c9f2f1c5a77
    state:
      description: V(pending), V(shown), V(later), V(granted), V(denied), V(withdrawn) or V(expired).
      type: str
      sample: granted
    code:
      description: The digits on the customer's screen.
      type: str
      sample: "4711"
    signed_by:
      description:
        - The person whose signature the PC has checked, as the certificate names them, C(name), C(organization) and
          C(role), with the certificate's number C(serial) and the fingerprints C(key) and C(authority).
        - Null for an unsigned request.
      type: dict
      sample:
    sealing:
      description: The operator's public key under terms of two parties, as in the grant, else null.
      type: dict
      sample: null
    asked_by:
      description: The operator's Windows account, as Windows verified it.
      type: str
      sample: PC1\ada
    account:
      description: The account that is asked.
      type: str
      sample: PC1\maria
    terms:
      description: The requested terms.
      type: dict
    asked_at:
      description: The time of the request.
      type: str
      sample: "2026-11-23T21:59:05.000+01:00"
    shown_at:
      description: The time at which the window opened; null before that.
      type: str
      sample: "2026-11-23T21:59:06.000+01:00"
    later_until:
      description: The time until which the customer postponed the request; null if they did not.
      type: str
      sample:
    answer_by:
      description: The last time for an answer.
      type: str
      sample: "2026-11-23T22:09:05.000+01:00"
    answered_at:
      description: The time of the answer; null before that.
      type: str
      sample: "2026-11-23T22:00:10.000+01:00"
    why:
      description: The reason that the customer gave for declining.
      type: str
      sample: ""
    entries_refused:
      description: The number of entries that were refused.
      type: int
      sample: 0
    waiting_for:
      description: The event that the request waits for, as a sentence; empty after its end.
      type: str
      sample: ""
grant:
  description: The grant; null before the consent.
  returned: success
  type: dict
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
"""
