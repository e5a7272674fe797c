# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""reg.exe and msiexec.exe of a PC that has version 0.5.0 of the agent's package, and keeps it.

Installing ends with the exit code that is the first number of the package's version, and changes nothing.
"""

from __future__ import annotations

import re
import sys

from lab.wsman.program import end

REGISTRY = """
HKEY_LOCAL_MACHINE\\SOFTWARE\\Latchkey\\Package
    ProductCode    REG_SZ    {00000000-0000-5000-8000-000000000001}
    Version    REG_SZ    0.5.0

"""


def main(arguments: list[str]) -> int:
    """Answer the query, or install nothing; return the exit code."""
    if arguments[0] == "query":
        sys.stdout.write(REGISTRY)
        return 0
    version = re.search(r"latchkey-agent-(\d+)\.", " ".join(arguments))
    return int(version[1]) if version else 1619


if __name__ == "__main__":
    end(main(sys.argv[2:]))
