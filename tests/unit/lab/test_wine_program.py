# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program's outputs end with it, even if another program holds them open."""

from __future__ import annotations

import os

import pytest

from lab.wine.wine_program import WineProgram

ENVIRONMENT = {"PATH": os.environ["PATH"]}


@pytest.mark.parametrize("stays", ["", "sleep 60 & "], ids=["no other program", "another program"])
def test_the_output_of_a_program_ends_with_it(stays: str) -> None:
    """The reader gets all output and then the end, without waiting for a program that inherited the pipe."""
    command = f"{stays}printf one; sleep 0.7; printf two; echo three >&2; echo $! >&2"
    with WineProgram(["sh", "-c", command], ENVIRONMENT) as program:
        out, err = program.stdout, program.stderr
        assert out is not None
        assert err is not None
        assert b"".join(iter(lambda: out.read(65536), b"")) == b"onetwo"
        line, left = err.read().split(b"\n")[:2]
        assert (line, program.wait(1)) == (b"three", 0)
    if left:
        os.kill(int(left), 9)
