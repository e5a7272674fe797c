# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/architecture.md says what is there: words, imports, states, and the tests that hold each rule."""

from __future__ import annotations

import ast
import re
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from latchkey_agent.domain.transitions import (
    GRANT,
    PERMIT,
    REQUEST,
    SESSION,
    GrantState,
    PermitState,
    RequestState,
    SessionState,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from enum import StrEnum

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
GERMAN = ROOT / "agent/src/latchkey_agent/locales/de/LC_MESSAGES/companion.po"
FOLDERS = ("agent/src", "agent/native", "agent/packaging", "plugins", "lab", "tools")
OURS = ("latchkey_agent/", "agent/", "plugins/", "lab/", "tests/", "tools/")
ALIASES = ("agent/src/", "ansible_collections/latchkey/consent/")
MACHINES: dict[str, tuple[dict[Any, Any], type[StrEnum]]] = {
    "session": (SESSION, SessionState),
    "request": (REQUEST, RequestState),
    "grant": (GRANT, GrantState),
    "permit": (PERMIT, PermitState),
}


def table(head: str) -> list[list[str]]:
    """Return the cells of the page's table whose first column has this head."""
    lines = PAGE.splitlines()
    heads = [number for number, line in enumerate(lines) if line.startswith("| ---")]
    begin = next(number for number in heads if lines[number - 1].startswith(f"| {head} |"))
    rows = takewhile(lambda line: line.startswith("|"), lines[begin + 1 :])
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def quoted(cell: str) -> list[str]:
    """Return what a cell has in backticks."""
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("machine", MACHINES)
def test_the_states_are_the_codes(machine: str) -> None:
    """Each state is on the page, with every transition of the code and no other."""
    code, states = MACHINES[machine]
    told = {
        (state, given): after
        for befores, goes in table(machine)
        for state in quoted(befores)
        for given, after in re.findall(r"`(\w+)` → `(\w+)`", goes)
    }
    assert told == {(state.value, given): after.value for (state, given), after in code.items()}
    assert {state for befores, _ in table(machine) for state in quoted(befores)} == set(states)


def test_a_final_state_is_called_so() -> None:
    """And one that something leads out of is not."""
    for machine, (code, states) in MACHINES.items():
        final = {state for befores, goes in table(machine) if goes == "final" for state in quoted(befores)}
        assert final == set(states) - {state for state, _ in code}


def test_every_rule_is_held_by_tests_that_exist() -> None:
    """Each of the rules names tests, all of which there are, one of its own number among them."""
    files = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    written = {name for text in files for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)}
    rows = {int(number): quoted(held) for number, _, held in table("rule")}
    assert set(rows) == {int(n[1]) for name in written if (n := re.match(r"test_rule_(\d\d)_", name))}
    for number, names in rows.items():
        assert any(name.startswith(f"test_rule_{number:02}_") for name in names)
    assert {name for names in rows.values() for name in names} <= written


def test_every_german_word_is_on_the_screen() -> None:
    """The words that a customer is said to read stand in the German catalogue."""
    catalogue = GERMAN.read_text(encoding="utf-8")
    words = [word for _, german, _ in table("word") for word in german.split(", ") if word != "-"]
    assert [word for word in words if not re.search(rf"\b{word}\b", catalogue, re.IGNORECASE)] == []


def test_the_parts_import_what_the_page_says() -> None:
    """Neither anything else of ours, nor less."""
    told = {quoted(row[0])[0]: set(quoted(row[1])) for row in table("part")}
    told["lab/"] = set(told) - {"lab/", "plugins/", "tools/"}
    found: dict[str, set[str]] = {part: set() for part in told}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            own = part_of(path.relative_to(ROOT).as_posix(), told)
            found[own] |= {part_of(name, told) for name in imports(path)} - {own}
    assert found == told


def part_of(name: str, parts: dict[str, set[str]]) -> str:
    """Return the part of the page's table that a file or a module belongs to; itself if to none."""
    for alias in ALIASES:
        name = name.removeprefix(alias)
    return max((p for p in parts if name.startswith(p.removesuffix(".py"))), key=len, default=name)


def imports(path: Path) -> Iterator[str]:
    """Yield what a file imports of ours, written as paths; the version is nobody's part."""
    folder = path.relative_to(ROOT).parent.as_posix()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}." * bool(node.module) + alias.name for alias in node.names]
        else:
            continue
        inside = f"{folder}/" if isinstance(node, ast.ImportFrom) and node.level else ""
        for name in names:
            target = inside + name.replace(".", "/")
            for alias in ALIASES:
                target = target.removeprefix(alias)
            if target.startswith(OURS) and not target.endswith("/__version__"):
                yield target
