# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/attack-surface.md matches the code's descriptors; needs neither Wine nor Windows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from latchkey_agent.windows import names
from latchkey_agent.windows.win32 import access

PAGE = (Path(__file__).parents[2] / "docs" / "attack-surface.md").read_text(encoding="utf-8")
DESCRIPTORS = {
    names.PIPE_CONTROL: access.CONTROL,
    names.PIPE_CUSTOMER: access.CUSTOMER,
    names.PIPE_LOGON: access.LOGON,
    names.PERMIT_EVENT: access.PERMIT_EVENT,
    rf"%ProgramData%\{names.DATA_FOLDER}": access.DATA_FOLDER,
    rf"HKLM\{names.REGISTRY_KEY}": access.REGISTRY_KEY,
}


@pytest.mark.parametrize("thing", DESCRIPTORS)
def test_each_object_is_listed_with_its_descriptor(thing: str) -> None:
    """The same line or paragraph of the page has the object and its exact descriptor."""
    sentence = next(part for part in re.split(r"\n(?=\|)|\n\n(?=#)", PAGE) if f"`{thing}`" in part)
    assert f"`{DESCRIPTORS[thing]}`" in sentence


def test_each_descriptor_of_the_page_exists() -> None:
    """Every SDDL text on the page is in the code."""
    known = {*DESCRIPTORS.values(), access.SERVICE}
    assert set(re.findall(r"`((?:O:|D:)[^`]+)`", PAGE)) == known


def test_the_operators_entry_matches_the_code() -> None:
    """The page has the access entry that the code adds if the group of operators exists."""
    assert f"`{access.CONTROL_OPERATORS}`" in PAGE
    sid = "S-1-5-21-1-2-3-1005"
    assert access.control_pipe(sid) == access.CONTROL.format(operators=f"(A;;0x100083;;;{sid})")
    assert access.control_pipe(None) == access.CONTROL.format(operators="")


def test_no_client_may_put_up_an_instance_of_a_pipe() -> None:
    """FILE_APPEND_DATA on a pipe is FILE_CREATE_PIPE_INSTANCE."""
    assert not access.PIPE_CLIENT & 0x4
    for sddl in (access.control_pipe("S-1-5-21-1-2-3-1005"), access.CUSTOMER, access.LOGON):
        for rights, whom in re.findall(r"\(A;;([^;]+);;;([^)]+)\)", sddl):
            assert rights == ("FA" if whom == "SY" else f"{access.PIPE_CLIENT:#x}")


def test_privileges_of_the_page_are_those_that_the_service_keeps() -> None:
    """The page and the code list the same privileges."""
    assert set(re.findall(r"^\| `(Se\w+Privilege)`", PAGE, re.MULTILINE)) == set(access.REQUIRED_PRIVILEGES)
