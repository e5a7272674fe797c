# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# What is in this file is meant for this collection alone and may change in any release.
"""ansible-core's register of secrets, where there is one.

From 2.22 on ansible-core masks registered secrets in everything that it prints. Older lines have no
such register; there the results are masked by `_masking.py` alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _nothing(_secret: str) -> None:
    """Register nothing."""


def _find() -> Callable[[str], None]:
    try:
        secrets = importlib.import_module("ansible.module_utils.secrets")
    except ImportError:
        return _nothing
    return getattr(secrets, "register_secret", _nothing)


register_secret = _find()
