# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the place of setuptools while pip downloads a source distribution: see `build_meta`."""
