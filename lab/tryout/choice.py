# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The choices of `make lab`: how many PCs, of which kind, reached over which connection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.computer import LabError
from lab.demo.computers import KINDS
from lab.simulated.connections import CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

SIMULATED, WINE = "simulated", "wine"
MOST_PCS = {SIMULATED: 20, WINE: 3}
USUAL_PCS = {SIMULATED: 3, WINE: 1}
"""A Wine PC needs a minute and 400 MB."""
HIGHEST_PORT = 65535
FOLDER = Path(__file__).resolve().parents[2] / "build" / "lab"
"""The player's folder, where it is not chosen."""


@dataclass(frozen=True)
class Choice:
    """The choices of one lab.

    Attributes:
        pcs: how many PCs.
        kind: their kind, simulated or wine.
        connection: a name of `lab.simulated.connections.CONNECTIONS`.
        port: the page's port, 0 for a free one.
        browser: whether to open the page.
        folder: the player's folder.
    """

    pcs: int
    kind: str
    connection: str
    port: int = 0
    browser: bool = True
    folder: Path = FOLDER


def chosen(environment: Mapping[str, str]) -> Choice:
    """Read the choices from the variables PC, PCS, CONNECTION, PORT, BROWSER and FOLDER; empty ones have defaults.

    Raises:
        LabError: one of them has no such value; the text names those that there are.
    """
    kind = environment.get("PC") or SIMULATED
    if kind not in KINDS:
        msg = f"There is no PC {kind!r}. PC is one of: {', '.join(KINDS)}"
        raise LabError(msg)
    return Choice(
        pcs=_number(environment.get("PCS", ""), "PCS", USUAL_PCS[kind], 1, MOST_PCS[kind]),
        kind=kind,
        connection=_connection(environment.get("CONNECTION", "")),
        port=_number(environment.get("PORT", ""), "PORT", 0, 0, HIGHEST_PORT),
        browser=environment.get("BROWSER", "1") not in {"0", "no"},
        folder=Path(environment.get("FOLDER") or FOLDER).absolute(),
    )


def _number(text: str, name: str, usual: int, least: int, most: int) -> int:
    if not text:
        return usual
    if text.isascii() and text.isdigit() and least <= int(text) <= most:
        return int(text)
    msg = f"{name}={text} is not a number from {least} to {most}"
    raise LabError(msg)


def _connection(text: str) -> str:
    """Return the first connection whose name begins so, such as `psrp` or `ssh, cmd`."""
    found = next((name for name in CONNECTIONS if name.casefold().startswith(text.casefold())), None)
    if found is None:
        msg = f"There is no connection {text!r}. CONNECTION is the beginning of one of: {'; '.join(CONNECTIONS)}"
        raise LabError(msg)
    return found
