# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule 2 in the hardest place: the memory of the process that had the operator's half.

The agent runs alone in a process. The operator is the test, which knows every secret of each message (RFC 9180): with
the shared secret or the key of a message a copy of the memory opens the half without the operator.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import IO, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.unit.agent.hpke_reader import Secrets, opened, sealed_with, secrets_of
from tests.unit.agent.second_party import info
from tests.unit.agent.test_memory import ROOT, memory, pytestmark

__all__ = ["pytestmark"]
STAGES = ("lent", "checked", "at the logon screen", "handed over")


@dataclass
class Operator:
    """The operator of an agent in another process.

    Attributes:
        job: the agent's process.
        key: the key of the grant.
        found: the secrets of the messages so far, by their names.
    """

    job: subprocess.Popen[bytes]
    key: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    nonce: str = field(default_factory=lambda: os.urandom(32).hex())
    found: dict[str, bytes] = field(default_factory=dict)

    def run(self) -> None:
        """Answer the agent until it is done."""
        device = str(self._line()["device"])
        public = self.key.public_key().public_bytes_raw().hex()
        self._say(device=device, nonce=self.nonce, public_key=public)
        lent = self._line()
        told = info(
            "latchkey-stored-half-1", device=device, session="CHG-1", nonce=self.nonce, grant=lent["grant"]
        )
        sealed, private = bytes.fromhex(lent["sealed"]), self.key.private_bytes_raw()
        half = opened(sealed, private, told)
        self.found["the half"] = half
        self._note("the record", secrets_of(sealed, private, told))
        while "wanted" in (line := self._line()):
            self._deliver(line["wanted"], half)

    def _deliver(self, wanted: dict[str, Any], half: bytes) -> None:
        """Deliver the half, with a key of the sender that the test keeps."""
        told = info(
            "latchkey-delivered-half-1",
            device=wanted["sealing"]["device"],
            grant=wanted["grant"],
            permit=wanted["permit"],
            nonce=wanted["nonce"],
        )
        own = X25519PrivateKey.generate()
        sealed, secrets = sealed_with(own, half, bytes.fromhex(wanted["key"]), told)
        self._note(f"the delivery for the permit {wanted['permit']!r}", secrets)
        self._say(nonce=wanted["nonce"], sealed=sealed.hex())

    def _note(self, message: str, secrets: Secrets) -> None:
        told = secrets._asdict()
        del told["base_nonce"]
        self.found |= {f"{name} of {message}": value for name, value in told.items()}

    def _line(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(_stream(self.job.stdout).readline())
        return line

    def _say(self, **told: str) -> None:
        _stream(self.job.stdin).write(json.dumps(told).encode() + b"\n")


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


@pytest.mark.parametrize("stage", range(4), ids=STAGES)
def test_rule_02_no_memory_of_the_agent_opens_the_half(stage: int) -> None:
    """The agent's memory has neither the half nor a secret of a message with which the half opens."""
    command = [sys.executable, "-m", "tests.unit.agent.second_party_memory_job", str(stage)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as job:
        try:
            operator = Operator(job)
            operator.run()
            content = memory(job.pid)
        finally:
            _stream(job.stdin).close()
        assert job.wait(20) == 0
    # The session's reason is in memory, so the search works.
    assert b"Monthly updates" in content
    assert len(operator.found) == 6 + 5 * min(stage, 1) + 5 * (stage == 3)
    assert [name for name, secret in operator.found.items() if secret in content] == []
