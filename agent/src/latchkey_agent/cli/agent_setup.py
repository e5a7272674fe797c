# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets the agent up: validates and writes the settings, and changes the group of operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from latchkey_agent.core import settings
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import PROTOCOL_VERSION, codec
from latchkey_agent.protocol.errors import error
from latchkey_agent.protocol.setup_messages import Setup, SetupAnswer

if TYPE_CHECKING:
    from pathlib import Path

    from latchkey_agent.protocol import answers as ans

_request = msgspec.json.Decoder(Setup)


class Member(NamedTuple):
    """An account in the group of operators; the SID decides, the name is for people."""

    sid: str
    name: str


class Operators(Protocol):
    """The local group of operators. Methods raise PortError when Windows refuses."""

    def members(self) -> list[Member]:
        """Return the members of the group; empty if the group is missing."""
        ...

    def find(self, name: str) -> Member | None:
        """Return the account or group of this name, None if it is unknown."""
        ...

    def change(self, add: list[Member], remove: list[Member]) -> None:
        """Make the group if it is missing, and change its members."""
        ...


def apply(body: bytes, file: Path, group: Operators) -> ans.Answer:
    """Carry one `setup` request out, or with `check` return its result only.

    All input is validated before the first change.

    Args:
        body: the request's JSON.
        file: the settings file.
        group: the group of operators.
    """
    try:
        request = _request.decode(body)
        if request.protocol != PROTOCOL_VERSION:
            return codec.refused(error("protocol_mismatch", theirs=request.protocol, ours=PROTOCOL_VERSION))
        return _apply(request, file, group)
    except msgspec.DecodeError as fault:
        return codec.refused(error("bad_message", detail=str(fault)))
    except settings.SettingsError as fault:
        return codec.refused(error("settings_invalid", detail=str(fault)))
    except PortError as fault:
        return codec.refused(error("setup_failed", detail=str(fault)))
    except OSError as fault:
        return codec.refused(
            error("setup_failed", detail=f"{file.name} could not be written: {fault.strerror}")
        )


def _apply(request: Setup, file: Path, group: Operators) -> ans.Answer:
    wanted = None if request.settings is None else settings.from_object(request.settings)
    new = wanted is not None and not settings.is_in_place(file, wanted)
    if wanted is not None:
        settings.require_newer_keys(file, wanted)
    add, remove = ([], []) if request.operators is None else _difference(request.operators, group)
    if not request.check:
        if add or remove:
            group.change(add, remove)
        if wanted is not None and new:
            settings.put(file, wanted)
    result = SetupAnswer(
        settings_changed=new,
        operators_added=[member.name for member in add],
        operators_removed=[member.name for member in remove],
    )
    return codec.done(result, changed=new or bool(add or remove))


def _difference(names: list[str], group: Operators) -> tuple[list[Member], list[Member]]:
    found = {name: group.find(name) for name in names}
    if unknown := [name for name, member in found.items() if member is None]:
        msg = f"there is no account or group named {', '.join(unknown)}"
        raise PortError(msg)
    wanted = {member.sid: member for member in found.values() if member is not None}
    present = {member.sid: member for member in group.members()}
    add = [member for sid, member in wanted.items() if sid not in present]
    return add, [member for sid, member in present.items() if sid not in wanted]
