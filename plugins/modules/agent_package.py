# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_package
short_description: Install, upgrade, set up or remove the consent agent
description:
  - Copies the agent's package (MSI) from the controller to the PC and installs it there with Windows Installer, without
    user interaction.
  - Upgrades an older version, which keeps the journal and the grants. Fails if a newer version is installed. Repairs the
    same version if its service does not answer, and otherwise leaves it unchanged.
  - Then applies the organisation's settings and the operators, if the task names them, and checks that the service
    answers.
  - The role P(latchkey.consent.agent#role) uses this module.
options:
  state:
    description:
      - V(present) installs, upgrades or repairs.
      - V(absent) erases every grant, then removes the agent with all its data.
    type: str
    choices:
      - present
      - absent
    default: present
  path:
    description:
      - The package on the controller, an MSI built by C(make package). Ansible searches a relative path in the C(files)
        folders of roles and playbooks.
      - O(state=present) requires this or O(url).
    type: path
  url:
    description: The URL from which the controller downloads the package. Requires O(checksum).
    type: str
  checksum:
    description: The package's SHA-256 in hexadecimal digits, with or without the prefix C(sha256:).
    type: str
  version:
    description:
      - The package's version, as V(1.2.3).
      - May be left out if the file's name contains it, as in C(latchkey-agent-1.2.3-x64.msi).
    type: str
  organization:
    description:
      - The operators' organisation, as the customer's window shows it, with the keys of the settings file.
      - O(organization), O(policy) and O(signing) together replace the settings file. If one is set, a key that none of
        them names gets its default.
    type: dict
  signing:
    description:
      - The keys that issue operators' certificates. C(authorities) lists lines of OpenSSH (Ed25519), the present key
        and the next one; C(organization) is the one that certificates must name, C(roles) lists the allowed roles, and
        C(epoch) is a number that grows with each change.
      - With a key, the agent refuses a request without a signature, unless the policy sets C(allow_unsigned).
      - The agent checks the table before it takes effect.
    type: dict
  policy:
    description:
      - The organisation's limits, with the keys of the settings file.
      - The agent checks the settings before it uses them. If they are invalid, the previous settings stay in force.
    type: dict
  operators:
    description:
      - All accounts and groups that may use the agent without administrator rights on the PC. They become the members of
        the local group C(Latchkey Operators); the task removes all others from it.
      - If not set, the group stays unchanged.
    type: list
    elements: str
  keep_receipts:
    description:
      - With O(state=absent), keep the signed receipts of the started and the last sessions on the PC, in
        C(C:\ProgramData\Latchkey\receipts).
      - The agent's service writes them. If it does not answer, the task fails and the agent stays installed.
    type: bool
    default: false
  timeout:
    description:
      - Longest time in seconds to wait for another installation on the PC, and to retry a lost connection.
    type: float
    default: 900
  session:
    description: Not used, since a package belongs to no support session.
notes:
  - Requires an administrator account of the PC.
  - The controller checks the package against O(checksum) before it sends it.
  - Works with any drive and language of Windows, and from a 32-bit PowerShell. Places come from the PC's environment,
    and the 64-bit registry tells what is installed. If Windows does not tell it, the task fails with C(package_unknown)
    and assumes nothing.
  - Never restarts the PC. If Windows Installer requires a restart, RV(restart_required) is true.
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

- name: Install the agent from a server
  latchkey.consent.agent_package:
    url: https://downloads.example.com/latchkey-agent-0.1.0-x64.msi
    checksum: sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03

- name: Remove the agent and keep the receipts
  latchkey.consent.agent_package:
    state: absent
    keep_receipts: true
"""

RETURN = r"""
version_before:
  description: The version before the task; null if none was installed.
  returned: always
  type: str
  sample: 0.1.0
version:
  description: The version after the task; null if none is installed.
  returned: always
  type: str
  sample: 0.1.0
restart_required:
  description: Whether Windows Installer requires a restart to finish.
  returned: always
  type: bool
settings_changed:
  description: Whether the task changed the settings file.
  returned: if O(organization), O(policy) or O(operators) is set, except in check mode before an installation
  type: bool
operators_added:
  description: The accounts that the task added to the group of operators.
  returned: as RV(settings_changed)
  type: list
  elements: str
operators_removed:
  description: The accounts that the task removed from the group of operators.
  returned: as RV(settings_changed)
  type: list
  elements: str
agent:
  description: The agent, see M(latchkey.consent.credential_info).
  returned: with O(state=present), except in check mode before an installation
  type: dict
device_key:
  description: The PC's device key, as OpenSSH writes it. Checked if O(known_pcs) is set.
  returned: as RV(agent)
  type: str
  sample: ssh-ed25519 AAAA
enrolled:
  description: Whether the task added the PC's line to O(known_pcs). In check mode, whether it would.
  returned: as RV(agent)
  type: bool
erasure:
  description:
    - With O(state=absent), the result of the erasure's checks, see M(latchkey.consent.support_session).
    - Null if no agent could give it. The removal overwrites its data in any case.
  returned: with O(state=absent)
  type: dict
msg:
  description: The reason for the failure, in one sentence.
  returned: on failure
  type: str
  sample: The PC has the agent 0.2.0, which is newer than 0.1.0. It was kept.
error_code:
  description: The stable code of the error, for conditions. The page on errors lists every code.
  returned: on failure
  type: str
  sample: package_older
hint:
  description: Advice for the operator.
  returned: on failure
  type: str
outcome:
  description: V(refused) if nothing happened; V(unknown) if the action may have happened. Run the task again.
  returned: on failure
  type: str
"""
