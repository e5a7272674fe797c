# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of WS-Management with Windows' codes.

Codes and subcodes: wsmerror.h of the Windows SDK. The faults for unknown shells and commands, for a
missing program, a missing command identifier, an invalid time-out and the end of the time-out are as
pypsrp's tests have recorded them from Windows; `tests/matrix/replay.py` compares them.
"""

from __future__ import annotations

from typing import NamedTuple

FAULT_DETAIL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail"

FILE_NOT_FOUND = 2147942402
ACCESS_DENIED = 5
INVALID_PARAMETER = 87
INVALID_TIMEOUT = 2150858767
ACTION_NOT_SUPPORTED = 2150858771
HEADER_REQUIRED = 2150858769
INVALID_SOAP_BODY = 2150858791
OPERATION_TIMED_OUT = 2150858793
INVALID_RESOURCE_URI = 2150858811
SCHEMA_VALIDATION = 2150858817
INVALID_XML = 2150858819
ENVELOPE_SIZE_EXCEEDED = 2150858824
UNEXPECTED_SELECTORS = 2150858843
QUOTA_MAX_SHELLS = 2150859173
QUOTA_MAX_OPERATIONS = 2150859174
OPERATION_ABORTED = 995


class Provider(NamedTuple):
    """The part of Windows that a fault comes from, and the library that contains it.

    `nested`: it answers with a fault of its own inside the service's, not with a text.
    """

    name: str
    path: str
    nested: bool = False


COMMAND_SHELL = Provider("Shell cmd plugin", r"%systemroot%\system32\winrscmd.dll")
SHELLS = Provider("Shell provider", r"%systemroot%\system32\WsmSvc.dll", nested=True)


class SoapFault(Exception):
    """An answer that is a fault.

    `code` is Windows' error code, `subcode` a prefixed name of WS-Management or WS-Addressing, `side`
    the party that caused the fault (Sender or Receiver), `text` the reason for people. `message` is
    the detail for people, as a rule the same text; `provider` its source, if it is not the service.
    """

    def __init__(  # noqa: PLR0913 - the parts of a fault
        self,
        code: int,
        subcode: str,
        text: str,
        *,
        side: str = "Sender",
        detail: str = "",
        message: str = "",
        provider: Provider | None = None,
        wmi_error: bool = False,
    ) -> None:
        super().__init__(text)
        self.code = code
        self.subcode = subcode
        self.text = text
        self.side = side
        self.detail = detail
        self.message = message or text
        self.provider = provider
        self.wmi_error = wmi_error


def operation_timed_out() -> SoapFault:
    """The command wrote no output within the OperationTimeout; clients ask again."""
    return SoapFault(
        OPERATION_TIMED_OUT,
        "w:TimedOut",
        "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  ",
        side="Receiver",
    )


def unknown_shell(provider: Provider | None = None) -> SoapFault:
    """No open shell of this user has this id."""
    return _unexpected_selectors("", provider)


def unknown_command() -> SoapFault:
    """No running command of this shell has this id."""
    return _unexpected_selectors(
        "The Windows Remote Shell received a request to perform an operation on a command identifier that does "
        "not exist. Either the command has completed execution or the client specified an invalid command "
        "identifier. "
    )


def _unexpected_selectors(message: str, provider: Provider | None = None) -> SoapFault:
    return SoapFault(
        UNEXPECTED_SELECTORS,
        "w:InvalidSelectors",
        "The WS-Management service cannot process the request because the request contained invalid selectors "
        "for the resource. ",
        detail=f"{FAULT_DETAIL}/UnexpectedSelectors",
        message=message,
        provider=provider,
    )


def quota_max_operations(limit: int) -> SoapFault:
    """The shell has run as many operations as its quota allows; Ansible opens a new shell."""
    return SoapFault(
        QUOTA_MAX_OPERATIONS,
        "w:QuotaLimit",
        f"The WS-Management service cannot process the request. The maximum number of concurrent operations for "
        f"this user has been exceeded ({limit}). Close existing operations for this user, or raise the quota.",
        wmi_error=True,
    )


def quota_max_shells(limit: int) -> SoapFault:
    """The user has as many open shells as the quota MaxShellsPerUser allows."""
    return SoapFault(
        QUOTA_MAX_SHELLS,
        "w:QuotaLimit",
        f"The WS-Management service cannot process the request. The maximum number of concurrent shells for "
        f"this user has been exceeded ({limit}). Close existing shells or raise the quota for this user.",
        wmi_error=True,
    )


def operation_aborted() -> SoapFault:
    """The service stops while an operation waits (ERROR_OPERATION_ABORTED of winerror.h)."""
    return SoapFault(
        OPERATION_ABORTED,
        "w:InternalError",
        "The I/O operation has been aborted because of either a thread exit or an application request. ",
        side="Receiver",
    )


def action_not_supported(action: str) -> SoapFault:
    """The request asks for an operation that this server does not have."""
    return SoapFault(
        ACTION_NOT_SUPPORTED,
        "a:ActionNotSupported",
        f"The action {action} is not supported by the service. ",
        detail=f"{FAULT_DETAIL}/ActionMismatch",
    )


def invalid_resource_uri(uri: str) -> SoapFault:
    """The request names a resource other than the shells that this server has."""
    return SoapFault(
        INVALID_RESOURCE_URI,
        "a:DestinationUnreachable",
        f"The WS-Management service cannot process the request. The resource URI ({uri}) was not found. ",
        detail=f"{FAULT_DETAIL}/InvalidResourceURI",
    )


def invalid_xml(reason: str) -> SoapFault:
    """The message is not well-formed, or holds a document type declaration."""
    return SoapFault(INVALID_XML, "w:SchemaValidationError", f"The request contains invalid XML: {reason}. ")


def schema_validation(reason: str) -> SoapFault:
    """The message is XML but violates its schema."""
    return SoapFault(SCHEMA_VALIDATION, "w:SchemaValidationError", f"The SOAP XML is not valid: {reason}. ")


def header_required(name: str) -> SoapFault:
    """A required header is missing."""
    return SoapFault(
        HEADER_REQUIRED,
        "a:MessageInformationHeaderRequired",
        f"The request does not have all the expected SOAP headers: {name} is missing. ",
    )


def invalid_timeout(text: str) -> SoapFault:
    """The OperationTimeout is no duration, or a negative one."""
    return SoapFault(
        INVALID_TIMEOUT,
        "a:InvalidMessageInformationHeader",
        "The WS-Management service cannot process the request. The request contains one or more invalid SOAP "
        "headers. ",
        message=f"The WS-Management service cannot process the request. The XML contains an invalid timeout field "
        f"in the SOAP header: {text}. ",
    )


def invalid_body(reason: str) -> SoapFault:
    """The body does not fit the action."""
    return SoapFault(INVALID_SOAP_BODY, "w:SchemaValidationError", f"The SOAP body is not valid: {reason}. ")


def invalid_parameter(provider: Provider | None = None) -> SoapFault:
    """A parameter of the request is not valid for the operation; Windows does not say which."""
    return SoapFault(
        INVALID_PARAMETER,
        "w:InvalidParameter",
        "The parameter is incorrect. ",
        detail=f"{FAULT_DETAIL}/InvalidValue",
        provider=provider,
    )


def envelope_too_large(limit: int) -> SoapFault:
    """The request exceeds the server's size limit."""
    return SoapFault(
        ENVELOPE_SIZE_EXCEEDED,
        "w:EncodingLimit",
        f"The request is larger than the maximum envelope size of {limit} bytes. ",
        detail=f"{FAULT_DETAIL}/MaxEnvelopeSize",
    )


def file_not_found() -> SoapFault:
    """The program of a command without cmd.exe does not exist; Windows does not say which."""
    return SoapFault(
        FILE_NOT_FOUND,
        "w:InternalError",
        "The system cannot find the file specified. ",
        side="Receiver",
        provider=COMMAND_SHELL,
    )
