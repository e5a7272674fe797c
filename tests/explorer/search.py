# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Breadth-first search over all states that a run's moves reach; the first path to a violation is a shortest one."""

from __future__ import annotations

import time
from array import array
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import moves, rules
from .canonical import canonical
from .limits import is_accepted

if TYPE_CHECKING:
    from .moves import Move
    from .node import Node
    from .runs import Run


@dataclass
class Violation:
    """A kind of violation, with the shortest path to its first instance."""

    kind: str
    detail: str
    run: str
    path: tuple[Move, ...]
    count: int = 1


@dataclass
class Result:
    """What a search has found. `finished`: every state that the run reaches was seen."""

    states: int = 0
    transitions: int = 0
    depth: int = 0
    finished: bool = True
    seconds: float = 0.0
    violations: dict[str, Violation] = field(default_factory=dict)


class Search:
    """One run's search.

    Args:
        run: where it begins, and its moves.
        most: the number of states to stop at.
        seen: the hashes of all states of all runs.
    """

    def __init__(self, run: Run, most: int, seen: set[int] | None = None) -> None:
        self._run = run
        self._most = most
        self._everywhere = seen
        self._mine: set[int] = set()
        self._parents = array("l")
        self._moves: list[Move] = []
        self.result = Result()

    def search(self, until: float = float("inf"), wanted: frozenset[str] = frozenset()) -> Result:
        """Search until every state is seen, `most` states are, the processor time is `until`, or one is `wanted`."""
        began = time.process_time()
        first, path = self._run.begin()
        self._beginning = path
        queue: deque[tuple[int, int, Node]] = deque()
        self._add(first, -1, (), queue, 0)
        while queue:
            number, depth, node = queue.popleft()
            self.result.depth = depth
            for move in list(moves.options(node, self._run.groups)):
                self.result.transitions += 1
                self._add(moves.do(node, move), number, move, queue, depth + 1)
            found = not wanted.isdisjoint(v.kind for v in self.result.violations.values())
            if found or self.result.states >= self._most or time.process_time() > until:
                self.result.finished = not queue
                break
        self.result.seconds = time.process_time() - began
        return self.result

    def _add(
        self, node: Node, parent: int, move: Move, queue: deque[tuple[int, int, Node]], depth: int
    ) -> None:
        form = hash(canonical(node))
        is_new = form not in self._mine
        if not is_new and not node.found:
            return
        if is_new:
            rules.on_state(node)
            self._mine.add(form)
            self._parents.append(parent)
            self._moves.append(move)
            self.result.states += 1
            if self._everywhere is not None:
                self._everywhere.add(form)
        for kind, detail in node.found:
            self._violated(kind, detail, parent, move)
        # What comes after a violation proves nothing more.
        if is_new and all(is_accepted(kind) for kind, _ in node.found):
            node.found = []
            queue.append((len(self._moves) - 1, depth, node))

    def _violated(self, kind: str, detail: str, parent: int, move: Move) -> None:
        name = f"{kind} ({detail})" if detail else kind
        if name in self.result.violations:
            self.result.violations[name].count += 1
            return
        self.result.violations[name] = Violation(kind, detail, self._run.name, self._path(parent, move))

    def _path(self, parent: int, move: Move) -> tuple[Move, ...]:
        found = [move]
        while parent > 0:
            found.append(self._moves[parent])
            parent = self._parents[parent]
        return (*self._beginning, *reversed(found))
