# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that were meant for another window answer nothing (rule 4)."""

from __future__ import annotations

import pytest

from latchkey_agent.companion import guard as g
from latchkey_agent.companion.guard import Guard

EARLY, LATE = 10.5, 11.5
DOWN, UP = g.WM_KEYDOWN, g.WM_KEYUP


@pytest.fixture
def guard() -> Guard:
    """A guard over a window that opened at second 10."""
    return Guard(10.0)


@pytest.mark.parametrize("key", [g.VK_RETURN, g.VK_SPACE])
@pytest.mark.parametrize("now", [EARLY, LATE, 1000.0])
def test_enter_and_space_do_nothing_by_themselves(guard: Guard, key: int, now: float) -> None:
    """However long the window has been there."""
    assert not guard.lets_pass(DOWN, key, now)
    assert not guard.lets_pass(UP, key, now)


@pytest.mark.parametrize("key", [g.VK_TAB, *g.VK_ARROWS])
def test_who_has_moved_in_the_window_may_press(guard: Guard, key: int) -> None:
    """Tab and the arrows choose; then Enter and Space count."""
    assert guard.lets_pass(DOWN, key, LATE)
    assert guard.lets_pass(DOWN, g.VK_RETURN, LATE)
    assert guard.lets_pass(UP, g.VK_SPACE, LATE)


@pytest.mark.parametrize(
    ("message", "key"), [(g.WM_SYSKEYDOWN, ord("A")), (g.WM_LBUTTONDOWN, 1), (g.WM_POINTERDOWN, 0)]
)
def test_letters_with_alt_and_the_mouse_are_moves(guard: Guard, message: int, key: int) -> None:
    """They are aimed at this window."""
    guard.lets_pass(message, key, LATE)
    assert guard.lets_pass(DOWN, g.VK_RETURN, LATE)


@pytest.mark.parametrize(
    ("message", "key"), [(DOWN, ord("A")), (g.WM_SYSKEYDOWN, g.VK_MENU), (UP, g.VK_TAB), (0x113, 0)]
)
def test_nothing_else_is_a_move(guard: Guard, message: int, key: int) -> None:
    """Letters of a text, Alt alone, a key that is let go, a timer: all pass, and arm nothing."""
    assert guard.lets_pass(message, key, LATE)
    assert not guard.lets_pass(DOWN, g.VK_RETURN, LATE)


def test_what_happens_in_the_first_moments_is_no_move(guard: Guard) -> None:
    """A Tab that was typed into a form elsewhere."""
    assert guard.lets_pass(DOWN, g.VK_TAB, EARLY)
    assert not guard.lets_pass(DOWN, g.VK_RETURN, LATE)


def test_no_button_counts_in_the_first_moments(guard: Guard) -> None:
    """Neither does a click that was aimed at what lay there before."""
    assert not guard.lets_answer(EARLY)
    assert guard.lets_answer(LATE)
