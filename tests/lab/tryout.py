# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab to play with, for tests: as a process like `make lab`, or its parts around one simulated PC."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import urlsplit

from lab.process_tree import kill_tree
from lab.tryout.choice import SIMULATED, Choice
from lab.tryout.command_server import CommandServer
from lab.tryout.lab_pc import running
from lab.tryout.page_server import PageServer, listening
from lab.tryout.played_lab import PlayedLab
from lab.tryout.workspace import Workspace
from tests.lab.job import ROOT
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

OWN = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": "elsewhere"}
"""The environment of a player who uses Ansible already."""
START = 90.0
"""Seconds until a lab is up on a busy machine."""


def marked_processes(temporary: Path) -> list[str]:
    """Return the command lines of all processes with a folder for temporary files in their environment."""
    mark = f"TMPDIR={temporary}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and mark in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text(encoding="utf-8").replace("\0", " "))
        except OSError:
            continue
    # multiprocessing's own watcher removes semaphores and the like after a kill, and then ends.
    return [line for line in found if "resource_tracker" not in line]


class LabProcess:
    """`make lab` without make, in a player's folder."""

    def __init__(self, place: Path, **choices: str) -> None:
        self.folder = place / "lab"
        self._log = place / "lab.txt"
        # A socket's path has 107 bytes (unix(7)), and pytest's folders are long.
        self.temporary = Path(tempfile.mkdtemp(prefix="lk-"))
        self.until = "stays up until"
        self._choices = {"PCS": "1", "BROWSER": "0", "FOLDER": str(self.folder), **choices}

    def __enter__(self) -> Self:
        self.start(self.until)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        kill_tree(self.process)
        shutil.rmtree(self.temporary, ignore_errors=True)

    def start(self, until: str = "stays up until") -> None:
        """Start it; return when it has said so, or has ended."""
        environment = {
            **os.environ,
            "TMPDIR": str(self.temporary),
            **self._choices,
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lab.tryout"],
                cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        eventually(lambda: until in self.said or self.process.poll() is not None, "a lab", START)

    @property
    def said(self) -> str:
        """Its output so far."""
        return self._log.read_text(encoding="utf-8")

    @property
    def address(self) -> str:
        """The page's address."""
        found = re.search(r"http://\S+", self.said)
        assert found, self.said
        return found[0]

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)

    def lab(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Use the command `lab`."""
        return self.run(f"lab {' '.join(words)}")

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a line of the shell as the player does, after `. ./activate`."""
        return subprocess.run(
            ["sh", "-c", f". ./activate && {line}"],
            cwd=self.folder, env=OWN, capture_output=True, text=True, check=False, timeout=100,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def started(self, line: str) -> subprocess.Popen[str]:
        """Start a line of the shell as the player does."""
        return subprocess.Popen(
            ["sh", "-c", f". ./activate && {line}"],
            cwd=self.folder, env=OWN, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip


class Played(NamedTuple):
    """A lab of one simulated PC in this process."""

    lab: PlayedLab
    page: PageServer
    workspace: Workspace

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str | None] | None = None
    ) -> tuple[int, str]:
        """Ask the page for a path behind its token; return status and body."""
        return ask(self.page.address, method, path, body, headers)


def ask(
    address: str, method: str, path: str, body: bytes = b"", headers: Mapping[str, str | None] | None = None
) -> tuple[int, str]:
    """Ask a page; `headers` replace those that a browser sends, and None leaves one out."""
    place = urlsplit(address)
    usual: dict[str, str | None] = {"Host": place.netloc, "Origin": f"http://{place.netloc}"}
    sent = {**usual, **(headers or {})}
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
    try:
        connection.putrequest(method, path if path.startswith("/") else place.path + path, skip_host=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@contextmanager
def played(place: Path, packages: Path, kind: str = SIMULATED) -> Iterator[Played]:
    """Run a lab of one PC, its page and its player's folder in this process."""
    with ExitStack() as stack:
        lab = PlayedLab(
            stack.enter_context(running(Choice(1, kind, "winrm, basic, HTTP"), place / "pcs", print))
        )
        lab.start()
        folder = place / "player"
        folder.mkdir()
        workspace = Workspace(folder, place / "command")
        stack.enter_context(CommandServer(place / "command", lab))
        page = stack.enter_context(PageServer(lab, workspace, packages, stack.enter_context(listening())))
        stack.callback(lab.stop)
        yield Played(lab, page, workspace)
