# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tile of a permit, as the customer sees it."""

from __future__ import annotations

import msgspec
import pytest

from lab.wine.logon_ui import LogonScreen
from tests.native.programs import E_INVALIDARG, FakeAgent
from tests.native.scene import PERMIT, USERS

GERMAN = 0x0407
SHOWN, HIDDEN = 1, 0
LARGE_TEXT, SMALL_TEXT = 1, 2
LABEL = 0x286BBFF3


@pytest.mark.parametrize(
    ("language", "action", "text"),
    [
        (0x0409, "restart", "Signs you in after the restart. The screen locks again at once."),
        (0x0809, "unlock", "Unlocks your session. It is locked again afterwards."),
        (
            GERMAN,
            "restart",
            "Meldet Sie nach dem Neustart an. Der Bildschirm wird sofort wieder gesperrt.",
        ),
        (0x0C07, "unlock", "Entsperrt Ihre Sitzung. Sie wird danach wieder gesperrt."),
    ],
)  # fmt: skip
def test_the_tile_says_what_it_is_about_to_do(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray, language: int, action: str, text: str
) -> None:
    """In the system's language; German and English are complete."""
    screen("windows", "language", language)
    agent.has_permit(msgspec.structs.replace(PERMIT, action=action), canary)
    screen.begin(users=USERS)
    screen.tile()
    screen("at", 0, 0)
    fields = [screen("field", 0, number) for number in range(4)]
    assert [field["state"] for field in fields] == [SHOWN, SHOWN, HIDDEN, HIDDEN]
    assert [fields[number]["text"] for number in (0, 1, 3)] == ["Latchkey", text, "Latchkey"]
    assert screen("field", 0, 4)["hr"] == E_INVALIDARG


def test_the_tile_of_an_entra_account_says_what_may_happen(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """Windows may refuse the password of an Entra account."""
    agent.has_permit(msgspec.structs.replace(PERMIT, kind="entra", user="ada@corp.example"), canary)
    screen.begin(users=USERS)
    screen.tile()
    screen("at", 0, 0)
    note = screen("field", 0, 2)
    assert note["state"] == SHOWN
    assert "Windows may refuse the password" in note["text"]


def test_the_tile_shows_only_texts_of_latchkey(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """No field shows any text of the agent's answer: a name of an operator cannot reach the logon screen."""
    texts = {name: f"{name}Mark" for name in ("user", "domain")}
    agent.has_permit(msgspec.structs.replace(PERMIT, permit="PermitMark", **texts), canary)
    screen.begin(users=USERS)
    screen.tile()
    screen("at", 0, 0)
    assert "Mark" not in " ".join(screen("field", 0, number)["text"] for number in range(4))


def test_no_field_can_hold_a_secret(screen: LogonScreen) -> None:
    """The fields are four texts; LogonUI may keep the content of a field for any time."""
    screen.begin(users=USERS)
    assert screen("fields", 0)["count"] == 4
    described = [screen("descriptor", 0, index) for index in range(4)]
    assert [field["type"] for field in described] == [LARGE_TEXT, SMALL_TEXT, SMALL_TEXT, SMALL_TEXT]
    assert [field["id"] for field in described] == [0, 1, 2, 3]
    assert [field["label"] for field in described] == ["Latchkey"] * 4
    assert [field["labelled"] == LABEL for field in described] == [False, False, False, True]
    assert screen("descriptor", 0, 4)["hr"] == E_INVALIDARG
