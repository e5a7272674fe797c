# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PCs that outlive the command that starts them, until another one ends them: molecule's create and destroy.

`python -m lab.testbed.resident start FOLDER 2` starts two PCs, `python -m lab.testbed.resident stop FOLDER` ends them.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from lab.computer import LabError
from lab.interruption import interrupted
from lab.simulated import processes
from lab.testbed import bed
from lab.tryout.only_one import alone, lock_of

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = "inventory.json"
"""The inventory in the lab's folder: it is there while the PCs are up."""
NUMBER = "process"
LOG = "lab.txt"
LONGEST = 4 * 3600.0
"""Seconds after which the PCs end by themselves: a molecule that is killed does not call destroy."""
START, STOP = 90.0, 60.0
PAUSE = 0.05
FAILED = 1


def start(folder: Path, number: int) -> None:
    """Start PCs in a folder; return when they are up.

    Raises:
        LabError: they did not come up, and the text has what they said; or others run in this folder.
    """
    if _runs(folder):
        msg = f"PCs run already in {folder}. End them first: python -m lab.testbed.resident stop {folder}"
        raise LabError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INVENTORY).unlink(missing_ok=True)
    command = [sys.executable, "-m", "lab.testbed.resident", "run", str(folder), str(number)]
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    until = time.monotonic() + START
    while not (folder / INVENTORY).exists():
        if process.poll() is not None:
            raise LabError((folder / LOG).read_text(encoding="utf-8").strip())
        if time.monotonic() > until:
            process.terminate()
            msg = f"the PCs are not up after {START:.0f} s; see {folder / LOG}"
            raise LabError(msg)
        time.sleep(PAUSE)


def run(folder: Path, number: int) -> None:
    """Run PCs until a signal, or until the longest time is over.

    Raises:
        LabError: they did not come up, failed, or others run in this folder.
    """
    with interrupted() as over, alone(folder) as private:
        (folder / NUMBER).write_text(str(os.getpid()), encoding="ascii")
        processes.prepare()
        with bed.running(private, number) as inventory:
            bed.write_private(folder / "inventory.new", {bed.GROUP: {"hosts": inventory}})
            (folder / "inventory.new").replace(folder / INVENTORY)
            try:
                over.wait(LONGEST)
            finally:
                (folder / INVENTORY).unlink(missing_ok=True)


def stop(folder: Path) -> None:
    """End the PCs of a folder; return when they have ended. Without any it does nothing.

    Raises:
        LabError: they did not end.
    """
    until = time.monotonic() + STOP
    told = False
    while _runs(folder):
        if not told:
            os.kill(int((folder / NUMBER).read_text(encoding="ascii")), signal.SIGTERM)
            told = True
        if time.monotonic() > until:
            msg = f"the PCs of {folder} have not ended after {STOP:.0f} s"
            raise LabError(msg)
        time.sleep(PAUSE)


def _runs(folder: Path) -> bool:
    """Tell whether the process that the folder names runs: it holds the lock."""
    if not (folder / NUMBER).exists():
        return False
    with lock_of(folder).open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def main(word: str, folder: str, number: str = "1") -> int:
    """Do what the word says; return the exit code."""
    try:
        if word == "stop":
            stop(Path(folder))
        else:
            {"start": start, "run": run}[word](Path(folder), int(number))
    except LabError as fault:
        print(f"lab: {fault}", file=sys.stderr)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
