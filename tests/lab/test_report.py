# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a small night, through the real ansible-playbook, compared with the PCs' events."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from contextlib import ExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.customer_script import Deny, Grant
from tests.lab.job import SESSION, Operator, play
from tests.lab.kinds import pc
from tests.lab.maintenance import STEPS, maintain, prepare, program, summary_of, what
from tests.lab.provoked import provokes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.job import Job

WORDS = "Ich arbeite noch {{ 7 * 7 }}"
SECRET = "a word that the task hides"


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the rows of a report by the names of the PCs."""
    value = json.loads(path.with_name(f"{path.name}.json").read_bytes())
    assert value["session"] == SESSION
    return {row["name"]: row for row in value["pcs"]}


def fail_hidden() -> dict[str, Any]:
    """Return a task that fails on one PC and hides its result."""
    return {
        "name": "fail",
        "ansible.builtin.fail": {"msg": SECRET},
        "no_log": True,
        "when": "inventory_hostname == 'fails'",
    }


@pytest.mark.timeout(300)
def test_the_report_is_what_happened_on_the_pcs(tmp_path: Path, canary: bytearray) -> None:
    """One customer agrees, one declines, one PC is off, one step fails: each row is that of the PC's events.

    The job fails after its report. A later run of the report adds to it, with the PC that is on by then.
    """
    path = tmp_path / "night"
    scripts = {"agrees": [Grant()], "declines": [Deny(why=WORDS)], "off": [], "fails": [Grant()]}
    with ExitStack() as stack:
        pcs = {
            name: stack.enter_context(pc(tmp_path / name, script=script, password=bytearray(canary)))
            for name, script in scripts.items()
        }
        operator = Operator(tmp_path / "operator", pcs)
        stack.callback(operator.stop)
        prepare(
            operator, maintenance_report=str(path), maintenance_report_language="de", maintenance_timeout=5
        )
        operator.write("inventory.yml", [program("hostname", ""), fail_hidden()])
        pcs["off"].power_cut()

        job = maintain(operator)

        assert job.wait() != 0, job.output
        rows = read(path)
        assert {name: row["outcome"] for name, row in rows.items()} == {
            "agrees": "done", "declines": "declined", "off": "unread", "fails": "failed",
        }  # fmt: skip
        assert_same(rows, pcs)
        assert_files(path, canary)
        assert "maintenance has failed" in job.output
        summary = summary_of(job, "fails")
        assert SECRET not in json.dumps(summary)

        pcs["off"].power_on()
        pcs["off"].wait_until_up()
        pcs["agrees"].power_cut()
        assert operator.begin("latchkey.consent.report").wait() == 0
        after = read(path)
        assert after["agrees"]["missed"]["error_code"] == "pc_unreachable"
        assert (after["agrees"]["outcome"], after["off"]["outcome"]) == ("done", "nothing")
        assert after["fails"]["outcome"] == "failed"
        assert after["fails"]["failures"] == rows["fails"]["failures"]
        assert len(json.loads(path.with_name("night.json").read_bytes())["runs"]) == 2


def assert_same(rows: dict[str, dict[str, Any]], pcs: dict[str, Any]) -> None:
    """Compare the report's rows with the PCs' events."""
    for name in ("agrees", "declines", "fails"):
        boots = len(what(pcs[name], "boot")) - 1
        assert sum(use["action"] == "restart" for use in rows[name]["uses"]) == boots
        assert len([use for use in rows[name]["uses"] if use["closing"] == "locked"]) == len(
            what(pcs[name], "locked")
        )
        assert {one["signature_check"] for one in rows[name]["receipts"]} == {"valid"}
        assert len(rows[name]["requests"]) == pcs[name].events.count("request_shown") == 1
        assert rows[name]["session_state"] == ("ended" if name == "agrees" else "started")
    names = [step["name"] for step in STEPS]
    assert [step["name"] for step in rows["agrees"]["steps"] if step["state"] == "done"] == names
    assert [use["step"] for use in rows["agrees"]["uses"]] == ["Windows updates", "Accounting software"]
    assert [one["confirmed"] for one in rows["agrees"]["erasure"]] == [True]
    assert rows["declines"]["requests"][0]["why"] == WORDS
    assert rows["declines"]["failures"] == []
    assert {step["name"]: step["state"] for step in rows["fails"]["steps"]} == dict(
        zip(names, ("done", "left_over", "left_over"), strict=True)
    )
    assert [(one["step"], one["task"], one["msg"]) for one in rows["fails"]["failures"]] == [
        ("Inventory", "fail", "The task has no_log.")
    ]


def assert_files(path: Path, canary: bytearray) -> None:
    """Read the page and the table: whole, in German, with neither a password nor a hidden result."""
    page = path.with_name("night.html").read_text("utf-8")
    root = ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))  # noqa: S314 - our own page
    assert root.get("lang") == "de"
    assert len(list(root.iter("article"))) == 4
    with path.with_name("night.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) == 4
    told = b"".join(path.with_name(f"night.{suffix}").read_bytes() for suffix in ("html", "json", "csv"))
    assert SECRET.encode() not in told
    assert bytes(canary) not in told


# --- without any PC -------------------------------------------------------------------------------


class Nowhere:
    """A PC whose address nobody answers: a task that connected would fail."""

    reach = SimpleNamespace(
        inventory=lambda: {
            "ansible_connection": "winrm",
            "ansible_host": "127.0.0.1",
            "ansible_port": 9,
            "ansible_user": "nobody",
            "ansible_winrm_connection_timeout": 1,
        }
    )


def write(tmp_path: Path, **options: Any) -> Job:
    """Run the task alone, on a host that cannot be reached."""
    given = {"session": SESSION, "path": str(tmp_path / "r"), "pcs": [{"name": "a"}], **options}
    nowhere: Any = Nowhere()
    operator = Operator(tmp_path / "operator", {"pc1": nowhere, "pc2": nowhere})
    task = {"name": "report", "latchkey.consent.report": given, "run_once": True}
    job = operator.begin([play(task, become=True)])
    job.wait()
    return job


def test_the_task_touches_no_connection(tmp_path: Path) -> None:
    """It succeeds for a host that cannot be reached, under become, and once for all hosts.

    A path that is relative begins in the operator's current folder.
    """
    result = write(tmp_path, path="r").succeed().result("report")
    assert result["changed"]
    assert sorted(one.name for one in (tmp_path / "operator").glob("r.*")) == ["r.csv", "r.html", "r.json"]


@provokes("report_foreign", "report_not_written")
def test_a_report_that_cannot_be_written_is_a_failure_with_its_code(tmp_path: Path) -> None:
    """A foreign file stays as it is, and a missing folder is named."""
    (tmp_path / "r.json").write_text("[]")
    assert write(tmp_path).fail().first_failure()["error_code"] == "report_foreign"
    assert (tmp_path / "r.json").read_text() == "[]"
    second = tmp_path / "second"
    second.mkdir()
    missing = write(second, path=str(second / "missing/r")).fail().first_failure()
    assert missing["error_code"] == "report_not_written"
