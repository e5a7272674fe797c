# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the parts of the runtime that the product leaves out, with the reasons. README.md repeats them.

A name is a module or a file of the standard library or of pywin32, without
its suffix. A test imports every module of the installed agent, so it fails if
these lists contain a module that the agent needs.
"""

from __future__ import annotations

STANDARD_LIBRARY: dict[str, tuple[str, ...]] = {
    "The agent opens no network connection, and cryptography has its own OpenSSL": (
        "_asyncio", "_hashlib", "_overlapped", "_ssl", "asyncio", "ftplib", "http", "imaplib", "libcrypto-3",
        "libssl-3", "netrc", "poplib", "smtplib", "socketserver", "ssl", "webbrowser", "wsgiref", "xmlrpc",
    ),
    "A customer's PC needs no tools for developing, debugging or measuring": (
        "__hello__", "__phello__", "_pyrepl", "antigravity", "bdb", "cProfile", "cmd", "code", "codeop",
        "compileall", "curses", "doctest", "modulefinder", "pdb", "profile", "pstats", "py_compile", "pyclbr",
        "pydoc", "rlcompleter", "symtable", "tabnanny", "this", "timeit", "trace", "turtle", "unittest", "zipapp",
    ),
    "The agent does not read or write such files or data": (
        "_bz2", "_elementtree", "_lzma", "bz2", "colorsys", "configparser", "dbm", "gzip", "html", "lzma", "mailbox",
        "mimetypes", "optparse", "plistlib", "pyexpat", "shelve", "tarfile", "wave", "winsound", "xml",
        "zlib1",
    ),
    "The agent is one process with threads": ("_multiprocessing", "multiprocessing"),
    "Parts for other operating systems, and a slow query service": (
        "_aix_support", "_android_support", "_apple_support", "_ios_support", "_osx_support", "_wmi", "pty", "tty",
    ),
}  # fmt: skip

PYWIN32: dict[str, tuple[str, ...]] = {
    "pythonw.exe hosts the service": ("pythonservice",),
    "COM servers written in Python": ("pythoncom313",),
    "Tools for developing with pywin32": (
        "_win32verstamp_pywin32ctypes", "pywin32_bootstrap", "pywin32_testutil", "rasutil", "regcheck", "regutil",
        "win2kras", "win32pdhquery", "win32pdhutil", "win32rcparser", "win32traceutil", "win32verstamp",
    ),
    "Parts of Windows that the agent does not use": (
        "_winxptheme", "mmapfile", "odbc", "perfmon", "perfmondata", "timer", "win32clipboard",
        "win32console", "win32cred", "win32help", "win32inet", "win32lz", "win32pdh", "win32print", "win32ras",
        "win32trace", "win32transaction", "win32wnet", "winxpgui",
    ),
}  # fmt: skip

CFFI = ("cffi",)
"""cryptography needs `_cffi_backend` at run time. The rest of cffi is needed only to build bindings."""


def names(table: dict[str, tuple[str, ...]]) -> frozenset[str]:
    """Return all names in one of the tables."""
    return frozenset(name for group in table.values() for name in group)
