# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shell operations of WS-Management as plain values, and the bodies of their answers.

Source: [MS-WSMV] sections 2.2.4 (elements) and 3.1.4 (operations).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from lab.wsman import soapfault
from lab.wsman.soap import POWERSHELL, SHELL, TRANSFER, Request

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from collections.abc import Sequence

CREATE = f"{TRANSFER}/Create"
DELETE = f"{TRANSFER}/Delete"
COMMAND = f"{SHELL}/Command"
SEND = f"{SHELL}/Send"
RECEIVE = f"{SHELL}/Receive"
SIGNAL = f"{SHELL}/Signal"

COMMAND_SHELL = f"{SHELL}/cmd"
TERMINATE_SIGNALS = (
    f"{SHELL}/signal/terminate",
    f"{SHELL}/signal/ctrl_c",
    f"{SHELL}/signal/ctrl_break",
    "powershell/signal/crtl_c",
    "powershell/signal/ctrl_c",
)
"""[MS-PSRP] section 3.1.5.3.11 spells PowerShell's own signal the first way, pypsrp the second."""


@dataclass(frozen=True, slots=True)
class Creation:
    """The contents of a Create; `creation_xml` is PowerShell's opening data, `shell_id` the id that it wants."""

    input_streams: str
    output_streams: str
    shell_id: str
    creation_xml: bytes


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The contents of a Command: the program or script to run."""

    command_id: str
    program: str
    arguments: str
    encoded_arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of one stream of a command (or of the shell, where `command_id` is empty)."""

    stream: str
    command_id: str
    data: bytes
    end: bool = False

    def __repr__(self) -> str:
        return f"Chunk({self.stream!r}, {self.command_id!r}, {len(self.data)} bytes)"


@dataclass(frozen=True, slots=True)
class Output:
    """The contents of a Receive's answer: pieces, and whether the command has ended (`exit_code`)."""

    chunks: Sequence[Chunk]
    done: bool
    exit_code: int | None = None


def _body(request: Request, name: str) -> ET.Element:
    if request.body is None or request.body.tag != f"{{{SHELL}}}{name}":
        raise soapfault.invalid_body(f"{name} is missing")
    return request.body


def _text(parent: ET.Element, name: str) -> str:
    return parent.findtext(f"{{{SHELL}}}{name}") or ""


def decode_base64(text: str | None) -> bytes:
    """Return the bytes of an element's text. Raises SoapFault: it is not base64."""
    try:
        return base64.b64decode(text or "", validate=False)
    except binascii.Error as error:
        raise soapfault.invalid_body("a stream is not base64") from error


def read_creation(request: Request) -> Creation:
    """Read a Create. Raises SoapFault: the body is not a Shell."""
    shell = _body(request, "Shell")
    return Creation(
        input_streams=_text(shell, "InputStreams"),
        output_streams=_text(shell, "OutputStreams"),
        shell_id=shell.get("ShellId", ""),
        creation_xml=decode_base64(shell.findtext(f"{{{POWERSHELL}}}creationXml")),
    )


def read_command(request: Request) -> CommandLine:
    """Read a Command. Raises SoapFault: the body is not a CommandLine."""
    line = _body(request, "CommandLine")
    arguments = tuple(item.text or "" for item in line.iterfind(f"{{{SHELL}}}Arguments"))
    return CommandLine(
        command_id=line.get("CommandId", ""),
        program=_text(line, "Command"),
        arguments=" ".join(arguments),
        encoded_arguments=arguments,
    )


def read_send(request: Request) -> list[Chunk]:
    """Read a Send. Raises SoapFault: the body is not a Send, or a stream is not base64."""
    streams = _body(request, "Send").iterfind(f"{{{SHELL}}}Stream")
    return [
        Chunk(
            stream=item.get("Name", ""),
            command_id=item.get("CommandId", ""),
            data=decode_base64(item.text),
            end=item.get("End", "").lower() in {"true", "1"},
        )
        for item in streams
    ]


def read_receive(request: Request) -> str:
    """Return the command id of a Receive, empty for the shell. Raises SoapFault: the body is not a Receive."""
    desired = _body(request, "Receive").find(f"{{{SHELL}}}DesiredStream")
    if desired is None:
        raise soapfault.invalid_body("DesiredStream is missing")
    return desired.get("CommandId", "")


def read_signal(request: Request) -> tuple[str, str]:
    """Return the command id and code of a Signal. Raises SoapFault: the body is not a Signal."""
    signal = _body(request, "Signal")
    return signal.get("CommandId", ""), _text(signal, "Code").strip()


def created(address: str, resource_uri: str, shell_id: str, owner: str, creation: Creation) -> str:
    """Return the body of a CreateResponse."""
    uri = escape(resource_uri)
    return (
        f"<x:ResourceCreated><a:Address>{escape(address)}</a:Address><a:ReferenceParameters>"
        f'<w:ResourceURI>{uri}</w:ResourceURI><w:SelectorSet><w:Selector Name="ShellId">{shell_id}'
        f"</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>"
        f"<rsp:Shell><rsp:ShellId>{shell_id}</rsp:ShellId><rsp:ResourceUri>{uri}</rsp:ResourceUri>"
        f"<rsp:Owner>{escape(owner)}</rsp:Owner><rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut>"
        f"<rsp:InputStreams>{escape(creation.input_streams)}</rsp:InputStreams>"
        f"<rsp:OutputStreams>{escape(creation.output_streams)}</rsp:OutputStreams>"
        f"<rsp:State>Connected</rsp:State></rsp:Shell>"
    )


def command_started(command_id: str) -> str:
    """Return the body of a CommandResponse."""
    identity = escape(command_id)
    return f"<rsp:CommandResponse><rsp:CommandId>{identity}</rsp:CommandId></rsp:CommandResponse>"


def received(command_id: str, output: Output) -> str:
    """Return the body of a ReceiveResponse."""
    named = f" CommandId={quoteattr(command_id)}" if command_id else ""
    streams = "".join(
        f"<rsp:Stream Name={quoteattr(chunk.stream)}{named}>"
        f"{base64.b64encode(chunk.data).decode('ascii')}</rsp:Stream>"
        for chunk in output.chunks
    )
    return f"<rsp:ReceiveResponse>{streams}{_state(named, output)}</rsp:ReceiveResponse>"


def _state(named: str, output: Output) -> str:
    if not named:
        return ""
    if not output.done:
        return f'<rsp:CommandState{named} State="{SHELL}/CommandState/Running"/>'
    code = "" if output.exit_code is None else f"<rsp:ExitCode>{output.exit_code}</rsp:ExitCode>"
    ends = "".join(f'<rsp:Stream Name="{name}"{named} End="true"/>' for name in ("stdout", "stderr"))
    if output.exit_code is None:
        ends = ""
    return f'{ends}<rsp:CommandState{named} State="{SHELL}/CommandState/Done">{code}</rsp:CommandState>'


SENT = "<rsp:SendResponse/>"
SIGNALLED = "<rsp:SignalResponse/>"
DELETED = ""

ENVELOPE_OVERHEAD = 2048
"""Bytes of an answer besides the streams, with a margin."""


def payload_limit(envelope_size: int) -> int:
    """Return the number of stream bytes that fit into an answer of `envelope_size` bytes, base64 included."""
    return (envelope_size - ENVELOPE_OVERHEAD) // 4 * 3
