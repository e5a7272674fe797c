# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's SSH server: OpenSSH's own sshd in front of a lab computer; the lab simulates the default shell."""
