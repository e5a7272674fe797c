# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz the readers of signed requests on both sides: certificates, signatures, challenges and the requests themselves.

    python -m tests.unit.plugins.fuzz_signed_requests [--inputs 1000000] [--seed 1]

Each reader gets valid inputs that are changed: in their bytes, in the parts of RFC 4251 behind their lengths, and in
text. What is signed is signed anew after half of the changes, so that the code behind the signature's check is reached,
too. A reader returns, or raises its own refusal; another exception, or an input that takes a second of the processor,
is a finding and ends the run. Inputs with a new refusal are changed further, as a fuzzer does with new code.
"""

from __future__ import annotations

import argparse
import base64
import faulthandler
import importlib
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives import serialization

from latchkey_agent.protocol import codec
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol.answers import ErrorView
from latchkey_agent.protocol.fields import OperatorSignature
from latchkey_agent.storage import ssh_certificate, ssh_signature
from latchkey_agent.storage.signed_json import REQUEST, canonical_json
from latchkey_agent.storage.ssh_signature import SignatureError, string
from tests import collection
from tests.unit.agent.bench import Bench, memory_disk
from tests.unit.agent.signing import CA, OPERATOR_KEY, Controller, certificate, line_of, pin
from tests.unit.agent.world import ANNA

SECONDS = 1.0
"""The processor's time that an input may take."""
HANGS_AFTER = 600.0
"""Seconds for some thousand inputs after which the run ends with a traceback; a busy computer needs some."""
KEPT = 400
"""Inputs of a reader that are changed further."""
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
PLUGINS = "ansible_collections.latchkey.consent.plugins.plugin_utils"
WORDS = (
    *(b"ssh-ed25519", b"ssh-ed25519-cert-v01@openssh.com", b"SSHSIG", b"sha512", b"sha256", b"latchkey-role"),
    *(
        b"latchkey-organization",
        b"latchkey-request",
        b"helpdesk",
        b"force-command",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
    ),
    *(
        b"\x7f\xff\xff\xff",
        b"\xff" * 8,
        b"\xff",
        b"\n",
        b"\r\n",
        b'"',
        b"\\",
        b"{",
        b"[" * 40,
        b"null",
        b"1e999",
    ),
    *(b"\xc3\xa4", b"\xe2\x80\xae", b"\xed\xa0\x80", b"-----BEGIN SSH SIGNATURE-----\n", b"=", b" "),
)


class Finding(Exception):
    """An input that a reader does not bear."""


class Reader(NamedTuple):
    """A reader.

    Attributes:
        name: for the report.
        seeds: valid inputs.
        read: reads an input, and returns the refusal, empty for none.
        share: how many of the inputs it gets, compared with the others.
    """

    name: str
    seeds: tuple[bytes, ...]
    read: Callable[[bytes], str]
    share: int = 20


def changed(data: bytes, dice: random.Random) -> bytes:
    """Return the input with one to four changes."""
    found = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at = dice.randint(0, len(found))
        match dice.randrange(7):
            case 0 if at < len(found):
                found[at] ^= dice.randint(1, 255)
            case 1:
                del found[at : at + dice.choice((1, 1, 4, 40, 400))]
            case 2:
                begin = dice.randint(0, len(found))
                found[at:at] = found[begin : begin + dice.choice((1, 4, 40, 400))]
            case 3 if at + 4 <= len(found):
                found[at : at + 4] = dice.choice((0, 1, 3, 32, 33, 64, 2**31, 2**32 - 1)).to_bytes(4, "big")
            case 4:
                found[at:at] = dice.choice(WORDS)
            case 5:
                word = dice.choice(WORDS)
                found[at : at + len(word)] = word
            case _:
                found[at:at] = dice.randbytes(dice.randint(1, 8))
    return bytes(found[:70_000])


def refusal_of(call: Callable[[], object], *refusals: type[Exception]) -> str:
    """Return the text of the reader's own refusal, empty if it returns."""
    try:
        call()
    except refusals as refusal:
        return str(refusal) or type(refusal).__name__
    return ""


# --- the agent's readers


def certificate_line(blob: bytes) -> str:
    """Return a blob as the line of a certificate."""
    return f"{ssh_certificate.CERTIFICATE_TYPE} {base64.b64encode(blob).decode()}"


def armored(blob: bytes) -> str:
    """Return a blob as the text of a signature."""
    lines = base64.encodebytes(blob).decode()
    return f"-----BEGIN SSH SIGNATURE-----\n{lines}-----END SSH SIGNATURE-----\n"


def blob_of(text: str) -> bytes:
    """Return the bytes of a signature's text."""
    return base64.b64decode("".join(text.splitlines()[1:-1]))


LINE = certificate(NOW)
BLOB = base64.b64decode(LINE.split()[1])
SIGNED = BLOB[: -4 - len(string(b"ssh-ed25519")) - 4 - 64]
"""The part of the certificate that its authority has signed."""
ARMOR = ssh_signature.sign(OPERATOR_KEY, REQUEST, b"{}")


def read_certificate(blob: bytes) -> str:
    """Read a changed certificate: none counts."""

    def read() -> None:
        if blob != BLOB and ssh_certificate.read(certificate_line(blob)):
            raise Finding("a changed certificate counts")

    return refusal_of(read, SignatureError)


def read_issued(content: bytes) -> str:
    """Read a certificate whose changed content the authority has signed."""
    value = string(string(b"ssh-ed25519") + string(CA.sign(content)))
    return refusal_of(lambda: ssh_certificate.read(certificate_line(content + value)), SignatureError)


def read_certificate_text(text: bytes) -> str:
    """Read the line of a certificate, changed as text."""
    return refusal_of(lambda: ssh_certificate.read(text.decode("utf-8", "replace")), SignatureError)


def read_armor(blob: bytes) -> str:
    """Read and verify a changed signature: none counts."""

    def read() -> None:
        ssh_signature.parse(armored(blob))
        if ssh_signature.verify(armored(blob), REQUEST, b"[]"):
            raise Finding("a signature counts for another text")

    return refusal_of(read, SignatureError)


def read_armor_text(text: bytes) -> str:
    """Read the text of a signature, changed as text."""
    return refusal_of(lambda: ssh_signature.parse(text.decode("utf-8", "replace")), SignatureError)


def read_key(text: bytes) -> str:
    """Read the line of a public key."""
    return refusal_of(lambda: ssh_signature.public_key_of(text.decode("utf-8", "replace")), SignatureError)


def read_message(body: bytes) -> str:
    """Decode a request of the control pipe."""
    return refusal_of(lambda: codec.decode_control(body), codec.ProtocolError)


# --- the agent as a whole


class Pc:
    """An agent that gets signed requests with changed documents, signatures and certificates."""

    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder)
        pin(self.bench)
        self.bench.wake()
        self.bench.world.sign_in(ANNA)
        self.controller = Controller(self.bench)
        self.controller.start()
        self.dice = random.Random(18)  # noqa: S311 - the same inputs each time
        self.nonce = str(self.controller.challenge["nonce"])
        self.known: set[str] = set()

    def document(self) -> bytes:
        """Return the text that the agent would take."""
        return canonical_json(self.controller.document(self.controller.request()))

    def read(self, document: bytes) -> str:
        """Send a request with a changed text, or with its signature or certificate changed; return the refusal."""
        # The inputs have the first challenge, also after it was answered.
        text = document.decode("utf-8", "replace").replace(self.nonce, self.controller.challenge["nonce"])
        signature = ssh_signature.sign(OPERATOR_KEY, REQUEST, text.encode())
        line = self.controller.line
        match self.dice.randrange(4):
            case 0:
                signature = armored(changed(blob_of(signature), self.dice))
            case 1:
                line = certificate_line(changed(base64.b64decode(line.split()[1]), self.dice))
        sent = OperatorSignature(document=text, signature=signature, certificate=line)
        asked = self.controller.request()
        request = msgspec.structs.replace(asked, signature=sent)
        answer = self.bench.ask(request)
        if answer.outcome == "done":
            self._again(text, asked)
            return ""
        if set(self.bench.state.requests) != self.known:
            raise Finding("a request is there that was refused")
        assert isinstance(answer.error, ErrorView)
        return f"{answer.error.code} {answer.error.message}"

    def _again(self, text: str, asked: rq.CredentialRequest) -> None:
        """End a session whose request was taken, which must be the right one, and start the next."""
        if text.encode() != canonical_json(self.controller.document(asked)):
            raise Finding("another text counts")
        self.bench.result(rq.SessionEnd(session="CHG-1"))
        self.bench.world.now += timedelta(hours=2)
        self.bench.wake()
        self.controller.line = certificate(self.bench.world.now)
        self.controller.start()
        self.known = set(self.bench.state.requests)


# --- the controller's readers


def controllers(pc: Pc) -> list[Reader]:
    """Return the collection's readers."""
    keys, armor, failures, requests, answers, reader = (
        importlib.import_module(f"{PLUGINS}.{name}")
        for name in ("_operator_certificate", "_armored_signature", "_failure", "_request_signature", "_answers",
                     "_answer_reader")
    )  # fmt: skip
    form = serialization.PrivateFormat.OpenSSH
    private = OPERATOR_KEY.private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    ).decode()

    def signer(blob: bytes) -> str:
        return refusal_of(lambda: keys.read_signer(private, certificate_line(blob)), failures.Failure)

    def signature(blob: bytes) -> str:
        return refusal_of(lambda: armor.verified(armored(blob), b"{}", REQUEST), armor.SignatureError)

    def fact(text: bytes) -> str:
        with suppress(ValueError, RecursionError):
            value = json.loads(text)
            return refusal_of(lambda: requests.challenge_of(value, "CHG-1"), failures.Failure)
        return "no JSON"

    task = {"reason": "Monthly updates", "ticket": "CHG-1", "ends": "23:00", "operators": {}}
    known = {"CHG-1": {"challenge": pc.controller.challenge, "received": 1.8e9, "task": task}}
    olga = keys.read_signer(private, LINE)

    def challenge(text: bytes) -> str:
        """Sign a request for a challenge that the PC has signed as it is: each text of it is the PC's."""
        with suppress(ValueError, RecursionError):
            found = json.loads(text)
            asked = {"session": "CHG-1", "restarts": 1, "not_before": "22:00", "not_after": "05:00"}

            def sign() -> None:
                view = reader.read(answers.ChallengeView, found)
                requests.signed_fields(olga, requests.OpenChallenge(view, 1.8e9, task), asked)

            return refusal_of(sign, failures.Failure, reader.AnswerError)
        return "no JSON"

    told = json.dumps(pc.controller.challenge).encode()
    return [
        Reader("the controller's certificate", (BLOB,), signer, 4),
        Reader("the controller's signature", (blob_of(ARMOR),), signature),
        Reader("the fact with challenges", (json.dumps(known).encode(), b'{"CHG-1": {"why": "x"}}'), fact, 4),
        Reader("a challenge that the PC has signed", (told,), challenge, 4),
    ]


def readers(pc: Pc) -> list[Reader]:
    """Return all readers."""
    message = msgspec.json.encode(pc.controller.signed(pc.controller.request()))
    return [
        Reader("a certificate's bytes", (BLOB,), read_certificate),
        Reader("a certificate that the authority issued", (SIGNED,), read_issued, 10),
        Reader("a certificate's line", (LINE.encode(),), read_certificate_text),
        Reader("a signature's bytes", (blob_of(ARMOR),), read_armor),
        Reader("a signature's text", (ARMOR.encode(),), read_armor_text),
        Reader("a public key", (line_of(CA).encode(),), read_key),
        Reader("a signed request as a message", (message,), read_message),
        Reader("a signed request, by the whole agent", (pc.document(),), pc.read, 1),
        *controllers(pc),
    ]


# --- the run


def fuzz(every: list[Reader], inputs: int, seed: int, hangs_after: float = 0.0) -> Counter[str]:
    """Give the readers so many inputs; return how many kinds of refusals each one has.

    Args:
        every: the readers.
        inputs: their number.
        seed: of the changes.
        hangs_after: seconds for 5,000 inputs after which the process ends with a traceback; 0 for no limit.

    Raises:
        Finding: with the reader and the input.
    """
    dice = random.Random(seed)  # noqa: S311 - the same inputs each time
    corpus = {one.name: list(one.seeds) for one in every}
    known: dict[str, set[str]] = {one.name: set() for one in every}
    turns = dice.choices(every, [one.share for one in every], k=inputs)
    for number, reader in enumerate(turns):
        if hangs_after and number % 5000 == 0:
            faulthandler.dump_traceback_later(hangs_after, exit=True)
        kept = corpus[reader.name]
        data = changed(dice.choice(kept), dice)
        refusal = _read(reader, data)
        kind = re.sub(r"[0-9a-f]{4,}|\d+|'.*'", "", refusal)[:80]
        if kind not in known[reader.name] and len(kept) < KEPT:
            known[reader.name].add(kind)
            kept.append(data)
    if hangs_after:
        faulthandler.cancel_dump_traceback_later()
    return Counter({name: len(kinds) for name, kinds in known.items()})


def _read(reader: Reader, data: bytes) -> str:
    begun = time.process_time()
    try:
        refusal = reader.read(data)
    except Exception as fault:
        msg = f"{reader.name}: {type(fault).__name__}: {fault}: {data!r}"
        raise Finding(msg) from fault
    if time.process_time() - begun > SECONDS:
        msg = f"{reader.name} took {time.process_time() - begun:.1f} s: {data!r}"
        raise Finding(msg)
    return refusal


def options(title: str, arguments: list[str]) -> argparse.Namespace:
    """Return the options of a fuzzer's command line."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def report(run: Callable[[], Counter[str]], inputs: int) -> int:
    """Run a fuzzer, and print its findings; return the exit code."""
    try:
        found = run()
    except Finding as finding:
        print(finding, file=sys.stderr)
        return 1
    for name, kinds in found.items():
        print(f"{name}: {kinds} kinds of refusals")
    print(f"{inputs} inputs, no finding")
    return 0


def main(arguments: list[str]) -> int:
    """Fuzz as the command line says; return the exit code."""
    wanted = options("Fuzz the readers of signed requests.", arguments)
    collection.put_finder_in_place()
    with tempfile.TemporaryDirectory(dir=memory_disk()) as folder:
        pc = Pc(Path(folder))
        try:
            return report(lambda: fuzz(readers(pc), wanted.inputs, wanted.seed, HANGS_AFTER), wanted.inputs)
        finally:
            pc.bench.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
