# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data that the agent keeps on the PC: the journal, the sealed records and the key that signs receipts."""
