# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The companion's parts that use Windows, except for parts that need a person."""

from __future__ import annotations

import ctypes
import locale
import threading
import winreg
from collections.abc import Callable
from typing import Any

import pytest
import pywintypes
import win32api
import win32con
import win32event
import win32gui

from latchkey_agent.companion.director import Typed
from latchkey_agent.companion.menu import Entry
from latchkey_agent.companion.screen import dialog, password, runner, screen_state, tray
from latchkey_agent.companion.steps import AnyInput, Screen, Seen
from latchkey_agent.ports import PortError
from latchkey_agent.windows.win32 import api as base
from latchkey_agent.windows.win32 import desktop_api as api

from .conftest import under_wine


def test_a_free_screen_holds_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the matching states of Windows hold a request back."""
    states = {1: Screen(locked=True), 2: Screen(full_screen=True), 3: Screen(full_screen=True), 5: Screen()}
    states[4] = Screen(presentation=True)
    for state, screen in states.items():
        monkeypatch.setattr(screen_state, "_notification_state", lambda state=state: state)
        assert screen_state.look() == screen


def test_the_state_of_windows_is_read() -> None:
    """The state is one of the documented ones, or unknown on this Windows."""
    assert screen_state._notification_state() in range(8)


@pytest.mark.parametrize(("value", "secure"), [(1, True), (0, False)])
def test_policy_decides_where_the_password_is_typed(
    hklm: Callable[..., None], value: int, *, secure: bool
) -> None:
    """The policy selects the secure desktop for the dialog; without it the dialog accepts no PIN."""
    assert not password.trusted_path()
    hklm(password.POLICY)
    hklm(password.POLICY, password.TRUSTED_PATH, value, winreg.REG_DWORD)
    assert password.trusted_path() is secure


def test_a_failed_password_dialog_is_reported() -> None:
    """If Windows cannot show the dialog, the customer reads the reason and loses no try."""
    if not under_wine():
        pytest.skip("Windows would show the dialog")
    assert "Windows error 120" in password.prompt("PC\\anna", "title", "text").problem


def test_the_entry_of_the_dialog_is_unpacked_and_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name and password are unpacked unchanged, and all buffers are overwritten."""
    buffers: list[Any] = []

    def unpack(_flags: int, _entry: object, _size: int, *places: Any) -> int:
        for buffer, text in zip(places[::2], ("anna", "PC", "pä€"), strict=True):
            encoded = text.encode("utf-16-le")
            ctypes.memmove(buffer, encoded, len(encoded))
            buffers.append(buffer)
        return 1

    monkeypatch.setattr(api, "CredUnPackAuthenticationBufferW", unpack)
    typed = password._unpack(ctypes.c_void_p(0), 0, 0)
    assert typed == Typed("PC\\anna", bytearray("pä€".encode("utf-16-le")))
    assert [bytes(buffer).strip(b"\0") for buffer in buffers] == [b"", b"", b""]


def test_an_entry_that_cannot_be_unpacked_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that cannot be unpacked, such as a smart card's, is reported with the reason."""
    monkeypatch.setattr(api, "CredUnPackAuthenticationBufferW", lambda *_: 0)
    assert "Windows error" in password._unpack(ctypes.c_void_p(0), 0, 0).problem


def test_the_dialogs_buffer_is_overwritten_before_it_is_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dialog's buffer is overwritten before it is freed, even if unpacking fails."""
    packed = ctypes.create_string_buffer(b"secret", 6)
    freed: list[bytes] = []

    def prompt(*arguments: Any) -> int:
        arguments[5]._obj.value, arguments[6]._obj.value = ctypes.addressof(packed), 6
        return 0

    monkeypatch.setattr(api, "CredUIPromptForWindowsCredentialsW", prompt)
    monkeypatch.setattr(password, "CoTaskMemFree", lambda _: freed.append(packed.raw))
    monkeypatch.setattr(api, "CredUnPackAuthenticationBufferW", lambda *_: 0)
    password.prompt("PC\\anna", "title", "text")
    assert freed == [bytes(6)]


@pytest.mark.parametrize(
    ("identifier", "language"), [(0x0C07, "de"), (0x0409, "en"), (0x040C, "en"), (0, "en")]
)
def test_the_customers_language_is_that_of_windows(
    monkeypatch: pytest.MonkeyPatch, identifier: int, language: str
) -> None:
    """Austrian German is German, and an unsupported language is English."""
    monkeypatch.setattr(api, "GetUserDefaultUILanguage", lambda: identifier)
    assert runner.ui_language() == language


def test_the_language_of_this_windows_is_known() -> None:
    """The table has the language of this Windows."""
    assert api.GetUserDefaultUILanguage() in locale.windows_locale


@pytest.fixture
def posted() -> list[AnyInput]:
    """The inputs that the tray posts."""
    return []


@pytest.fixture
def icon(posted: list[AnyInput]) -> Any:
    """A tray whose messages come from the test."""
    try:
        made = tray.Tray("Latchkey", lambda: [Entry("one")], posted.append)
    except PortError as fault:
        pytest.skip(str(fault))
    yield made
    win32gui.DestroyWindow(made._window)
    gui: Any = win32gui
    gui.UnregisterClass(tray.WINDOW_CLASS, win32api.GetModuleHandle(None))


def test_the_icon_comes_back_when_the_taskbar_does(icon: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The icon returns with a restarted taskbar; a hidden icon stays hidden."""
    done: list[int] = []

    def notify(what: int, _data: object) -> int:
        done.append(what)
        return 1

    monkeypatch.setattr(api, "Shell_NotifyIconW", notify)
    win32gui.SendMessage(icon._window, icon._taskbar_created, 0, 0)
    assert done == []
    icon.show("asked")
    win32gui.SendMessage(icon._window, icon._taskbar_created, 0, 0)
    assert done == [tray.NIM_ADD, tray.NIM_SETVERSION] * 2
    icon.show("lent")
    icon.hide()
    assert done[4:] == [tray.NIM_MODIFY, tray.NIM_DELETE]


def test_a_notice_that_is_too_long_is_cut(icon: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notice is cut to Windows' limit of 255 characters."""
    shown: list[str] = []

    def notify(_what: int, data: Any) -> int:
        shown.append(data._obj.info)
        return 1

    monkeypatch.setattr(api, "Shell_NotifyIconW", notify)
    icon.balloon("x" * 300)
    assert shown == ["x" * 254 + "…"]


def test_locking_the_session_is_posted(icon: Any, posted: list[AnyInput]) -> None:
    """Windows' message about a locked session becomes an input."""
    win32gui.SendMessage(icon._window, tray.WM_WTSSESSION_CHANGE, 7, 1)
    assert posted == [Seen()]


def test_a_dialog_that_is_closed_before_it_opens_does_not_stay(icon: Any) -> None:
    """A dialog closed before it opens does not stay; the request may be withdrawn at that moment."""
    window = dialog.Dialog("Latchkey", "title", "text", ("one", "two"), guarded=True)
    window.close()
    assert window.run() is None


def test_a_dialog_is_closed_from_another_thread(icon: Any) -> None:
    """Another thread can close a dialog, even while its guard ignores clicks."""
    window = dialog.Dialog("Latchkey", "title", "text", ("one", "two"), guarded=True)
    opened = threading.Event()
    created = window._created

    def tell(window: int) -> None:
        created(window)
        opened.set()

    def close() -> None:
        opened.wait(20)
        window.close()

    window._created = tell  # type: ignore[method-assign]
    threading.Thread(target=close, daemon=True).start()
    assert window.run() is None


def test_no_key_is_pressed_before_the_person_has_moved() -> None:
    """Before the person has moved, Esc closes the window and Enter does nothing."""
    window = dialog.Dialog("Latchkey", "title", "text", ("one",), guarded=True)
    assert not window._passes(win32con.WM_KEYDOWN, win32con.VK_RETURN)
    assert window._passes(win32con.WM_KEYDOWN, win32con.VK_TAB)


def test_the_heap_is_excluded_from_crash_reports_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The companion first excludes its heap, which will hold the password, from crash reports."""
    done: list[object] = []

    def make(*_: object) -> None:
        done.append("mutex")
        raise pywintypes.error(5, "CreateMutex", "refused")

    monkeypatch.setattr(base, "WerSetFlags", done.append)
    monkeypatch.setattr(win32event, "CreateMutex", make)
    with pytest.raises(PortError, match="making the mutex"):
        runner.run()
    assert done == [1, "mutex"]


def test_the_structures_say_their_own_size() -> None:
    """Each structure has its own size in its size field, by which Windows knows its version."""
    assert ctypes.sizeof(api.NotifyIconData) == 976
    assert ctypes.sizeof(api.TaskDialogConfig) == 160
    assert isinstance(api.TaskDialogIndirect, base.Function)
