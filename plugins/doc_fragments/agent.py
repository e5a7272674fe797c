# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules of this collection share in their documentation."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  session:
    description:
      - The name of the support session. It is unique on each PC, and one name may serve on many PCs at once.
      - A ticket number makes a good name.
      - Best set once for all modules with C(module_defaults), see the examples.
    type: str
  agent_path:
    description:
      - Where C(latchkeyctl.exe), the program that speaks to the consent agent, lies on the PC.
      - If not set, the variable C(latchkey_agent_path) is used, and else the place where the agent's
        package puts it, C(C:\Program Files\Latchkey\latchkeyctl.exe).
    type: str
seealso:
  - module: latchkey.consent.support_session
  - module: latchkey.consent.credential_request
  - module: latchkey.consent.credential_apply
  - module: latchkey.consent.credential_revoke
  - module: latchkey.consent.credential_info
  - module: latchkey.consent.session_checkpoint
notes:
  - Works over the connections P(ansible.builtin.winrm#connection), P(ansible.builtin.psrp#connection) and
    P(ansible.builtin.ssh#connection), and needs no other collection.
  - The agent checks the account that Ansible connects with. C(become), C(async) and C(environment) do not
    reach it and are refused.
  - A connection that is lost is taken up again and the agent asked again, until RV(ignore:timeout) is over. That is
    safe, because the agent does everything once only.
  - These modules never handle the customer's password.
requirements:
  - The consent agent, installed on the PC.
"""
