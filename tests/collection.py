# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports the collection as Ansible does.

Ansible's own finder has to be installed before the first import of ``ansible_collections``: afterwards it
refuses every part that was imported as a plain namespace package before, in every later test.
"""

from __future__ import annotations

from pathlib import Path

from ansible.plugins.loader import init_plugin_loader

COLLECTIONS = Path(__file__).resolve().parent.parent / "build/collections"


def pytest_configure() -> None:
    """Install Ansible's finder, once for the whole run."""
    init_plugin_loader([str(COLLECTIONS)])
