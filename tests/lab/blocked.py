# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerShell on a PC whose antivirus program blocks the script by AMSI: it says so in CLIXML and ends with 1."""

from __future__ import annotations

import sys

LINES = (
    "At line:1 char:1",
    "+ $OutputEncoding = [Text.Encoding]::ASCII",
    "+ ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~",
    "This script contains malicious content and has been blocked by your antivirus software.",
    "    + CategoryInfo          : ParserError: (:) [], ParentContainsErrorRecordException",
    "    + FullyQualifiedErrorId : ScriptContainedMaliciousContent",
)
NAMESPACE = "http://schemas.microsoft.com/powershell/2004/04"

if __name__ == "__main__":
    said = "".join(f'<S S="Error">{line}_x000D__x000A_</S>' for line in LINES)
    sys.stderr.write(f'#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="{NAMESPACE}">{said}</Objs>')
    sys.exit(1)
