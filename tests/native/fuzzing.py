# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz the provider's parser on this computer, and keep the inputs that it found.

    python -m tests.native.fuzzing [--seconds 600]

Needs clang with libFuzzer (Debian: clang, libclang-rt-14-dev). Starts from the
corpus, ends with 1 at the first broken promise, and otherwise writes the
smallest corpus that takes every way that was found.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from agent.native import build
from agent.packaging.system_tools import FUZZER
from tests.native.built import PARSER

CORPUS = Path(__file__).parent / "corpus" / "answers.hex"
"""One input a line, in hexadecimal digits."""
FLAGS = (
    "-std=c++17", "-O1", "-g", "-fshort-wchar", "-fno-exceptions", "-fno-rtti",
    "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all",
)  # fmt: skip


def inputs() -> list[bytes]:
    """Return the corpus."""
    lines = CORPUS.read_text(encoding="ascii").splitlines()
    return [bytes.fromhex(line) for line in lines if not line.startswith("#")]


def keep(found: Iterable[bytes]) -> None:
    """Replace the corpus, the short inputs first."""
    header = [line for line in CORPUS.read_text(encoding="ascii").splitlines() if line.startswith("#")]
    ordered = sorted(set(found), key=lambda one: (len(one), one))
    CORPUS.write_text("\n".join([*header, *(one.hex() for one in ordered), ""]), encoding="ascii")


def compile_fuzzer(target: Path) -> None:
    """Compile the parser with libFuzzer and the sanitizers."""
    parts = [PARSER / "fuzz.cpp", *sorted((build.SOURCE / "wire").glob("*.cpp"))]
    subprocess.run(["clang++", *FLAGS, "-I", build.SOURCE, *parts, "-o", target], check=True)


def fuzz(work: Path, seconds: int) -> int:
    """Fuzz and keep the smallest corpus; return the fuzzer's exit code."""
    program, seeds, corpus, least = (work / name for name in ("fuzz", "seeds", "corpus", "least"))
    compile_fuzzer(program)
    for folder in (seeds, corpus, least):
        folder.mkdir()
    for number, one in enumerate(inputs()):
        (seeds / str(number)).write_bytes(one)
    options = (
        f"-max_total_time={seconds}",
        "-max_len=3200",
        "-print_final_stats=1",
        f"-artifact_prefix={Path.cwd()}/",
    )
    failed = subprocess.run([program, *options, corpus, seeds], check=False).returncode
    if not failed:
        subprocess.run([program, "-merge=1", least, corpus, seeds], check=True)
        keep(path.read_bytes() for path in least.iterdir())
    return failed


def main() -> int:
    """Fuzz as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description="Fuzz the credential provider's parser.")
    parser.add_argument("--seconds", type=int, default=600)
    seconds = parser.parse_args().seconds
    if lacking := FUZZER.missing():
        print(f"fuzzing: {lacking}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        return fuzz(Path(folder), seconds)


if __name__ == "__main__":
    sys.exit(main())
