# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting up the agent: settings are checked first, written whole, and kept if the new ones are wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latchkey_agent import plain_text
from latchkey_agent.cli.agent_setup import Member, apply
from latchkey_agent.core import settings
from latchkey_agent.protocol import answers as ans
from latchkey_agent.storage.ssh_signature import public_line

GOOD = {
    "organization": {"name": 'Example "IT" \\ GmbH', "phone": "+49 30 1234567"},
    "policy": {"max_restarts": 3},
}
ANNA, BEN, CARL = (
    Member(f"S-1-5-21-1-2-3-{number}", name) for number, name in enumerate(("anna", "ben", "carl"))
)


class Group:
    """A local group in memory."""

    def __init__(self, *members: Member) -> None:
        self.now = list(members)

    def members(self) -> list[Member]:
        """Return the members."""
        return list(self.now)

    def find(self, name: str) -> Member | None:
        """Return one of three known accounts."""
        return next((known for known in (ANNA, BEN, CARL) if known.name == name), None)

    def change(self, add: list[Member], remove: list[Member]) -> None:
        """Add and remove members."""
        self.now = [member for member in self.now if member not in remove] + add


def set_up(file: Path, group: Group | None = None, **fields: Any) -> ans.Answer:
    """Send one set-up request."""
    return apply(json.dumps({"verb": "setup", **fields}).encode(), file, group or Group())


def code_of(answer: ans.Answer) -> str:
    """Return the code of a refusal."""
    assert answer.outcome == "refused"
    assert isinstance(answer.error, ans.ErrorView)
    return answer.error.code


def test_settings_are_written_and_found_unchanged(tmp_path: Path) -> None:
    """The file holds the requested settings, and the same request changes nothing."""
    file = tmp_path / "settings.toml"
    assert set_up(file, settings=GOOD).changed
    assert settings.parse(file.read_bytes()) == msgspec.convert(GOOD, settings.Settings)
    assert not set_up(file, settings=GOOD).changed
    assert [path.name for path in tmp_path.iterdir()] == ["settings.toml"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"policy": {"max_restarts": -1}},
        {"policy": {"max_restart": 3}},
        {"organisation": {}},
        {"organization": {"name": "two\nlines"}},
        {"policy": {"require_ticket": "yes"}},
    ],
)
def test_wrong_settings_are_refused_and_change_nothing(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """Invalid settings are refused, and the file stays unchanged."""
    file = tmp_path / "settings.toml"
    set_up(file, settings=GOOD)
    before = file.read_bytes()
    answer = set_up(file, settings=wrong)
    assert code_of(answer) == "settings_invalid"
    assert file.read_bytes() == before


def pinned(epoch: int, *names: str) -> dict[str, Any]:
    """Return settings that pin the keys of these names."""
    keys = [public_line(name.encode().ljust(32, b"x")) for name in names]
    return {"signing": {"epoch": epoch, "organization": "Contoso IT", "authorities": keys}}


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (pinned(2, "b"), "same epoch 2"),
        (pinned(1, "a"), "epoch 1, and epoch 2"),
        ({"policy": {"max_restarts": 3}}, "epoch 0, and epoch 2"),
    ],
)
def test_keys_without_a_higher_epoch_are_refused_before_they_are_written(
    tmp_path: Path, wanted: dict[str, Any], words: str
) -> None:
    """The agent would refuse everything, sign-ins as well; the role learns it, and the former settings stay."""
    file = tmp_path / "settings.toml"
    set_up(file, settings=pinned(2, "a"))
    before = file.read_bytes()
    answer = set_up(file, settings=wanted)
    assert code_of(answer) == "settings_invalid"
    assert words in answer.error.message  # type: ignore[union-attr]
    assert code_of(set_up(file, settings=wanted, check=True)) == "settings_invalid"
    assert file.read_bytes() == before


def test_keys_with_a_higher_epoch_and_other_settings_are_written(tmp_path: Path) -> None:
    """The same keys with another policy, and other keys with a higher epoch."""
    file = tmp_path / "settings.toml"
    assert set_up(file, settings=pinned(2, "a")).changed
    assert set_up(file, settings={**pinned(2, "a"), "policy": {"max_restarts": 3}}).changed
    assert set_up(file, settings=pinned(3, "b")).changed
    assert settings.parse(file.read_bytes()).signing.epoch == 3


def test_a_broken_file_is_replaced(tmp_path: Path) -> None:
    """Valid settings replace an unreadable file."""
    file = tmp_path / "settings.toml"
    file.write_text("organization = ")
    assert set_up(file, settings=GOOD).changed
    assert settings.parse(file.read_bytes()).policy.max_restarts == 3


def test_check_mode_reports_the_changes_and_makes_none(tmp_path: Path) -> None:
    """Check mode reports the changes and leaves file and group as they are."""
    file, group = tmp_path / "settings.toml", Group(BEN)
    answer = set_up(file, group, settings=GOOD, operators=["anna"], check=True)
    assert answer.changed
    assert answer.result == {
        "settings_changed": True,
        "operators_added": ["anna"],
        "operators_removed": ["ben"],
    }
    assert not file.exists()
    assert group.now == [BEN]


def test_operators_are_all_members_and_no_others(tmp_path: Path) -> None:
    """The group holds exactly the named operators afterwards."""
    group = Group(BEN, CARL)
    assert set_up(tmp_path / "x", group, operators=["anna", "carl"]).changed
    assert group.now == [CARL, ANNA]
    assert not set_up(tmp_path / "x", group, operators=["carl", "anna"]).changed


def test_an_unknown_operator_stops_everything(tmp_path: Path) -> None:
    """An unknown operator stops the whole set-up, settings included."""
    file, group = tmp_path / "settings.toml", Group(BEN)
    assert code_of(set_up(file, group, settings=GOOD, operators=["anna", "nobody"])) == "setup_failed"
    assert group.now == [BEN]
    assert not file.exists()


def test_an_empty_request_changes_nothing(tmp_path: Path) -> None:
    """A request without settings and operators changes nothing."""
    file, group = tmp_path / "settings.toml", Group(BEN)
    set_up(file, settings=GOOD)
    assert not set_up(file, group).changed
    assert group.now == [BEN]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"verb":"setup","more":1}', b'{"verb":"info"}', b"\xff"])
def test_an_invalid_message_is_refused(tmp_path: Path, body: bytes) -> None:
    """An incomplete or foreign message and an unknown field are refused."""
    assert code_of(apply(body, tmp_path / "x", Group())) == "bad_message"


def test_another_protocol_version_is_refused(tmp_path: Path) -> None:
    """A request of another protocol version is refused."""
    assert code_of(set_up(tmp_path / "x", protocol=99)) == "protocol_mismatch"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A folder without write permission gives an error."""
    tmp_path.chmod(0o500)
    assert code_of(set_up(tmp_path / "settings.toml", settings=GOOD)) == "setup_failed"


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """The error names the file that cannot be written."""
    (tmp_path / "settings.new").mkdir()
    answer = set_up(tmp_path / "settings.toml", settings=GOOD)
    assert code_of(answer) == "setup_failed"
    assert isinstance(answer.error, ans.ErrorView)
    assert "settings.toml could not be written" in answer.error.message


lines = st.text(st.characters(), max_size=40).filter(
    lambda text: not plain_text.fault(plain_text.normalized(text), 80)
)


@given(
    name=lines, phone=lines, hours=st.floats(0.01, 168), restarts=st.integers(0, 100), ticket=st.booleans()
)
def test_rendered_settings_read_back_the_same(
    name: str,
    phone: str,
    hours: float,
    restarts: int,
    ticket: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    """Any text that is allowed survives writing and reading: quotes, backslashes, umlauts."""
    wanted = msgspec.convert(
        {
            "organization": {"name": name, "phone": phone},
            "policy": {"max_session_hours": hours, "max_restarts": restarts, "require_ticket": ticket},
        },
        settings.Settings,
    )
    assert settings.parse(settings.rendered(wanted)) == wanted
