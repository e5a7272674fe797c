# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Active Directory on loopback: Samba's domain controller, reduced to its Kerberos service."""
