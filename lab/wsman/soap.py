# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SOAP envelopes of WS-Management, without any I/O.

Sources: [MS-WSMV] sections 2.2.4 and 3.1.4 (messages), DMTF DSP0226 (WS-Management), and the
messages that pywinrm and pypsrp exchange with Windows.
"""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from lab.wsman import soapfault
from lab.wsman.soapfault import SoapFault

if TYPE_CHECKING:
    from collections.abc import Mapping

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
MICROSOFT_WSMAN = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
WSMAN_FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
WMI_ERROR = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError"
POWERSHELL = "http://schemas.microsoft.com/powershell"

ANONYMOUS = f"{ADDRESSING}/role/anonymous"
FAULT_ACTIONS = {
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
    "a": f"{ADDRESSING}/fault",
}
"""The action of a fault, by the prefix of its subcode: each specification has its own."""

DEFAULT_OPERATION_TIMEOUT = 60.0
"""Seconds; Windows' own default (MaxTimeoutms = 60000), also the most that is granted."""

DEFAULT_ENVELOPE_SIZE = 153600
SMALLEST_ENVELOPE_SIZE = 8192
LARGEST_ENVELOPE_SIZE = 512000
"""Bytes; Windows' default MaxEnvelopeSizekb is 500."""

_DURATION = re.compile(
    r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_UNITS = {"days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}


@dataclass(frozen=True, slots=True)
class Request:
    """The parts of a request's envelope that a shell server needs.

    `operation_timeout` is in seconds, `envelope_size` in bytes; both are within this server's limits.
    `body` is the element inside `s:Body`, or None.
    """

    action: str
    message_id: str
    resource_uri: str
    shell_id: str | None
    options: Mapping[str, str]
    operation_timeout: float
    envelope_size: int
    body: ET.Element | None


class _NoDoctype(ET.TreeBuilder):
    """Refuses document type declarations, and with them every entity declaration."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise soapfault.invalid_xml("a document type declaration is not allowed in SOAP")


def parse_request(message: bytes) -> Request:
    """Read one request.

    Raises SoapFault: not well-formed XML, not a SOAP 1.2 envelope, or a header is missing or invalid.
    """
    envelope = _parse(message)
    header, body = envelope.find(f"{{{SOAP}}}Header"), envelope.find(f"{{{SOAP}}}Body")
    if envelope.tag != f"{{{SOAP}}}Envelope" or header is None or body is None:
        raise soapfault.schema_validation("the message is not a SOAP 1.2 envelope with a header and a body")
    return Request(
        action=_required(header, f"{{{ADDRESSING}}}Action"),
        message_id=_required(header, f"{{{ADDRESSING}}}MessageID"),
        resource_uri=_text(header, f"{{{WSMAN}}}ResourceURI"),
        shell_id=_named(header, "SelectorSet", "Selector").get("ShellId"),
        options=_named(header, "OptionSet", "Option"),
        operation_timeout=_timeout(_text(header, f"{{{WSMAN}}}OperationTimeout")),
        envelope_size=_envelope_size(_text(header, f"{{{WSMAN}}}MaxEnvelopeSize")),
        body=next(iter(body), None),
    )


_ACTION = re.compile(rb":Action[^>]*>[^<]*/([A-Za-z]+)<")


def action_name(message: bytes) -> str:
    """Return the last part of the action's URI (Create, Receive, ...) without parsing; or empty."""
    match = _ACTION.search(message)
    return match[1].decode("ascii") if match else ""


def message_id_of(message: bytes) -> str:
    """Return the message's id, or an empty string if it is unknown. Never raises."""
    try:
        return _parse(message).findtext(f"{{{SOAP}}}Header/{{{ADDRESSING}}}MessageID", "").strip()
    except SoapFault:
        return ""


def _parse(message: bytes) -> ET.Element:
    try:
        # Without document types there are no entities, so the known attacks on XML parsers fail.
        return ET.fromstring(message, parser=ET.XMLParser(target=_NoDoctype()))  # noqa: S314
    except (ET.ParseError, ValueError, LookupError) as error:
        raise soapfault.invalid_xml(str(error)) from error


def _text(parent: ET.Element, tag: str) -> str:
    return (parent.findtext(tag) or "").strip()


def _required(header: ET.Element, tag: str) -> str:
    text = _text(header, tag)
    if not text:
        raise soapfault.header_required(tag.rpartition("}")[2])
    return text


def _named(header: ET.Element, group: str, item: str) -> dict[str, str]:
    items = header.iterfind(f"{{{WSMAN}}}{group}/{{{WSMAN}}}{item}")
    return {element.get("Name", ""): (element.text or "").strip() for element in items}


def _timeout(text: str) -> float:
    if not text:
        return DEFAULT_OPERATION_TIMEOUT
    return min(parse_duration(text), DEFAULT_OPERATION_TIMEOUT)


def parse_duration(text: str) -> float:
    """Return the seconds of an ISO 8601 duration of days and time, such as PT20S.

    Raises SoapFault: the text is not such a duration, or it is negative.
    """
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise soapfault.invalid_timeout(text)
    return sum(float(value) * _UNITS[unit] for unit, value in match.groupdict().items() if value)


def _envelope_size(text: str) -> int:
    if not text:
        return DEFAULT_ENVELOPE_SIZE
    if not text.isascii() or not text.isdigit():
        raise soapfault.schema_validation("MaxEnvelopeSize is not a number of bytes")
    return max(SMALLEST_ENVELOPE_SIZE, min(int(text), LARGEST_ENVELOPE_SIZE))


def build_response(action: str, relates_to: str, body: str) -> bytes:
    """Return the envelope of an answer; `body` is XML text that uses the prefixes s, a, x, w, rsp and p."""
    related = f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo>" if relates_to else ""
    return (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:x="{TRANSFER}"'
        f' xmlns:w="{WSMAN}" xmlns:rsp="{SHELL}" xmlns:p="{MICROSOFT_WSMAN}"><s:Header>'
        f"<a:Action>{escape(action)}</a:Action><a:MessageID>uuid:{new_id()}</a:MessageID>"
        f"<a:To>{ANONYMOUS}</a:To>{related}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def build_fault(fault: SoapFault, relates_to: str, machine: str) -> bytes:
    """Return the envelope of a fault, in the shape in which Windows sends it."""
    text = escape(fault.text)
    detail = f"<w:FaultDetail>{fault.detail}</w:FaultDetail>" if fault.detail else ""
    body = (
        f"<s:Fault><s:Code><s:Value>s:{fault.side}</s:Value><s:Subcode><s:Value>{fault.subcode}</s:Value>"
        f'</s:Subcode></s:Code><s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason><s:Detail>{detail}'
        f"{_windows_fault(fault, machine)}{_wmi_error(fault)}</s:Detail></s:Fault>"
    )
    return build_response(FAULT_ACTIONS[fault.subcode.partition(":")[0]], relates_to, body)


def _windows_fault(fault: SoapFault, machine: str) -> str:
    message, provider = escape(fault.message), fault.provider
    frame = (
        f'<f:WSManFault xmlns:f="{WSMAN_FAULT}" Code="{fault.code}" Machine="{escape(machine)}"><f:Message>'
    )
    end = "</f:Message></f:WSManFault>"
    if provider is not None:
        inside = f"{frame}{message}{end}" if provider.nested else message
        source = f"provider={quoteattr(provider.name)} path={quoteattr(provider.path)}"
        message = f"<f:ProviderFault {source}>{inside}</f:ProviderFault>"
    return f"{frame}{message}{end}"


def _wmi_error(fault: SoapFault) -> str:
    if not fault.wmi_error:
        return ""
    return (
        f'<m:MSFT_WmiError xmlns:m="{WMI_ERROR}"><m:error_Code>{fault.code}</m:error_Code>'
        f"<m:Message>{escape(fault.text)}</m:Message></m:MSFT_WmiError>"
    )


def new_id() -> str:
    """Return a new id in the form of Windows' shell, command and message ids."""
    return str(uuid.uuid4()).upper()
