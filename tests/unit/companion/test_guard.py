# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that were meant for another window do not count as an answer (rule 4)."""

from __future__ import annotations

import pytest

from latchkey_agent.companion import guard as g
from latchkey_agent.companion.guard import Guard

EARLY, LATE = 10.5, 11.5
DOWN, UP = g.WM_KEYDOWN, g.WM_KEYUP
# winuser.h
WM_SYSKEYDOWN, VK_MENU = 0x104, 0x12


@pytest.fixture
def guard() -> Guard:
    """Return the guard of a window that opened at second 10."""
    return Guard(10.0)


@pytest.mark.parametrize("key", [g.VK_RETURN, g.VK_SPACE])
@pytest.mark.parametrize("now", [EARLY, LATE, 1000.0])
def test_enter_and_space_do_nothing_by_themselves(guard: Guard, key: int, now: float) -> None:
    """This holds for as long as the window is open."""
    assert not guard.allows_message(DOWN, key, now)
    assert not guard.allows_message(UP, key, now)


@pytest.mark.parametrize("key", [g.VK_TAB, *g.VK_ARROWS])
def test_enter_and_space_count_after_navigation(guard: Guard, key: int) -> None:
    """Tab and the arrow keys navigate."""
    assert guard.allows_message(DOWN, key, LATE)
    assert guard.allows_message(DOWN, g.VK_RETURN, LATE)
    assert guard.allows_message(UP, g.VK_SPACE, LATE)


@pytest.mark.parametrize(("message", "key"), [(g.WM_LBUTTONDOWN, 1), (g.WM_POINTERDOWN, 0)])
def test_the_mouse_navigates(guard: Guard, message: int, key: int) -> None:
    """The customer meant them for this window."""
    guard.allows_message(message, key, LATE)
    assert guard.allows_message(DOWN, g.VK_RETURN, LATE)


@pytest.mark.parametrize(
    ("message", "key"),
    [
        (DOWN, ord("A")),
        (WM_SYSKEYDOWN, ord("F")),
        (WM_SYSKEYDOWN, VK_MENU),
        (UP, g.VK_TAB),
        (0x113, 0),
    ],
)
def test_other_messages_do_not_navigate(guard: Guard, message: int, key: int) -> None:
    """A letter, also with Alt, Alt alone, a released key and a timer pass but do not enable Enter and Space."""
    assert guard.allows_message(message, key, LATE)
    assert not guard.allows_message(DOWN, g.VK_RETURN, LATE)


def test_early_input_does_not_navigate(guard: Guard) -> None:
    """The customer may have typed the Tab into a form elsewhere."""
    assert guard.allows_message(DOWN, g.VK_TAB, EARLY)
    assert not guard.allows_message(DOWN, g.VK_RETURN, LATE)


def test_no_button_counts_in_the_first_moments(guard: Guard) -> None:
    """The click may have been meant for the window below."""
    assert not guard.allows_answer(EARLY)
    assert guard.allows_answer(LATE)
