# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""latchkey.consent.maintenance_input: read the variables of the role maintenance."""

from __future__ import annotations

DOCUMENTATION = r"""
name: maintenance_input
author: Latchkey contributors (@latchkey)
short_description: Read the variables of the role maintenance
description:
  - Makes one dictionary of C(maintenance_terms), C(maintenance_window) or C(maintenance_requester) and of the flat
    variables that a survey of AWX can ask for, such as C(maintenance_restarts). A flat variable that is not empty comes
    first.
  - Recovers times that YAML has read as numbers or dates, and refuses every other value that is no text where a text
    belongs.
  - The role C(latchkey.consent.maintenance) reads its variables with it.
options:
  _terms:
    description:
      - V(terms), V(window) or V(requester) for the values of that dictionary. The lookup fails if one is unusable.
      - V(faults) for a sentence about each variable that is unusable.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show the terms that the role would ask for
  ansible.builtin.debug:
    msg: "{{ query('latchkey.consent.maintenance_input', 'terms') | first }}"
"""

RETURN = r"""
_raw:
  description: For each term a dictionary, or the list of sentences.
  type: list
  elements: raw
"""

from typing import Any  # noqa: E402 - Ansible wants the documentation first

from ansible.errors import AnsibleError  # noqa: E402
from ansible.plugins.lookup import LookupBase  # noqa: E402
from ansible_collections.latchkey.consent.plugins.plugin_utils._role_input import (  # noqa: E402
    GROUPS,
    InputError,
    Value,
    faults,
    read,
)


class LookupModule(LookupBase):
    """Reads the role's variables."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: object) -> list[Any]:
        """Return a dictionary or a list of sentences for each term.

        Raises:
            AnsibleError: a variable is unusable, or a term is unknown.
        """
        known = variables or {}
        templar: Any = self._templar

        def value(name: str) -> object:
            """Return a variable's value; None if it is not set."""
            try:
                return templar.template(known[name]) if name in known else None
            except AnsibleError as fault:
                raise AnsibleError(f"{name} has no value: {fault}") from fault

        return [self._read(term, value) for term in terms]

    @staticmethod
    def _read(term: str, value: Value) -> dict[str, object] | list[str]:
        if term == "faults":
            return faults(value)
        if term not in GROUPS:
            raise AnsibleError(f"the term {term} is unknown; it is faults or one of {', '.join(GROUPS)}")
        try:
            return read(term, value)
        except InputError as fault:
            raise AnsibleError(f"{fault}.") from None
