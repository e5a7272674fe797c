# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job on a simulated PC, told from all three sides: `python -m lab.demo`."""
