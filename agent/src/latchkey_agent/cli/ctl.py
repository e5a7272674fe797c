# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`latchkeyctl`: the agent's command line, for programs and for administrators.

`latchkeyctl request` takes one JSON request on standard input and prints one
JSON answer on one line; that is how Ansible speaks with the agent. So does
`setup`, which an administrator may. The other commands print tables. Exit codes: 0 an answer was printed, 1 the agent
refused, or a receipt is not valid (only for people's commands), 2 wrong usage (sysexits: 64 is not used,
argparse has 2), 66 a file cannot be read or used, 69 the agent does not answer, 73 a file cannot be written
(EX_NOINPUT, EX_UNAVAILABLE, EX_CANTCREAT of sysexits.h).
"""

from __future__ import annotations

import argparse
import codecs
import getpass
import importlib
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import msgspec

from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import codec, frames
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol.errors import error
from latchkey_agent.stream import Stream, read_frame, write_frame

from . import receipt_files
from .tables import render

Setup = Callable[[bytes], ans.Answer]
Connect = Callable[[], AbstractContextManager[Stream]]
NO_INPUT, UNAVAILABLE, NOT_CREATED = 66, 69, 73
RECEIPT_FILE = "receipt.json"
"""The name of the file with a receipt; its signature is beside it."""
_READ_AT_MOST = codec.MAX_REQUEST + 1


def exchange(connect: Connect, body: bytes) -> ans.Answer:
    """Send one request and return its answer; an agent that is silent becomes an error answer."""
    try:
        with connect() as stream:
            write_frame(stream, body)
            frame = read_frame(stream)
    except PermissionError:
        return codec.refused(error("not_permitted", account=getpass.getuser()))
    except (OSError, frames.FrameError):
        return ans.Answer(outcome="unknown", error=error("agent_not_running"))
    if frame is None:
        return ans.Answer(outcome="unknown", error=error("agent_not_running"))
    try:
        return codec.decode_answer(frame.body)
    except codec.ProtocolError as fault:
        return ans.Answer(outcome="unknown", error=fault.view)


def _one_answer(answering: Callable[[bytes], ans.Answer], stdin: BinaryIO, stdout: TextIO) -> int:
    # Windows PowerShell may put a byte order mark before its piped output.
    body = stdin.read(_READ_AT_MOST).removeprefix(codecs.BOM_UTF8).strip()
    if len(body) > codec.MAX_REQUEST:
        answer = codec.refused(error("message_too_large", limit=codec.MAX_REQUEST))
    elif not body:
        answer = codec.refused(error("bad_message", detail="nothing came on standard input"))
    else:
        answer = answering(body)
    stdout.write(codec.encode_line(answer).decode("ascii"))
    return _exit_code(answer)


def _exit_code(answer: ans.Answer) -> int:
    silent = isinstance(answer.error, ans.ErrorView) and answer.error.code == "agent_not_running"
    return UNAVAILABLE if silent else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="latchkeyctl", description="Speak with the Latchkey consent agent.")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("request", help="one JSON request on standard input, one JSON answer")
    commands.add_parser("setup", help="settings and operators, as JSON on standard input")
    commands.add_parser("status", help="the agent, its sessions and requests")
    commands.add_parser("grants", help="live and past grants")
    receipt = commands.add_parser(
        "receipt", help="the signed receipt of a request, or the check of one in a file"
    )
    receipt.add_argument("id", help="the request; or the word verify, with a file")
    receipt.add_argument("file", nargs="?", type=Path, help="after verify: a receipt with its .sig beside it")
    receipt.add_argument("--folder", type=Path, help=f"write {RECEIPT_FILE} and its .sig into this folder")
    receipt.add_argument(
        "--known-pcs", type=Path, help="after verify: OpenSSH's allowed_signers with the PC's key"
    )
    receipt.add_argument("--pc", help="after verify: the PC's name in that file")
    key = commands.add_parser("device-key", help="the public key that signs for this PC")
    key.add_argument("--replace", action="store_true", help="let a new key sign from now on")
    unblock = commands.add_parser(
        "unblock", help="let a reported account ask, or an absent customer be asked"
    )
    unblock.add_argument("account", help="the account as DOMAIN\\user, or its SID")
    journal = commands.add_parser("journal", help="check the journal, or set a damaged one aside")
    journal.add_argument("action", choices=["verify", "reset"])
    erase = commands.add_parser("erase", help="revoke and erase every grant")
    erase.add_argument(
        "--all", action="store_true", required=True, help="required, to prevent a removal by mistake"
    )
    commands.add_parser("forecast", help="obstacles to an unattended sign-in")
    return parser


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the parsed arguments; exit with 2 where they do not go together."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.command == "receipt":
        is_check = options.id == "verify"
        if is_check != (options.file is not None):
            parser.error("write: receipt ID, or: receipt verify FILE")
        if (options.known_pcs is None) != (options.pc is None) or (options.pc is not None and not is_check):
            parser.error("--known-pcs and --pc go together, after: receipt verify FILE")
        if options.folder is not None and is_check:
            parser.error("--folder goes with: receipt ID")
    return options


def _message(options: argparse.Namespace) -> rq.ControlRequest:
    match options.command:
        case "receipt":
            return rq.Receipt(request=options.id)
        case "device-key":
            return rq.DeviceKeyReplace() if options.replace else rq.DeviceKey()
        case "unblock":
            return rq.AskerUnblock(account=options.account)
        case "journal":
            return rq.JournalVerify() if options.action == "verify" else rq.JournalReset()
        case "erase":
            return rq.EraseAll()
        case "forecast":
            return rq.Info(forecast=True)
    return rq.Info()


def main(
    argv: Sequence[str] | None = None,
    *,
    stdin: BinaryIO | None = None,
    stdout: TextIO | None = None,
    connect: Connect | None = None,
    setup: Setup | None = None,
) -> int:
    """Run one command and return its exit code.

    Args:
        argv: the arguments, without the program's name.
        stdin: where `request` reads; standard input by default.
        stdout: where the answer goes; standard output by default.
        connect: opens the control pipe; Windows' named pipe by default.
        setup: carries a `setup` request out; on this Windows PC by default.
    """
    stdin, stdout = stdin or sys.stdin.buffer, stdout or sys.stdout
    options = _options(argv)
    if options.command == "setup":
        return _one_answer(setup or _on_windows("operators", "set_up"), stdin, stdout)
    if options.command == "receipt" and options.file is not None:
        return _verified(options, stdout)
    connect = connect or _on_windows("pipes.client_stream", "connect_control")
    if options.command == "request":
        return _one_answer(partial(exchange, connect), stdin, stdout)
    answer = exchange(connect, msgspec.json.encode(_message(options)))
    if options.command == "receipt" and options.folder is not None and answer.outcome == "done":
        return _written(answer, options.folder, stdout)
    text = codec.encode_line(answer).decode("ascii") if options.json else render(options.command, answer)
    stdout.write(_printable(text, stdout))
    return _exit_code(answer) or (0 if answer.outcome == "done" else 1)


def _written(answer: ans.Answer, folder: Path, stdout: TextIO) -> int:
    """Write the receipt in an answer into a folder; return the exit code."""
    receipt = msgspec.convert(answer.result, ans.ReceiptAnswer).receipt
    try:
        stdout.writelines(
            _printable(f"{file}\n", stdout) for file in receipt_files.write(folder / RECEIPT_FILE, receipt)
        )
    except OSError as fault:
        said = (
            f"The receipt cannot be written: {_reason(fault)}. Check the folder, then run the command again."
        )
        stdout.write(_printable(f"{said}\n", stdout))
        return NOT_CREATED
    return 0


def _verified(options: argparse.Namespace, stdout: TextIO) -> int:
    """Check a receipt in a file; return the exit code. No agent is asked."""
    # Only this command needs cryptography, which takes long to load.
    from latchkey_agent.storage.ssh_signature import SignatureError  # noqa: PLC0415

    from . import verify_receipt  # noqa: PLC0415
    from .allowed_signers import SignersError  # noqa: PLC0415

    unchecked = "The receipt cannot be checked: {}. Correct the path or the file, then run the command again."
    try:
        verdict, code = verify_receipt.verify(options.file, options.known_pcs, options.pc or ""), 0
    except OSError as fault:
        verdict, code = unchecked.format(_reason(fault)), NO_INPUT
    except SignersError as fault:
        verdict, code = unchecked.format(f"{options.known_pcs}, {fault}"), NO_INPUT
    except SignatureError as fault:
        verdict, code = f"The receipt is NOT VALID: {fault}.", 1
    stdout.write(_printable(f"{verdict}\n", stdout))
    return code


def _reason(fault: OSError) -> str:
    """Return a file and the system's reason."""
    return f"{fault.filename}: {fault.strerror}"


def _printable(text: str, stdout: TextIO) -> str:
    """Return the text with a question mark for each character that the terminal's code page lacks."""
    encoding = stdout.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _on_windows(module: str, name: str) -> Any:  # noqa: ANN401 - the caller knows its type
    """Return a name of a module that runs on Windows only."""
    try:
        found = importlib.import_module(f"latchkey_agent.windows.{module}")
    except ImportError:
        message = "latchkeyctl: this is not Windows, and no other way to an agent was given\n"
        sys.stderr.write(message)
        raise SystemExit(2) from None
    return getattr(found, name)


if __name__ == "__main__":
    sys.exit(main())
