# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program printed is read as text, whatever its bytes are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from latchkey_agent import plain_text, program_text


def test_utf_8_is_read_as_such() -> None:
    """Modern programs print it."""
    assert program_text.read("Grüße".encode(), "cp850") == "Grüße"


def test_other_bytes_are_of_the_consoles_code_page() -> None:
    """Windows' own programs print the OEM code page."""
    assert program_text.read("Grüße".encode("cp850"), "cp850") == "Grüße"


def test_a_cut_within_a_character_drops_its_part() -> None:
    """The limit counts bytes. Without a cut the same bytes are no UTF-8."""
    bytes_ = "aü".encode()[:-1]
    assert program_text.read(bytes_, "cp850", is_cut=True) == "a"
    assert program_text.read(bytes_, "cp850") == "a├"


@given(st.binary(max_size=50), st.booleans())
def test_any_bytes_are_readable(printed: bytes, is_cut: bool) -> None:  # noqa: FBT001
    """No output makes the agent fail."""
    assert isinstance(program_text.read(printed, "cp1252", is_cut=is_cut), str)


@given(st.text(max_size=20))
def test_any_text_is_shown_as_one_line(text: str) -> None:
    """No character of a command line breaks the line, is invisible or turns its surroundings."""
    shown = plain_text.one_line(text, 10)
    assert len(shown.splitlines()) <= 1
    assert len(shown) <= 11
    assert not set(shown) & set("\u202e\u2066\u200b\x07\u2028")


def test_a_shown_line_keeps_ordinary_text() -> None:
    """Only what exceeds the length is replaced by an ellipsis."""
    assert plain_text.one_line("C:\\a.exe Grüße", 14) == "C:\\a.exe Grüße"
    assert plain_text.one_line("abcdef", 3) == "abc…"
