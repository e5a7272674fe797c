# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program for `test_memory`: it grants and uses a password from its input, then waits."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol.frames import wipe
from tests.unit.agent.bench import Bench, memory_disk
from tests.unit.agent.world import ANNA, CUSTOMER, digest


class Allocator(ctypes.Structure):
    """PyMemAllocatorEx (Python's documentation, "Customize Memory Allocators")."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("ctx", "malloc", "calloc", "realloc", "free")]  # type: ignore[mutable-override]


def free_nothing() -> None:
    """Keep freed memory unchanged, so that no new object hides a forgotten secret."""
    harmless = ctypes.cast(ctypes.CDLL(None).getpid, ctypes.c_void_p).value
    for domain in (1, 2):  # PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ
        allocator = Allocator()
        ctypes.pythonapi.PyMem_GetAllocator(domain, ctypes.byref(allocator))
        allocator.free = harmless
        ctypes.pythonapi.PyMem_SetAllocator(domain, ctypes.byref(allocator))


def typed() -> bytearray:
    """Return the standard input, read without any buffer of Python."""
    password = bytearray(1024)
    del password[os.readv(0, [password]) :]
    return password


def lend(bench: Bench, password: bytearray) -> None:
    """Enter the password twice; Windows refuses the first entry."""
    bench.start_session()
    request = bench.request()
    bench.show(request)
    allow = msgspec.json.encode(cm.RequestAllow(request=request, entered="anna"))
    right = digest(password)
    bench.agent.customer(allow, password, CUSTOMER)
    bench.world.passwords[ANNA.sid] = right
    bench.agent.customer(allow, password, CUSTOMER)
    wipe(password)


def redeem(bench: Bench) -> None:
    """Redeem the permit and wipe the password."""
    wipe(bench.redeem()[1])


STAGES = (lambda bench: bench.restart(), lambda bench: bench.reboot(), redeem)


def main(stage: int) -> None:
    """Run this many stages of the job, report it, and wait until the input ends."""
    free_nothing()
    with TemporaryDirectory(dir=memory_disk()) as folder:
        bench = Bench(Path(folder))
        lend(bench, typed())
        for act in STAGES[:stage]:
            act(bench)
        os.write(1, b"done\n")
        os.read(0, 1)
        bench.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]))
