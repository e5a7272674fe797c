# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""latchkey.consent.steady_seconds: the seconds of a clock that nobody sets."""

from __future__ import annotations

DOCUMENTATION = r"""
name: steady_seconds
author: Latchkey contributors (@latchkey)
short_description: Return the seconds of a clock that nobody sets
description:
  - Two values of one controller tell how much time has passed, also where its clock or time zone was changed meanwhile.
  - One value alone means nothing, nor does a comparison of two controllers.
  - The role C(latchkey.consent.maintenance) measures the C(limit) of a step with it.
options: {}
"""

EXAMPLES = r"""
- name: Note the beginning
  ansible.builtin.set_fact:
    begun_at: "{{ query('latchkey.consent.steady_seconds') | first }}"

- name: Show the seconds since then
  ansible.builtin.debug:
    msg: "{{ (query('latchkey.consent.steady_seconds') | first) - begun_at | float }}"
"""

RETURN = r"""
_raw:
  description: The seconds, as the only element.
  type: list
  elements: float
"""

import time  # noqa: E402 - Ansible wants the documentation first
from typing import Any  # noqa: E402

from ansible.plugins.lookup import LookupBase  # noqa: E402


class LookupModule(LookupBase):
    """Reads the monotonic clock, which all processes of a computer share."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: object) -> list[float]:
        """Return the seconds."""
        return [time.monotonic()]
