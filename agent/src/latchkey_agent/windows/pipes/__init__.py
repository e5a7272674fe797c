# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The named pipes: descriptors, instances, the identity of a client, and the server."""
