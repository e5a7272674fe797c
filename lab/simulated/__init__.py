# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole simulated Windows PC; `lab.simulated.simulated_pc.pc` makes one (see README.md).

It consists of a model of Windows in the lab's process, the real agent and the lab's
WinRM server in processes of their own, and a customer who follows a script.
"""
