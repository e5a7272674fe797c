# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the release: the agent's MSI, the collection's tarball, the SBOM and the hashes.

`runtime` lays out the Windows CPython and its packages (the lab's Wine PC uses
the same). `product` turns it into the folder that is installed. `installer` and
`database` build the MSI. `python -m agent.packaging` builds everything.
README.md lists the parts that are left out of the runtime, with the reasons.
"""

from __future__ import annotations
