# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils import _error_table as collection

from latchkey_agent.protocol import errors as agent
from tools import generate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", generate.TARGETS)
def test_what_is_made_from_the_protocol_is_up_to_date(name: str) -> None:
    """A generated file is what `python tools/generate.py` would write now."""
    assert generate.differences().get(name, "") == ""


def test_a_changed_file_is_found_and_written_anew(tmp_path: Path) -> None:
    """--check sees one changed character and one missing file, and writing mends both."""
    copy_targets(tmp_path)
    table = tmp_path / "docs/errors.md"
    table.write_text(table.read_text(encoding="utf-8").replace("Silence", "silence"), encoding="utf-8")
    (tmp_path / "plugins/plugin_utils/_answers.py").unlink()

    assert set(generate.differences(tmp_path)) == {"docs/errors.md", "plugins/plugin_utils/_answers.py"}
    assert "-" in generate.differences(tmp_path)["docs/errors.md"]
    assert set(generate.write(tmp_path)) == {"docs/errors.md", "plugins/plugin_utils/_answers.py"}
    assert generate.differences(tmp_path) == {}


def test_check_writes_nothing_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` names the stale files, says the command that mends them, and leaves them alone."""
    assert generate.main(["--check"], tmp_path) == 1

    assert "docs/errors.md" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_every_error_code_is_on_the_page() -> None:
    """Each row of both tables reaches the reader with its own words, the agent's with Ansible's advice."""
    page = generate.errors_page().splitlines()
    for code, row in agent.ERRORS.items():
        advice = collection.ADVICE.get(code, "")
        assert f"| `{code}` | {row.message} | {row.hint} | {advice} |" in page
    for code, own in collection.ERRORS.items():
        assert f"| `{code}` | {own.message} | {own.hint} |" in page


def test_no_cell_of_the_error_page_breaks_its_table() -> None:
    """A bar or a line break in a sentence would move the hint into another column."""
    rows = [line for line in generate.errors_page().splitlines() if line.startswith("| `")]
    assert [line.count("|") for line in rows] == [5] * len(agent.ERRORS) + [4] * len(collection.ERRORS)


def test_every_reference_of_the_schema_leads_somewhere() -> None:
    """The JSON Schema is whole: each `$ref` names one of its own definitions."""
    document = json.loads(generate.schema())
    places = {f"#/$defs/{name}" for name in document["$defs"]}
    assert set(references(document)) <= places
    assert set(document["discriminator"]["mapping"].values()) <= places


def references(node: object) -> list[str]:
    """Return every `$ref` below a node of the schema."""
    if isinstance(node, list):
        return [place for item in node for place in references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [place for item in node.values() for place in references(item)]


def copy_targets(root: Path) -> None:
    """Copy the checkout's generated files below another root."""
    for name in generate.TARGETS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(generate.ROOT / name, root / name)
