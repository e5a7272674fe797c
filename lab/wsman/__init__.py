# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A WinRM server in front of a lab computer.

Start with `lab.wsman.listener` (`serve`, `Listener`, `ListenerConfig`) and `lab.wsman.host`
(`Host`, `LocalHost`). `README.md` in this folder shows the use.
"""
