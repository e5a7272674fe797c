# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows Windows' own password dialog ("CredUIPromptForWindowsCredentialsW function", Microsoft Learn).

The password is copied once, into a bytearray that the caller overwrites. This
module overwrites every other buffer that the password passes through.
"""

from __future__ import annotations

import ctypes
import winreg
from ctypes import byref, c_ubyte, c_uint32, c_void_p
from typing import NamedTuple

from latchkey_agent.companion.director import PasswordInput
from latchkey_agent.protocol.frames import wipe
from latchkey_agent.windows.win32 import desktop_api as api
from latchkey_agent.windows.win32.api import CoTaskMemFree

CREDUIWIN_GENERIC = 0x1
CREDUIWIN_ENUMERATE_CURRENT_USER = 0x200
CREDUIWIN_SECURE_PROMPT = 0x1000
CRED_PACK_PROTECTED_CREDENTIALS = 0x1
CRED_PACK_GENERIC_CREDENTIALS = 0x4
ERROR_CANCELLED = 1223
MAX_MESSAGE, MAX_CAPTION = 1023, 127
"""CREDUI_MAX_MESSAGE_LENGTH and CREDUI_MAX_CAPTION_LENGTH (wincred.h), without the terminating zero."""
MAX_USER, MAX_DOMAIN, MAX_PASSWORD = 514, 338, 257
"""CREDUI_MAX_USERNAME_LENGTH, _DOMAIN_TARGET_LENGTH, _PASSWORD_LENGTH (wincred.h), in characters.

They include the terminating zero.
"""
POLICY = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\CredUI"
TRUSTED_PATH = "EnableSecureCredentialPrompting"
"""The policy "Require trusted path for credential entry": the dialog appears on the secure desktop."""


class DialogMode(NamedTuple):
    """The flags of the dialog, and those that pack its input and unpack its output."""

    flags: int
    pack: int | None
    unpack: int


PLAIN = DialogMode(CREDUIWIN_GENERIC, CRED_PACK_GENERIC_CREDENTIALS, 0)
"""Ask for user name and password only, not for a PIN. The user name is filled in."""
SECURE = DialogMode(
    CREDUIWIN_SECURE_PROMPT | CREDUIWIN_ENUMERATE_CURRENT_USER, None, CRED_PACK_PROTECTED_CREDENTIALS
)
"""The secure desktop does not support CREDUIWIN_GENERIC. Windows fills in the signed-in user."""


def prompt(user: str, title: str, text: str) -> PasswordInput:
    r"""Ask for a password.

    Args:
        user: the account as `DOMAIN\user`, filled in for the customer.
        title: the dialog's caption.
        text: the dialog's message.

    Returns:
        The customer's input, or the reason why there is none.
    """
    mode = SECURE if requires_secure_desktop() else PLAIN
    info = api.CredUiInfo(
        size=ctypes.sizeof(api.CredUiInfo), message=text[:MAX_MESSAGE], caption=title[:MAX_CAPTION]
    )
    filled = _pack(user, mode.pack)
    package, entry, size = c_uint32(), c_void_p(), c_uint32()
    code = api.CredUIPromptForWindowsCredentialsW(
        byref(info), 0, byref(package), filled, len(filled) if filled else 0, byref(entry), byref(size), None,
        mode.flags,
    )  # fmt: skip
    if code:
        return PasswordInput(problem="cancelled" if code == ERROR_CANCELLED else _reason(code))
    try:
        return _unpack(entry, size.value, mode.unpack)
    finally:
        ctypes.memset(entry, 0, size.value)
        CoTaskMemFree(entry)


def requires_secure_desktop() -> bool:
    """Return whether policy requires password entry on the secure desktop; True if the policy is unreadable."""
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, POLICY) as key:
            value, _ = winreg.QueryValueEx(key, TRUSTED_PATH)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return bool(value)


def _reason(code: int) -> str:
    return f"{ctypes.FormatError(code).strip()} (Windows error {code})"


def _pack(user: str, kind: int | None) -> ctypes.Array[c_ubyte] | None:
    """Return the user name packed for the dialog; None lets Windows fill it in."""
    if kind is None:
        return None
    size = c_uint32()
    api.CredPackAuthenticationBufferW(kind, user, "", None, byref(size))
    buffer = (c_ubyte * size.value)()
    packed = api.CredPackAuthenticationBufferW(kind, user, "", buffer, byref(size))
    # If packing fails, the customer fills in the empty field. The agent compares the name in any case.
    return buffer if packed and size.value else None


def _unpack(entry: c_void_p, size: int, flags: int) -> PasswordInput:
    texts = [bytearray(2 * length) for length in (MAX_USER, MAX_DOMAIN, MAX_PASSWORD)]
    try:
        arguments: list[object] = []
        for text in texts:
            arguments += [(c_ubyte * len(text)).from_buffer(text), byref(c_uint32(len(text) // 2))]
        if not api.CredUnPackAuthenticationBufferW(flags, entry, size, *arguments):
            return PasswordInput(problem=_reason(ctypes.get_last_error()))
        user, domain = (bytes(text[: _length(text)]).decode("utf-16-le") for text in texts[:2])
        password = texts[2]
        return PasswordInput(f"{domain}\\{user}" if domain else user, password[: _length(password)])
    finally:
        for text in texts:
            wipe(text)


def _length(text: bytearray) -> int:
    """Return the number of bytes before the terminating UTF-16 zero."""
    return next((at for at in range(0, len(text), 2) if text[at : at + 2] == b"\0\0"), len(text))
