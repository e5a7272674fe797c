# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A step's role is found before anybody is asked, where `include_role` will find it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.latchkey.consent.plugins.lookup.role_tasks import LookupModule

from tests.collection import COLLECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    Look = Callable[..., dict[str, str]]

OWN = COLLECTIONS / "ansible_collections/latchkey/consent/roles/maintenance/tasks"


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Return the lookup of a playbook whose folder is `play`; `steps` is the folder of the steps."""
    for role, file in (
        ("play/roles/editor", "main.yml"),
        ("play/roles/maintenance", "main.yml"),
        ("steps/roles/editor", "upgrade.yaml"),
        ("steps/roles/fonts", "main.json"),
    ):
        (tmp_path / role / "tasks").mkdir(parents=True)
        (tmp_path / role / "tasks" / file).touch()
    # Ansible takes a role's name for a path, too.
    monkeypatch.chdir(tmp_path)
    loader = DataLoader()
    loader.set_basedir(str(tmp_path / "play"))

    def run(role: str, folder: Path | None = None, **more: str) -> dict[str, str]:
        terms = [{"role": role, **more}]
        [found] = LookupModule(loader=loader).run(terms, folder=str(folder) if folder else None)
        return found

    return run


def test_the_steps_folder_comes_first(look: Look, tmp_path: Path) -> None:
    """Its role is included by its path, one beside the playbook by its name."""
    steps = tmp_path / "steps"
    near = look("editor", steps, tasks_from="upgrade")
    assert near == {
        "role": str(steps / "roles/editor"),
        "file": str(steps / "roles/editor/tasks/upgrade.yaml"),
        "fault": "",
    }
    assert look("editor")["role"] == "editor"
    assert look("fonts", steps)["file"].endswith("main.json")


def test_a_role_of_a_collection_is_found_by_its_whole_name_only(look: Look, tmp_path: Path) -> None:
    """A plain name means a role of the operator's own, also within a role of this collection."""
    whole = look("latchkey.consent.maintenance", tmp_path / "steps", tasks_from="start")
    assert whole == {"role": "latchkey.consent.maintenance", "file": str(OWN / "start.yml"), "fault": ""}
    assert look("maintenance")["role"] == str(tmp_path / "play/roles/maintenance")
    assert look("agent")["fault"] == "there is no role agent"


@pytest.mark.parametrize(
    ("role", "tasks_from", "fault"),
    [
        ("nowhere", "main", "there is no role nowhere"),
        ("contoso.office.editor", "main", "there is no role contoso.office.editor"),
        ("", "main", "there is no role "),
        ("editor, fonts", "main", "there is no role editor, fonts"),
        ("fonts", "upgrade", "the role fonts has no file of tasks upgrade"),
        (
            "fonts",
            "../../editor/tasks/upgrade",
            "the role fonts has no file of tasks ../../editor/tasks/upgrade",
        ),
        ("latchkey.consent.maintenance", "x", "the role latchkey.consent.maintenance has no file of tasks x"),
    ],
)
def test_what_is_missing_is_told(look: Look, tmp_path: Path, role: str, tasks_from: str, fault: str) -> None:
    """A file outside of the role's tasks counts as missing: Ansible refuses it."""
    found = look(role, tmp_path / "steps", tasks_from=tasks_from)
    assert (found["fault"], found["file"]) == (fault, "")
