# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection, imported as Ansible imports it.

Ansible's own finder must be in place before the first import of ``ansible_collections``: it refuses every
package that was imported as a plain namespace package before, in all later tests.
"""

from __future__ import annotations

from pathlib import Path

from ansible.plugins.loader import init_plugin_loader

COLLECTIONS = Path(__file__).resolve().parent.parent / "build/collections"


def put_finder_in_place() -> None:
    """Put Ansible's finder in place, once for the whole run."""
    init_plugin_loader([str(COLLECTIONS)])
