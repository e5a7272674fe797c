# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`awx_configure` against the lab's controller, with the real awx.awx.

`make nights` runs the slower half, too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lab.controller.awx_server import Controller
from tests.lab.awx import Awx, configured, prepare, saved_controller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def awx(tmp_path: Path) -> Iterator[Awx]:
    """A new controller, and an operator with a project."""
    prepare(tmp_path / "operator")
    with Controller(tmp_path / "controller") as controller:
        yield Awx(controller, tmp_path / "operator")


def changes(output: str) -> int:
    """Return the number of changed tasks."""
    found = re.search(r"changed=(\d+)", output)
    assert found, output
    return int(found[1])


def objects(awx: Awx) -> dict[str, Any]:
    """Return every object but the tokens."""
    return {name: rows for name, rows in awx.controller.store.copy().items() if name != "tokens"}


@pytest.mark.timeout(600)
def test_the_objects_are_made_once_and_removed_whole(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The first run makes every object, a check run changes none and finds no difference, `absent` removes them."""
    with Controller(tmp_path / "empty") as empty:
        before = {name: len(rows) for name, rows in objects(Awx(empty, tmp_path)).items()}
    saved, _password = saved_controller(tmp_path_factory)
    with configured(tmp_path / "controller", saved / "controller") as controller:
        awx = Awx(controller, saved / "operator")
        made = objects(awx)
        assert {row["name"] for row in made["job_templates"].values()} == {
            "Install agent",
            "Request",
            "Wait for answers",
            "Maintain",
            "Status",
            "Report",
            "Verify",
            "Revoke and close",
            "Maintain after a yes",
            "Close after a revocation",
            "Alarm",
        }
        checked = awx.configure("--check")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert changes(checked.stdout) == 0, checked.stdout
        assert objects(awx) == made
        gone = awx.configure("-e", "awx_state=absent")
        assert gone.returncode == 0, gone.stdout + gone.stderr
        left = {name: len(rows) for name, rows in objects(awx).items() if rows and name != "project_updates"}
        assert left == before


@pytest.mark.timeout(600)
def test_the_teams_have_their_rights_and_no_others(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An operator launches each template, and changes none; nobody reads the password. An approver launches none."""
    saved, password = saved_controller(tmp_path_factory)
    with configured(tmp_path / "controller", saved / "controller") as controller:
        awx = Awx(controller, saved / "operator")
        for user, team in (("olga", "Latchkey operators"), ("kim", "Latchkey approvers"), ("eve", "")):
            row = controller.add_user(user)
            if team:
                members = next(
                    role
                    for role in controller.store.where("roles", object=awx.row("teams", team)["id"])
                    if role["role"] == "member_role"
                )
                assert awx.ask("POST", f"roles/{members['id']}/users/", {"id": row["id"]}).status_code == 204
        templates = awx.ask("GET", "job_templates/?page_size=50").json()["results"]
        night = awx.row("workflow_job_templates", "Night")["id"]
        # A launch without answers is refused for its answers, once it is allowed. "Alarm" has required ones, too.
        launches = [f"job_templates/{one['id']}/launch/" for one in templates]
        launches.append(f"workflow_job_templates/{night}/launch/")
        for path in launches:
            codes = [awx.ask("POST", path, {}, user=user).status_code for user in ("olga", "kim", "eve")]
            assert codes in ([400, 403, 403], [400, 403, 404]), path
            where = path.removesuffix("launch/")
            assert awx.ask("PATCH", where, {"description": "x"}, user="olga").status_code == 403, path
        for user in ("olga", "kim", "admin"):
            shown = awx.ask("GET", "credentials/", user=user).text
            assert password not in shown
        connection = awx.row("credentials", "Latchkey connection")
        assert connection["inputs"]["password"] == "$encrypted$"
        assert awx.ask("GET", f"credentials/{connection['id']}/", user="eve").status_code in {403, 404}


@pytest.mark.timeout(900)
def test_a_second_run_changes_nothing(awx: Awx, request: pytest.FixtureRequest) -> None:
    """A check run on an empty controller makes no object. A second run changes nothing and restores an edited one."""
    if not request.config.getoption("nights"):
        pytest.skip("`make nights` runs it")
    before = objects(awx)
    assert awx.configure("--check").returncode == 0
    assert objects(awx) == before
    assert awx.configure().returncode == 0
    made = objects(awx)
    assert changes(awx.configure().stdout) == 0
    assert objects(awx) == made
    template = awx.row("job_templates", "Maintain")
    assert (
        awx.ask("PATCH", f"job_templates/{template['id']}/", {"allow_simultaneous": True}).status_code == 200
    )
    assert changes(awx.configure().stdout) == 1
    assert awx.row("job_templates", "Maintain")["allow_simultaneous"] is False
    assert awx.configure("-e", "awx_state=absent").returncode == 0
    again = awx.configure("-e", "awx_state=absent")
    assert again.returncode == 0
    assert changes(again.stdout) == 0


def test_bad_variables_are_named(awx: Awx) -> None:
    """A missing variable stops the playbook with a sentence before it asks the controller."""
    variables = yaml.safe_load((awx.folder / "awx.yml").read_text(encoding="utf-8"))
    del variables["awx_project_url"]
    (awx.folder / "awx.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    before = objects(awx)
    result = awx.configure()
    assert result.returncode == 2
    assert "Check the variables" in result.stdout
    assert objects(awx) == before
