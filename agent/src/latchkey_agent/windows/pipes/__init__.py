# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The named pipes: endpoints, server, instances, client identity and client stream."""
