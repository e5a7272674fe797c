# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab to play with: PCs that stay up, the command `lab`, and a page in the browser."""
