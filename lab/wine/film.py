# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Films a Wine PC's screen while its customer allows and revokes: `python -m lab.wine.film FILE`, or `make film`.

The windows are those of the product, except the password dialog: see `lab.wine.screenshots`. The password is made for
this film; the dialog shows a dot for each letter.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from agent.packaging.announcing import announced_to
from agent.packaging.system_tools import FILM, SCREEN, WINE, missing

from .recording import Recording
from .shown_pc import Room, shown_pc

LANGUAGE = "en"
READING, LOOKING = 2.0, 1.0
"""Seconds that the customer looks at a window with a long or a short text."""


def warm_up(room: Room) -> None:
    """Let the agent answer and the first program draw the desktop: both take long on a PC that has just started."""
    room.operator.ask(verb="info")
    room.driver.seat.windows()


def story(room: Room) -> None:
    """Let the operator ask, and the customer allow, read the notice, and revoke."""
    driver = room.driver
    time.sleep(LOOKING)
    room.ask("CHG-4711")
    driver.request()
    time.sleep(READING)
    driver.allow(reading=LOOKING)
    room.notice()
    time.sleep(READING)
    driver.revoke(reading=READING)
    room.notice(room.say("ended_revoked_by_customer"))
    room.notice(room.say("erased"))
    time.sleep(READING)


def main(target: Path) -> int:
    """Make the film; return the exit code."""
    if lacking := missing(WINE, SCREEN, FILM):
        print(f"no film: {lacking}", file=sys.stderr)
        return 1
    with announced_to(print), tempfile.TemporaryDirectory() as place:
        with shown_pc(LANGUAGE, "kim") as (room,):
            warm_up(room)
            print("recording the screen")
            with Recording(room.driver.display.name, Path(place)) as recording:
                story(room)
        print("compressing the film")
        recording.save(target)
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
