# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from latchkey_agent.companion.icon_shape import key_masks


@pytest.mark.parametrize("size", [16, 20, 24, 32, 48])
def test_the_icon_has_windows_bitmaps_in_every_size(size: int) -> None:
    """One bit per pixel, rows padded to 16 bits. White pixels are opaque; the corners are transparent."""
    masks = key_masks(size)
    line = (size + 15) // 16 * 2
    assert len(masks.keep) == len(masks.ink) == size * line
    assert masks.keep[0] & 0x80
    assert any(masks.ink)
    assert not any(keep & ink for keep, ink in zip(masks.keep, masks.ink, strict=True))
