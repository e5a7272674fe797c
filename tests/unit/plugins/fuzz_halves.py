# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives the readers of halves changed inputs: the agent's of a delivery, the controller's of an agent's wish.

    python -m tests.unit.plugins.fuzz_halves

A reader refuses an input with its own exception, or returns. A changed delivery never opens, and the controller gives
no half for a text that is not the PC's.
"""

from __future__ import annotations

import importlib
import json
import sys
from contextlib import suppress
from typing import Any

import msgspec

from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import fields
from latchkey_agent.storage import hpke
from latchkey_agent.storage.key_slots import HALF_BYTES
from latchkey_agent.storage.operator_half import Delivery, DeliveryKey, HalfError
from tests import collection
from tests.unit.plugins.fuzz_signed_requests import (
    HANGS_AFTER,
    PLUGINS,
    Finding,
    Reader,
    fuzz,
    options,
    read_message,
    refusal_of,
    report,
)

HALF = bytes(range(HALF_BYTES))


class Delivered:
    """A delivery that an agent waits for."""

    def __init__(self) -> None:
        self.key = DeliveryKey()
        self.delivery = Delivery("SHA256:device", "g1", "p1", "n1")
        public = self.key._key.public_key()
        self.sealed = hpke.seal(bytearray(HALF), public, self.delivery.info)

    def read(self, sealed: bytes) -> str:
        """Open a changed delivery: none opens."""

        def read() -> None:
            if self.key.open(sealed, self.delivery) and sealed != self.sealed:
                raise Finding("a changed delivery opens")

        return refusal_of(read, HalfError)

    def message(self) -> bytes:
        """Return the message that brings it."""
        half = fields.DeliveredHalf(nonce="n1", sealed=self.sealed.hex())
        return msgspec.json.encode(rq.ApplyWait(session="CHG-1", permit="p1", half=half))


class Wish:
    """A controller that a PC asks for a half; `tests.unit.plugins.test_half_answers` has the PC."""

    def __init__(self) -> None:
        # The collection can be imported only after its finder is in place.
        made: Any = importlib.import_module("tests.unit.plugins.test_half_answers")
        names = ("_half_answers", "_failure", "_answers", "_answer_reader")
        self.halves, self.failures, self.answers, self.reader = (
            importlib.import_module(f"{PLUGINS}.{name}") for name in names
        )
        self.made = made
        self.pc = made.Pc(made.pem(made.X25519PrivateKey.generate()))
        self.side = made.answers(self.pc.text)
        self.wanted = self.pc.wanted(permit="p1")

    def told(self) -> bytes:
        """Return what the PC tells, without its signature."""
        told = {name: value for name, value in self.wanted.items() if name not in {"signature", "public_key"}}
        return json.dumps(told).encode()

    def read(self, text: bytes) -> str:
        """Answer a changed wish with the PC's signature: it counts for the PC's own text alone."""
        with suppress(ValueError, RecursionError):
            found = json.loads(text)
            if not isinstance(found, dict):
                return "no object"
            view = {**found, **{name: self.wanted[name] for name in ("signature", "public_key")}}
            return self._answered(view, found != json.loads(self.told()))
        return "no JSON"

    def signed(self, text: bytes) -> str:
        """Answer a changed wish that the PC has signed as it is: a half is given for the task's own use alone."""
        with suppress(ValueError, RecursionError):
            found = json.loads(text)
            if not isinstance(found, dict):
                return "no object"
            body = json.dumps({"schema_version": "latchkey-half-1", **found}, sort_keys=True,
                              separators=(",", ":")).encode()  # fmt: skip
            view = {
                **found,
                "signature": self.pc.device.sign(body, "latchkey-half"),
                "public_key": self.pc.device.line,
            }
            names = ("action", "step", "permit")
            return self._answered(view, any(found.get(name) != self.wanted[name] for name in names))
        return "no JSON"

    def _answered(self, view: dict[str, Any], is_other: bool) -> str:  # noqa: FBT001 - one caller each
        meant = self.made.meant(self.wanted)
        self.side.given.clear()

        def answer() -> None:
            self.side.answer(self.reader.read(self.answers.HalfView, view), meant)
            if is_other:
                raise Finding("a half is given for another text")

        return refusal_of(answer, self.failures.Failure, self.reader.AnswerError)


def readers() -> list[Reader]:
    """Return all readers."""
    delivered, wish = Delivered(), Wish()
    return [
        Reader("a delivered half", (delivered.sealed,), delivered.read),
        Reader("a delivered half as a message", (delivered.message(),), read_message),
        Reader("a PC's wish", (wish.told(),), wish.read, 4),
        Reader("a PC's wish that it has signed", (wish.told(),), wish.signed, 4),
    ]


def main(arguments: list[str]) -> int:
    """Fuzz as the command line says; return the exit code."""
    wanted = options("Fuzz the readers of halves.", arguments)
    collection.put_finder_in_place()
    return report(lambda: fuzz(readers(), wanted.inputs, wanted.seed, HANGS_AFTER), wanted.inputs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
