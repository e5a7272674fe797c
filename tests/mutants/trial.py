# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Try one mutant: in a fork that takes over its function, or in a process that imports its module."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NoReturn

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings

from tests.mutants import substitute
from tests.mutants.mutations import Mutant
from tests.mutants.reach import PACKAGE
from tools.setup import ROOT

TIME = "time"
"""In place of a test's name: the mutant did not come to an end."""
Functions = dict[tuple[str, str, int], list[FunctionType]]


class CannotTakeOver(Exception):
    """The mutant's function cannot be changed in a running agent; its module has to be imported."""


def functions() -> Functions:
    """Return all functions of the agent by file, qualified name and first line."""
    found: Functions = {}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename.startswith(str(PACKAGE)):
            code = thing.__code__
            found.setdefault((code.co_filename, code.co_qualname, code.co_firstlineno), []).append(thing)
    return found


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def take_over(mutant: Mutant, file: Path, known: Functions) -> None:
    """Let the running agent use a mutant's function.

    Raises:
        CannotTakeOver: it is not found, or closes over other names than before.
    """
    place = (mutant.function, mutant.first)
    code = compile(mutant.source, str(file), "exec", dont_inherit=True)
    changed = [part for part in _codes(code) if (part.co_qualname, part.co_firstlineno) == place]
    running = known.get((str(file), *place), [])
    if len(changed) != 1 or not running:
        raise CannotTakeOver
    for function in running:
        if function.__code__.co_freevars != changed[0].co_freevars:
            raise CannotTakeOver
        function.__code__ = changed[0]


def find_quickly(items: list[pytest.Item]) -> None:
    """Let a random test that fails say so at once, instead of looking for a smaller example first."""
    for item in items:
        test: Any = getattr(item, "obj", None)
        if (chosen := getattr(test, "_hypothesis_internal_use_settings", None)) is not None:
            phases = (Phase.explicit, Phase.generate)
            test = getattr(test, "__func__", test)
            test._hypothesis_internal_use_settings = settings(chosen, phases=phases, database=None)


def in_fork(
    mutant: Mutant, file: Path, known: Functions, items: list[pytest.Item], limits: list[float]
) -> str:
    """Run these tests against a mutant until one fails.

    Args:
        mutant: one in a function.
        file: its module's file.
        known: the running functions.
        items: the tests, the likeliest first.
        limits: the seconds that each test may take.

    Returns:
        The test that failed, `TIME`, or nothing if the mutant survives.

    Raises:
        CannotTakeOver: as `take_over`.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _run(mutant, file, known, items, limits, writing)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as stream:
        told = stream.read()
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _CANNOT:
        raise CannotTakeOver
    return "" if status == 0 else told or TIME


_CANNOT = 3


def _run(
    mutant: Mutant,
    file: Path,
    known: Functions,
    items: list[pytest.Item],
    limits: list[float],
    writing: int,
) -> NoReturn:
    """Be the fork: run the tests and tell which one failed."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    try:
        take_over(mutant, file, known)
    except CannotTakeOver:
        os._exit(_CANNOT)
    try:
        for item, after, limit in zip(items, [*items[1:], None], limits, strict=True):
            signal.setitimer(signal.ITIMER_REAL, limit)
            if any(report.failed for report in runtestprotocol(item, log=False, nextitem=after)):
                os.write(writing, item.nodeid.encode())
                os._exit(1)
    except BaseException:  # noqa: BLE001 - whatever a mutant does to pytest itself, it is noticed
        os._exit(1)
    os._exit(0)


def in_process(mutant: Mutant, module: str, tests: list[str], limit: float) -> str:
    """Run these tests in a process that imports the mutant; return as `in_fork`."""
    with tempfile.NamedTemporaryFile("w", suffix=".py", encoding="utf-8") as file:
        file.write(mutant.source)
        file.flush()
        name = "latchkey_agent." + module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        words = {substitute.MODULE: name, substitute.SOURCE: file.name}
        options = ["-x", "-q", "-p", "tests.mutants.substitute", "-o", "cache_dir=build/mutants/pytest"]
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *options, *tests],
                cwd=ROOT,
                env={**os.environ, **words},
                capture_output=True,
                text=True,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return TIME
    if done.returncode == 0:
        return ""
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return failed[0].split()[1] if failed else "(import)"
