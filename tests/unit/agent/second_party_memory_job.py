# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program for `test_second_party_memory`: an agent alone in its process, whose operator is the test.

It writes lines of JSON, and reads the operator's answers as such lines.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import fields
from latchkey_agent.protocol.frames import wipe
from tests.unit.agent.bench import Bench, memory_disk
from tests.unit.agent.memory_job import free_nothing

PASSWORD = "Sommer-2026!".encode("utf-16-le")


def tell(**told: Any) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def hear(kind: type[Any]) -> Any:
    """Return the operator's answer as this type."""
    return msgspec.json.decode(sys.stdin.readline(), type=kind)


def use(bench: Bench) -> str:
    """Begin a use with the operator's half; return the permit."""
    asked = rq.CredentialApply(session="CHG-1", action="restart", step="s")
    result = bench.ask(asked).result
    assert isinstance(result, dict)
    tell(wanted=result["half"])
    begun = bench.result(msgspec.structs.replace(asked, half=hear(fields.DeliveredHalf)))
    return str(begun["use"]["permit"])


def sign_in(bench: Bench, permit: str) -> None:
    """Deliver the half for the logon, and hand the password over."""
    asked = rq.ApplyWait(session="CHG-1", permit=permit)
    tell(wanted=bench.result(asked)["half"])
    bench.result(msgspec.structs.replace(asked, half=hear(fields.DeliveredHalf)))
    wipe(bench.redeem()[1])


def main(stage: int) -> None:
    """Run this many stages, report it, and wait until the input ends."""
    free_nothing()
    with TemporaryDirectory(dir=memory_disk()) as folder:
        bench = Bench(Path(folder))
        tell(device=bench.agent.core.device_key.fingerprint)
        bench.lend(PASSWORD, sealing=hear(fields.Sealing))
        (grant,) = bench.state.grants.values()
        tell(grant=grant.id, sealed=bench.agent.core.sealed_half(grant).hex())
        permit = use(bench) if stage else ""
        if stage > 1:
            bench.reboot()
        if stage > 2:
            sign_in(bench, permit)
        tell(done=True)
        os.read(0, 1)
        bench.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]))
