# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PC's key and journal, known to the controller: enrolment, another key, a restored image, receipts for anybody."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from agent.packaging.system_tools import SSH_KEYGEN
from lab.simulated.customer_script import Grant
from tests.lab.job import SESSION, ctl, end, play, request, start, task
from tests.lab.provoked import provokes
from tests.needs import require
from tests.unit.plugins.ssh_keys import DeviceKey

if TYPE_CHECKING:
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.conftest import LabPC
    from tests.lab.job import Job, Operator, Task

pytestmark = pytest.mark.timeout(240)

FILE = "known_pcs"
KNOWN = {"known_pcs": FILE}


def info(**options: object) -> Task:
    """Return the task that reads the session's state."""
    return task("credential_info", "info", **{"receipts": True, **options})


def run(operator: Operator, *tasks: Task) -> Job:
    """Run tasks of which each one gets the file as a default of the action group."""
    defaults = {"group/latchkey.consent.consent": KNOWN}
    job = operator.begin([play(*tasks, module_defaults=defaults)])
    job.wait()
    return job


def lines(operator: Operator) -> list[str]:
    """Return the lines of the file."""
    return (operator.folder / FILE).read_text(encoding="utf-8").splitlines()


def head_of(operator: Operator) -> Path:
    """Return the file with the PC's kept head."""
    return operator.folder / f"{FILE}.heads/pc1.json"


def position(operator: Operator) -> int:
    """Return the number of the kept head."""
    return int(json.loads(head_of(operator).read_bytes())["position"])


def on_controller(name: str, module: str, **options: object) -> Task:
    """Return a task of ansible-core that runs on the operator's own computer."""
    return {
        "name": name,
        f"ansible.builtin.{module}": options,
        "delegate_to": "localhost",
        "vars": {"ansible_connection": "local", "ansible_shell_type": "sh", "ansible_become": False},
    }


def test_the_first_job_enrols_the_pc_and_the_second_compares(lab_pc: LabPC) -> None:
    """The first task adds the PC's line, the others compare; the kept head moves on, and check mode writes nothing."""
    operator, _computer = lab_pc(script=[Grant()])
    dry = operator.begin(
        [play(start(), module_defaults={"group/latchkey.consent.consent": KNOWN})], "--check"
    ).succeed()
    assert dry.result("start")["enrolled"] is True
    assert not (operator.folder / FILE).exists()

    first = run(operator, start(), info(), request()).succeed()

    assert [first.result(name)["enrolled"] for name in ("start", "info")] == [True, False]
    key = first.result("info")["device_key"]
    assert lines(operator) == [
        f'pc1 namespaces="latchkey-receipt,latchkey-journal,latchkey-device-key,latchkey-half" {key}'
    ]
    before = position(operator)
    second = run(operator, start(), end()).succeed()
    assert [second.result(name)["enrolled"] for name in ("start", "end")] == [False, False]
    assert second.result("end")["device_key"] == key
    assert position(operator) == second.result("end")["journal_head"]["position"] > before
    assert len(lines(operator)) == 1


@provokes("device_key_changed", "known_pcs_unusable")
def test_another_key_fails_until_its_line_is_removed(lab_pc: LabPC) -> None:
    """Another key than the enrolled one fails with both fingerprints, and starts a session only after the removal."""
    operator, _computer = lab_pc()
    other = DeviceKey()
    file = operator.folder / FILE
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"# enrolled by hand\npc1 {other.line}\n", encoding="utf-8")

    failed = run(operator, info()).fail().first_failure()

    assert (failed["error_code"], failed["outcome"]) == ("device_key_changed", "refused")
    assert other.fingerprint in failed["msg"]
    assert "latchkeyctl device-key" in failed["hint"]
    assert "sessions" not in failed
    assert run(operator, start()).fail().first_failure()["error_code"] == "device_key_changed"
    assert not head_of(operator).exists()

    file.write_text("# enrolled by hand\n", encoding="utf-8")
    accepted = run(operator, start(), end()).succeed()
    assert accepted.result("start")["enrolled"] is True
    assert lines(operator)[0] == "# enrolled by hand"
    file.write_text("pc1 no key\n", encoding="utf-8")
    damaged = run(operator, info()).fail().first_failure()
    assert damaged["error_code"] == "known_pcs_unusable"
    assert f"{FILE}, line 1: " in damaged["msg"]


@provokes("device_key_shared")
def test_a_copy_of_an_enrolled_pc_gets_a_key_of_its_own(lab_pc: LabPC) -> None:
    """The key of another line fails with both names; after `device-key --replace` the PC is enrolled."""
    operator, _computer = lab_pc()
    run(operator, start(), end()).succeed()
    file = operator.folder / FILE
    file.write_text(file.read_text(encoding="utf-8").replace("pc1 ", "pc2 "), encoding="utf-8")

    failed = run(operator, info()).fail().first_failure()

    assert failed["error_code"] == "device_key_shared"
    assert "pc2" in failed["msg"]
    assert len(lines(operator)) == 1
    operator.run(ctl("device-key", "--replace")).succeed()
    assert run(operator, info()).succeed().result("info")["enrolled"] is True
    assert [line.split()[0] for line in lines(operator)] == ["pc2", "pc1"]


@provokes("device_key_changed")
def test_a_replaced_key_is_accepted_by_hand(lab_pc: LabPC) -> None:
    """After `latchkeyctl device-key --replace` the PC fails until its line is removed; its kept head still counts."""
    operator, _computer = lab_pc()
    old = run(operator, start(), end()).succeed().result("end")["device_key"]
    seen = position(operator)
    operator.run(ctl("device-key", "--replace")).succeed()

    failed = run(operator, info()).fail().first_failure()

    assert failed["error_code"] == "device_key_changed"
    assert failed["msg"].count("SHA256:") == 2
    (operator.folder / FILE).write_text("", encoding="utf-8")
    accepted = run(operator, start(session="CHG-2")).succeed().result("start")
    assert accepted["enrolled"] is True
    assert accepted["device_key"] != old
    assert accepted["journal_head"]["position"] == position(operator) > seen


def image_of(computer: SimulatedComputer) -> Path:
    """Return a copy of a computer's disk, made while it is off."""
    computer.power_cut()
    image = computer.disk.with_name("image")
    shutil.copytree(computer.disk, image, symlinks=True)
    computer.power_on()
    computer.wait_until_up()
    return image


def restore(computer: SimulatedComputer, image: Path) -> None:
    """Replace a computer's disk by an image."""
    computer.power_cut()
    shutil.rmtree(computer.disk)
    shutil.copytree(image, computer.disk, symlinks=True)
    computer.power_on()
    computer.wait_until_up()


@provokes("journal_head_unknown")
def test_a_restored_image_starts_no_session(lab_pc: LabPC) -> None:
    """A PC that was restored from an image fails until its kept head is deleted, though its key is the enrolled one."""
    operator, computer = lab_pc()
    run(operator, start(), end()).succeed()
    image = image_of(computer)
    later = run(
        operator, start(session="CHG-2"), task("support_session", "end", session="CHG-2", state="ended")
    )
    assert later.succeed().result("start")["enrolled"] is False
    seen = position(operator)

    restore(computer, image)
    job = run(operator, start(session="CHG-3")).fail()

    failed = job.first_failure()
    assert (failed["error_code"], failed["outcome"]) == ("journal_head_unknown", "refused")
    assert str(seen) in failed["msg"]
    assert ".heads" in failed["hint"]
    assert position(operator) == seen
    unchecked = operator.run(task("credential_info", "info", session=None)).succeed().result("info")
    assert [one["name"] for one in unchecked["sessions"] if one["state"] == "started"] == []
    assert run(operator, info()).fail().first_failure()["error_code"] == "journal_head_unknown"

    head_of(operator).unlink()
    assert run(operator, start(session="CHG-3")).succeed().result("start")["enrolled"] is False


@provokes("device_key_changed", "journal_head_unknown")
def test_a_new_installation_is_told_by_its_key(lab_pc: LabPC) -> None:
    """An agent without its former files fails for its key; with the line and the kept head removed it is enrolled."""
    operator, computer = lab_pc()
    run(operator, start(), info(), end()).succeed()
    computer.power_cut()
    for file in (*computer.agent_folder.glob("journal*"), computer.agent_folder / "device.key"):
        file.unlink()
    (computer.disk / "registry" / "anchor").unlink()
    computer.power_on()
    computer.wait_until_up()

    failed = run(operator, start(session="CHG-2")).fail().first_failure()

    assert (failed["error_code"], failed["outcome"]) == ("device_key_changed", "refused")
    assert str(head_of(operator)) in failed["hint"]
    (operator.folder / FILE).write_text("", encoding="utf-8")
    assert run(operator, info()).fail().first_failure()["error_code"] == "journal_head_unknown"
    head_of(operator).unlink()
    assert run(operator, start(session="CHG-2")).succeed().result("start")["enrolled"] is True


@provokes("journal_head_invalid")
def test_a_head_before_the_last_one_is_refused(lab_pc: LabPC) -> None:
    """The end of a session is not believed if its journal head comes before the one that was seen last."""
    operator, _computer = lab_pc()
    run(operator, start()).succeed()
    kept = json.loads(head_of(operator).read_bytes())
    ahead = {**kept, "position": kept["position"] + 1000}
    head_of(operator).write_text(json.dumps(ahead), encoding="utf-8")

    failed = run(operator, end()).fail().first_failure()

    assert (failed["error_code"], failed["outcome"]) == ("journal_head_invalid", "unknown")
    assert "receipts" not in failed
    assert json.loads(head_of(operator).read_bytes()) == ahead
    head_of(operator).write_text(json.dumps(kept), encoding="utf-8")
    run(operator, end()).succeed()


CALL = "latchkey.consent.valid_receipt(known_pcs='known_pcs', pc=inventory_hostname, session='CHG-4711')"
CHANGED = {"purpose": "Monthly updateS"}


def test_anybody_can_check_a_receipt(lab_pc: LabPC) -> None:
    """A receipt is valid for the test plugin and the real ssh-keygen, and invalid after a change of one character."""
    require(SSH_KEYGEN)
    operator, _computer = lab_pc(script=[Grant()])
    run(operator, start(), request(), end()).succeed()
    document = "{{ receipt.document | to_json(sort_keys=true, separators=(',', ':')) }}"
    receipt: dict[str, Any] = {"vars": {"receipt": "{{ known.receipts[0] }}"}}
    changed = {
        "receipt": "{{ known.receipts[0] | combine({'document': part}, recursive=true) }}",
        "part": CHANGED,
    }

    def written(name: str, content: str) -> Task:
        made = on_controller(name, "copy", content=content, dest=str(operator.folder / name), mode="0644")
        return {**made, "vars": {**made["vars"], **receipt["vars"]}}

    run(
        operator,
        {**info(), "register": "known"},
        {"name": "valid", "ansible.builtin.assert": {"that": f"receipt is {CALL}"}, **receipt},
        {"name": "changed", "ansible.builtin.assert": {"that": f"receipt is not {CALL}"}, "vars": changed},
        written("receipt.json", document),
        written("receipt.json.sig", "{{ receipt.signature }}"),
    ).succeed()

    content = (operator.folder / "receipt.json").read_bytes()
    assert b'"purpose":"Monthly updates"' in content
    assert verified_by_openssh(operator, content)
    assert not verified_by_openssh(operator, content.replace(b"Monthly updates", b"Monthly updateS"))
    assert not verified_by_openssh(operator, content, pc="pc2")


def verified_by_openssh(operator: Operator, content: bytes, pc: str = "pc1") -> bool:
    """Tell whether the real ssh-keygen verifies a receipt with the files that the collection wrote."""
    command = ["ssh-keygen", "-Y", "verify", "-f", FILE, "-I", pc, "-n", "latchkey-receipt"]
    ran = subprocess.run(
        [*command, "-s", "receipt.json.sig"],
        cwd=operator.folder,
        input=content,
        capture_output=True,
        check=False,
        timeout=30,
    )
    return ran.returncode == 0


def test_the_playbook_verifies_the_receipts(lab_pc: LabPC) -> None:
    """`verify` succeeds for the enrolled key, and fails for another one and for a PC that is not in the file."""
    operator, _computer = lab_pc(script=[Grant()])
    run(operator, start(), request(), end()).succeed()
    operator.variables = {"maintenance_session": SESSION, "maintenance_known_pcs": FILE}

    job = operator.begin("latchkey.consent.verify").succeed()

    assert "1 of 1 receipts" in job.result("Show the number of valid receipts")["msg"]
    for content in (f"pc1 {DeviceKey().line}\n", "# no PC\n"):
        (operator.folder / FILE).write_text(content, encoding="utf-8")
        failed = operator.begin("latchkey.consent.verify", "-vv").fail()
        assert failed.result("Fail if a receipt is not valid")["msg"].startswith("Not valid: ")
        assert failed.output.count("is not valid: ") == 1
        assert (operator.folder / FILE).read_text(encoding="utf-8") == content


def test_the_role_passes_the_file_on(lab_pc: LabPC) -> None:
    """With `maintenance_known_pcs` the playbook `status` enrols a PC, and the report says whose key signed."""
    operator, _computer = lab_pc(script=[Grant()])
    operator.run(start(), request(), end()).succeed()
    path = operator.folder / "night"
    operator.variables = {
        "maintenance_session": SESSION,
        "maintenance_known_pcs": FILE,
        "maintenance_report": str(path),
    }

    operator.begin("latchkey.consent.status").succeed()
    assert [line.split()[0] for line in lines(operator)] == ["pc1"]
    assert position(operator) > 0

    operator.begin("latchkey.consent.report").succeed()
    [row] = json.loads(path.with_name("night.json").read_bytes())["pcs"]
    assert [one["signature_check"] for one in row["receipts"]] == ["known"]
