# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registers the lab's service with Wine's service manager: `install PYTHONW`."""

from __future__ import annotations

import sys
from pathlib import Path

from latchkey_agent.windows import registration

if __name__ == "__main__":
    run = "C:\\lab\\lab\\wine\\guest\\run_module.py"
    program = Path(sys.executable).with_name("pythonw.exe")
    registration.install(registration.image_path(program, (run, "lab.wine.guest.guest_service")))
