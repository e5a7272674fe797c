# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Announces work that takes more than a few seconds, before it begins.

with announced_to(print):
installed()
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Say = Callable[[str], None]
_listeners: list[Say] = []


@contextmanager
def announced_to(say: Say) -> Iterator[None]:
    """Pass every announcement within the block to `say`, from any thread."""
    _listeners.append(say)
    try:
        yield
    finally:
        _listeners.remove(say)


def announce(work: str, seconds: int | None = None) -> None:
    """Announce work.

    Args:
        work: the work in a few words, as "compiling the credential provider".
        seconds: about how long it takes, for work whose result is kept; None for work of each run.
    """
    text = work if seconds is None else f"{work} (the first time only, about {seconds} s)"
    for say in _listeners:
        say(text)
