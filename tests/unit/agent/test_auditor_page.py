# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/auditor.md names what there is: tests, fields of policy and receipt with their defaults, in two languages."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from typing import Any, get_args

import pytest

from latchkey_agent.domain import events
from latchkey_agent.domain.policy import Policy
from latchkey_agent.protocol import control_requests as rq
from tests.named_tests import ROOT, named, rows, written_tests
from tests.unit.agent.bench import NO_INTERVAL, Bench
from tests.unit.agent.world import ANNA

PAGE = "docs/auditor.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
REQUIREMENTS = rows(PAGE, "see it on a PC")
STANDARD_FIELDS = rows(PAGE, "note")
FURTHER_FIELDS = rows(PAGE, "meaning")
SPOKEN_TWICE = (("erased", "gelöscht"), ("answer", "Antwort"))
"""The heads of the last columns of the tables that stand in English and in German."""
POLICY_PREFIXES = r"(?:allow|max|min|require|remind|lock|receipt)_\w+"

FIELDS_OF_EVENTS = """
authorities nonce seed signed
account action actor after agent answer_by asked_by asker at boot_after boot_before boot_id call clock_ahead
closed_at code command command_line detail device_key end endorsement ends_at erasure exit_code expires_at folder
foreign grant how is_open is_reported lapses_at limit must_lock name new notices old operators organization
owes_lock owner permit policy program quiet_until reason refund refusal rejection relock_at request requester
restart revoked_by sealing session settled_steps state step tag terms text_sha256 ticket until up why windows_session
"""
"""The fields of events that the page's tables cover; those of a PC's key are about no person."""


def test_every_row_has_all_cells() -> None:
    """Each of the 23 rows has requirement, result, answer, tests and a place to see it."""
    assert [row[0] for row in REQUIREMENTS] == [str(number) for number in range(1, 24)]
    assert [row[0] for row in REQUIREMENTS if len(row) != 6 or not all(row)] == []


@pytest.mark.parametrize("row", REQUIREMENTS, ids=lambda row: row[0])
def test_a_row_that_is_not_met_says_why(row: list[str]) -> None:
    """The answer names the missing part, and a row that is met names none."""
    _number, _requirement, result, answer, tests, _place = row
    assert result in {"met", "in part", "not met"}
    assert ("Not met: " in answer) == (result != "met")
    assert named(tests)


def test_every_test_on_the_page_exists() -> None:
    """No test was renamed or removed, and the column of the tests names nothing else."""
    on_page = set(re.findall(r"\btest_\w+", TEXT))
    in_column = {name for row in REQUIREMENTS for name in named(row[4])}
    assert on_page - written_tests() == set()
    assert in_column <= on_page
    assert len(in_column) > 40


def defaults() -> dict[str, Any]:
    """Return the policy's defaults by the fields' names."""
    return {name: getattr(Policy(), name) for name in Policy.__struct_fields__}


def test_every_policy_field_on_the_page_exists_with_its_default() -> None:
    """`name = value` is a field of the policy and its default; a bare name of that form is one, too."""
    settings = [tomllib.loads(text) for text in re.findall(r"`(\w+ = [^`]+)`", TEXT)]
    assert [one for one in settings if not one.items() <= defaults().items()] == []
    assert len({name for one in settings for name in one}) > 8
    assert set(re.findall(rf"`({POLICY_PREFIXES})`", TEXT)) <= set(defaults())


# --- the receipt ------------------------------------------------------------------------------------


@cache
def paths() -> tuple[str, ...]:
    """Return the receipt's fields on the page, in the two tables."""
    cells = [row[2] for row in STANDARD_FIELDS] + [row[0] for row in FURTHER_FIELDS]
    return tuple(path for cell in cells for path in sorted(named(cell)))


def whole_receipt(bench: Bench, canary: bytearray) -> dict[str, Any]:
    """Return the document of a receipt with a use, a program, a restart without a sign-in, an end and an erasure."""
    bench.settings.write_text(f"[policy]\n{NO_INTERVAL}\nallow_programs = true\n")
    bench.world.set_password(ANNA, canary)
    bench.world.sign_in(ANNA)
    bench.result(rq.SessionStart(session="CHG-1", reason="Updates", operators=("PC-07\\ben",)))
    request = bench.request(programs=True)
    bench.show(request)
    assert bench.allow(request, canary).done
    bench.world.exit_codes = [0]
    bench.command()
    bench.follow_programs()
    bench.restart()
    bench.reboot()
    bench.sign_in_with_permit()
    bench.reboot()
    [receipt] = bench.result(rq.SessionEnd(session="CHG-1"))["receipts"]
    document: dict[str, Any] = receipt["document"]
    return document


def has(document: Any, path: str) -> bool:
    """Tell whether a document has a field; `[]` stands for each entry of a list, which is not empty."""
    value = document
    for part in path.split("."):
        name = part.removesuffix("[]")
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
        if part.endswith("[]"):
            if not isinstance(value, list) or not value:
                return False
            value = value[0]
    return True


def test_every_receipt_field_on_the_page_is_in_a_receipt(bench: Bench, canary: bytearray) -> None:
    """The agent's own receipt has each of them."""
    document = whole_receipt(bench, canary)
    assert [path for path in paths() if not has(document, path)] == []
    assert not has(document, "uses[].password")
    assert not has(document, "requester[].name")


def test_every_field_of_a_receipt_is_on_the_page(bench: Bench, canary: bytearray) -> None:
    """A new field of the document needs its row."""
    on_page = {re.split(r"[.\[]", name)[0] for name in re.findall(r"`([\w.\[\]]+)`", TEXT)}
    assert set(whole_receipt(bench, canary)) - on_page == set()


def test_an_absent_field_has_its_reason() -> None:
    """Each row names a field of the receipt, or says that it is absent, and why."""
    for field, mandatory, found, note in STANDARD_FIELDS:
        assert field
        assert mandatory in {"", "K"}
        assert bool(named(found)) != (found == "absent"), field
        assert note or found != "absent", field


# --- the tables in two languages ----------------------------------------------------------------------


@pytest.mark.parametrize("heads", SPOKEN_TWICE, ids=lambda heads: heads[0])
def test_both_languages_name_the_same_things(heads: tuple[str, str]) -> None:
    """Each row of the English table has its German row, with the same names, numbers and defaults."""
    english, german = (rows(PAGE, head) for head in heads)
    assert [len(row) for row in english] == [len(row) for row in german]
    assert all(all(row) for row in (*english, *german))
    assert [named(" ".join(row)) for row in english] == [named(" ".join(row)) for row in german]
    numbers = [[re.findall(r"\d+", " ".join(row)) for row in table] for table in (english, german)]
    assert numbers[0] == numbers[1]


def test_an_event_has_the_fields_that_the_tables_cover() -> None:
    """A new field of an event may be one more datum about a person: it needs a look at the tables of the page."""
    kinds = get_args(events.AnyEvent)
    found = {name for kind in kinds for name in kind.__struct_fields__}
    assert found - set(FIELDS_OF_EVENTS.split()) == set()
    assert len(found) > 50
