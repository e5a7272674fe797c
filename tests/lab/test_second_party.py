# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grants of two parties through the real ansible-playbook: two deliveries for each restart, and each thief alone."""

from __future__ import annotations

import base64
import json
import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils import _answers as ans
from ansible_collections.latchkey.consent.plugins.plugin_utils._answer_reader import read
from ansible_collections.latchkey.consent.plugins.plugin_utils._failure import Failure
from ansible_collections.latchkey.consent.plugins.plugin_utils._half_answers import (
    HalfAnswers,
    _delivery_info,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._sealing_key import (
    UnopenedError,
    sealed_to,
    sealing_key,
)
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lab.canary import text_forms
from lab.simulated.customer_script import Grant
from latchkey_agent.domain import canonical
from latchkey_agent.domain import events as e
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import fields
from latchkey_agent.protocol.answers import ErrorView
from tests.lab.job import SESSION, apply, end, play, request, start, task, wait_for
from tests.lab.loud import loud
from tests.lab.maintenance import maintain, prepare
from tests.lab.provoked import provokes, see
from tests.lab.relaunch import check_end

if TYPE_CHECKING:
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.conftest import LabPC
    from tests.lab.job import Job, Operator, Task

pytestmark = pytest.mark.timeout(300)

FILE, KNOWN = "sealing.pem", "known_pcs"
EMPTY = ans.ApplyAnswer(session="", left=ans.LeftView(restarts=0, unlocks=0), boot_id="", finished=False)


def pem() -> str:
    """Return a new sealing key as `openssl genpkey -algorithm X25519` writes it."""
    key = X25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def keep_key(operator: Operator) -> str:
    """Write a sealing key beside the operator's plays; return its text."""
    text = pem()
    operator.folder.mkdir(exist_ok=True)
    (operator.folder / FILE).touch(mode=0o600)
    (operator.folder / FILE).write_text(text, encoding="ascii")
    return text


def both_parties(operator: Operator, *tasks: Task, key: str | None = FILE) -> Job:
    """Begin tasks with the sealing key and the known PCs as defaults of the action group."""
    defaults = {"known_pcs": KNOWN} if key is None else {"known_pcs": KNOWN, "sealing_key": key}
    return operator.begin([play(*tasks, module_defaults={"group/latchkey.consent.consent": defaults})])


def maintained(operator: Operator, **variables: Any) -> None:
    """Prepare the main job with two parties."""
    keep_key(operator)
    prepare(operator, maintenance_sealing_key=FILE, maintenance_known_pcs=KNOWN, **variables)


# --- the job


@pytest.mark.also_on_wine
def test_the_main_job_with_two_parties(lab_pc: LabPC) -> None:
    """Three steps and two restarts: the half is delivered four times, and the receipt says the kind."""
    operator, computer = lab_pc(script=[Grant()])
    maintained(operator)

    job = maintain(operator).succeed()

    check_end(computer, job)
    assert job.output.count("the operator's half of the key is delivered for the sign-in") == 2
    ended = job.result("End the support session and erase every grant")
    assert ended["receipts"][0]["document"]["terms"]["two_parties"] is True


@pytest.mark.parametrize("moment", ["down", "tile_shown"])
def test_a_killed_job_delivers_for_the_same_permit(lab_pc: LabPC, moment: str) -> None:
    """A job that was killed between both deliveries, or after the second one, is launched again and goes on."""
    operator, computer = lab_pc(script=[Grant(after=0.3)])
    maintained(operator)
    with maintain(operator) as killed:
        computer.events.wait_for(moment, 1, 100)
    assert killed.process.returncode < 0

    check_end(computer, maintain(operator).succeed())


@provokes("sealing_key_missing", "grant_revoked")
def test_revoked_between_the_deliveries(lab_pc: LabPC) -> None:
    """A grant that is revoked while its permit waits for the half signs nobody in, and is erased."""
    operator, computer = lab_pc(script=[Grant()])
    keep_key(operator)
    with both_parties(operator, start(), request(), apply(step="updates")):
        computer.events.wait_for("down")
    computer.wait_until_up()

    again = both_parties(operator, apply(step="updates", timeout=20), key=None).fail().first_failure()
    revoked = both_parties(operator, task("credential_revoke", "revoke")).succeed().result("revoke")
    late = both_parties(operator, apply(step="updates", timeout=20)).fail().first_failure()

    assert again["error_code"] == "sealing_key_missing"
    assert revoked["erasure"]["confirmed"]
    assert late["error_code"] == "grant_revoked"
    assert computer.events.count("tile_shown") == computer.events.count("permit_redeemed") == 0


def test_a_power_cut_between_the_deliveries(lab_pc: LabPC) -> None:
    """After a power cut at the logon screen the same permit waits again, and the job delivers and goes on."""
    operator, computer = lab_pc(script=[Grant()])
    keep_key(operator)
    with both_parties(operator, start(), request(), apply(step="updates")):
        computer.events.wait_for("down")
    computer.wait_until_up()
    computer.power_cut()
    computer.power_on()

    job = both_parties(operator, apply(step="updates"), end()).succeed()

    assert job.result("apply")["signed_in"]["locked_at"] is not None
    assert computer.events.count("permit_redeemed") == 1
    assert job.result("end")["erasure"]["confirmed"]


def test_a_restart_by_others_waits_for_the_job(lab_pc: LabPC) -> None:
    """After a restart by others nobody is signed in until a task delivers the half for it."""
    operator, computer = lab_pc(script=[Grant()])
    keep_key(operator)
    both_parties(operator, start(), request(foreign_restarts=True)).succeed()
    computer.power_cut()
    computer.power_on()
    computer.wait_until_up()
    before = computer.events.count("tile_shown")

    sign_in = apply(mode="sign_in", timeout=60)
    job = both_parties(operator, sign_in, end()).succeed()

    assert before == 0
    assert job.result("apply")["use"]["foreign"] is True
    assert job.result("apply")["signed_in"]["locked_at"] is not None


# --- each thief alone


class Thief:
    """All that the PC has while nobody uses the grant: its whole disk, and the keys of its DPAPI."""

    def __init__(self, computer: SimulatedComputer, folder: Path) -> None:
        self._computer = computer
        shutil.copytree(computer.disk, folder / "disk")
        journal = folder / "disk" / computer.agent_folder.relative_to(computer.disk) / "journal.db"
        self.slots = (journal.parent / "keys.slots").read_bytes()
        with closing(sqlite3.connect(journal)) as database:
            (self.record,) = (row[0] for row in database.execute("SELECT record FROM sealed"))
            bodies = [row[0] for row in database.execute("SELECT body FROM events ORDER BY seq")]
        events = [msgspec.json.decode(body, type=e.AnyEvent) for body in bodies]
        (self.asked,) = (event for event in events if isinstance(event, e.RequestMade))
        (self.given,) = (event for event in events if isinstance(event, e.GrantGiven))
        self._half_at = 40 + int.from_bytes(self.record[38:40], "little")

    @property
    def is_of_two(self) -> bool:
        """Whether the record names the operator's half."""
        return bool(self.record[7] & 4)

    @property
    def wanted(self) -> SealedHalf:
        """The operator's half, as the record has it."""
        sealing = self.asked.sealing
        assert sealing is not None
        sealed = self.record[self._half_at : self._half_at + 80]
        return SealedHalf(sealed, sealing.device, sealing.nonce, self.given.grant)

    def open(self, half: bytes = b"", *, with_dpapi: bool = True) -> bytes:
        """Open the record, as the documentation of the agent's vault says it; raises InvalidTag."""
        record, grant = self.record, self.given.grant
        tag, nonce = record[10:26], record[26:38]
        slot = self.slots.index(tag) + len(tag)
        keys = self._computer._machine.keys
        pc_half = (
            bytes(keys.unprotect(record[40 : self._half_at], grant.encode())) if with_dpapi else bytes(32)
        )
        key = HKDF(SHA256(), 32, tag, f"latchkey seal {record[6]} {grant}".encode())
        cipher = AESGCM(key.derive(pc_half + self.slots[slot : slot + 32] + half))
        end_of_half = self._half_at + (80 if self.is_of_two else 0)
        terms = canonical(self.asked.terms, self.asked.account, grant, self._computer.name)
        associated = record[:8] + tag + record[self._half_at : end_of_half] + terms
        padded = cipher.decrypt(nonce, record[end_of_half:-16], associated)
        return padded[2 : 2 + int.from_bytes(padded[:2], "little")]


class SealedHalf(NamedTuple):
    """The operator's half of a grant, sealed, and what its key is derived from."""

    sealed: bytes
    device: str
    nonce: str
    grant: str

    def open(self, key: str) -> bytes:
        """Open it with a sealing key."""
        read = sealing_key(key)
        assert read is not None
        purpose = {"purpose": "latchkey-stored-half-1", "device": self.device, "session": SESSION}
        told = {**purpose, "nonce": self.nonce, "grant": self.grant}
        info = json.dumps(told, sort_keys=True, separators=(",", ":")).encode("ascii")
        return read.grant_key(self.device, SESSION, self.nonce).open(self.sealed, info)


def test_the_opener_opens_a_grant_of_one_party(lab_pc: LabPC, canary: bytearray, tmp_path: Path) -> None:
    """The opener of these tests opens a grant of one party with the disk and the PC's DPAPI keys."""
    operator, computer = lab_pc(script=[Grant()])
    operator.run(start(), request()).succeed()
    thief = Thief(computer, tmp_path / "thief")
    assert (thief.is_of_two, thief.open() == canary) == (False, True)


@pytest.mark.parametrize("moment", ["asleep", "at the logon screen"])
def test_neither_party_opens_it_alone(lab_pc: LabPC, canary: bytearray, tmp_path: Path, moment: str) -> None:
    """Disk and DPAPI keys do not open the password, nor does the operator's key; both together do."""
    operator, computer = lab_pc(script=[Grant()])
    key = keep_key(operator)
    both_parties(operator, start(), request()).succeed()
    if moment == "at the logon screen":
        with both_parties(operator, apply(step="updates")):
            computer.events.wait_for("down")
        computer.wait_until_up()

    thief = Thief(computer, tmp_path / "thief")

    for guess in (b"", bytes(32), os.urandom(32), thief.wanted.sealed[:32], thief.wanted.sealed[32:64]):
        with pytest.raises(InvalidTag):
            thief.open(guess)
    half = thief.wanted.open(key)
    with pytest.raises(InvalidTag):
        thief.open(half, with_dpapi=False)
    assert thief.open(half) == canary
    with pytest.raises(UnopenedError):
        thief.wanted.open(pem())


def test_the_half_is_nowhere(lab_pc: LabPC, tmp_path: Path) -> None:
    """No output, log, file or transcript has the half or the sealing key, with all logging on."""
    operator, computer = lab_pc(script=[Grant()])
    loud(operator)
    key = keep_key(operator)
    go_on = tmp_path / "go_on"
    info = task("credential_info", "info", receipts=True)
    tasks = [start(), request(), wait_for(go_on, "pause"), apply(), info]
    job = both_parties(operator, *tasks, key=key)
    computer.events.wait_for("notice_granted")
    half = Thief(computer, tmp_path / "thief").wanted.open(key)
    go_on.touch()

    job.succeed()
    computer.power_cut()

    given = (FILE, "play.yml")  # The operator wrote them.
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.name not in given]
    assert len(written) > 20
    private = base64.b64decode("".join(key.splitlines()[1:-1]))[-32:]
    for secret in (half, private):
        forms = {"raw": secret, **text_forms(secret)}
        for path in written:
            content = path.read_bytes()
            assert [name for name, form in forms.items() if form in content] == [], path
    assert (operator.folder / "ansible.log").stat().st_size > 10_000


# --- bad input


@provokes("half_missing", "sealing_key_other", "sealing_key_unusable")
def test_without_the_right_key_nothing_is_used(lab_pc: LabPC) -> None:
    """No sealing key, another one, and a text that is none use nothing; the right one uses the grant after that."""
    operator, computer = lab_pc(script=[Grant()])
    keep_key(operator)
    both_parties(operator, start(), request()).succeed()
    refused = {
        None: "half_missing",
        pem(): "sealing_key_other",
        "-----BEGIN PRIVATE KEY-----": "sealing_key_unusable",
    }
    for key, code in refused.items():
        failed = both_parties(operator, apply(), key=key).fail().first_failure()
        assert (failed["error_code"], failed["outcome"]) == (code, "refused")
    again = both_parties(operator, request(), key=pem()).fail().first_failure()
    assert again["error_code"] == "sealing_key_other"

    assert computer.events.count("boot") == 1
    assert both_parties(operator, apply()).succeed().result("apply")["left"]["restarts"] == 1


@provokes("hpke_missing")
def test_a_controller_without_hpke(lab_pc: LabPC, tmp_path: Path) -> None:
    """A controller whose cryptography has no HPKE says so before it asks the PC."""
    operator, _computer = lab_pc()
    keep_key(operator)
    hidden = "import sys\nsys.modules['cryptography.hazmat.primitives.hpke'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(hidden, encoding="utf-8")
    operator.environment = {"PYTHONPATH": str(tmp_path)}
    failed = both_parties(operator, start(), request()).fail().first_failure()
    assert failed["error_code"] == "hpke_missing"


@provokes("two_parties_unconfirmed")
def test_a_request_without_its_key_is_noticed(lab_pc: LabPC) -> None:
    """A job with a sealing key refuses the grant of a request out of which the key was taken on the way."""
    operator, computer = lab_pc(script=[Grant()])
    text = keep_key(operator)
    both_parties(operator, start(), request(), key=None).succeed()
    answer = computer.ask_agent(rq.Info(session=SESSION))
    assert isinstance(answer.result, dict)
    (grant,) = read(ans.InfoAnswer, answer.result).grants
    with pytest.raises(Failure) as caught:
        HalfAnswers(sealing_key(text), "", SESSION).require_ours(
            ans.RequestAnswer(session=SESSION, grant=grant)
        )
    see({"error_code": caught.value.code})
    assert caught.value.code == "two_parties_unconfirmed"


@provokes("half_request_invalid")
def test_a_record_that_was_changed_on_the_disk(lab_pc: LabPC) -> None:
    """A half that was changed on the PC's disk does not open; the controller gives nothing, and the PC uses nothing."""
    operator, computer = lab_pc(script=[Grant()])
    keep_key(operator)
    both_parties(operator, start(), request()).succeed()
    computer.power_cut()
    with closing(sqlite3.connect(computer.agent_folder / "journal.db")) as database, database:
        ((record,),) = database.execute("SELECT record FROM sealed").fetchall()
        at = 40 + int.from_bytes(record[38:40], "little") + 40
        changed = record[:at] + bytes([record[at] ^ 1]) + record[at + 1 :]
        database.execute("UPDATE sealed SET record = ?", (changed,))
    computer.power_on()
    computer.wait_until_up()

    failed = both_parties(operator, apply()).fail().first_failure()

    assert (failed["error_code"], failed["outcome"]) == ("half_request_invalid", "refused")
    assert computer.events.count("boot") == 2


@provokes("half_not_awaited", "half_unreadable", "wrong_half", "other_device_key")
def test_halves_that_do_not_serve(lab_pc: LabPC) -> None:
    """Halves that no honest controller sends are refused one by one; then the right one uses the grant."""
    operator, computer = lab_pc(script=[Grant()])
    key = keep_key(operator)
    both_parties(operator, start(), request()).succeed()

    def use(half: fields.DeliveredHalf | None = None) -> tuple[str, ans.ApplyAnswer]:
        answer = computer.ask_agent(rq.CredentialApply(session=SESSION, action="restart", half=half))
        assert isinstance(answer.error, ErrorView)
        see({"error_code": answer.error.code})
        result = answer.result if isinstance(answer.result, dict) else {}
        return answer.error.code, read(ans.ApplyAnswer, result) if result else EMPTY

    wanted = use()[1].half
    assert wanted is not None
    assert use(fields.DeliveredHalf(nonce="ff" * 16, sealed="00" * 80))[0] == "half_not_awaited"
    assert use(fields.DeliveredHalf(nonce=wanted.nonce, sealed="00" * 80))[0] == "half_unreadable"
    wanted = use()[1].half
    assert wanted is not None
    sealed = sealed_to(bytes.fromhex(wanted.key), os.urandom(32), _delivery_info(wanted))
    assert use(fields.DeliveredHalf(nonce=wanted.nonce, sealed=sealed.hex()))[0] == "wrong_half"
    sealing = fields.Sealing(device="SHA256:" + "A" * 43, nonce="00" * 32, public_key="11" * 32)
    other = computer.ask_agent(rq.CredentialRequest(session=SESSION, restarts=1, sealing=sealing))
    assert isinstance(other.error, ErrorView)
    see({"error_code": other.error.code})
    assert both_parties(operator, apply(), key=key).succeed().result("apply")["left"]["restarts"] == 1
