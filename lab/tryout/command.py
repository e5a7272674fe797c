# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `lab`: `lab pc1 allow`, `lab pc1 clock +2h`, `lab pc1 status`, `lab`.

It runs in the player's shell and imports nothing of the lab, so that it answers at once.
"""

from __future__ import annotations

import json
import signal
import socket
import sys

SECONDS = 120.0
"""The customer of a Wine PC types with real keys."""
USAGE, REFUSED = 2, 1


def main(arguments: list[str]) -> int:
    """Send one deed to the running lab and print its answer; return the exit code."""
    path, *words = arguments
    if len(words) == 1 or words[:1] in (["-h"], ["--help"]):
        print("Usage: lab PC DEED [ARGUMENT]. `lab` alone lists both.", file=sys.stderr)
        return USAGE
    request = dict(zip(("pc", "deed", "argument"), [*words[:2], " ".join(words[2:])], strict=False))
    try:
        answer = asked(path, request)
    except (FileNotFoundError, ConnectionError):
        print("The lab is not up yet, or has ended. Start it: make lab", file=sys.stderr)
        return REFUSED
    except (OSError, ValueError) as fault:
        print(
            f"The lab does not answer ({fault}). End it with Ctrl-C, and start it again: make lab",
            file=sys.stderr,
        )
        return REFUSED
    if "error" in answer:
        print(answer["error"], file=sys.stderr)
        return REFUSED
    print(answer["said"])
    return 0


def asked(path: str, request: dict[str, str]) -> dict[str, str]:
    """Ask the lab behind a socket; return its answer.

    Raises:
        OSError: no lab is there, or it takes too long.
        ValueError: the answer is not whole.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(path)
        connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile("rb") as stream:
            answer: dict[str, str] = json.loads(stream.readline())
    return answer


if __name__ == "__main__":
    # As other programs of the shell do: `lab pc1 status | head -1` is no fault.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main(sys.argv[1:]))
