# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exchanges with a real Windows that pypsrp's tests have recorded, and why some of them cannot apply here.

They are read out of the downloaded source distribution; none is part of this repository.
"""

from __future__ import annotations

import base64
import struct
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import yaml

from lab.wsman.psrp import POWERSHELL_SHELL
from lab.wsman.soap import ADDRESSING, SHELL, WSMAN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

RESPONSES = "tests/tests_pypsrp/responses"
TEMPLATE = "_template"
INVENTED = "http_error"
"""pypsrp's mark of an exchange that fails in its test before Windows is asked."""

CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"

NO_SESSION_CONFIGURATION = "it uses a session configuration of its own (JEA), which needs PowerShell"
NO_DISCONNECTED_SESSIONS = (
    "it is part of disconnecting, listing or connecting again, which the lab does not have"
)
NO_CONFIGURATION = (
    "it asks for the service's configuration (`winrm get winrm/config`), which the lab does not have"
)
NO_POWERSHELL = "it has what a PowerShell pipeline wrote, or how it ended, and the lab runs no PowerShell"
NO_HOST = "its contents are Windows PowerShell's own, on its own time: runspaces, host calls, keys"
NO_PSRPCORE = "it changes the number of runspaces, which psrpcore, the lab's half of PSRP, cannot read"
NO_WINDOWS_7 = (
    "it was recorded on Windows 7, which does not describe a new shell; the lab plays a later Windows"
)
NO_WINDOWS = "pypsrp's test lets it fail before Windows is asked"


class Element:
    """An element of a message, found by its local name."""

    def __init__(self, message: str | bytes) -> None:
        # The messages are pypsrp's recordings and the lab's own answers.
        self.root = ET.fromstring(message)  # noqa: S314

    def text(self, name: str) -> str:
        """Return the text of the first element of this name, or an empty one."""
        return (self.root.findtext(f".//{{*}}{name}") or "").strip()

    def first(self, name: str) -> ET.Element | None:
        """Return the first element of this name."""
        return self.root.find(f".//{{*}}{name}")

    def all(self, name: str) -> Sequence[ET.Element]:
        """Return all elements of this name."""
        return self.root.findall(f".//{{*}}{name}")


@dataclass(frozen=True)
class Exchange:
    """A recorded request with Windows' answer; `invented`: no Windows was asked."""

    request: str
    response: str
    invented: bool

    @cached_property
    def action(self) -> str:
        """The last part of the request's action, such as Create."""
        return Element(self.request).text("Action").rpartition("/")[2]

    @cached_property
    def resource(self) -> str:
        """The resource URI of the request."""
        return Element(self.request).text("ResourceURI")

    @property
    def powershell(self) -> bool:
        """Whether the request belongs to a shell of PowerShell."""
        return self.resource.startswith(POWERSHELL_SHELL.rpartition("/")[0])

    @cached_property
    def fault(self) -> int:
        """The code of the answer, if it is a fault; else 0."""
        fault = Element(self.response).first("WSManFault")
        return int(fault.get("Code", "0")) if fault is not None else 0

    @cached_property
    def command(self) -> str:
        """The command that the request is about, empty for a whole shell."""
        found = Element(self.request)
        for name in ("DesiredStream", "Stream", "Signal"):
            element = found.first(name)
            if element is not None:
                return element.get("CommandId", "")
        return ""


def stories(source: Path) -> Iterator[tuple[str, list[Exchange]]]:
    """Yield the name and the exchanges of each recording of pypsrp's source distribution."""
    for file in sorted((source / RESPONSES).glob("*.yml")):
        if file.stem != TEMPLATE:
            with file.open("rb") as stream:
                messages = yaml.load(stream, _Loader)["messages"]  # noqa: S506 - both loaders are safe
            yield file.stem, [_exchange(message) for message in messages]


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The faster loader is missing where PyYAML was built without its library."""


def _exchange(message: Mapping[str, Any]) -> Exchange:
    return Exchange(message["request"], message["response"] or "", bool(message.get(INVENTED)))


def left_out(story: Sequence[Exchange], number: int) -> str:
    """Return why an exchange cannot apply to the lab's server; an empty text if it can."""
    one = story[number]
    if any(other.powershell and other.resource != POWERSHELL_SHELL for other in story):
        return NO_SESSION_CONFIGURATION
    if one.invented:
        return NO_WINDOWS
    if one.resource == CONFIG:
        return NO_CONFIGURATION
    if one.powershell and one.action == "Create" and Element(one.response).first("Shell") is None:
        return NO_WINDOWS_7
    if one.powershell and one.action == "Send" and SET_RUNSPACES & set(_types(one.request)):
        return NO_PSRPCORE
    if any(map(_disconnects, story[: number + 1])):
        return NO_DISCONNECTED_SESSIONS
    if one.powershell and one.action == "Receive" and one.command and one.fault in {0, TIMED_OUT}:
        return NO_POWERSHELL
    if one.powershell and one.action == "Receive" and not one.command and not _opens(story, number):
        return NO_HOST
    return ""


TIMED_OUT = 2150858793
SET_RUNSPACES = {0x00021002, 0x00021003}
"""SET_MAX_RUNSPACES and SET_MIN_RUNSPACES ([MS-PSRP] section 2.2.1)."""


def _types(message: str) -> list[int]:
    return [kind for data in streams(message).values() for kind in message_types(data)]


def _disconnects(one: Exchange) -> bool:
    disconnected = one.action == "Get" and Element(one.response).text("State") == "Disconnected"
    return disconnected or one.action in {"Connect", "Disconnect", "Reconnect", "Enumerate"}


def _opens(story: Sequence[Exchange], number: int) -> bool:
    """Return whether everything since the Create is reading of the pool's first messages."""
    before = [one.action for one in story[:number]]
    created = len(before) - before[::-1].index("Create") if "Create" in before else number
    return created < number + 1 and set(before[created:]) <= {"Receive"}


def message_types(stream: bytes) -> list[int]:
    """Return the types of the PSRP messages that begin in a stream ([MS-PSRP] sections 2.2.1 and 2.2.4)."""
    types, place = [], 0
    while place < len(stream):
        flags, length = struct.unpack_from(">16xBI", stream, place)
        place += 21
        if flags & 1:
            types.append(struct.unpack_from("<4xI", stream, place)[0])
        place += length
    return types


def streams(response: str | bytes) -> dict[str, bytes]:
    """Return what an answer has of each stream, by the stream's name."""
    found: dict[str, bytes] = {}
    for element in Element(response).all("Stream"):
        name = element.get("Name", "")
        found[name] = found.get(name, b"") + base64.b64decode(element.text or "")
    return found


CHANGING = (
    "ShellId",
    "CommandId",
    "Owner",
    "ClientIP",
    "ProcessId",
    "MemoryUsed",
    "ShellRunTime",
    "ShellInactivity",
)
UNCOMPARED = {
    # Ids, names and addresses of the computers, times and sizes differ by their nature.
    *(f"{{{ADDRESSING}}}{name}" for name in ("MessageID", "RelatesTo", "Address")),
    *(f"{{{SHELL}}}{name}" for name in CHANGING),
    f"{{{WSMAN}}}Selector",
}
UNCOMPARED_ATTRIBUTES = {"CommandId", "Machine"}
NOT_OF_EVERY_WINDOWS = "ActivityId"
"""Windows 8 and later add this header, Windows 7 does not."""


def lines(response: str | bytes, *, whole: bool = True) -> list[str]:
    """Return a message as lines that are equal for answers that are alike.

    Pieces of a stream are joined: where Windows cuts them is chance. `whole`: compare their contents.
    """
    root = Element(response).root
    return [*_lines(root, "", whole=whole)]


def _lines(element: ET.Element, path: str, *, whole: bool) -> Iterator[str]:
    name = element.tag.rpartition("}")[2]
    if name in {NOT_OF_EVERY_WINDOWS, "Stream"}:
        return
    here = f"{path}/{element.tag.rpartition('}')[2]}"
    kept = {key: "*" if key in UNCOMPARED_ATTRIBUTES else value for key, value in element.attrib.items()}
    if name == "Variable":
        # Windows drops a backslash from such a name; no program of the lab gets it.
        kept = {"Name": "*"}
    text = "*" if element.tag in UNCOMPARED else (element.text or "").strip("\n")
    yield f"{here} {_namespace(element)} {sorted(kept.items())} {text!r}"
    yield from _stream_lines(element, here, whole=whole)
    for child in element:
        yield from _lines(child, here, whole=whole)


def _namespace(element: ET.Element) -> str:
    return element.tag.partition("}")[0].removeprefix("{")


def _stream_lines(element: ET.Element, path: str, *, whole: bool) -> Iterator[str]:
    pieces = [child for child in element if child.tag == f"{{{SHELL}}}Stream"]
    joined: dict[str, bytes] = {}
    for piece in pieces:
        if not piece.get("End"):
            name = piece.get("Name", "")
            joined[name] = joined.get(name, b"") + base64.b64decode(piece.text or "")
    for name, data in sorted(joined.items()):
        yield f"{path}/Stream {name} {data if whole else '*'!r}"
    yield from sorted(f"{path}/Stream {piece.get('Name')} ends" for piece in pieces if piece.get("End"))
