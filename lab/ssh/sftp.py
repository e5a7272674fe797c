# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""The SFTP subsystem of a lab computer: puts or fetches one file, as Ansible does with OpenSSH's client.

It speaks version 3 of the protocol (draft-ietf-secsh-filexfer-02), like OpenSSH. Paths have the form of OpenSSH
for Windows, C:\Users as /C:/Users. Operations other than file transfers are answered with "not supported".
"""

from __future__ import annotations

import itertools
import ntpath
import struct
from typing import IO, TYPE_CHECKING

from lab.wsman.host import InvalidPathError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.wsman.host import Host

PROGRAM = "sftp-server.exe"
"""The program of the subsystem (sshd_config_default of OpenSSH for Windows)."""

VERSION = 3
LONGEST = 256 * 1024
"""The most bytes of a packet and of one read; OpenSSH has the same limit (sftp-common.h)."""

INIT, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, REALPATH, STAT = 1, 3, 4, 5, 6, 7, 8, 16, 17
SETSTAT, FSETSTAT = 9, 10
STATUS, HANDLE, DATA, NAME, ATTRIBUTES = 101, 102, 103, 104, 105
OK, END, NO_SUCH_FILE, DENIED, FAILED, UNSUPPORTED = 0, 1, 2, 3, 4, 8
FOR_WRITING = 0x2
HAS_PERMISSIONS = 0x4
FILE, FOLDER = 0o100644, 0o040755

Reply = tuple[int, bytes]


class _Fields:
    """A packet's fields, read one after the other. Raises struct.error: the packet is too short."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def number(self, form: str = ">I") -> int:
        size = struct.calcsize(form)
        (value,) = struct.unpack(form, self._data[:size])
        self._data = self._data[size:]
        return int(value)

    def bytes(self) -> bytes:
        size = self.number()
        value, self._data = self._data[:size], self._data[size:]
        return value

    def path(self, home: str) -> str:
        """Return a path in Windows' form; a relative one starts at the home folder."""
        named = self.bytes().decode("utf-8").replace("/", "\\")
        rooted = named[1:] if named.startswith("\\") and named[2:3] == ":" else named
        return ntpath.normpath(ntpath.join(home, rooted))


def _text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _status(code: int, said: str = "") -> Reply:
    return STATUS, struct.pack(">I", code) + _text(said.encode()) + _text(b"en")


class Sftp:
    """One client's session; `serve` answers until the client disconnects."""

    def __init__(self, host: Host, user: str, source: IO[bytes], target: IO[bytes]) -> None:
        self._host = host
        self._home = host.home(user)
        self._source = source
        self._target = target
        self._numbers = itertools.count(1)
        self._written: dict[bytes, IO[bytes]] = {}
        self._fetched: dict[bytes, str] = {}
        self._does: dict[int, Callable[[_Fields], Reply]] = {
            OPEN: self._open, CLOSE: self._close, READ: self._read, WRITE: self._write,
            LSTAT: self._stat, STAT: self._stat, FSTAT: self._stat_open, REALPATH: self._real_path,
            # Windows files have none of the attributes that a Linux client sets.
            SETSTAT: lambda _: _status(OK), FSETSTAT: lambda _: _status(OK),
        }  # fmt: skip

    def serve(self) -> None:
        """Answer until the client closes its end. Raises OSError, struct.error: a packet is malformed."""
        try:
            while packet := self._packet():
                self._send(*self._answer(packet[0], packet[1:]))
        finally:
            for file in self._written.values():
                file.close()

    def _packet(self) -> bytes:
        head = self._source.read(4)
        if len(head) < 4:
            return b""
        (size,) = struct.unpack(">I", head)
        if size > LONGEST:
            raise OSError(f"an SFTP packet of {size} bytes")
        return self._source.read(size)

    def _send(self, kind: int, content: bytes) -> None:
        self._target.write(struct.pack(">IB", len(content) + 1, kind) + content)
        self._target.flush()

    def _answer(self, kind: int, content: bytes) -> Reply:
        if kind == INIT:
            return INIT + 1, struct.pack(">I", VERSION)
        code, reply = self._do(kind, _Fields(content[4:]))
        return code, content[:4] + reply

    def _do(self, kind: int, fields: _Fields) -> Reply:
        if kind not in self._does:
            return _status(UNSUPPORTED, "the lab's server can only put and fetch files")
        try:
            return self._does[kind](fields)
        except FileNotFoundError:
            return _status(NO_SUCH_FILE, "No such file")
        except PermissionError:
            return _status(DENIED, "Permission denied")
        except (OSError, InvalidPathError, KeyError) as error:
            return _status(FAILED, str(error))

    def _real_path(self, fields: _Fields) -> Reply:
        name = _text(("/" + fields.path(self._home).replace("\\", "/")).encode())
        return NAME, struct.pack(">I", 1) + name + name + struct.pack(">I", 0)

    def _stat(self, fields: _Fields) -> Reply:
        path = fields.path(self._home)
        if self._host.is_folder(path):
            return _permissions(FOLDER)
        if not self._host.is_file(path):
            raise FileNotFoundError
        return _permissions(FILE)

    def _stat_open(self, _fields: _Fields) -> Reply:
        return _permissions(FILE)

    def _open(self, fields: _Fields) -> Reply:
        path, flags = fields.path(self._home), fields.number()
        handle = str(next(self._numbers)).encode()
        if flags & FOR_WRITING:
            self._written[handle] = self._host.create(path)
        else:
            self._host.read(path, 0, 0)
            self._fetched[handle] = path
        return HANDLE, _text(handle)

    def _read(self, fields: _Fields) -> Reply:
        path, offset, size = self._fetched[fields.bytes()], fields.number(">Q"), fields.number()
        data = self._host.read(path, offset, min(size, LONGEST))
        return (DATA, _text(data)) if data else _status(END)

    def _write(self, fields: _Fields) -> Reply:
        file, offset = self._written[fields.bytes()], fields.number(">Q")
        file.seek(offset)
        file.write(fields.bytes())
        return _status(OK)

    def _close(self, fields: _Fields) -> Reply:
        handle = fields.bytes()
        if handle in self._written:
            self._written.pop(handle).close()
        else:
            del self._fetched[handle]
        return _status(OK)


def _permissions(mode: int) -> Reply:
    """Return the kind of a file or folder as attributes; no client here needs size and times."""
    return ATTRIBUTES, struct.pack(">II", HAS_PERMISSIONS, mode)
