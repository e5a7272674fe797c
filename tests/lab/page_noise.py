# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random input for the lab's page: `python -m tests.lab.page_noise [SECONDS [SEED]]`, ten minutes by default."""

from __future__ import annotations

import json
import logging
import random
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lab.tryout.deeds import DEEDS
from tests.lab.tryout import ask, played

WORDS = [
    "",
    "pc1",
    "pc9",
    "deeds",
    "answer",
    "password",
    "events",
    "terminal",
    "screen",
    "..",
    "%2e%2e",
    "%ff",
    "vendor",
]
VALUES: list[object] = ["", "+2h", "allow", "\u202e", "\x00", "9" * 50, None, True, 1e308, [], {}, {"a": [1]}]


@dataclass
class Sent:
    """Counts of the input that was sent."""

    requests: int = 0
    messages: int = 0
    bytes: int = 0


def make(address: str, seconds: float, seed: int) -> Sent:
    """Send random input to a page for some seconds; return how much was sent."""
    dice, sent = random.Random(seed), Sent()  # noqa: S311 - noise, not a secret
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        kind = dice.random()
        with suppress(OSError, ValueError):
            if kind < 0.7:
                _request(address, dice, sent)
            elif kind < 0.9:
                _raw(address, dice, sent)
            else:
                _websocket(address, dice, sent)
    return sent


def _request(address: str, dice: random.Random, sent: Sent) -> None:
    # The events never end, so nobody waits for their answer here.
    words = [
        word for word in (dice.choice([*WORDS, *DEEDS]) for _ in range(dice.randrange(5))) if word != "events"
    ]
    if dice.random() < 0.5:
        words = ["pcs", "pc1", dice.choice(["answer", f"deeds/{dice.choice(list(DEEDS))}"])]
    body = json.dumps(
        {dice.choice(["answer", "argument", "password", "x"]): dice.choice(VALUES) for _ in range(3)}
    )
    content = body.encode() if dice.random() < 0.8 else dice.randbytes(dice.randrange(10_000))
    sent.requests += 1
    ask(address, dice.choice(["GET", "POST", "PUT", "HEAD", "\u00e9"]), "/".join(words), content)


def _raw(address: str, dice: random.Random, sent: Sent) -> None:
    place = urlsplit(address)
    start = dice.choice([b"", b"GET / HTTP/1.1\r\n", b"POST " + place.path.encode() + b" HTTP/1.1\r\nHost: "])
    content = start + dice.randbytes(dice.randrange(2000))
    with socket.create_connection((place.hostname, place.port), timeout=5) as connection:
        connection.sendall(content)
        sent.bytes += len(content)


def _websocket(address: str, dice: random.Random, sent: Sent) -> None:
    with terminal(address, dice.choice(["terminal", "pcs/pc1/screen"])) as connection:
        for _ in range(dice.randrange(1, 8)):
            connection.sendall(_message(dice))
            sent.messages += 1


@contextmanager
def terminal(address: str, path: str = "terminal") -> Iterator[socket.socket]:
    """Open a WebSocket of a page, its terminal by default; yield the connection behind the handshake."""
    place = urlsplit(address)
    handshake = (
        f"GET {place.path}{path} HTTP/1.1\r\nHost: {place.netloc}\r\n"
        f"Origin: http://{place.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(handshake.encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            if not (part := connection.recv(1)):
                break
            answer += part
        yield connection


def frame(kind: int, content: bytes, mask: bytes = bytes(4)) -> bytes:
    """Return one masked frame of a client with at most 125 bytes (RFC 6455, section 5.2)."""
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(content))
    return bytes([0x80 | kind, 0x80 | len(content)]) + mask + masked


def typed(text: str) -> bytes:
    """Return the frame of the page for a text that is typed into the terminal."""
    return frame(1, json.dumps({"type": "input", "data": text}).encode())


def _message(dice: random.Random) -> bytes:
    """Return a frame, or bytes that are none."""
    if dice.random() < 0.2:
        return dice.randbytes(dice.randrange(1, 200))
    order = dice.choice([
        {"type": "input", "data": dice.choice(["\x03", "\x1b[A", "x" * 80])},
        {"type": "resize", "columns": dice.choice([0, -1, 10**9, 80]), "rows": dice.choice([0, 10**9, 24])},
        {"type": "resize", "columns": "wide"},
        [dice.choice(VALUES)],
    ])  # fmt: skip
    return frame(dice.choice([1, 2, 8, 9]), json.dumps(order).encode()[:120], dice.randbytes(4))


def main(seconds: float, seed: int) -> int:
    """Make noise at a page of its own; return the exit code."""
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="lk-") as name:
        place = Path(name)
        (place / "packages").mkdir()
        with played(place, place / "packages") as game:
            sent = make(game.page.address, seconds, seed)
            status, _ = game.ask("GET", "lab.json")
    print(f"{sent} with seed {seed}; the page answers {status}")
    return 0 if status == 200 else 1


if __name__ == "__main__":
    given = [*sys.argv[1:], "600", "1"]
    sys.exit(main(float(given[0]), int(given[1] if len(sys.argv) > 2 else "1")))
