# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""PowerShell remoting (PSRP) over WS-Management: a runspace pool as a shell, pipelines as commands.

psrpcore holds the protocol's state; this module carries bytes to and from it and runs the scripts.
Sources: [MS-PSRP] sections 2.2.2 (messages) and 3.2 (server); psrpcore's documentation.
"""

from __future__ import annotations

import logging
import threading
import uuid
from typing import TYPE_CHECKING, Any

from psrpcore import (
    CreatePipelineEvent,
    EndOfPipelineInputEvent,
    PipelineInputEvent,
    PSRPCoreError,
    PSRPEvent,
    PSRPPayload,
    ServerPipeline,
    ServerRunspacePool,
    StreamType,
)

from lab.wsman import soapfault
from lab.wsman.pipeline import RunningPipeline
from lab.wsman.shell_operations import Chunk, CommandLine, Creation, Output, decode_base64, ends_command
from lab.wsman.shells import Shell
from lab.wsman.soap import POWERSHELL, Request
from lab.wsman.streams import OutputBuffer

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.wsman.host import Host

POWERSHELL_SHELL = f"{POWERSHELL}/Microsoft.PowerShell"
FRAGMENT_SIZE = 32768
"""Bytes of a PSRP fragment ([MS-PSRP] section 2.2.4 names no default; Windows' own is this)."""

FRAGMENT_HEADER = 21
"""Bytes: the ids of object and fragment, the flags, the length of the contents."""

STARTS = 1
"""The flag of a message's first fragment."""

PIPELINE_ID = slice(24, 40)
"""The pipeline's id in a message, after its destination, its type and the pool's id."""

STREAMS = {"stdin": StreamType.default, "pr": StreamType.prompt_response}

# psrpcore logs whole messages at the level DEBUG.
logging.getLogger("psrpcore").setLevel(logging.INFO)

_MALFORMED = (PSRPCoreError, ValueError, KeyError, IndexError, TypeError, AttributeError)
"""The errors that psrpcore raises for malformed messages."""


class RunspaceShell(Shell):
    """A runspace pool. Its pipelines run side by side."""

    def __init__(self, resource_uri: str, owner: str, shell_id: str, host: Host) -> None:
        super().__init__(resource_uri, owner, shell_id)
        self._host = host
        self._lock = threading.RLock()
        self._pool = ServerRunspacePool()
        self._buffer = OutputBuffer(whole=True)
        self._pipelines: dict[uuid.UUID, RunningPipeline] = {}
        self._kept: dict[str, str] = {}

    @classmethod
    def create(cls, host: Host, resource_uri: str, owner: str, creation: Creation) -> RunspaceShell:
        """Open a pool with the client's opening messages. Raises SoapFault: they are malformed."""
        shell = cls(resource_uri, owner, creation.shell_id, host)
        shell._take(PSRPPayload(creation.creation_xml, StreamType.default, None))
        return shell

    def _take(self, payload: PSRPPayload) -> None:
        with self._lock:
            try:
                self._pool.receive_data(payload)
                while (event := self._pool.next_event()) is not None:
                    self._handle(event)
            except _MALFORMED as error:
                raise soapfault.invalid_body(f"PSRP: {type(error).__name__}") from error
            self._flush()

    def _handle(self, event: PSRPEvent[Any, Any]) -> None:
        match event:
            case CreatePipelineEvent():
                self._find(event.pipeline_id).start(event.pipeline, no_input=event.pipeline.no_input)
            case PipelineInputEvent():
                self._find(event.pipeline_id).feed(event.data)
            case EndOfPipelineInputEvent():
                self._find(event.pipeline_id).end_input()

    def _flush(self) -> None:
        """Move psrpcore's outgoing messages to the buffers that clients receive from."""
        with self._lock:
            while (payload := self._pool.data_to_send(FRAGMENT_SIZE)) is not None:
                if payload.pipeline_id is None:
                    self._buffer.write("stdout", payload.data)
                elif pipeline := self._pipelines.get(payload.pipeline_id):
                    pipeline.buffer.write("stdout", payload.data)

    def _find(self, pipeline_id: uuid.UUID) -> RunningPipeline:
        pipeline = self._pipelines.get(pipeline_id)
        if pipeline is None:
            raise soapfault.unknown_command()
        return pipeline

    def command(self, line: CommandLine, request: Request) -> str:
        """Start a pipeline. Raises SoapFault: it has no id, or its first fragment is malformed."""
        pipeline_id = _identity(line.command_id)
        with self._lock:
            pipeline = ServerPipeline(self._pool, pipeline_id)
            self._pipelines[pipeline_id] = RunningPipeline(
                pipeline,
                host=self._host,
                user=self.owner,
                lock=self._lock,
                flush=self._flush,
                kept=self._kept,
            )
        for text in line.encoded_arguments:
            data = addressed(decode_base64(text), pipeline_id)
            self._take(PSRPPayload(data, StreamType.default, pipeline_id))
        return line.command_id

    def send(self, chunk: Chunk) -> None:
        """Take messages. Raises SoapFault: no such pipeline or stream, or they are malformed."""
        pipeline_id = _identity(chunk.command_id) if chunk.command_id else None
        if chunk.stream not in STREAMS:
            raise soapfault.invalid_parameter()
        data = chunk.data
        if pipeline_id is not None:
            self._find(pipeline_id)
            data = addressed(data, pipeline_id)
        self._take(PSRPPayload(data, STREAMS[chunk.stream], pipeline_id))

    def receive(
        self, command_id: str, limit: int, timeout: float, alive: Callable[[], bool]
    ) -> Output | None:
        """Return the next messages of a pipeline or of the pool. Raises SoapFault: no such pipeline."""
        buffer = self._find(_identity(command_id)).buffer if command_id else self._buffer
        return buffer.take(command_id, limit, timeout, alive)

    def signal(self, command_id: str, code: str) -> None:
        """End a pipeline and forget it. Raises SoapFault: no such pipeline or signal."""
        pipeline = self._find(_identity(command_id))
        if not ends_command(code):
            raise soapfault.invalid_parameter()
        with self._lock:
            self._pipelines.pop(_identity(command_id), None)
        pipeline.cancel()

    def abort(self) -> None:
        """Let every waiting Receive raise the SoapFault 995."""
        with self._lock:
            pipelines = list(self._pipelines.values())
        for pipeline in pipelines:
            pipeline.buffer.abort()
        self._buffer.abort()

    def close(self) -> None:
        """End every pipeline."""
        with self._lock:
            pipelines = list(self._pipelines.values())
        for pipeline in pipelines:
            pipeline.cancel()
        self._buffer.finish()


def addressed(data: bytes, pipeline_id: uuid.UUID) -> bytes:
    """Return a pipeline's fragments with its id in each message that begins in them.

    Windows goes by the command that the messages arrive for: it has accepted messages with another id inside, as
    pypsrp's tests have recorded. [MS-PSRP] sections 2.2.4 (fragments) and 2.2.1 (messages).
    """
    fixed, place = bytearray(data), 0
    while place + FRAGMENT_HEADER <= len(fixed):
        begin = place + FRAGMENT_HEADER
        place = begin + int.from_bytes(fixed[begin - 4 : begin])
        if fixed[begin - 5] & STARTS and begin + PIPELINE_ID.stop <= len(fixed):
            fixed[begin + PIPELINE_ID.start : begin + PIPELINE_ID.stop] = pipeline_id.bytes_le
    return bytes(fixed)


def _identity(command_id: str) -> uuid.UUID:
    try:
        return uuid.UUID(command_id)
    except ValueError as error:
        raise soapfault.invalid_parameter() from error
