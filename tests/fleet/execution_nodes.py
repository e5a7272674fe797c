# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Execution nodes as AWX's mesh has them: each runs `ansible-runner worker`, one slice of the PCs at a time.

AWX's controller runs `ansible-runner transmit`, its mesh carries the stream to the execution node's `ansible-runner
worker`, and the answer back to `ansible-runner process`. Here files are the mesh. A node that dies takes its slice's
processes with it; the slice goes to another node, which knows nothing of it: all state is on the PCs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.process_tree import kill_tree
from tests.lab.runner_jobs import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

RUNNER = str(Path(sys.executable).with_name("ansible-runner"))
PATIENCE = 1800.0
"""Seconds for one slice."""


class FleetError(Exception):
    """A slice's job could not be started."""


@dataclass
class Slice:
    """Some PCs, and the nodes that have lost them. `hosts` are Ansible's variables by the PC's name."""

    name: str
    hosts: Mapping[str, Mapping[str, Any]]
    lost_by: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ended:
    """A slice that came to its end on a node. `tasks` are the results of its tasks: PC, task, Ansible's result."""

    piece: Slice
    node: str
    code: int
    tasks: Sequence[tuple[str, str, Mapping[str, Any]]]

    def of(self, task: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield PC and result of each task whose name ends so."""
        for host, name, result in self.tasks:
            if name.endswith(task):
                yield host, result


class Node:
    """One execution node. It keeps nothing between two slices."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._lock = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None
        self._piece: Slice | None = None
        folder.mkdir(parents=True)

    @property
    def hosts(self) -> set[str]:
        """The PCs that it works on now."""
        piece = self._piece
        return set() if piece is None else set(piece.hosts)

    def work(self, piece: Slice, sent: Path, answer: Path) -> bool:
        """Run a transmitted job; return whether it came to its end."""
        command = [RUNNER, "worker", "--private-data-dir", str(self._folder / "job"), "--delete"]
        with sent.open("rb") as given, answer.open("wb") as told, (self._folder / "log").open("ab") as log:
            with self._lock:
                self._worker = subprocess.Popen(
                    command, stdin=given, stdout=told, stderr=log, env=environment(self._folder)
                )
                self._piece = piece
            try:
                # A job that fails is no death: its answer says it.
                return self._worker.wait(PATIENCE) >= 0
            finally:
                with self._lock:
                    kill_tree(self._worker)
                    self._worker = self._piece = None

    def die(self) -> bool:
        """Kill everything that the node runs, at once; tell whether it ran something."""
        with self._lock:
            if self._worker is None or self._worker.poll() is not None:
                return False
            kill_tree(self._worker)
            return True


class Queue:
    """The slices that wait for a node. A slice that a node has lost goes to the others first."""

    def __init__(self, pieces: Sequence[Slice], nodes: Sequence[str]) -> None:
        self.ended: list[Ended] = []
        self.count = len(pieces)
        self._waiting = list(pieces)
        self._nodes = nodes
        self._stopped = False
        self._changed = threading.Condition()

    @property
    def left(self) -> int:
        """The number of slices that have not ended."""
        return self.count - len(self.ended)

    def take(self, node: str) -> Slice | None:
        """Wait for a slice for this node; return None when all have ended, or the work was stopped."""
        with self._changed:
            while self.left and not self._stopped:
                for piece in self._waiting:
                    if node not in piece.lost_by:
                        self._waiting.remove(piece)
                        return piece
                self._changed.wait()
        return None

    def lose(self, piece: Slice, node: str) -> None:
        """Give a slice that this node has lost to the others; to any node once all have lost it."""
        with self._changed:
            piece.lost_by.append(node)
            if set(self._nodes) <= set(piece.lost_by):
                piece.lost_by.clear()
            self._waiting.append(piece)
            self._changed.notify_all()

    def end(self, ended: Ended) -> None:
        """Note that a slice has ended."""
        with self._changed:
            self.ended.append(ended)
            self._changed.notify_all()

    def stop(self) -> None:
        """Give out no further slice."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


@dataclass
class Mesh:
    """The controller's side: transmits slices to nodes, and processes their answers.

    `project` is the folder of the playbooks, `variables` are those of every job. `say` is told of each slice.
    """

    folder: Path
    project: Path
    nodes: Sequence[Node]
    variables: Mapping[str, Any]
    say: Callable[[str], None]
    forks: int
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def run(self, playbook: str, pieces: Sequence[Slice]) -> list[Ended]:
        """Run a playbook on all slices, as many at once as there are nodes; a slice that a node loses goes to another.

        Raises:
            FleetError: a job could not be started.
        """
        queue = Queue(pieces, [node.name for node in self.nodes])
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            futures = [pool.submit(self._work, playbook, node, queue) for node in self.nodes]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                # Else the pool would wait for the nodes' slices.
                queue.stop()
                for node in self.nodes:
                    node.die()
                raise
        return queue.ended

    def _work(self, playbook: str, node: Node, queue: Queue) -> None:
        """Work on slices on one node until none is left."""
        while (piece := queue.take(node.name)) is not None:
            try:
                ended = self._one(playbook, piece, node)
            except BaseException:
                queue.stop()
                raise
            if ended is None:
                self.say(f"{node.name} has died; {piece.name} goes to another node")
                queue.lose(piece, node.name)
            else:
                queue.end(ended)
                self.say(
                    f"{piece.name} has ended on {node.name}; {queue.left} of {queue.count} slices are left"
                )

    def _one(self, playbook: str, piece: Slice, node: Node) -> Ended | None:
        """Transmit, work, process: return the slice's end, None if the node died."""
        folder = self.folder / f"job{next(self._numbers)}"
        self._write(folder, piece)
        sent, answer = folder / "sent", folder / "answer"
        arguments = ["-p", playbook, "-i", "job", "--forks", str(self.forks)]
        with sent.open("wb") as stream:
            _call([RUNNER, "transmit", str(folder / "data"), *arguments], folder, sent, stdout=stream)
        if not node.work(piece, sent, answer):
            return None
        artifacts = folder / "processed/artifacts/job"
        command = [RUNNER, "process", str(folder / "processed"), "-i", "job"]
        with answer.open("rb") as stream:
            _call(command, folder, artifacts / "rc", stdin=stream, stdout=subprocess.DEVNULL)
        return self._read(artifacts, piece, node)

    def _write(self, folder: Path, piece: Slice) -> None:
        data = folder / "data"
        (data / "inventory").mkdir(parents=True)
        (data / "env").mkdir()
        (data / "project").symlink_to(self.project)
        inventory = {"all": {"hosts": {name: dict(one) for name, one in piece.hosts.items()}}}
        (data / "inventory/hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
        (data / "env/extravars").write_text(json.dumps(dict(self.variables)), encoding="utf-8")

    @staticmethod
    def _read(artifacts: Path, piece: Slice, node: Node) -> Ended:
        """Read the processed events."""
        events = [
            json.loads(file.read_text(encoding="utf-8"))["event_data"]
            for file in sorted(
                (artifacts / "job_events").glob("*.json"), key=lambda file: int(file.name.partition("-")[0])
            )
        ]
        tasks = [(event["host"], event["task"], event["res"]) for event in events if "res" in event]
        return Ended(piece, node.name, int((artifacts / "rc").read_text(encoding="ascii")), tasks)


def _call(command: Sequence[str], folder: Path, expected: Path, **streams: Any) -> None:
    """Run one of ansible-runner's commands that end by themselves. The exit code of `process` is that of the job.

    Raises:
        FleetError: the command has not written the expected file.
    """
    log = folder / "log"
    with log.open("ab") as errors:
        subprocess.run(command, env=environment(folder), stderr=errors, check=False, **streams)
    if not (expected.exists() and expected.stat().st_size):
        msg = f"ansible-runner {command[1]} failed: {log.read_text(encoding='utf-8')}"
        raise FleetError(msg)
