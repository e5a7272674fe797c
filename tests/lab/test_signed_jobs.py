# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed requests through the real ansible-playbook: the playbook `keys`, ssh-keygen, a PC, its window."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils import _answers as ans
from ansible_collections.latchkey.consent.plugins.plugin_utils._answer_reader import read
from ansible_collections.latchkey.consent.plugins.plugin_utils._half_answers import HalfAnswers, Meant
from ansible_collections.latchkey.consent.plugins.plugin_utils._operator_certificate import read_signer
from ansible_collections.latchkey.consent.plugins.plugin_utils._sealing_key import sealing_key
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.packaging.system_tools import SSH_KEYGEN
from lab.simulated.customer_script import Deny, Grant
from lab.simulated.pc_settings import POLICY
from lab.simulated.simulated_pc import pc
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import fields
from latchkey_agent.protocol.answers import ErrorView
from tests.lab.awx import Awx, configured, saved_controller
from tests.lab.calls import by_task
from tests.lab.job import SESSION, Operator, apply, ctl, end, play, request, start, task
from tests.lab.maintenance import prepare
from tests.lab.night import time_of_day
from tests.lab.provoked import provokes, see
from tests.needs import require

if TYPE_CHECKING:
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.conftest import LabPC
    from tests.lab.job import Job, Task

pytestmark = pytest.mark.timeout(240)

ORGANIZATION = "Contoso IT"
FACT = "latchkey_challenges"


@dataclass
class Keys:
    """An organisation's keys in a folder, made by the real ssh-keygen."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("authority", "olga"):
            self.make(name)

    def make(self, name: str, kind: str = "ed25519") -> None:
        """Make a key."""
        self.run("-t", kind, "-N", "", "-f", name)

    def run(self, *arguments: str) -> None:
        """Run ssh-keygen."""
        command = ["ssh-keygen", "-q", *arguments]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True, stdin=subprocess.DEVNULL)

    def issue(
        self,
        times: str = "-5m:+20h",
        *,
        authority: str = "authority",
        organization: str = ORGANIZATION,
        options: tuple[str, ...] = (),
    ) -> str:
        """Issue the operator's certificate; return its line."""
        more = [part for option in options for part in ("-O", option)]
        organized = f"extension:latchkey-organization={organization}"
        self.run("-s", authority, "-I", "Olga Miller", "-n", "helpdesk", "-V", times, "-z", "7",
                 "-O", "clear", "-O", organized, *more, "olga.pub")  # fmt: skip
        return (self.folder / "olga-cert.pub").read_text(encoding="ascii").strip()

    def policy(self, epoch: int = 1, *authorities: str) -> str:
        """Return the text of a PC's settings that pin these authorities."""
        named = authorities or ("authority",)
        lines = [(self.folder / f"{name}.pub").read_text(encoding="ascii").strip() for name in named]
        return (
            f'{POLICY}\n[signing]\nepoch = {epoch}\norganization = "{ORGANIZATION}"\n'
            f"authorities = {json.dumps(lines)}\n"
        )

    @property
    def key(self) -> str:
        """The path of the operator's key."""
        return str(self.folder / "olga")


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Return an organisation's keys."""
    require(SSH_KEYGEN)
    return Keys(tmp_path / "keys")


def signed(keys: Keys, name: str = "request", **options: Any) -> Task:
    """Return the task that requests two restarts, signed."""
    asked = request(signing_key=keys.key, **options)
    return {**asked, "name": name}


def fact(name: str, value: object) -> Task:
    """Return a task that sets the host's fact with the open challenges, or keeps it aside."""
    module = {name: value, "cacheable": True}
    return {"name": f"set {name}", "ansible.builtin.set_fact": module}


def ignored(one: Task) -> Task:
    """Return the task whose failure does not end the play."""
    return {**one, "ignore_errors": True}


def codes(job: Job, name: str = "request") -> list[str | None]:
    """Return the error codes of a host's tasks of this name, in their order."""
    return [result.get("error_code") for result in job.results(name)]


@pytest.mark.timeout(480)
def test_the_playbook_makes_keys_that_a_signed_job_uses(lab_pc: LabPC, tmp_path: Path) -> None:
    """With ssh-keygen and the playbook `keys` alone a job is signed, and the customer lends to two parties."""
    require(SSH_KEYGEN)
    folder = tmp_path / "made"
    operator, computer = lab_pc(script=[Grant()])
    both = made(operator, folder, keys_authority="next", keys_sealing="true")
    assert (both["epoch"], both["organization"], len(both["authorities"])) == (1, ORGANIZATION, 2)
    pin(computer, both)
    [path] = [file for file in (folder / "operators").iterdir() if not file.suffix]
    assert operator.jobs[-1].result("Show the option", "localhost")["msg"] == {"signing_key": str(path)}
    sealing = operator.jobs[-1].result("Show the sealing key's option", "localhost")["msg"]
    key = {"group/latchkey.consent.consent": {"signing_key": str(path), **sealing}}
    job = operator.begin([play(start(), request(), end(), module_defaults=key)]).succeed()
    asked = job.result("request")
    assert asked["answer"] == "granted"
    assert asked["request"]["signed_by"]["name"] == "Olga Miller"
    assert len(asked["code"]) == 6
    assert asked["grant"]["terms"]["two_parties"] is True
    [receipt] = job.result("end")["receipts"]
    assert receipt["document"]["requester"] == {
        "name": "Olga Miller", "organization": ORGANIZATION, "role": "helpdesk",
    }  # fmt: skip
    last = made(operator, folder, keys_authority="switch")
    assert (last["epoch"], last["authorities"]) == (2, both["authorities"][1:])
    private = path.read_text(encoding="ascii").splitlines()[1]
    for file in (path for one in operator.jobs for path in one.folder.iterdir() if path.is_file()):
        assert private not in file.read_text(encoding="utf-8", errors="replace")


def made(operator: Operator, folder: Path, **told: str) -> dict[str, Any]:
    """Run the playbook `keys`; return the variable that it shows."""
    known = {"keys_folder": str(folder), "keys_organization": ORGANIZATION, "keys_operator": "Olga Miller"}
    job = operator.begin("latchkey.consent.keys", "-e", json.dumps(known | told)).succeed()
    shown: dict[str, Any] = job.result("Show the variable", "localhost")["msg"]["agent_signing"]
    return shown


@pytest.mark.timeout(480)
def test_no_two_operators_share_a_key(tmp_path: Path) -> None:
    """Names in letters outside of ASCII, or of an authority's file, have files of their own, in the present folder."""
    require(SSH_KEYGEN)
    operator, folder = Operator(tmp_path / "operator", {}), tmp_path / "operator/made"
    for name in ("李明", "王芳", "authority"):
        made(operator, Path("made"), keys_operator=name)
    keys = [file for file in (folder / "operators").iterdir() if not file.suffix]
    assert len({file.read_text(encoding="ascii") for file in keys}) == len(keys) == 3
    assert not (folder / "authority-cert.pub").exists()
    wrong = {"keys_folder": str(folder), "keys_organization": ORGANIZATION, "keys_operator": "Olga"}
    wrong["keys_public_key"] = str(folder / "authority.pub")
    assert (
        "no key of the authority"
        in operator.begin("latchkey.consent.keys", "-e", json.dumps(wrong)).fail().output
    )
    long = {**wrong, "keys_hours": 745}
    del long["keys_public_key"]
    refused = operator.begin("latchkey.consent.keys", "-e", json.dumps(long)).fail()
    assert "keys_hours is 1 to 744" in " ".join(refused.output.split())


@pytest.mark.timeout(480)
def test_the_epoch_grows_with_each_change_of_the_table(tmp_path: Path) -> None:
    """Another organisation, a key of a run that was interrupted, and half a switch: none keeps the epoch by mistake."""
    require(SSH_KEYGEN)
    operator, folder = Operator(tmp_path / "operator", {}), tmp_path / "made"
    first = made(operator, folder)
    assert (made(operator, folder), first["epoch"]) == (first, 1)
    assert made(operator, folder, keys_organization="Fabrikam")["epoch"] == 2
    Keys(tmp_path / "other").make("next")
    for name in ("next", "next.pub"):
        (tmp_path / "other" / name).rename(folder / name)
    both = made(operator, folder)
    assert (both["epoch"], len(both["authorities"])) == (3, 2)
    (folder / "next").rename(folder / "authority")
    last = made(operator, folder, keys_authority="switch")
    assert (last["epoch"], last["authorities"]) == (4, both["authorities"][1:])
    assert not (folder / "next.pub").exists()


def pin(computer: SimulatedComputer, signing: dict[str, Any]) -> None:
    """Write what the role `agent` would: the settings with these keys."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in signing.items()]
    text = f"{POLICY}\n[signing]\n" + "\n".join(lines) + "\n"
    (computer.agent_folder / "settings.toml").write_text(text, encoding="utf-8")


@provokes("signature_required", "signing_key_unusable", "challenge_missing")
def test_no_request_goes_unsigned_by_itself(lab_pc: LabPC, keys: Keys) -> None:
    """Without a key, with one that cannot be used, and without a challenge the task fails, and no window opens."""
    operator, computer = lab_pc(policy=keys.policy())
    keys.make("other")
    keys.issue()
    wrong = request(signing_key=str(keys.folder / "other"), signing_certificate=f"{keys.key}-cert.pub")
    job = operator.run(
        ignored(signed(keys)),
        start(),
        ignored(request()),
        ignored(wrong),
        ignored(signed(keys, session="CHG-9")),
    )
    assert codes(job) == [
        "challenge_missing",
        "signature_required",
        "signing_key_unusable",
        "challenge_missing",
    ]
    assert computer.events.count("request_shown") == 0


@pytest.mark.parametrize("empty", ["", None], ids=["empty", "null"])
def test_an_empty_variable_of_the_role_asks_nobody(lab_pc: LabPC, keys: Keys, empty: str | None) -> None:
    """On a PC that takes both kinds, a variable that is empty by mistake does not make the request an unsigned one."""
    allowing = keys.policy().replace("[signing]", "allow_unsigned = true\n[signing]")
    operator, computer = lab_pc(policy=allowing, script=[Grant()])
    keys.issue()
    prepare(operator, maintenance_signing_key=empty, request_wait=True)
    job = operator.begin("latchkey.consent.request").fail()
    refused = job.result("Ask the customer for a grant")
    assert (refused["error_code"], "signing_key is empty" in refused["msg"]) == ("signing_key_unusable", True)
    assert computer.events.count("request_shown") == 0
    operator.variables["maintenance_signing_key"] = keys.key
    asked = operator.begin("latchkey.consent.request").succeed().result("Ask the customer for a grant")
    assert asked["request"]["signed_by"]["name"] == "Olga Miller"


@pytest.mark.timeout(900)
def test_a_job_signs_with_the_key_of_its_credential(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, keys: Keys
) -> None:
    """With `awx_signing` and `awx_sealing` the jobs sign and ask for two parties; no user and no output has a key."""
    line, private, sealing = keys.issue(), Path(keys.key).read_text(encoding="ascii"), seal(keys)
    saved, password = saved_controller(tmp_path_factory)
    own = tmp_path / "signing.yml"
    own.touch(0o600)
    both_keys = {"awx_signing": {"key": private, "certificate": line}, "awx_sealing": {"key": sealing}}
    own.write_text(json.dumps(both_keys), encoding="ascii")
    answers = {"maintenance_session": SESSION, "maintenance_reason": "Monthly updates", "target": "all"}
    settings: dict[str, Any] = {"policy": keys.policy(), "operator_password": password, "script": (Grant(),)}
    with (
        configured(tmp_path / "controller", saved / "controller") as controller,
        pc(tmp_path / "pc", **settings) as computer,
    ):
        awx = Awx(controller, saved / "operator")
        awx.add_pcs([computer])
        unsigned = awx.wait(awx.launch("job_templates", "Request", **answers))
        assert unsigned["status"] == "failed"
        assert "takes signed requests only" in awx.told(unsigned)
        made = awx.configure("-e", f"@{own}")
        assert made.returncode == 0, made.stdout + made.stderr
        signed_one = awx.wait(awx.launch("job_templates", "Maintain", **answers))
        told = awx.told(signed_one)
        assert signed_one["status"] == "successful", told
        assert computer.events.count("updates_installed") == 1
        assert told.count("the operator's half of the key is delivered for the sign-in") == 2
        secrets = {private.splitlines()[1], sealing.splitlines()[1]}
        everywhere = told + made.stdout + made.stderr + awx.ask("GET", "credentials/").text
        assert [secret for secret in secrets if secret in everywhere] == []
        kept = awx.row("credentials", "Latchkey signing")
        assert kept["inputs"] == {"key": "$encrypted$", "certificate": line}
        assert awx.row("credentials", "Latchkey sealing")["inputs"] == {"key": "$encrypted$"}
        assert awx.configure("-e", f"@{own}", "-e", "awx_state=absent").returncode == 0
        assert awx.ask("GET", "credentials/").json()["results"] == []


@provokes("certificate_expired", "certificate_not_yet_valid", "certificate_untrusted", "certificate_not_allowed",
          "certificate_long_lived", "certificate_unusable")  # fmt: skip
def test_a_certificate_that_does_not_count_shows_nothing(lab_pc: LabPC, keys: Keys) -> None:
    """Each fault of a certificate that ssh-keygen issues has its code, and the same challenge serves afterwards."""
    operator, _computer = lab_pc(policy=keys.policy(), script=[Grant()])
    keys.make("foreign")
    wrong = {
        "certificate_expired": keys.issue("-2h:-1h"),
        "certificate_long_lived": keys.issue("-5m:forever"),
        "certificate_not_yet_valid": keys.issue("+1h:+2h"),
        "certificate_untrusted": keys.issue(authority="foreign"),
        "certificate_not_allowed": keys.issue(organization="Fabrikam"),
        "certificate_unusable": keys.issue(options=("force-command=whoami",)),
    }
    tasks = [ignored(signed(keys, signing_certificate=line)) for line in wrong.values()]
    job = operator.run(start(), *tasks, signed(keys, "last", signing_certificate=keys.issue()))
    assert codes(job) == list(wrong)
    assert job.result("last")["answer"] == "granted"


@provokes("challenge_used", "challenge_unknown", "request_differs")
def test_a_challenge_serves_one_request_of_its_session(lab_pc: LabPC, keys: Keys) -> None:
    """A repeated challenge, one of an ended session, and one of a replaced device key ask nobody."""
    operator, _computer = lab_pc(policy=keys.policy(), script=[Deny()])
    keys.issue()
    kept = fact("kept", "{{ ansible_facts." + FACT + " }}")
    job = operator.run(
        start(),
        ctl("device-key", "--replace"),
        ignored(signed(keys)),
        start(),
        kept,
        ignored(signed(keys, "denied")),
        fact(FACT, "{{ kept }}"),
        ignored(signed(keys, ask_again=True)),
        end(),
        start(),
        fact(FACT, "{{ kept }}"),
        ignored(signed(keys, ask_again=True)),
    )
    assert codes(job, "denied") == ["denied"]
    assert codes(job) == ["request_differs", "challenge_used", "challenge_unknown"]


@provokes("challenge_invalid")
def test_the_controller_signs_what_its_own_tasks_say(lab_pc: LabPC, keys: Keys) -> None:
    """Another reason or operator, and a challenge that was changed or is another session's, ask nobody."""
    operator, computer = lab_pc(policy=keys.policy(), script=[Grant()])
    keys.issue()
    known = f"ansible_facts.{FACT}"
    swapped = "{{ {'" + SESSION + "': " + known + "['CHG-2']} }}"
    changed = {"challenge": {"reason": "Other"}}
    forged = "{{ " + known + " | combine({'" + SESSION + "': " + str(changed) + "}, recursive=true) }}"
    job = operator.run(
        start(session="CHG-2"),
        start(operators=["anna"], ticket="T-1"),
        fact(FACT, forged),
        ignored(signed(keys)),
        fact(FACT, swapped),
        ignored(signed(keys)),
        start(ticket="T-1"),
        ignored(signed(keys)),
        start(operators=["anna"]),
        ignored(signed(keys)),
        start(operators=["anna"], ticket="T-1"),
        signed(keys, "last"),
    )
    assert codes(job) == ["challenge_invalid"] * 4
    reasons = [result["msg"] for result in job.results("request")]
    for words, reason in zip(("signature", "name", "operators", "ticket"), reasons, strict=True):
        assert words in reason
    assert job.result("last")["answer"] == "granted"
    assert computer.events.count("request_shown") == 1


@provokes("account_not_signed")
def test_a_signature_names_the_account_that_it_asks(lab_pc: LabPC, keys: Keys) -> None:
    """A person who signs in after the session was started is not asked by a text that names nobody."""
    operator, computer = lab_pc(policy=keys.policy(), signed_in=False, script=[Grant()])
    keys.issue()
    kept = operator.run(start(), fact("kept", "{{ ansible_facts." + FACT + " }}"))
    old = kept.results("set kept")[0]["ansible_facts"]["kept"]
    computer.customer.sign_in()
    job = operator.run(fact(FACT, old), ignored(signed(keys)), start(), signed(keys, "last")).succeed()
    assert codes(job) == ["account_not_signed"]
    assert job.result("last")["answer"] == "granted"


@provokes("challenge_expired", "signature_invalid")
def test_a_late_and_a_forged_signature_ask_nobody(lab_pc: LabPC, keys: Keys, tmp_path: Path) -> None:
    """A challenge ends after hours, and a controller that signs other bytes than it sends is refused."""
    operator, computer = lab_pc(policy=keys.policy())
    keys.issue()
    forger = tmp_path / "forger"
    forger.mkdir()
    (forger / "sitecustomize.py").write_text(
        "import hashlib\n_right = hashlib.sha512\n"
        "hashlib.sha512 = lambda data=b'', **more: _right(data + b'x', **more)\n",
        encoding="ascii",
    )
    operator.environment = {"PYTHONPATH": str(forger)}
    forged = operator.run(start(), signed(keys)).fail()
    assert codes(forged) == ["signature_invalid"]
    operator.environment = {}
    kept = operator.run(start(), fact("kept", "{{ ansible_facts." + FACT + " }}"))
    old = kept.results("set kept")[0]["ansible_facts"]["kept"]
    computer.let_pass(timedelta(hours=9))
    job = operator.run(fact(FACT, old), signed(keys)).fail()
    assert codes(job) == ["challenge_expired"]


def test_a_relaunched_job_signs_the_same_night(lab_pc: LabPC, keys: Keys) -> None:
    """Times of day are resolved in the PC's zone, and a job that is launched again finds its grant."""
    operator, computer = lab_pc(policy=keys.policy(), script=[Grant()], zone="Asia/Kolkata")
    keys.issue()
    begins, over, ends = (time_of_day(computer, hours) for hours in (5, 12, 12.5))
    night = {"not_before": begins, "not_after": over}
    session = {"ends": ends}
    first = operator.run(start(**session), signed(keys, **night)).succeed().result("request")
    again = operator.run(start(), signed(keys, **night)).succeed().result("request")
    assert again["grant"]["id"] == first["grant"]["id"]
    assert again["changed"] is False
    assert f"T{begins}:00" in first["grant"]["terms"]["not_before"]
    assert f"T{over}:00" in first["grant"]["terms"]["not_after"]


def test_signing_takes_no_further_call(lab_pc: LabPC, keys: Keys) -> None:
    """A signed request takes one remote execution for each task, as an unsigned one does."""
    operator, computer = lab_pc(policy=keys.policy())
    keys.issue()
    job = operator.run(start(), signed(keys, wait=False), end()).succeed()
    assert job.result("request")["request"]["signed_by"]["role"] == "helpdesk"
    assert by_task(job, computer.request_log, 0) == {"start": 1, "request": 1, "end": 1}


def test_check_mode_signs_nothing(lab_pc: LabPC, keys: Keys) -> None:
    """Check mode has no challenge, asks nobody, and does not fail."""
    operator, _computer = lab_pc(policy=keys.policy())
    keys.issue()
    operator.run(start()).succeed()
    job = operator.run(start(), signed(keys), arguments=["--check"]).succeed()
    assert job.result("request")["changed"] is True
    info = operator.run(task("credential_info", "info")).succeed().result("info")
    assert info["requests"] == []


# --- signed, and of two parties


def both(keys: Keys, operator: Operator, *tasks: Task, sign: bool = True) -> Job:
    """Begin tasks with signing key, sealing key and known PCs as defaults of the action group."""
    defaults = {"known_pcs": str(keys.folder / "known_pcs"), "sealing_key": str(keys.folder / "sealing.pem")}
    if sign:
        defaults["signing_key"] = keys.key
    return operator.begin([play(*tasks, module_defaults={"group/latchkey.consent.consent": defaults})])


def seal(keys: Keys) -> str:
    """Make a sealing key; return its text."""
    private = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (keys.folder / "sealing.pem").touch(mode=0o600)
    (keys.folder / "sealing.pem").write_bytes(private)
    return private.decode()


@pytest.mark.also_on_wine
def test_a_signed_job_of_two_parties(lab_pc: LabPC, keys: Keys) -> None:
    """The operator signs the request with the grant's public key in it, and both deliveries of the half."""
    operator, _computer = lab_pc(policy=keys.policy(), script=[Grant()])
    keys.issue()
    seal(keys)

    job = both(keys, operator, start(), request(), apply(step="updates"), end()).succeed()

    sealing = job.result("request")["grant"]["sealing"]
    assert job.result("apply")["signed_in"]["locked_at"] is not None
    [receipt] = job.result("end")["receipts"]
    assert receipt["document"]["signature"]["document"]["sealing"] == sealing
    assert receipt["document"]["terms"]["two_parties"] is True


@provokes("apply_not_signed", "apply_differs")
def test_a_use_is_signed_by_the_person_who_asked(lab_pc: LabPC, keys: Keys) -> None:
    """Without a signature, and with that of another use, nothing is used; then the right one uses the grant."""
    operator, computer = lab_pc(policy=keys.policy(), script=[Grant()])
    keys.issue()
    text = seal(keys)
    both(keys, operator, start(), request()).succeed()

    unsigned = both(keys, operator, apply(step="updates"), sign=False).fail().first_failure()

    def use(step: str, half: fields.DeliveredHalf | None = None) -> ans.HalfView | None:
        answer = computer.ask_agent(
            rq.CredentialApply(session=SESSION, action="restart", step=step, half=half)
        )
        assert isinstance(answer.error, ErrorView)
        see({"error_code": answer.error.code})
        return read(ans.ApplyAnswer, answer.result).half if isinstance(answer.result, dict) else None

    side = HalfAnswers(sealing_key(text), "", SESSION, signer=lambda: read_signer(keys.key, None))
    this, other = use("updates"), use("other")
    assert this is not None
    assert other is not None
    given = {
        **side.answer(this, Meant("restart", this.step, within=900.0)),
        "signature": side.answer(other, Meant("restart", other.step, within=900.0))["signature"],
    }
    use("updates", msgspec.convert(given, fields.DeliveredHalf))

    assert (unsigned["error_code"], unsigned["outcome"]) == ("apply_not_signed", "refused")
    assert computer.events.count("boot") == 1
    assert both(keys, operator, apply(step="updates")).succeed().result("apply")["left"]["restarts"] == 1


@provokes("certificate_ends_early")
def test_a_certificate_that_ends_before_the_sign_in_begins_no_restart(lab_pc: LabPC, keys: Keys) -> None:
    """The PC does not go down for a use whose second delivery nobody could sign; a new certificate uses it."""
    operator, computer = lab_pc(policy=keys.policy(), script=[Grant()])
    keys.issue()
    seal(keys)
    both(keys, operator, start(), request()).succeed()
    keys.issue("-5m:+5m")
    failed = both(keys, operator, apply(step="updates", timeout=600)).fail().first_failure()
    keys.issue()

    assert (failed["error_code"], failed["outcome"]) == ("certificate_ends_early", "refused")
    assert computer.events.count("boot") == 1
    assert both(keys, operator, apply(step="updates")).succeed().result("apply")["left"]["restarts"] == 1
