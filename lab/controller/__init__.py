# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller of the lab's: the part of AWX's API that `playbooks/awx_configure.yml` and its jobs use."""
