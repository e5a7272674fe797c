# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes what is released: the agent's MSI, the collection's tarball, the SBOM, the hashes.

`runtime` lays out the Windows CPython and its packages (the lab's Wine PC uses
the same), `product` makes of it the folder that is installed, `installer` and
`database` the MSI; `python -m agent.packaging` makes everything. README.md
says what is left out of the runtime and why.
"""

from __future__ import annotations
