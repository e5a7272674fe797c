# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation that all modules of this collection share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  session:
    description:
      - The name of the support session. It is unique on each PC; many PCs may use the same name.
      - A ticket number makes a good name.
      - Set it once for all modules with C(module_defaults), see the examples.
    type: str
  agent_path:
    description:
      - The path of C(latchkeyctl.exe) on the PC, the agent's program for operators.
      - If not set, the variable C(latchkey_agent_path). If that is not set either, the place where the agent's package
        installs it, C(Latchkey\latchkeyctl.exe) in the folder that Windows names for 64-bit programs, usually
        C(C:\Program Files).
    type: str
  known_pcs:
    description:
      - The file on the controller with the device key of each PC, in OpenSSH's format of allowed signers. The name of a
        PC there is its name in the inventory.
      - M(latchkey.consent.support_session) and M(latchkey.consent.credential_info) check the PC's key and its signed
        journal head against it before they use the answer. A PC without a line gets one. Another key fails with
        C(device_key_changed) until the PC's line is removed.
      - They keep the last head of each PC in a folder beside the file, whose name ends in C(.heads). A PC whose journal
        does not contain it fails with C(journal_head_unknown).
      - M(latchkey.consent.agent_package) checks the key, or adds it. M(latchkey.consent.credential_request) checks that
        this key has signed the PC's challenge, if it signs the request. It and M(latchkey.consent.credential_apply)
        compare the key before they give the PC anything of a sealing key. The other modules take the option for
        C(module_defaults) only, and do not use it.
      - If not set, no key is checked.
    type: path
  signing_key:
    description:
      - The key with which M(latchkey.consent.credential_request) signs the request, as a path on the controller or as
        its content, an OpenSSH private key (Ed25519) without a passphrase. No result has it.
      - With it M(latchkey.consent.credential_apply) signs each use of a grant of two parties whose request was signed.
      - The file must be its owner's alone, as for ssh. An empty value fails the task.
      - The other modules take the option for C(module_defaults) only, and do not use it.
      - If not set, the request is not signed.
    type: str
  signing_certificate:
    description:
      - The OpenSSH user certificate of O(ignore:signing_key), as a path or as its line. The customer reads its name.
      - If not set, the file beside the key whose name ends in C(-cert.pub).
    type: str
  sealing_key:
    description:
      - The operator's sealing key for grants of two parties, an Ed25519 key of C(ssh-keygen) or an X25519 key in PEM,
        without a passphrase. Give its path on the controller, or its text from a vault or a credential of AWX.
      - With it M(latchkey.consent.credential_request) asks for a grant whose password the PC cannot open alone.
        M(latchkey.consent.credential_apply) then delivers the operator's half of the key for each use, first for the check
        of the password and once more for the sign-in. Both tasks need the same key, and the same O(ignore:session).
      - A request that is not signed also needs O(ignore:known_pcs), so that no program in the middle becomes the second
        party.
      - The other modules take the option for C(module_defaults) only, and do not use it.
      - If not set, a grant is of one party.
    type: str
seealso:
  - module: latchkey.consent.support_session
  - module: latchkey.consent.credential_request
  - module: latchkey.consent.credential_apply
  - module: latchkey.consent.credential_revoke
  - module: latchkey.consent.credential_info
  - module: latchkey.consent.event_info
  - module: latchkey.consent.session_checkpoint
  - module: latchkey.consent.session_command
notes:
  - Works over the connections P(ansible.builtin.winrm#connection), P(ansible.builtin.psrp#connection) and
    P(ansible.builtin.ssh#connection), and needs no other collection.
  - The agent checks the account that Ansible connects with. The modules refuse C(become), C(async) and C(environment),
    which have no effect on the agent.
  - After a lost connection the modules connect and ask again until O(ignore:timeout) is over. This is safe, because the
    agent makes each change only once.
  - These modules never handle the customer's password.
requirements:
  - The consent agent, installed on the PC.
"""
