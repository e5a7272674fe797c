# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes of this collection's modules."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
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
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
    details:
      - The agent predicts the result and changes nothing.
  diff_mode:
    description: Returns details on what has changed, or possibly needs changing in check mode, when in diff mode.
    support: none
  platform:
    description: Target OS and families that can be operated against.
    platforms: windows
    support: full
  action_group:
    description: Use C(group/latchkey.consent.consent) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - latchkey.consent.consent
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    details:
      - This module only reads, in check mode too.
"""
