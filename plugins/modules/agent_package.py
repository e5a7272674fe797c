# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_package
short_description: Install, upgrade, set up or remove the consent agent
description:
  - Brings the agent's package (MSI) from the controller to the PC and runs Windows Installer there, without questions.
  - An older version is upgraded in place and keeps its journal and what is lent. A newer one is kept, and the task
    fails. The same version is left alone if it answers, and repaired if it does not.
  - Then it puts the organisation's settings in place and says who the operators are, if the task names them, and
    checks that the service answers.
  - The role P(latchkey.consent.agent#role) wraps it.
options:
  state:
    description:
      - V(present) installs, upgrades or repairs.
      - V(absent) erases everything that is sealed, then removes the agent with all its data.
    type: str
    choices:
      - present
      - absent
    default: present
  path:
    description:
      - The package on the controller, an MSI that C(make package) built. A relative path is looked for as the files
        of roles and playbooks are.
      - O(state=present) needs this or O(url).
    type: path
  url:
    description: Where the controller downloads the package from. Needs O(checksum).
    type: str
  checksum:
    description: The package's SHA-256 in hexadecimal digits, with or without C(sha256:) before them.
    type: str
  version:
    description:
      - The package's version, as V(1.2.3).
      - May be left out where the file's name tells it, as in C(latchkey-agent-1.2.3-x64.msi).
    type: str
  organization:
    description:
      - Who answers for the operators, as the customer's window shows it. The keys are those of the settings file.
      - O(organization) and O(policy) together are the settings file. If either is set, what neither names has its
        default.
    type: dict
  policy:
    description:
      - What the organisation allows at most. The keys are those of the settings file.
      - The agent judges the settings before they are put in place. If they are wrong, the former ones stay.
    type: dict
  operators:
    description:
      - All accounts and groups that may use the agent without being administrators of the PC, the members of the local
        group C(Latchkey Operators). Others are taken out of it.
      - If not set, the group stays as it is.
    type: list
    elements: str
  keep_receipts:
    description:
      - With O(state=absent), leave the signed receipts of the open and the last sessions on the PC, in
        C(C:\ProgramData\Latchkey\receipts).
      - The agent's service writes them; where it does not answer the agent is not removed.
    type: bool
    default: false
  timeout:
    description:
      - How many seconds the task may wait, for another installation on the PC to end and for a lost connection to come
        back.
    type: float
    default: 900
  session:
    description: Of no meaning here; a package belongs to no support session.
notes:
  - Needs an account that is an administrator of the PC.
  - The package is checked against O(checksum) on the controller before it is sent.
  - The PC is never restarted. If Windows Installer says that a restart is needed, RV(restart_required) is true.
extends_documentation_fragment:
  - latchkey.consent.agent
  - latchkey.consent.attributes
author:
  - Latchkey contributors (@latchkey)
"""

EXAMPLES = r"""
- name: Install the consent agent
  latchkey.consent.agent_package:
    path: latchkey-agent-0.1.0-x64.msi
    checksum: 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
    organization:
      name: Example IT
      phone: "+49 30 1234567"
    policy:
      max_restarts: 5
      require_ticket: true
    operators:
      - EXAMPLE\Operators

- name: Install it from a server
  latchkey.consent.agent_package:
    url: https://downloads.example.com/latchkey-agent-0.1.0-x64.msi
    checksum: sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03

- name: Remove it, and keep the receipts
  latchkey.consent.agent_package:
    state: absent
    keep_receipts: true
"""

RETURN = r"""
version_before:
  description: The version that was installed before, null if none was.
  returned: always
  type: str
  sample: 0.1.0
version:
  description: The version that is installed now, null if none is.
  returned: always
  type: str
  sample: 0.1.0
restart_required:
  description: Whether Windows Installer says that the PC must be restarted before everything is in use, or gone.
  returned: always
  type: bool
settings_changed:
  description: Whether the settings file was changed.
  returned: if O(organization), O(policy) or O(operators) is set, and nothing was to be installed in check mode
  type: bool
operators_added:
  description: Who was added to the group of operators.
  returned: as RV(settings_changed)
  type: list
  elements: str
operators_removed:
  description: Who was taken out of the group of operators.
  returned: as RV(settings_changed)
  type: list
  elements: str
agent:
  description: What the service says of itself, see M(latchkey.consent.credential_info).
  returned: with O(state=present), if nothing was to be installed in check mode
  type: dict
erasure:
  description:
    - With O(state=absent), the proof that what was sealed is erased, see M(latchkey.consent.support_session).
    - Null if there was no agent that could give it. What it kept is overwritten all the same.
  returned: with O(state=absent)
  type: dict
msg:
  description: Why the task failed, as a sentence.
  returned: on failure
  type: str
  sample: The agent 0.2.0 is installed, which is newer than 0.1.0; it was kept.
error_code:
  description: The stable name of what went wrong.
  returned: on failure
  type: str
  sample: package_older
hint:
  description: What to do next.
  returned: on failure
  type: str
outcome:
  description: V(refused), nothing happened; V(unknown), ask again, it may have happened.
  returned: on failure
  type: str
"""
