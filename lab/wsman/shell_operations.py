# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shell operations of WS-Management as plain values, and the bodies of their answers.

Source: [MS-WSMV] sections 2.2.4 (elements) and 3.1.4 (operations).
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from lab.wsman import soapfault
from lab.wsman.soap import POWERSHELL, SHELL, TRANSFER, Request, parse_duration

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from collections.abc import Iterator, Sequence

CREATE = f"{TRANSFER}/Create"
GET = f"{TRANSFER}/Get"
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

DEFAULT_IDLE_SECONDS = 7200.0
"""The time-out that Windows gives to a shell whose client names none (winrm/config/winrs, IdleTimeout)."""


@dataclass(frozen=True, slots=True)
class Creation:
    """The contents of a Create.

    `creation_xml` is PowerShell's opening data, `shell_id` the id that it wants. `idle_seconds`,
    `profile` (whether the user's is loaded), `working_directory` and `environment` are only told back: they
    change nothing for the lab's programs.
    """

    input_streams: str
    output_streams: str
    shell_id: str
    creation_xml: bytes
    idle_seconds: float = DEFAULT_IDLE_SECONDS
    profile: bool = True
    working_directory: str = ""
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """A shell as answers to a Create and a Get show it; `client` is the address of who created it."""

    shell_id: str
    resource_uri: str
    owner: str
    client: str
    creation: Creation


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
    """The contents of a Receive's answer: pieces, and whether the command has ended (`exit_code`).

    `ends`: the end of a command ends its streams, too, as in a command shell.
    """

    chunks: Sequence[Chunk]
    done: bool
    exit_code: int | None = None
    ends: bool = True


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
    """Read a Create. Raises SoapFault: the body is not a Shell, or its idle time-out no duration."""
    shell = _body(request, "Shell")
    variables = shell.iterfind(f"{{{SHELL}}}Environment/{{{SHELL}}}Variable")
    return Creation(
        input_streams=_text(shell, "InputStreams"),
        output_streams=_text(shell, "OutputStreams"),
        shell_id=shell.get("ShellId", ""),
        creation_xml=decode_base64(shell.findtext(f"{{{POWERSHELL}}}creationXml")),
        idle_seconds=_idle_seconds(shell),
        profile=request.options.get("WINRS_NOPROFILE", "").upper() != "TRUE",
        working_directory=_text(shell, "WorkingDirectory"),
        environment=tuple((item.get("Name", ""), item.text or "") for item in variables),
    )


def _idle_seconds(shell: ET.Element) -> float:
    text = _text(shell, "IdleTimeOut").strip()
    try:
        return parse_duration(text) if text else DEFAULT_IDLE_SECONDS
    except soapfault.SoapFault:
        raise soapfault.invalid_body("IdleTimeOut is not a duration such as PT60S") from None


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


def ends_command(code: str) -> bool:
    """Return whether a signal ends its command; Windows accepts its name in any case (`signal/Terminate`)."""
    return code.casefold() in TERMINATE_SIGNALS


def created(address: str, shell: Description) -> str:
    """Return the body of a CreateResponse."""
    return (
        f"<x:ResourceCreated><a:Address>{escape(address)}</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{escape(shell.resource_uri)}</w:ResourceURI><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{escape(shell.shell_id)}</w:Selector></w:SelectorSet>'
        f"</a:ReferenceParameters></x:ResourceCreated>{described(shell)}"
    )


POWERSHELL_DEFAULTS = (
    ("MaxIdleTimeOut", "PT2147483.647S"),
    ("Locale", "en-US"),
    ("DataLocale", "en-US"),
    ("CompressionMode", "NoCompression"),
    ("ProfileLoaded", ""),
    ("Encoding", "UTF8"),
    ("BufferMode", "Block"),
    ("State", "Connected"),
)
"""What Windows tells of a shell of PowerShell and not of a command shell, with the values that were recorded."""


def described(shell: Description, *, running: bool = False) -> str:
    """Return a shell's element, in the order of Windows; `running` adds what only a Get tells.

    Times and sizes are those of a new shell. Windows leaves out the name and lifetime that the client gave.
    """
    creation, powershell = shell.creation, shell.resource_uri != COMMAND_SHELL
    parts = [
        _element("ShellId", shell.shell_id),
        _element("ResourceUri", shell.resource_uri),
        _element("Owner", shell.owner),
        _element("ClientIP", shell.client),
        _element("ProcessId", str(os.getpid())) if powershell else "",
        _environment(creation),
        _element("WorkingDirectory", creation.working_directory) if creation.working_directory else "",
        _element("IdleTimeOut", f"PT{creation.idle_seconds:.3f}S"),
        _element("InputStreams", creation.input_streams),
        _element("OutputStreams", creation.output_streams),
        *(_powershell(creation) if powershell else ()),
        _element("ShellRunTime", "P0DT0H0M0S"),
        _element("ShellInactivity", "P0DT0H0M0S"),
        _element("MemoryUsed", "58MB") + _element("ChildProcesses", "0") if running else "",
    ]
    return f"<rsp:Shell>{''.join(parts)}</rsp:Shell>"


def _element(name: str, text: str) -> str:
    return f"<rsp:{name}>{escape(text)}</rsp:{name}>"


def _powershell(creation: Creation) -> Iterator[str]:
    for name, value in POWERSHELL_DEFAULTS:
        yield _element(name, value or ("Yes" if creation.profile else "No"))


def _environment(creation: Creation) -> str:
    if not creation.environment:
        return ""
    variables = (
        f"<rsp:Variable Name={quoteattr(name)}>{escape(value)}</rsp:Variable>"
        for name, value in creation.environment
    )
    return f"<rsp:Environment>{''.join(variables)}</rsp:Environment>"


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
    if output.exit_code is None or not output.ends:
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
