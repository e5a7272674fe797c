# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens files past Windows' cache ("File Buffering", Microsoft Learn)."""

from __future__ import annotations

import msvcrt
import os
from io import FileIO
from typing import TYPE_CHECKING, Any

import win32file

from latchkey_agent.windows.win32.failures import doing

if TYPE_CHECKING:
    from pathlib import Path

FILE_FLAG_WRITE_THROUGH = 0x8000_0000
FILE_FLAG_NO_BUFFERING = 0x2000_0000


class WindowsDisk:
    """Implements ports.Disk."""

    def open_unbuffered(self, path: Path) -> FileIO:
        """Open an existing file for reading and writing, past the cache.

        Offsets and lengths are multiples of the disk's sector size, and buffers are aligned to it.

        Raises:
            PortError: the file does not exist, or Windows cannot open it.
        """
        security: Any = None
        template: Any = None
        with doing(f"opening {path.name}"):
            handle = win32file.CreateFile(
                str(path),
                win32file.GENERIC_READ | win32file.GENERIC_WRITE,
                win32file.FILE_SHARE_READ,
                security,
                win32file.OPEN_EXISTING,
                FILE_FLAG_WRITE_THROUGH | FILE_FLAG_NO_BUFFERING,
                template,
            )
        return FileIO(msvcrt.open_osfhandle(int(handle.Detach()), os.O_RDWR | os.O_BINARY), "r+")
