# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The rule for the files of private keys: others than their owner may not use them."""

from __future__ import annotations

import os

_OTHERS = 0o077
"""The rights of group and others, in the mode of a file."""


def why_shared(file: os.stat_result) -> str:
    """Return why a key's file is not its owner's alone, empty if it is; by the rule of ssh.

    A file that belongs to another account than the job's is left alone, such as one that a container mounts (OpenSSH,
    authfile.c, sshkey_perm_ok).
    """
    mode = file.st_mode & 0o777
    if file.st_uid != os.getuid() or not mode & _OTHERS:
        return ""
    return f"others than its owner may use the file (mode {mode:04o}; chmod 600 ends that)"
