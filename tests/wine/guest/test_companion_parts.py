# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The companion's parts that call Windows and can be tested without a person."""

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

from latchkey_agent.companion.director import PasswordInput
from latchkey_agent.companion.menu import Entry
from latchkey_agent.companion.screen import dialog, password, runner, screen_state, tray
from latchkey_agent.companion.steps import AnyEvent, Screen, ScreenChecked
from latchkey_agent.ports import PortError
from latchkey_agent.windows.win32 import api as base
from latchkey_agent.windows.win32 import desktop_api as api

from .conftest import under_wine


def test_each_state_of_the_screen_is_recognized(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each notification state of Windows gives the right state of the screen."""
    states = {1: Screen(locked=True), 2: Screen(full_screen=True), 3: Screen(full_screen=True), 5: Screen()}
    states[4] = Screen(presentation=True)
    for state, screen in states.items():
        monkeypatch.setattr(screen_state, "_notification_state", lambda state=state: state)
        assert screen_state.read_screen() == screen


def test_windows_returns_a_notification_state() -> None:
    """It is a documented state, or 0 if this Windows does not have the function."""
    assert screen_state._notification_state() in range(8)


@pytest.mark.parametrize(("value", "secure"), [(1, True), (0, False)])
def test_policy_decides_where_the_password_is_typed(
    hklm: Callable[..., None], value: int, *, secure: bool
) -> None:
    """The trusted path is the secure desktop. Without the policy the dialog does not accept a PIN."""
    assert not password.requires_secure_desktop()
    hklm(password.POLICY)
    hklm(password.POLICY, password.TRUSTED_PATH, value, winreg.REG_DWORD)
    assert password.requires_secure_desktop() is secure


def test_a_failed_password_dialog_gives_the_reason() -> None:
    """Wine lacks the dialog. The customer reads the reason and loses no try."""
    if not under_wine():
        pytest.skip("Windows would show the dialog")
    assert "Windows error 120" in password.prompt("PC\\anna", "title", "text").problem


def test_the_dialogs_result_is_unpacked_and_its_buffers_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name and password are unchanged. All buffers in between are overwritten."""
    buffers: list[Any] = []

    def unpack(_flags: int, _entry: object, _size: int, *places: Any) -> int:
        for buffer, text in zip(places[::2], ("anna", "PC", "pä€"), strict=True):
            encoded = text.encode("utf-16-le")
            ctypes.memmove(buffer, encoded, len(encoded))
            buffers.append(buffer)
        return 1

    monkeypatch.setattr(api, "CredUnPackAuthenticationBufferW", unpack)
    typed = password._unpack(ctypes.c_void_p(0), 0, 0)
    assert typed == PasswordInput("PC\\anna", bytearray("pä€".encode("utf-16-le")))
    assert [bytes(buffer).strip(b"\0") for buffer in buffers] == [b"", b"", b""]


def test_an_entry_that_cannot_be_unpacked_gives_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry of a smart card is an example."""
    monkeypatch.setattr(api, "CredUnPackAuthenticationBufferW", lambda *_: 0)
    assert "Windows error" in password._unpack(ctypes.c_void_p(0), 0, 0).problem


def test_the_dialogs_buffer_is_overwritten_before_it_is_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    """This also holds if the entry cannot be unpacked."""
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
    """Austrian German is German. A language without a catalogue is English."""
    monkeypatch.setattr(api, "GetUserDefaultUILanguage", lambda: identifier)
    assert runner.ui_language() == language


def test_the_language_of_this_windows_is_known() -> None:
    """Python's table contains its number."""
    assert api.GetUserDefaultUILanguage() in locale.windows_locale


@pytest.fixture
def posted() -> list[AnyEvent]:
    """Return a list for the tray's events."""
    return []


@pytest.fixture
def icon(posted: list[AnyEvent]) -> Any:
    """Return a tray to which the test sends messages."""
    try:
        made = tray.Tray("Latchkey", lambda: [Entry("one")], posted.append)
    except PortError as fault:
        pytest.skip(str(fault))
    yield made
    win32gui.DestroyWindow(made._window)
    gui: Any = win32gui
    gui.UnregisterClass(tray.WINDOW_CLASS, win32api.GetModuleHandle(None))


def test_the_icon_comes_back_when_the_taskbar_does(icon: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Explorer announces a new taskbar after a crash. A hidden icon stays hidden."""
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
    """Windows allows 255 characters."""
    shown: list[str] = []

    def notify(_what: int, data: Any) -> int:
        shown.append(data._obj.info)
        return 1

    monkeypatch.setattr(api, "Shell_NotifyIconW", notify)
    icon.balloon("x" * 300)
    assert shown == ["x" * 254 + "…"]


def test_locking_the_session_triggers_a_check_of_the_screen(icon: Any, posted: list[AnyEvent]) -> None:
    """Windows notifies every window that has registered."""
    win32gui.SendMessage(icon._window, tray.WM_WTSSESSION_CHANGE, 7, 1)
    assert posted == [ScreenChecked()]


def test_a_dialog_that_is_closed_before_it_opens_does_not_stay(icon: Any) -> None:
    """The request may be withdrawn at that moment."""
    window = dialog.Dialog("Latchkey", "title", "text", ("one", "two"), guarded=True)
    window.close()
    assert window.run() is None


def test_a_dialog_is_closed_from_another_thread(icon: Any) -> None:
    """The guard does not block this."""
    window = dialog.Dialog("Latchkey", "title", "text", ("one", "two"), guarded=True)
    opened = threading.Event()
    created = window._created

    def note_created(window: int) -> None:
        created(window)
        opened.set()

    def close() -> None:
        opened.wait(20)
        window.close()

    window._created = note_created  # type: ignore[method-assign]
    threading.Thread(target=close, daemon=True).start()
    assert window.run() is None


def test_enter_does_nothing_before_navigation() -> None:
    """Tab, which navigates, passes."""
    window = dialog.Dialog("Latchkey", "title", "text", ("one",), guarded=True)
    assert not window._allows_message(win32con.WM_KEYDOWN, win32con.VK_RETURN)
    assert window._allows_message(win32con.WM_KEYDOWN, win32con.VK_TAB)


def test_the_heap_is_excluded_from_crash_reports_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password is on the heap from Windows' dialog until the agent has answered."""
    done: list[object] = []

    def make(*_: object) -> None:
        done.append("mutex")
        raise pywintypes.error(5, "CreateMutex", "refused")

    monkeypatch.setattr(base, "WerSetFlags", done.append)
    monkeypatch.setattr(win32event, "CreateMutex", make)
    with pytest.raises(PortError, match="creating the mutex"):
        runner.run()
    assert done == [1, "mutex"]


def test_the_structures_have_the_documented_size() -> None:
    """Windows recognizes the version of a structure by its size."""
    assert ctypes.sizeof(api.NotifyIconData) == 976
    assert ctypes.sizeof(api.TaskDialogConfig) == 160
    assert isinstance(api.TaskDialogIndirect, base.Function)
