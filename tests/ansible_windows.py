# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection ansible.windows, to compare with and to use in a step."""

from __future__ import annotations

from tests.wheel_collections import WheelCollection

_COLLECTION = WheelCollection("ansible.windows", "bench")
COLLECTIONS = _COLLECTION.collections
prepare = _COLLECTION.prepare
require = _COLLECTION.require
