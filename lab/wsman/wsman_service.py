# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers messages: from the bytes of a request to the bytes of its answer, without the network."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.wsman import shell_operations, soap, soapfault
from lab.wsman.soapfault import SoapFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.wsman.shells import Shell, ShellMaker, ShellTable

_logger = logging.getLogger("lab.wsman.wsman_service")

RESPONSE = "Response"


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request: the user, the connection's number and client, and a check that it is still open."""

    user: str
    connection: int
    alive: Callable[[], bool]
    address: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's HTTP status and body; the rest is for the request log."""

    status: int
    body: bytes
    operation: str = ""
    shell_id: str = ""
    command_id: str = ""
    fault: int = 0


@dataclass(frozen=True, slots=True)
class _Done:
    body: str
    shell_id: str
    command_id: str = ""


@dataclass(frozen=True)
class Service:
    """The WS-Management service of one computer."""

    machine: str
    address: str
    makers: Mapping[str, ShellMaker]
    shells: ShellTable
    _operations: Mapping[str, Callable[[soap.Request, Caller], _Done]] = field(init=False)

    def __post_init__(self) -> None:
        operations = {
            shell_operations.CREATE: self._create,
            shell_operations.GET: self._get,
            shell_operations.DELETE: self._delete,
            shell_operations.COMMAND: self._command,
            shell_operations.SEND: self._send,
            shell_operations.RECEIVE: self._receive,
            shell_operations.SIGNAL: self._signal,
        }
        object.__setattr__(self, "_operations", operations)

    def answer(self, message: bytes, caller: Caller) -> Answer:
        """Carry out a message and return its answer. Faults are answers; raises nothing."""
        try:
            request = soap.parse_request(message)
        except SoapFault as fault:
            return self._fault(fault, soap.message_id_of(message), "Malformed")
        name = request.action.rpartition("/")[2]
        try:
            return self._do(request, caller, name)
        except SoapFault as fault:
            return self._fault(fault, request.message_id, name, request.shell_id or "")

    def _do(self, request: soap.Request, caller: Caller, name: str) -> Answer:
        operation = self._operations.get(request.action)
        if operation is None:
            raise soapfault.action_not_supported(request.action)
        done = operation(request, caller)
        action = request.action + RESPONSE
        body = soap.build_response(action, request.message_id, done.body)
        return Answer(200, body, name, done.shell_id, done.command_id)

    def too_large(self, limit: int) -> Answer:
        """Return the answer to a request of more than `limit` bytes."""
        return self._fault(soapfault.envelope_too_large(limit), "", "TooLarge")

    def _fault(self, fault: SoapFault, relates_to: str, operation: str, shell_id: str = "") -> Answer:
        body = soap.build_fault(fault, relates_to, self.machine)
        return Answer(500, body, operation, shell_id, fault=fault.code)

    def _shell(self, request: soap.Request, caller: Caller) -> Shell:
        return self.shells.find(request.shell_id, caller.user, caller.connection)

    def _create(self, request: soap.Request, caller: Caller) -> _Done:
        maker = self.makers.get(request.resource_uri)
        if maker is None:
            raise soapfault.invalid_resource_uri(request.resource_uri)
        creation = shell_operations.read_creation(request)
        shell = maker(request.resource_uri, caller.user, creation)
        shell.description = shell_operations.Description(
            shell.shell_id, request.resource_uri, caller.user, caller.address, creation
        )
        self.shells.add(shell, caller.connection)
        return _Done(shell_operations.created(self.address, shell.description), shell.shell_id)

    def _get(self, request: soap.Request, caller: Caller) -> _Done:
        if request.resource_uri != soap.SHELL:
            raise soapfault.invalid_resource_uri(request.resource_uri)
        try:
            shell = self._shell(request, caller)
        except SoapFault:
            raise soapfault.unknown_shell(soapfault.SHELLS) from None
        body = shell_operations.described(shell.description, running=True)
        return _Done(body, shell.shell_id)

    def _delete(self, request: soap.Request, caller: Caller) -> _Done:
        shell = self._shell(request, caller)
        self.shells.remove(shell)
        return _Done(shell_operations.DELETED, shell.shell_id)

    def _command(self, request: soap.Request, caller: Caller) -> _Done:
        line = shell_operations.read_command(request)
        shell = self._shell(request, caller)
        command_id = shell.command(line, request)
        return _Done(shell_operations.command_started(command_id), shell.shell_id, command_id)

    def _send(self, request: soap.Request, caller: Caller) -> _Done:
        chunks = shell_operations.read_send(request)
        shell = self._shell(request, caller)
        for chunk in chunks:
            shell.send(chunk)
        command_id = chunks[0].command_id if chunks else ""
        return _Done(shell_operations.SENT, shell.shell_id, command_id)

    def _receive(self, request: soap.Request, caller: Caller) -> _Done:
        command_id = shell_operations.read_receive(request)
        shell = self._shell(request, caller)
        limit = shell_operations.payload_limit(request.envelope_size)
        output = shell.receive(command_id, limit, request.operation_timeout, caller.alive)
        if output is None:
            raise soapfault.operation_timed_out()
        return _Done(shell_operations.received(command_id, output), shell.shell_id, command_id)

    def _signal(self, request: soap.Request, caller: Caller) -> _Done:
        command_id, code = shell_operations.read_signal(request)
        shell = self._shell(request, caller)
        shell.signal(command_id, code)
        return _Done(shell_operations.SIGNALLED, shell.shell_id, command_id)
