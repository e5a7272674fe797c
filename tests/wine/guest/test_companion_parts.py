# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The companion's parts that touch Windows, as far as nobody has to look or type."""

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


def test_a_free_screen_holds_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The states that Windows tells are told apart."""
    states = {1: Screen(locked=True), 2: Screen(full_screen=True), 3: Screen(full_screen=True), 5: Screen()}
    states[4] = Screen(presentation=True)
    for state, screen in states.items():
        monkeypatch.setattr(screen_state, "_notification_state", lambda state=state: state)
        assert screen_state.read_screen() == screen


def test_windows_tells_the_state() -> None:
    """One of the documented ones, or nothing where this Windows does not know it."""
    assert screen_state._notification_state() in range(8)


@pytest.mark.parametrize(("value", "secure"), [(1, True), (0, False)])
def test_policy_decides_where_the_password_is_typed(
    hklm: Callable[..., None], value: int, *, secure: bool
) -> None:
    """The trusted path is the secure desktop; without the policy the dialog takes no PIN."""
    assert not password.requires_secure_desktop()
    hklm(password.POLICY)
    hklm(password.POLICY, password.TRUSTED_PATH, value, winreg.REG_DWORD)
    assert password.requires_secure_desktop() is secure


def test_a_password_dialog_that_windows_does_not_show_says_why() -> None:
    """Wine has none: the customer reads that, and no try is used."""
    if not under_wine():
        pytest.skip("Windows would show the dialog")
    assert "Windows error 120" in password.prompt("PC\\anna", "title", "text").problem


def test_what_the_dialog_hands_over_is_unpacked_and_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name and password come out as they are; nothing stays in the buffers on the way."""
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


def test_an_entry_that_cannot_be_unpacked_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of a smart card."""
    monkeypatch.setattr(api, "CredUnPackAuthenticationBufferW", lambda *_: 0)
    assert "Windows error" in password._unpack(ctypes.c_void_p(0), 0, 0).problem


def test_the_dialogs_buffer_is_overwritten_before_it_is_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it could not be unpacked."""
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
    """Austrian German is German; what we lack is English."""
    monkeypatch.setattr(api, "GetUserDefaultUILanguage", lambda: identifier)
    assert runner.ui_language() == language


def test_the_language_of_this_windows_is_known() -> None:
    """Its number is one of the table's."""
    assert api.GetUserDefaultUILanguage() in locale.windows_locale


@pytest.fixture
def posted() -> list[AnyEvent]:
    """What the tray tells."""
    return []


@pytest.fixture
def icon(posted: list[AnyEvent]) -> Any:
    """A tray whose messages a test sends itself."""
    try:
        made = tray.Tray("Latchkey", lambda: [Entry("one")], posted.append)
    except PortError as fault:
        pytest.skip(str(fault))
    yield made
    win32gui.DestroyWindow(made._window)
    gui: Any = win32gui
    gui.UnregisterClass(tray.WINDOW_CLASS, win32api.GetModuleHandle(None))


def test_the_icon_comes_back_when_the_taskbar_does(icon: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Explorer tells it after a crash; an icon that is hidden stays so."""
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
    """Windows has room for 255 characters."""
    shown: list[str] = []

    def notify(_what: int, data: Any) -> int:
        shown.append(data._obj.info)
        return 1

    monkeypatch.setattr(api, "Shell_NotifyIconW", notify)
    icon.balloon("x" * 300)
    assert shown == ["x" * 254 + "…"]


def test_locking_the_session_is_told(icon: Any, posted: list[AnyEvent]) -> None:
    """Windows tells every window that has asked for it."""
    win32gui.SendMessage(icon._window, tray.WM_WTSSESSION_CHANGE, 7, 1)
    assert posted == [ScreenChecked()]


def test_a_dialog_that_is_closed_before_it_opens_does_not_stay(icon: Any) -> None:
    """The request may be taken back in that moment."""
    window = dialog.Dialog("Latchkey", "title", "text", ("one", "two"), guarded=True)
    window.close()
    assert window.run() is None


def test_a_dialog_is_closed_from_another_thread(icon: Any) -> None:
    """Whatever its guard says of clicks."""
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
    """Esc closes; Enter does nothing yet."""
    window = dialog.Dialog("Latchkey", "title", "text", ("one",), guarded=True)
    assert not window._allows_message(win32con.WM_KEYDOWN, win32con.VK_RETURN)
    assert window._allows_message(win32con.WM_KEYDOWN, win32con.VK_TAB)


def test_before_anything_else_the_heap_is_kept_out_of_crash_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password lies there from Windows' dialog until the agent has answered."""
    done: list[object] = []

    def make(*_: object) -> None:
        done.append("mutex")
        raise pywintypes.error(5, "CreateMutex", "refused")

    monkeypatch.setattr(base, "WerSetFlags", done.append)
    monkeypatch.setattr(win32event, "CreateMutex", make)
    with pytest.raises(PortError, match="creating the mutex"):
        runner.run()
    assert done == [1, "mutex"]


def test_the_structures_say_their_own_size() -> None:
    """Windows tells its versions by it."""
    assert ctypes.sizeof(api.NotifyIconData) == 976
    assert ctypes.sizeof(api.TaskDialogConfig) == 160
    assert isinstance(api.TaskDialogIndirect, base.Function)
