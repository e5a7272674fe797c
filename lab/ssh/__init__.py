# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's SSH server: OpenSSH's own sshd in front of a lab computer, with the account's default shell played."""
