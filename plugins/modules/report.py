# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Write the report of a support session
description:
  - Writes one report about all PCs of a support session, as JSON, as CSV and as one HTML page.
  - Runs on the controller and uses no connection. Gather the facts with M(latchkey.consent.credential_info) first, and
    run the task once. The playbook C(latchkey.consent.report) does both.
  - Several runs of one session make one report. A PC of this run gets its newer state, the others keep their rows, and
    the failures of earlier runs stay.
  - The report has the time of each answer and of the work. It leaves out when a request was shown or postponed, when
    the customer signed in by hand, and the reasons for which a request waits. The receipts are whole.
options:
  session:
    description: The support session's name.
    type: str
    required: true
  path:
    description:
      - The report's path on the controller. A relative one begins in the current folder. The folder must exist.
      - The files are named after it, with C(.json), C(.csv) and C(.html). One of these suffixes may be part of the path.
      - A file that is no report of this session is not overwritten.
    type: path
    required: true
  pcs:
    description: The PCs.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The PC's name in the inventory.
        type: str
        required: true
      info:
        description:
          - The registered result of M(latchkey.consent.credential_info) with O(session) and C(receipts=true), or its
            failure.
          - A PC without it gets a row that says so.
        type: dict
      summary:
        description:
          - The variable C(maintenance_summary) of the role P(latchkey.consent.maintenance#role). It names the steps that
            were not begun, and the failure.
        type: dict
      failure:
        description: The failure that ended the job on this PC, where it is not in O(pcs[].summary).
        type: dict
        suboptions:
          step:
            description: The step's name.
            type: str
          error_code:
            description: The error's stable code.
            type: str
          msg:
            description: The reason.
            type: str
          hint:
            description: The advice.
            type: str
  known_pcs:
    description:
      - The file on the controller with the device key of each PC, in OpenSSH's format of allowed signers, as
        M(latchkey.consent.support_session) keeps it. The report then says whether the PC's own key signed each receipt.
      - If not set, the check of a receipt shows only that it was not changed since its key signed it.
    type: path
  lost:
    description: The names of further PCs, which the job has lost. Each gets a row that says so.
    type: list
    elements: str
    default: []
  language:
    description: The language of the HTML page. JSON and CSV have stable words in every language.
    type: str
    choices: [en, de]
    default: en
  title:
    description: The title of the HTML page. If not set, a plain one in the page's language.
    type: str
    default: ""
  organization:
    description: The organisation that is named on the HTML page.
    type: str
    default: ""
attributes:
  action:
    description: Indicates this has a corresponding action plugin so some parts of the options can be executed on the controller.
    support: full
  async:
    description: Supports being used with the C(async) keyword.
    support: none
  become:
    description: Is usable alongside C(become) keywords.
    support: none
    details:
      - The files belong to the account that runs Ansible.
  bypass_host_loop:
    description: Forces a C(global) task that does not execute per host.
    support: none
    details:
      - Use C(run_once).
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Returns details on what has changed, or possibly needs changing in check mode, when in diff mode.
    support: none
  platform:
    description: Target OS and families that can be operated against.
    platforms: posix
    support: full
notes:
  - A customer's no is an answer and no failure. The report counts it apart and shows it without the colour of a failure.
  - A valid signature shows that the key beside it signed the receipt's document. Without O(known_pcs) it does not show
    whose key it is. Then compare it with C(latchkeyctl device-key) at the PC. The receipt's readable text is not signed.
seealso:
  - module: latchkey.consent.credential_info
author:
  - Latchkey contributors (@latchkey)
"""

EXAMPLES = r"""
- name: Read the state of each PC
  latchkey.consent.credential_info:
    session: CHG-4711
    receipts: true
  register: known
  failed_when: false
  vars:
    latchkey_unreachable_fails: true

- name: Write the report
  latchkey.consent.report:
    session: CHG-4711
    path: reports/CHG-4711
    language: de
    pcs: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'known')))
      | dict2items(key_name='name', value_name='info') }}"
  run_once: true
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
  sample: report_foreign
msg:
  description: The reason for the failure, in one sentence.
  returned: on failure
  type: str
  sample: "reports/CHG-4711.json is in the way of the report: it is of the session CHG-4710. It was not changed."
hint:
  description: Advice for the operator.
  returned: on failure
  type: str
  sample: Choose another path, or move the file away. A report holds one support session.
outcome:
  description: V(refused). No file was changed.
  returned: on failure
  type: str
  sample: refused
files:
  description: The paths of the files, by C(json), C(csv) and C(html).
  returned: success
  type: dict
  sample: {json: reports/CHG-4711.json, csv: reports/CHG-4711.csv, html: reports/CHG-4711.html}
results:
  description:
    - The result of each PC, by its name.
    - V(done), V(agreed), V(waiting), V(left_over), V(failed), V(no_answer), V(declined), V(reported), V(revoked),
      V(unusable) (no entry could serve), V(not_asked), V(unreachable), V(unread) or V(nothing).
  returned: success
  type: dict
  sample: {pc1: done, pc2: declined}
summary:
  description: The counts over all PCs.
  returned: success
  type: dict
  contains:
    pcs:
      description: The number of PCs.
      type: int
      sample: 2
    outcomes:
      description: The number of PCs with each result.
      type: dict
      sample: {done: 1, declined: 1}
    restarts:
      description: The restarts that were ordered.
      type: int
      sample: 2
    restarts_by_others:
      description: The restarts by others after which the grant signed the customer in.
      type: int
      sample: 0
    restarts_without_sign_in:
      description: The restarts by others after which no account was signed in.
      type: int
      sample: 0
    unlocks:
      description: The unlocks.
      type: int
      sample: 0
    programs:
      description: The programs that ran in the customers' names.
      type: int
      sample: 0
    open_seconds:
      description: The seconds for which desktops were open, in all.
      type: float
      sample: 12.5
    receipts:
      description: The number of receipts.
      type: int
      sample: 2
    receipts_valid:
      description: The number of receipts whose signature is valid; with O(known_pcs), by the PC's key in that file.
      type: int
      sample: 2
    erasures:
      description: The number of erasures that the PCs have checked.
      type: int
      sample: 1
    erasures_confirmed:
      description: The number of those that are confirmed.
      type: int
      sample: 1
"""
