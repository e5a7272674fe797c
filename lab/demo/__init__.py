# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays the main job on a simulated PC and shows all three sides: `python -m lab.demo`."""
