# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package `xmldiff`, which pypsrp's tests import and use only without a server: see `main`."""
