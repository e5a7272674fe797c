# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The integration targets and the molecule scenario as files, and the lab's customer who follows their requests."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lab.computer import EventLog, LabError
from lab.testbed import __main__ as command
from lab.testbed import bed, obliging_customer
from lab.testbed.integration_targets import ROOT, TARGETS, Tree, names
from lab.testbed.obliging_customer import AFTER_NO, ALLOW, DECLINE, obliging
from latchkey_agent.domain.clock import FIRST_WAIT
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta
    from pathlib import Path

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
SCENARIO = ROOT / "extensions" / "molecule" / "default"
PREFIX = "latchkey.consent."
ONLY_READ = {"credential_info", "event_info"}
WRITES_ANEW = {"report"}
"""A report has the time of its writing, so each run changes it; its target looks at the content of the second one."""


def tasks(target: str) -> list[dict[str, Any]]:
    """Return the tasks of a target, those of blocks in their order."""
    content = yaml.safe_load((TARGETS / target / "tasks" / "main.yml").read_text(encoding="utf-8"))
    return list(_flat(content))


def _flat(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in listed:
        if "block" in one:
            yield from _flat([*one["block"], *one.get("always", [])])
        else:
            yield one


def own(target: str) -> list[dict[str, Any]]:
    """Return the tasks of a target that use the module of its name."""
    return [one for one in tasks(target) if PREFIX + target in one]


def assertions(target: str) -> str:
    """Return all that a target asserts, one in a line."""
    return "\n".join(
        line for one in tasks(target) for line in one.get("ansible.builtin.assert", {}).get("that", [])
    )


def test_each_module_has_a_target() -> None:
    """No module is without a target of its name; the option `known_pcs`, which several modules have, has one, too."""
    assert names() == sorted([*MODULES, "known_pcs"])


@pytest.mark.parametrize("target", MODULES)
def test_a_target_tries_a_refusal_and_check_mode(target: str) -> None:
    """It names the error code of a refusal, runs the module in check mode, and asserts on what comes back."""
    assert [one for one in own(target) if "error_code" in str(one.get("failed_when"))]
    assert [one for one in own(target) if one.get("check_mode") is True]
    assert "refused is not changed" in assertions(target) or "refused.outcome" in assertions(target)


@pytest.mark.parametrize("target", sorted({*MODULES} - ONLY_READ - WRITES_ANEW))
def test_a_target_asserts_a_change_and_that_a_second_run_makes_none(target: str) -> None:
    """A module that changes the PC is run twice."""
    changed = set(re.findall(r"^(\w+) is changed", assertions(target), re.MULTILINE))
    same = set(re.findall(r"^(\w+) is not changed", assertions(target), re.MULTILINE))
    assert changed - {"predicted"}
    assert {"again", "same"} & same


@pytest.mark.parametrize("target", sorted(ONLY_READ))
def test_a_target_of_a_module_that_reads_asserts_no_change(target: str) -> None:
    """It changes nothing, neither at first nor again."""
    assert "again is not changed" in assertions(target)
    assert " is changed" not in assertions(target)


@pytest.mark.parametrize("target", names())
def test_a_target_has_the_files_that_ansible_test_reads(target: str) -> None:
    """It is a target for Windows, and names the roles that it needs."""
    aliases = (TARGETS / target / "aliases").read_text(encoding="utf-8").split("\n")
    assert {"windows", "shippable/windows/group1"} <= set(aliases)
    included = {
        one["ansible.builtin.include_role"]["name"]
        for one in tasks(target)
        if "ansible.builtin.include_role" in one
    }
    assert {f"needs/target/{role}" for role in included} <= set(aliases)
    meta = yaml.safe_load((TARGETS / target / "meta" / "main.yml").read_text(encoding="utf-8"))
    text = (TARGETS / target / "tasks" / "main.yml").read_text(encoding="utf-8")
    assert meta["dependencies"] == (["setup_session"] if "session_name" in text else [])


def test_each_use_of_a_target_ends_its_session() -> None:
    """Each target with a session of its own ends it, whatever happens."""
    for target in names():
        content = yaml.safe_load((TARGETS / target / "tasks" / "main.yml").read_text(encoding="utf-8"))
        ends = [str(block.get("always", "")) for block in content if "session_name" in str(block)]
        assert all("'state': 'ended'" in end for end in ends), target


def test_the_words_for_the_customer_are_those_that_the_lab_knows() -> None:
    """The reasons of the targets and of the scenario have the words by which the lab's customer acts."""
    reasons = yaml.safe_load((TARGETS / "setup_session/defaults/main.yml").read_text(encoding="utf-8"))
    assert ALLOW in reasons["please_allow"]
    assert DECLINE in reasons["please_decline"]
    assert ALLOW in (SCENARIO / "converge.yml").read_text(encoding="utf-8")


def test_a_target_that_there_is_not_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """The sentence lists the targets, and no PC starts."""
    assert command.main(["credential_aply"]) == 2
    said = capsys.readouterr().err
    assert "no target credential_aply" in said
    assert "credential_apply" in said


def test_the_tree_is_one_that_ansible_test_accepts(tmp_path: Path) -> None:
    """It has the collection's path, the released files, a private inventory in the group, variables, and a key."""
    tree = Tree(tmp_path)
    tree.make({"pc1": {"ansible_host": "127.0.0.1", "ansible_password": "secret"}})
    assert tree.collection == tmp_path / "ansible_collections/latchkey/consent"
    place = tree.collection / "tests" / "integration"
    inventory = json.loads((place / bed.INVENTORY).read_text(encoding="utf-8"))
    assert list(inventory["windows"]["hosts"]) == ["pc1"]
    assert (place / bed.INVENTORY).stat().st_mode & 0o777 == 0o600
    variables = json.loads((place / bed.VARIABLES).read_text(encoding="utf-8"))
    assert variables["agent_package_path"] == str(place / bed.PACKAGE)
    assert {path.name for path in (place / "targets").iterdir()} >= {*MODULES}
    assert not list(place.glob("*.py"))
    key = tmp_path / "home/.ansible/test/id_rsa"
    assert key.read_text(encoding="ascii").startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert key.stat().st_mode & 0o777 == 0o600
    tree.make({})
    assert "pc1" not in (place / bed.INVENTORY).read_text(encoding="utf-8")


# --- the customer -----------------------------------------------------------------------------------


class Screen:
    """A PC with nothing but a screen. `reason` is in its request window, None without a window."""

    def __init__(self, reason: str | None) -> None:
        self.name = "PC-1"
        self.events = EventLog()
        self.acts: list[object] = []
        self.reason = reason
        self.customer = SimpleNamespace(
            allow=lambda: self.acts.append("allow"),
            decline=lambda _why: self.acts.append("decline"),
            sign_in=self.sign_in,
        )

    def sign_in(self) -> None:
        """Come back to the screen."""
        self.acts.append("sign_in")

    def request_shown(self) -> tuple[object, object] | None:
        """Return the window and its request."""
        return None if self.reason is None else (object(), SimpleNamespace(reason=self.reason))

    def let_pass(self, time: timedelta) -> None:
        """Let time pass."""
        self.acts.append(time)


@pytest.mark.parametrize(
    ("reason", "acts"),
    [
        (f"A test. {ALLOW} and enter your password.", ["allow"]),
        (f"A test. {DECLINE}.", ["decline", AFTER_NO]),
        ("Monthly updates", []),
        (None, []),
    ],
)
def test_the_customer_does_as_the_reason_says(reason: str | None, acts: list[object]) -> None:
    """Any other request is not answered: silence means no."""
    screen: Any = Screen(reason)
    with obliging(screen):
        screen.events.add("customer", "request_shown", "a window")
    assert screen.acts == acts


def test_the_customer_comes_back_for_a_request_only() -> None:
    """A locked screen is left alone until a request waits for it: a restart must sign in by itself."""
    screen: Any = Screen(None)
    with obliging(screen):
        screen.events.add("pc", "locked", "the screen is locked")
        screen.events.add("pc", "window_waits", "a request waits")
        eventually(lambda: screen.acts == ["sign_in"], "the customer")


def test_an_act_that_fails_is_told_at_the_end() -> None:
    """A failed act of the customer is reported at the end of the block."""
    screen: Any = Screen(None)

    def fail() -> None:
        raise LabError("the PC is off")

    screen.customer.sign_in = fail
    with pytest.raises(LabError, match="the PC is off"), obliging(screen):
        screen.events.add("pc", "window_waits", "a request waits")


def test_the_time_after_a_no_is_longer_than_the_agents_first_waits() -> None:
    """Otherwise the next target would be refused with asked_too_soon."""
    assert obliging_customer.AFTER_NO >= 2 * FIRST_WAIT
