# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""latchkey.consent.role_tasks: find the tasks of a role before it runs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: role_tasks
author: Latchkey contributors (@latchkey)
short_description: Find the tasks of a role before it runs
description:
  - Finds the files of tasks as C(ansible.builtin.include_role) would, and tells what is missing. Runs nothing.
  - The role C(latchkey.consent.maintenance) checks the steps that name a role with it.
options:
  _terms:
    description:
      - The roles. Each is a dictionary with C(role), the role's name or C(namespace.collection.role), and
        C(tasks_from), C(main) if it is not set.
    type: list
    elements: dict
    required: true
  folder:
    description: A further folder whose C(roles) are found. They come before all others.
    type: path
"""

EXAMPLES = r"""
- name: Show the file of a role's tasks
  ansible.builtin.debug:
    msg: "{{ (query('latchkey.consent.role_tasks', {'role': 'contoso.office.editor'}) | first).file }}"
"""

RETURN = r"""
_raw:
  description: One dictionary for each role.
  type: list
  elements: dict
  contains:
    role:
      description: The name for C(include_role). For a role outside of Ansible's own places this is its path.
      type: str
    file:
      description: The file of tasks. Empty if it is missing.
      type: str
    fault:
      description: What is missing. Empty if nothing is.
      type: str
"""

from pathlib import Path  # noqa: E402 - Ansible wants the documentation first
from typing import Any  # noqa: E402

from ansible.errors import AnsibleError  # noqa: E402
from ansible.playbook.role.include import RoleInclude  # noqa: E402
from ansible.plugins.lookup import LookupBase  # noqa: E402
from ansible.utils.path import is_subpath  # noqa: E402

_OWN = "latchkey.consent"
_ENDINGS = ("", ".yml", ".yaml", ".json")
"""The endings that a role's files may have, in Ansible's order."""
_PARTS_OF_A_COLLECTION_ROLE = 3


class LookupModule(LookupBase):
    """Finds the tasks of roles."""

    def run(
        self,
        terms: list[dict[str, Any]],
        variables: dict[str, Any] | None = None,
        folder: str | None = None,
        **kwargs: object,
    ) -> list[dict[str, str]]:
        """Return the name, the file of tasks and the fault of each role."""
        roles = Path(folder) / "roles" if folder else None
        return [self._found(str(term["role"]), str(term.get("tasks_from", "main")), roles) for term in terms]

    def _found(self, role: str, tasks_from: str, roles: Path | None) -> dict[str, str]:
        found = self._place(role, roles)
        if found is None:
            return {"role": role, "file": "", "fault": f"there is no role {role}"}
        name, place = found
        file = _file(place / "tasks", tasks_from)
        fault = "" if file else f"the role {role} has no file of tasks {tasks_from}"
        return {"role": name, "file": file, "fault": fault}

    def _place(self, role: str, roles: Path | None) -> tuple[str, Path] | None:
        """Return the name under which the role is included, and its folder; None if there is none."""
        if len(role.split(".")) >= _PARTS_OF_A_COLLECTION_ROLE:
            place = self._resolved(role)
            return None if place is None else (role, place)
        near = roles / role if roles and role else None
        place = near if near and near.is_dir() else self._resolved(role)
        if place is None:
            return None
        # Within a role of this collection a plain name means a role of this collection first.
        return (role if self._resolved(role, [_OWN]) == place else str(place)), place

    def _resolved(self, role: str, collections: list[str] | None = None) -> Path | None:
        """Return the folder of a role as `include_role` finds it, None if it finds none."""
        if not role:
            # Ansible would take the folder of all roles for it.
            return None
        try:
            found = RoleInclude.load(role, play=None, loader=self._loader, collection_list=collections)
        except AnsibleError:
            return None
        place = Path(found.get_role_path())
        return place if place.is_dir() else None


def _file(folder: Path, name: str) -> str:
    """Return the file of tasks of this name inside of the folder; empty if there is none."""
    files = (folder / f"{name}{ending}" for ending in _ENDINGS)
    return next((str(file) for file in files if file.is_file() and is_subpath(str(file), str(folder))), "")
