# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages name only what there is, and keep to the form that docs/writing.md asks for."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils import _error_table as collection

from latchkey_agent.cli import ctl
from latchkey_agent.core.settings import from_object
from latchkey_agent.domain.policy import Policy
from latchkey_agent.protocol import errors as agent
from latchkey_agent.windows.event_ids import EVENT_IDS, GENERAL_IDS

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = ("*.md", "docs/*.md", "roles/*/README.md", "agent/packaging/README.md", "lab/*/README.md")
PAGES = sorted(path.relative_to(ROOT).as_posix() for pattern in PATTERNS for path in ROOT.glob(pattern))

WIDTH = 120
LONG_ROWS = (
    "docs/architecture.md",
    "docs/attack-surface.md",
    "docs/auditor.md",
    "docs/claims.md",
    "docs/credential-provider.md",
    "docs/decisions.md",
    "docs/errors.md",
    "docs/field-reports.md",
    "docs/forecast.md",
    "docs/security.md",
    "docs/verify-on-windows.md",
    "docs/writing.md",
    "lab/simulated/README.md",
    "lab/wine/README.md",
    "lab/wsman/README.md",
)
"""Pages whose table rows may be longer: a cell holds a whole sentence or a descriptor that cannot be broken. One
command of Windows names a key of the registry that cannot be broken either."""

MEASURED = ("docs/benchmarks.md", "docs/compatibility.md")
"""Written by `make bench` and `make matrix`, not by people."""
CUSTOMERS = ("docs/customer.en.md", "docs/customer.de.md")
QUOTING = (
    "docs/claims.md",
    "docs/errors.md",
    "docs/states.md",
    "docs/recorded-run.md",
    "docs/writing.md",
    *MEASURED,
    *CUSTOMERS,
)
"""Pages that repeat sentences of the code, which is checked itself, or of the customer's windows, or name bad phrases
to forbid them."""
BAD_PHRASES = (
    r"\bmend(s|ed)?\b",
    r"\bbegun anew\b",
    r"\bhow far it is\b",
    r"\bmake room on\b",
    r"\bfor not known\b",
    r"\blook whether\b",
    r"\blook with\b",
    r"\b(is|are|was|were|be) told\b",
    r"\bwhat (was|is|were) (lent|asked for|sealed)\b",
)
"""Phrases of the old style (docs/writing.md has the plain ones)."""
MESSAGES = (
    "agent/src/latchkey_agent/protocol/errors.py",
    "plugins/**/*.py",
    "roles/**/*.yml",
    "playbooks/*.yml",
)
"""Other sources with sentences for people: Ansible shows them, or its documentation."""

AGENT = ROOT / "agent/src/latchkey_agent"
TOP = (
    "agent",
    "execution-environment",
    "lab",
    "tools",
    "tests",
    "docs",
    "plugins",
    "roles",
    "playbooks",
    "changelogs",
    ".github",
    "meta",
)
PARTS = tuple(path.name for path in AGENT.iterdir() if path.is_dir() and not path.name.startswith("_"))
SUFFIXES = (".py", ".md", ".yml", ".po", ".mo", ".json", ".cpp", ".h", ".toml", ".txt", ".rc", ".j2")


@cache
def page(name: str) -> str:
    """Return a page's text."""
    return (ROOT / name).read_text(encoding="utf-8")


def quoted(text: str) -> list[str]:
    """Return what a text has in backticks, outside of fenced blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


# --- form -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in PAGES if name not in MEASURED])
def test_no_line_is_longer_than_the_width(name: str) -> None:
    """120 characters. A picture's description cannot be broken; rows of a table may be longer on the listed pages."""
    exempt = ("|", "       reg delete") if name in LONG_ROWS else "!["
    lines = enumerate(page(name).splitlines(), 1)
    assert [n for n, line in lines if len(line) > WIDTH and not line.startswith(exempt)] == []


@pytest.mark.parametrize("pattern", BAD_PHRASES)
def test_no_phrase_of_the_old_style_is_left(pattern: str) -> None:
    """Neither on a page nor in a message."""
    files = [ROOT / name for name in PAGES if name not in QUOTING]
    files += [path for glob in MESSAGES for path in sorted(ROOT.glob(glob))]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line, re.IGNORECASE)
    ]
    assert found == []


# --- what the pages name ----------------------------------------------------------------------------


def exists(written: str, folder: Path) -> bool:
    """Tell whether a path that a page names is there; `*`, and a word in capitals such as LANG, stand for any name."""
    pattern = re.sub(r"\b[A-Z]{2,}\b(?!\.md)", "*", written.rstrip("/")) if "/" in written else written
    bases = (ROOT, AGENT, ROOT / "agent/native/credential_provider", folder)
    if any(next(base.glob(pattern), None) for base in bases):
        return True
    return "/" not in written and any(next((ROOT / top).rglob(written), None) for top in TOP)


def paths(name: str) -> list[str]:
    """Return the paths of the repository that a page names in backticks."""
    candidates = (text for text in quoted(page(name)) if re.fullmatch(r"[\w.*/-]+", text))
    ours = (*(f"{top}/" for top in TOP), *(f"{part}/" for part in PARTS))
    return [
        text for text in candidates if text.startswith(ours) or (text.endswith(SUFFIXES) and text[0] != ".")
    ]


ELSEWHERE = {
    "requirements.yml",
    "collections/requirements.yml",
    "vars.yml",
    "first.yml",
    "hello.yml",
    "inventory.yml",
    "settings.toml",
    "tests/integration/inventory.winrm",
    "tests/integration/integration_config.yml",
    "pylock.toml",
    "CHG-4711.json",
}
"""Files that a reader writes, the agent's settings on a PC, a format that was not chosen, and a report."""


@pytest.mark.parametrize("name", PAGES)
def test_every_path_on_a_page_exists(name: str) -> None:
    """A page cannot send its reader to a file that was moved."""
    folder = (ROOT / name).parent
    assert [path for path in paths(name) if path not in ELSEWHERE and not exists(path, folder)] == []


def test_a_path_that_is_not_there_is_found() -> None:
    """A moved file, a moved folder and a file of no folder are seen."""
    for written in (
        "agent/src/latchkey_agent/journal.py",
        "domain/asking.py",
        "no_such_name.py",
        "tests/no_folder/",
    ):
        assert not exists(written, ROOT)
    for written in (
        "domain/terms.py",
        "event_ids.py",
        "tests/unit/",
        "agent/src/latchkey_agent/locales/LANG",
    ):
        assert exists(written, ROOT)


@pytest.mark.parametrize("name", PAGES)
def test_every_module_on_a_page_exists(name: str) -> None:
    """A dotted name of ours is a module, a name that its module holds, or a logger's name."""
    pattern = r"(?:latchkey_agent|lab|tools|tests|agent\.packaging|agent\.native)(?:\.\w+)+"
    named = [
        text for text in quoted(page(name)) if re.fullmatch(pattern, text) and not text.endswith(SUFFIXES)
    ]
    assert [text for text in named if not is_module(text)] == []


def is_module(dotted: str) -> bool:
    """Tell whether a dotted name is a module or package of ours, or a word in one."""
    parts = dotted.split(".")
    base = ROOT / "agent/src" if parts[0] == "latchkey_agent" else ROOT
    path = base.joinpath(*parts)
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    parent = base.joinpath(*parts[:-1])
    sources = (
        [parent.with_suffix(".py")] if parent.with_suffix(".py").is_file() else sorted(parent.rglob("*.py"))
    )
    word = rf"\b{parts[-1]}\b" if len(sources) == 1 else re.escape(f'getLogger("{dotted}")')
    return any(re.search(word, path.read_text(encoding="utf-8")) for path in sources)


def anchors(name: str) -> set[str]:
    """Return the anchors of a page's headings, as the usual viewers make them."""
    heads = re.findall(r"^#+ (.+)$", page(name), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    """Each relative link names a file that is there, and a heading that is on it."""
    links = re.findall(r"\]\(([^)\s]+)\)", page(name)) + re.findall(
        r"^\[[^\]]+\]: (\S+)$", page(name), re.MULTILINE
    )
    for link in links:
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        path = ((ROOT / name).parent / target).resolve() if target else ROOT / name
        assert path.exists(), link
        assert not anchor or anchor in anchors(path.relative_to(ROOT).as_posix()), link


@pytest.mark.parametrize("name", PAGES)
def test_every_command_on_a_page_exists(name: str) -> None:
    """Targets of make, commands of latchkeyctl, the collection's modules, roles, playbooks, rulebooks, source."""
    text = page(name)
    targets = set(re.findall(r"^(\w+):", page("Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:^ {4}|`)make (\w+)", text, re.MULTILINE)) <= targets
    commands = set(re.findall(r'add_parser\(\s*"([\w-]+)"', Path(ctl.__file__).read_text(encoding="utf-8")))
    assert set(re.findall(r"(?:^ {4}|`)latchkeyctl (\w[\w-]*)", text, re.MULTILINE)) <= commands
    content = {path.stem for path in (*ROOT.glob("plugins/modules/*.py"), *ROOT.glob("playbooks/*.yml"))}
    content |= {path.stem for path in ROOT.glob("extensions/eda/*/**/*.*")}
    content |= {path.stem for path in ROOT.glob("plugins/test/*.py")}
    content |= {path.name for path in ROOT.glob("roles/*")} | {"MODULE", "consent"}
    assert set(re.findall(r"latchkey\.consent\.(\w+)", text)) <= content


# --- tables that repeat the code --------------------------------------------------------------------


def test_troubleshooting_covers_every_error() -> None:
    """Each code of both tables stands under a symptom."""
    assert {*agent.ERRORS, *collection.ERRORS} - set(quoted(page("docs/troubleshooting.md"))) == set()


def test_the_administrator_reads_every_event_id() -> None:
    """The page's table is that of the code."""
    rows = re.findall(r"^\| (\d+) \| (\S+) \| .+ \|$", page("docs/administrator.md"), re.MULTILINE)
    told = {name: int(number) for number, name in rows if name != "-"}
    assert told == EVENT_IDS
    assert {int(number) for number, name in rows if name == "-"} == set(GENERAL_IDS.values())


def test_the_administrator_reads_every_setting_with_its_default() -> None:
    """The example is a whole settings file, and its policy is the default one."""
    section = page("docs/administrator.md").split("## Settings")[1].split("\n## ")[0]
    example = tomllib.loads(
        "\n".join(line.strip() for line in section.splitlines() if line.startswith("    "))
    )
    assert from_object(example).policy == Policy()
    assert set(example["policy"]) == set(Policy.__struct_fields__)
    assert set(example["organization"]) == set(type(from_object(example).organization).__struct_fields__)


def test_no_diagram_has_a_character_that_ends_it_early() -> None:
    """A semicolon ends a statement of a mermaid diagram ("Sequence diagrams", mermaid.js.org), also inside a text."""
    diagrams = [text for name in PAGES for text in re.findall(r"```mermaid\n(.*?)```", page(name), re.DOTALL)]
    assert len(diagrams) > 4
    assert [line for text in diagrams for line in text.splitlines() if ";" in line] == []


def test_every_name_in_a_recipe_is_in_the_code() -> None:
    """A function, class or table that a recipe names is found, each as a word of its own."""
    files = [path for top in ("agent", "lab", "plugins", "tools") for path in (ROOT / top).rglob("*.py")]
    files += [
        *ROOT.glob("agent/native/**/*.cpp"),
        *ROOT.glob("tests/unit/agent/*.py"),
        *ROOT.glob("tests/lab/*.py"),
    ]
    code = set(re.findall(r"\w+", " ".join(path.read_text(encoding="utf-8") for path in files)))
    named = {
        text.partition("(")[0]
        for text in quoted(page("docs/recipes.md"))
        if re.fullmatch(r"\w+(\(.*\))?", text)
    }
    assert named - code - {"weekend", "Battery", "fr", "msgstr"} == set()
