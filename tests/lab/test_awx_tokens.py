# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`awx_configure` with a token that expires in its middle, and with a new password, against the lab's controller."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lab.controller.awx_resources import resources
from lab.controller.awx_server import Controller
from tests.lab.awx import Awx, configured, prepare

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from lab.controller.store import Row, Store

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A controller whose token expired between the node of the approval and the approval's own template."""
    folder = tmp_path_factory.mktemp("cut")
    prepare(folder / "operator")
    with Controller(folder / "controller") as controller:
        awx = Awx(controller, folder / "operator")
        ends_after(awx, "POST /api/v2/workflow_job_template_nodes/", number=3)
        return folder, awx.configure()


@pytest.fixture
def awx(cut: tuple[Path, object], tmp_path: Path) -> Iterator[Awx]:
    """A controller of its own that knows what the run with the expired token has left."""
    folder, _ended = cut
    own = tmp_path / "operator"
    own.mkdir()
    shutil.copy(folder / "operator/awx.yml", own)
    with configured(tmp_path / "controller", folder / "controller") as controller:
        yield Awx(controller, own)


def ends_after(awx: Awx, call: str, number: int = 1) -> None:
    """Let each token expire after the answer to the n-th call of this method and path."""
    seen: list[str] = []

    def watch(method: str, path: str) -> None:
        seen.append(re.sub(r"/\d+/.*", "/", f"{method} {path}"))
        if seen[-1] == call and seen.count(call) == number:
            awx.controller.api.access.expire()

    awx.controller.api.watch = watch


def sentence(ended: subprocess.CompletedProcess[str]) -> str:
    """Return the last message of a playbook that failed."""
    assert ended.returncode == 2, ended.stdout + ended.stderr
    return " ".join(ended.stdout.rpartition("Say how to go on")[2].split())


def changes(ended: subprocess.CompletedProcess[str]) -> int:
    """Return the number of changed tasks of a playbook that did not fail."""
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = re.search(r"changed=(\d+)", ended.stdout)
    assert found, ended.stdout
    return int(found[1])


def written(store: Store) -> dict[str, list[Row]]:
    """Return the stored objects that the playbook makes, with names in the place of ids and without times."""
    rows = {row["id"]: row for name in resources() for row in store.all(name)}

    def name_of(number: Any) -> Any:
        row = rows.get(number, {})
        return row.get("identifier") or row.get("name") or number

    def plain(resource: str, row: Row) -> Row:
        fields = resources()[resource].fields
        kept = {
            key: name_of(value) if key in fields and fields[key].type == "id" else value
            for key, value in row.items()
            if key in fields or key == "survey"
        }
        return kept | {link: sorted(map(name_of, members)) for link, members in row["links"].items()}

    return {
        name: sorted((plain(name, row) for row in store.all(name)), key=str)
        for name in resources()
        if name != "users"
    }


def connection_of(awx: Awx) -> dict[str, str]:
    """Return the account and password that the controller has stored."""
    (row,) = awx.controller.store.where("credentials", name="Latchkey connection")
    stored: dict[str, str] = dict(row["inputs"])
    return stored


def change_connection(awx: Awx, **values: str) -> None:
    """Change the account that reaches the PCs in the operator's variables."""
    file = awx.folder / "awx.yml"
    variables = yaml.safe_load(file.read_text(encoding="utf-8"))
    variables["awx_connection"] |= values
    file.write_text(yaml.safe_dump(variables), encoding="utf-8")


def test_a_token_that_is_over_is_said_with_the_remedy(
    cut: tuple[Path, subprocess.CompletedProcess[str]], awx: Awx
) -> None:
    """The play fails at the task, and its last sentence says why and how to go on. Half of the objects are there."""
    told = sentence(cut[1])
    assert "Not finished: Create the nodes of the workflow (HTTP 401). AWX refused the token" in told
    assert (
        "Make a new token in AWX, and set CONTROLLER_OAUTH_TOKEN to it. Then run the playbook again" in told
    )
    (node,) = awx.controller.store.where("workflow_job_template_nodes", identifier="approval")
    assert node["unified_job_template"] is None
    assert not awx.controller.store.all("schedules")


def test_a_second_run_completes_and_a_new_password_needs_the_switch(
    awx: Awx, request: pytest.FixtureRequest
) -> None:
    """After an expired token the next run completes all objects, and the one after it changes none.

    That one has a new password in its variables: the stored one stays until `awx_update_secrets` is set.
    """
    if not request.config.getoption("nights"):
        pytest.skip("`make nights` runs it")
    old = connection_of(awx)
    assert changes(awx.configure()) > 0
    (node,) = awx.controller.store.where("workflow_job_template_nodes", identifier="approval")
    assert node["unified_job_template"] in {
        row["id"] for row in awx.controller.store.all("workflow_approval_templates")
    }
    whole = written(awx.controller.store)
    assert len(whole["schedules"]) == 2

    change_connection(awx, password="another one")
    assert changes(awx.configure()) == 0
    assert (written(awx.controller.store), connection_of(awx)) == (whole, old)

    again = awx.configure("-e", "awx_update_secrets=true")
    assert changes(again) == 1
    assert connection_of(awx) == {**old, "password": "another one"}
    assert "another one" not in again.stdout + again.stderr
