# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/architecture.md says what is there: words, parts, imports, and the tests that hold each rule."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from itertools import pairwise, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
GERMAN = ROOT / "agent/src/latchkey_agent/locales/de/LC_MESSAGES/companion.po"
FOLDERS = ("agent/src", "agent/native", "agent/packaging", "plugins", "lab", "tools")
AGENT = "agent/src/latchkey_agent"
OURS = ("latchkey_agent/", "agent/", "plugins/", "lab/", "tests/", "tools/")
ALIASES = ("agent/src/", "ansible_collections/latchkey/consent/")

SOURCES = (
    *("*.py", "*.md", "*.yml", "*.yaml", "*.cpp", "*.h", "*.c", "*.j2", "*.po", "*.toml", "*.ps1"),
    *("*.json", "*.jsonl", "*.rc", "Makefile", ".ci/run"),
)
LISTS_OF_BAD_WORDS = ("docs/architecture.md", "docs/writing.md", "tests/unit/test_architecture_page.py")
"""These files name the forbidden words to forbid them."""
ALLOWED = {
    "attempts": r"^(agent/native/|tests/|docs/credential-provider\.md|plugins/plugin_utils/_credential_apply\.py)"
    r"|MaxDevicePasswordFailedAttempts",
    "proof": r"^tests/unit/test_claims\.py",
    "proofs": r"^tests/unit/test_claims\.py",
    "close session": r"transport\.close_session\(\)",
}
"""Other meanings of a forbidden word, by what `path:line: text` of them looks like: attempts of a logon or a
connection, in tests of anything, and in Windows' name of a setting; the search for absolute words; pywinrm's own
method."""
TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-zäöüß]+|\d+|[^\w\s-]")
"""One word of a text or of an identifier: `LogonTicket`, `logon_ticket` and "logon ticket" are the same two words.

A punctuation mark is a word of its own, so that no phrase is found across it."""


def table(head: str) -> list[list[str]]:
    """Return the cells of the page's table whose first column has this head."""
    lines = PAGE.splitlines()
    heads = [number for number, line in enumerate(lines) if line.startswith("| ---")]
    begin = next(number for number in heads if lines[number - 1].startswith(f"| {head} |"))
    rows = takewhile(lambda line: line.startswith("|"), lines[begin + 1 :])
    return [[cell.strip() for cell in row.removeprefix("|").removesuffix("|").split("|")] for row in rows]


def quoted(cell: str) -> list[str]:
    """Return what a cell has in backticks."""
    return re.findall(r"`([^`]+)`", cell)


# --- words ------------------------------------------------------------------------------------------


@cache
def words(text: str) -> str:
    """Return a text's words in lower case, each between two spaces."""
    return f" {' '.join(TOKEN.findall(text)).lower()} "


@cache
def sources() -> dict[str, str]:
    """Return every source text of the checkout, by its path: tracked files and new ones."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *SOURCES]
    listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode()
    names = sorted({name for name in listed.split("\0") if name and (ROOT / name).is_file()})
    return {name: (ROOT / name).read_text(encoding="utf-8", errors="replace") for name in names}


def glossary(column: int) -> list[str]:
    """Return everything in backticks in one column of the glossary."""
    return [name for row in table("word") for name in quoted(row[column])]


@pytest.mark.parametrize("name", glossary(3))
def test_every_word_is_used_in_the_code(name: str) -> None:
    """The glossary's identifiers stand in the agent's code."""
    code = (text for file, text in sources().items() if file.startswith(AGENT) and file.endswith(".py"))
    assert any(re.search(rf"\b{name}\b", text) for text in code)


def test_every_entity_of_the_domain_is_in_the_glossary() -> None:
    """Each public class of the domain's model has its word in the glossary."""
    tree = ast.parse((ROOT / AGENT / "domain/model.py").read_text(encoding="utf-8"))
    entities = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert entities - set(glossary(3)) == set()


@pytest.mark.parametrize("bad", sorted(set(glossary(4))))
def test_no_forbidden_word_is_left(bad: str) -> None:
    """No source, message, catalogue or page uses a word that the glossary forbids."""
    assert bad == words(bad).strip()
    lines = [
        f"{name}:{number}: {line}"
        for name, text in sources().items()
        if name not in LISTS_OF_BAD_WORDS and f" {bad} " in words(text)
        for number, line in places(text, bad)
    ]
    allowed = ALLOWED.get(bad)
    assert [line for line in lines if not (allowed and re.search(allowed, line))] == []


def places(text: str, bad: str) -> list[tuple[int, str]]:
    """Return the lines that hold a phrase, by their number; for a phrase over two lines, the first."""
    lines = text.splitlines()
    alone = [(n, line.strip()) for n, line in enumerate(lines, 1) if f" {bad} " in words(line)]
    pairs = enumerate(pairwise(lines), 1)
    return alone or [(n, f"{a} {b}".strip()) for n, (a, b) in pairs if f" {bad} " in words(f"{a}\n{b}")]


def test_a_phrase_over_two_lines_is_found() -> None:
    """A line break does not hide a phrase."""
    assert places("the logon\nticket", "logon ticket") == [(1, "the logon ticket")]


def test_a_word_is_found_in_every_spelling() -> None:
    """An identifier is read as its words; a longer word that contains one is another word."""
    for spelling in ("LogonTicket", "logon_ticket", "LOGON_TICKET", "a logon ticket."):
        assert " logon ticket " in words(spelling)
    assert " desk " not in words("helpdesk desktop CloseDesktop")


def test_every_german_word_is_on_the_screen() -> None:
    """The words that a customer is said to read stand in the German catalogue."""
    catalogue = GERMAN.read_text(encoding="utf-8")
    shown = [word for row in table("word") for word in row[1].split(", ") if word != "-"]
    assert [word for word in shown if not re.search(rf"\b{word}\b", catalogue, re.IGNORECASE)] == []


# --- rules ------------------------------------------------------------------------------------------


def test_every_rule_is_held_by_tests_that_exist() -> None:
    """Each of the rules names tests, all of which there are, one of its own number among them."""
    files = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    written = {name for text in files for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)}
    section = PAGE.split("## What must always hold")[1].split("\n## ")[0]
    parts = re.split(r"^(\d+)\. ", section, flags=re.MULTILINE)[1:]
    rows = {int(number): quoted(text) for number, text in zip(parts[::2], parts[1::2], strict=True)}
    assert set(rows) == {int(n[1]) for name in written if (n := re.match(r"test_rule_(\d\d)_", name))}
    for number, names in rows.items():
        assert any(name.startswith(f"test_rule_{number:02}_") for name in names)
    assert {name for names in rows.values() for name in names} <= written


# --- parts ------------------------------------------------------------------------------------------


def test_the_parts_import_what_the_page_says() -> None:
    """Neither anything else of ours, nor less."""
    rows = table("part")
    told = {quoted(part)[0]: set(quoted(names)) for part, names, _ in rows}
    told["lab/"] = set(told) - {"lab/"} - told["lab/"]
    found: dict[str, set[str]] = {part: set() for part in told}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            own = part_of(path.relative_to(ROOT).as_posix(), told)
            for name in imports(path):
                found[own] |= {part_of(name, told)} - {own}
    assert found == told


def part_of(name: str, parts: dict[str, set[str]]) -> str:
    """Return the part of the page's table that a file or a module belongs to; itself if to none."""
    for alias in ALIASES:
        name = name.removeprefix(alias)
    name = name.removeprefix("latchkey_agent/")
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
