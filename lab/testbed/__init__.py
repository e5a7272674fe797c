# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lab PCs as the hosts of ansible-test's integration targets and of the molecule scenario."""
