# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of signed requests: keys from files and values, times as the PC takes them, the signed text."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import msgspec
import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils import _answers as ans
from ansible_collections.latchkey.consent.plugins.plugin_utils._answer_reader import read
from ansible_collections.latchkey.consent.plugins.plugin_utils._armored_signature import signed, verified
from ansible_collections.latchkey.consent.plugins.plugin_utils._credential_request import (
    RequestOptions,
    RequestTask,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._device_check import DeviceCheck, device_check
from ansible_collections.latchkey.consent.plugins.plugin_utils._failure import Failure
from ansible_collections.latchkey.consent.plugins.plugin_utils._half_answers import HalfAnswers, Meant
from ansible_collections.latchkey.consent.plugins.plugin_utils._operator_certificate import (
    Signer,
    read_signer,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._pc_times import pc_times
from ansible_collections.latchkey.consent.plugins.plugin_utils._request_signature import (
    FACT,
    OpenChallenge,
    challenge_of,
    facts_with,
    require_genuine,
    signed_fields,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._sealing_key import sealing_key
from ansible_collections.latchkey.consent.plugins.plugin_utils._support_session import start
from ansible_collections.latchkey.consent.plugins.plugin_utils._wait_clock import Clock
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agent.packaging.system_tools import SSH_KEYGEN
from latchkey_agent.core.core import Core
from latchkey_agent.domain import Refused, window
from latchkey_agent.handlers import signed_requests
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol.fields import DeliveredHalf
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.signed_json import CHALLENGE, canonical_json
from tests.needs import require
from tests.unit.agent.bench import Bench
from tests.unit.agent.signing import CA, OPERATOR_KEY, certificate, pin, utc
from tests.unit.agent.world import ANNA, BEN, OPERATOR
from tests.unit.plugins.fakes import stage

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
LINE = certificate(NOW)


def private(key: Any = OPERATOR_KEY) -> str:
    """Return a private key as OpenSSH writes it."""
    form = serialization.PrivateFormat.OpenSSH
    return str(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode())


def olga() -> Signer:
    """Return the operator's key with a certificate."""
    return read_signer(private(), LINE)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An agent on a computer in memory."""
    made = Bench(tmp_path)
    yield made
    made.stop()


# --- keys


def test_key_and_certificate_come_from_files_or_values(tmp_path: Path) -> None:
    """Both ways, and the certificate beside the key, lead to the same signer."""
    (tmp_path / "olga").write_text(private())
    (tmp_path / "olga").chmod(0o600)
    (tmp_path / "olga-cert.pub").write_text(f"{LINE} olga@controller\n")
    found = olga()
    assert (found.name, found.organization, found.role) == ("Olga Operator", "Contoso IT", "helpdesk")
    for signer in (
        read_signer(str(tmp_path / "olga"), None),
        read_signer(private().strip(), str(tmp_path / "olga-cert.pub")),
    ):
        assert signer.key.private_bytes_raw() == OPERATOR_KEY.private_bytes_raw()
        assert (signer.certificate, signer.sha256) == (LINE, found.sha256)


def test_the_role_may_be_the_first_principal() -> None:
    """The PC shows the same role, so the signed text must name it."""
    line = certificate(NOW, extensions={b"latchkey-organization": b"C"}, principals=(b"second", b"first"))
    assert read_signer(private(), line).role == "second"


def test_another_programs_extension_may_have_any_value() -> None:
    """The PC does not read it, either."""
    named = {b"latchkey-organization": b"Contoso IT", b"zz@corp": b"\xff\x00"}
    assert read_signer(private(), certificate(NOW, extensions=named)).organization == "Contoso IT"


@pytest.mark.parametrize(
    ("key", "line", "words"),
    [
        ("/nowhere/key", LINE, "signing_key: the file cannot be read"),
        (private(), "/nowhere/key", "signing_certificate: the file cannot be read"),
        (private(), None, "signing_certificate is not set"),
        (private()[:-90], LINE, "no OpenSSH private key"),
        (private(ec.generate_private_key(ec.SECP256R1())), LINE, "no Ed25519 key"),
        (private(CA), LINE, "another key"),
        (private(), "ssh-ed25519-cert-v01@openssh.com AAAA", "ends too early"),
        (private(), "ssh-ed25519-cert-v01@openssh.com A", "damaged"),
        (private(), "ssh-ed25519-cert-v01@openssh.com ", "no line"),
    ],
)
def test_an_unusable_key_is_named_and_not_quoted(key: str, line: str | None, words: str) -> None:
    """The message names the option; no part of a key is in it."""
    with pytest.raises(Failure) as caught:
        read_signer(key, line)
    assert caught.value.code == "signing_key_unusable"
    assert words in caught.value.error.message
    assert not any(part in caught.value.error.message for part in key.splitlines()[1:-1])


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o601])
def test_a_key_that_others_may_use_is_refused(
    tmp_path: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with ssh: the owner's own file must be for the owner alone; another account's file is not looked at."""
    file = tmp_path / "olga"
    file.write_text(private())
    file.chmod(mode)
    with pytest.raises(Failure) as caught:
        read_signer(str(file), LINE)
    assert caught.value.code == "signing_key_unusable"
    assert f"mode {mode:04o}" in caught.value.error.message
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    assert read_signer(str(file), LINE).name == "Olga Operator"


def test_ssh_keygen_refuses_the_same_key(tmp_path: Path) -> None:
    """The rule is that of OpenSSH's own programs."""
    require(SSH_KEYGEN)
    file = tmp_path / "olga"
    file.write_text(private())
    for mode, refused in ((0o640, True), (0o600, False)):
        file.chmod(mode)
        done = subprocess.run(["ssh-keygen", "-y", "-f", str(file)], capture_output=True, check=False)
        assert (done.returncode != 0) == refused


def test_a_key_with_a_passphrase_is_unusable(tmp_path: Path) -> None:
    """The message names the missing part; a task cannot type a passphrase."""
    require(SSH_KEYGEN)
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(file)], check=True)
    with pytest.raises(Failure) as caught:
        read_signer(str(file), LINE)
    assert "without a passphrase" in caught.value.error.message


def test_a_key_in_the_options_gets_into_no_result() -> None:
    """Neither a failure nor a success has the key."""
    text = private()
    for module in ("credential_request", "credential_info", "support_session"):
        result = stage([]).run(module, {"session": "x", "signing_key": text, "wrong": 1})
        assert result["error_code"] == "bad_option"
        assert text.splitlines()[1] not in json.dumps(result)
    result = stage([]).run(
        "credential_request", {"session": "x", "signing_key": text, "signing_certificate": LINE}
    )
    assert result["error_code"] == "challenge_missing"
    assert text.splitlines()[1] not in json.dumps(result)


# --- signatures


def test_ssh_keygen_and_the_agent_verify_what_the_controller_signs(tmp_path: Path) -> None:
    """`ssh-keygen -Y verify` accepts it with the authority alone, since the certificate names the key."""
    require(SSH_KEYGEN)
    armored = signed(OPERATOR_KEY, b"{}", "latchkey-request")
    assert (
        ssh_signature.verify(armored, "latchkey-request", b"{}")
        == verified(armored, b"{}", "latchkey-request")[-32:]
    )
    assert armored == ssh_signature.sign(OPERATOR_KEY, "latchkey-request", b"{}")
    line = ssh_signature.public_line(OPERATOR_KEY.public_key().public_bytes_raw())
    (tmp_path / "signers").write_text(f"olga {line}\n")
    (tmp_path / "sig").write_text(armored)
    command = [
        "ssh-keygen",
        "-Y",
        "verify",
        "-f",
        "signers",
        "-I",
        "olga",
        "-n",
        "latchkey-request",
        "-s",
        "sig",
    ]
    assert (
        subprocess.run(command, cwd=tmp_path, input=b"{}", capture_output=True, check=False).returncode == 0
    )


# --- times


ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC", "Pacific/Chatham")


def test_the_controller_resolves_times_as_the_pc_does() -> None:
    """Of 4,000 pairs of times around changes of daylight saving time, each means the same window on both sides."""
    dice = random.Random(3)  # noqa: S311 - the same pairs each time
    compared = 0
    for _ in range(4000):
        zone = ZoneInfo(dice.choice(ZONES))
        day = dice.choice((datetime(2027, 3, 27, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)))
        now = day + timedelta(minutes=dice.randrange(3 * 24 * 60))
        ends_at = now + timedelta(hours=dice.randint(1, 80))
        texts = [dice.choice((None, f"{dice.randrange(24):02}:{dice.choice((0, 30)):02}",
                              f"{now.astimezone(zone) + timedelta(hours=dice.randint(-2, 40)):%Y-%m-%dT%H:%M}",
                              "24:61", "2026-11-23"))
                 for _ in range(2)]  # fmt: skip
        offsets = signed_requests._offsets(now, ends_at, zone)
        times = pc_times(now, offsets)
        try:
            theirs = window(texts[0], texts[1], now.astimezone(zone), ends_at, zone)
        except Refused:
            # The PC refuses the moments as well, or the text as it stands.
            continue
        if zone.key == "Pacific/Chatham" and len(offsets) > 1:
            # Its changes are at a quarter of an hour; `_offsets` says what follows from that.
            continue
        ours = times.window(texts[0], texts[1], now, ends_at)
        assert [one and one.astimezone(UTC) for one in ours] == [one.astimezone(UTC) for one in theirs], (
            now,
            zone,
            texts,
        )
        compared += 1
    assert compared > 800


def test_swapped_times_are_refused_as_the_pc_would() -> None:
    """Two times of day that mean a long day are more likely a night with its times swapped."""
    times = pc_times(NOW, {NOW.isoformat(): 60})
    with pytest.raises(Failure) as caught:
        times.window("05:00", "22:00", NOW, NOW + timedelta(days=2))
    assert caught.value.code == "bad_time"
    with pytest.raises(Refused) as theirs:
        window("05:00", "22:00", NOW, NOW + timedelta(days=2), ZoneInfo("Europe/Berlin"))
    assert str(theirs.value.places["detail"]) in caught.value.error.message


def test_offsets_that_are_none_are_refused() -> None:
    """A challenge without an offset cannot be used."""
    with pytest.raises(ValueError, match="offset"):
        pc_times(NOW, {})


# --- challenges and the signed text


class Wire:
    """The agent as a task sees it; `changed` may alter the messages in both directions."""

    check = False

    def __init__(self, bench: Bench, **changed: Any) -> None:
        self.bench = bench
        self.changed = changed
        self.challenge: dict[str, Any] | None = None

    def change(self, kind: type[Any], verb: str, _deadline: object, **fields: Any) -> Any:
        """Send one request; return its answer as the client does."""
        sent = {name: value for name, value in {**fields, **self.changed}.items() if value is not None}
        answer = json.loads(self.bench.agent.control(json.dumps({"verb": verb, **sent}).encode(), OPERATOR))
        assert answer["outcome"] == "done", answer
        result = answer["result"]
        if self.challenge is not None:
            result["challenge"] = self.challenge
        return SimpleNamespace(result=read(kind, result), changed=True)

    def device_key(self, _deadline: object) -> str:
        """Return the key of the PC; no task asks for it here."""
        raise NotImplementedError


TASK: dict[str, Any] = {"session": "CHG-1", "reason": "Monthly updates \u00e4", "ticket": "T-1"}


def prepared(bench: Bench) -> Bench:
    """Let the agent pin the authority, and the customer sign in."""
    pin(bench)
    bench.world.sign_in(ANNA)
    return bench


def started(bench: Bench, known: object = None, /, wire: Wire | None = None, **task: Any) -> dict[str, Any]:
    """Run the task `support_session` against the agent itself; return the host's fact with the challenges."""
    agent: Any = wire or Wire(prepared(bench))
    result = start(agent, Clock().deadline(60), {**TASK, **task}, DeviceCheck(None, "pc1"), known)
    found: dict[str, Any] = result["ansible_facts"][FACT]
    return found


def opened_by(bench: Bench, **task: Any) -> OpenChallenge:
    """Start a session on the agent itself; return its challenge as the controller keeps it."""
    return challenge_of(started(bench, **task), "CHG-1")


ONE_PARTY = HalfAnswers(None, "pc1", "CHG-1")


def request(
    wire: Wire,
    challenges: object,
    device: DeviceCheck | None = None,
    halves: HalfAnswers = ONE_PARTY,
    **options: Any,
) -> dict[str, Any]:
    """Run the task `credential_request`, signed and without waiting; return its result."""
    signer = read_signer(private(), certificate(wire.bench.world.now))
    told = RequestOptions(
        "CHG-1",
        {"restarts": 1, **options},
        wait=False,
        deadline=Clock().deadline(60),
        halves=halves,
        signer=signer,
        challenges=challenges,
        device=device,
    )
    return RequestTask(wire, None, told).ask()  # type: ignore[arg-type]


def test_the_agent_takes_what_the_operator_signs_for_two_parties(bench: Bench, canary: bytearray) -> None:
    """The signed request has the public key of the grant, and the signed use has what the agent has asked for."""
    text = X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    line = certificate(bench.world.now)
    halves = HalfAnswers(
        sealing_key(text.decode()), "pc1", "CHG-1", signer=lambda: read_signer(private(), line)
    )
    bench.world.set_password(ANNA, canary)
    known = started(bench)
    with pytest.raises(AssertionError, match="request_differs"):
        request(Taking(bench, "sealing"), known, halves=halves)
    asked = request(Wire(bench), known, halves=halves)["request"]["id"]
    bench.show(asked)
    assert bench.allow(asked, canary).done
    use: dict[str, Any] = {"session": "CHG-1", "action": "restart", "step": "updates"}
    refused = bench.ask(rq.CredentialApply(**use))
    assert isinstance(refused.result, dict)
    given = halves.answer(
        read(ans.HalfView, refused.result["half"]), Meant("restart", "updates", within=900.0)
    )
    half = msgspec.convert(given, DeliveredHalf)
    assert bench.result(rq.CredentialApply(**use, half=half))["use"]["permit"]


class Taking(Wire):
    """A connection that removes a field from each message."""

    def __init__(self, bench: Bench, field: str) -> None:
        super().__init__(bench)
        self.field = field

    def change(self, kind: type[Any], verb: str, _deadline: object, **fields: Any) -> Any:
        """Send one request without the field."""
        return super().change(kind, verb, _deadline, **{n: v for n, v in fields.items() if n != self.field})


@pytest.mark.parametrize(
    "options",
    [
        {"restarts": 2},
        {
            "restarts": 1,
            "unlocks": 2,
            "not_before": "22:00",
            "not_after": "05:00",
            "grace": 1.5,
            "answer_within": 599.25,
        },
        {
            "restarts": 1,
            "account": "anna",
            "means": "auto",
            "answer_by": "21:00",
            "ask_again": True,
            "relock_after": 60.0,
        },
        {
            "restarts": 1,
            "not_after": "2026-11-24T05:00:00+01:00",
            "programs": False,
            "foreign_restarts": True,
        },
    ],
)
def test_the_agent_takes_what_the_controller_signs(bench: Bench, options: dict[str, Any]) -> None:
    """The text that the controller writes is the one that the agent expects, byte by byte."""
    signer = read_signer(private(), certificate(bench.world.now))
    asked = signed_fields(signer, opened_by(bench), {"session": "CHG-1", **options})
    body = json.dumps({"verb": "credential_request", **{k: v for k, v in asked.items() if v is not None}})
    answer = json.loads(bench.agent.control(body.encode(), OPERATOR))
    assert answer["outcome"] == "done", answer
    assert answer["result"]["request"]["signed_by"]["name"] == "Olga Operator"


def test_a_challenge_is_kept_in_a_fact_and_found_again(bench: Bench) -> None:
    """The fact keeps the challenges of other sessions, and loses the one that is gone."""
    kept = started(bench, {"CHG-2": {"x": 1}})
    found = challenge_of(kept, "CHG-1")
    assert facts_with({"CHG-2": {"x": 1}}, "CHG-1", found)["ansible_facts"][FACT] == kept
    assert set(kept) == {"CHG-1", "CHG-2"}
    assert facts_with(kept, "CHG-1", None) == {"ansible_facts": {FACT: {"CHG-2": {"x": 1}}}}
    assert facts_with({}, "CHG-1", None) == facts_with(None, "CHG-1", None) == {}
    wrong: tuple[Any, ...] = (
        None,
        [],
        {},
        {"CHG-1": None},
        {"CHG-1": {"challenge": {}}},
        {"CHG-1": {**kept["CHG-1"], "task": None}},
        {"CHG-1": {**kept["CHG-1"], "task": {**kept["CHG-1"]["task"], "operators": None}}},
        {"CHG-2": kept["CHG-2"]},
    )
    for broken in wrong:
        with pytest.raises(Failure) as caught:
            challenge_of(broken, "CHG-1")
        assert caught.value.code == "challenge_missing"


def test_the_pcs_reason_for_no_challenge_is_told(bench: Bench) -> None:
    """It stays in the fact until the PC gives a challenge; a fact that was made up gets into no sentence."""
    pin(bench)
    bench.agent.core._device_key = None
    bench.agent.core._key_problem = "DPAPI failed"
    with patch.object(Core, "_look_for_device_key"):
        known = started(bench, {"CHG-2": {"x": 1}}, wire=Wire(bench))
    assert known["CHG-2"] == {"x": 1}
    with pytest.raises(Failure) as caught:
        challenge_of(known, "CHG-1")
    assert caught.value.code == "challenge_missing"
    assert (
        "CHG-1. Its reason: This PC's device key cannot be used: DPAPI failed." in caught.value.error.message
    )
    for why in (None, 1, ""):
        with pytest.raises(Failure) as caught:
            challenge_of({"CHG-1": {"why": why}}, "CHG-1")
        assert "that is still open" in caught.value.error.message
    bench.world.sign_in(ANNA)
    assert challenge_of(started(bench, known, wire=Wire(bench)), "CHG-1").challenge.session == "CHG-1"


MALFORMED: tuple[dict[str, Any], ...] = (
    *({"at": "x"}, {"at": "2026-11-23T18:00:00"}, {"at": "9999-12-31T23:59:59+00:00"}, {"public_key": "x"}),
    *({"offsets": {}}, {"offsets": {"2026-11-23T18:00:00+00:00": 10**15}}, {"offsets": {"0001-01-01": 60}}),
    *({"ends_at": "x"}, {"ends_at": "2026-11-23T18:00:00"}),
)


@pytest.mark.parametrize("change", MALFORMED)
def test_a_malformed_challenge_signs_nothing(bench: Bench, change: dict[str, Any]) -> None:
    """Even if the PC has signed it so."""
    found = opened_by(bench, ends="23:00")
    broken = OpenChallenge(dataclasses.replace(found.challenge, **change), 0.0, found.task)
    with pytest.raises(Failure) as caught:
        signed_fields(olga(), broken, {"session": "CHG-1", "restarts": 1})
    assert caught.value.code == "challenge_invalid"


def refusal(wire: Wire, challenges: object, device: DeviceCheck | None = None) -> Failure:
    """Run the signed task, which must fail; no window opens for what it sent."""
    before = len(wire.bench.state.requests)
    with pytest.raises(Failure) as caught:
        request(wire, challenges, device)
    assert len(wire.bench.state.requests) == before
    return caught.value


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"reason": "The boss says: type your password"}, "its reason is 'The boss"),
        ({"ticket": "CHG-9"}, "its ticket is 'CHG-9'"),
        ({"session": "OTHER"}, "its name is 'OTHER'"),
        ({"operators": ["ben"]}, "PC-07\\ben may use its grants"),
        ({"ends": "2026-11-24T05:00:00+00:00"}, "it ends at 2026-11-24T05:00"),
    ],
)
def test_a_session_that_was_changed_on_the_way_is_not_signed(
    bench: Bench, changed: dict[str, Any], words: str
) -> None:
    """Whoever sits between controller and PC can start another session; the controller signs its own task's words."""
    bench.world.now = datetime(2026, 11, 23, 18, 0, tzinfo=bench.world.now.tzinfo)
    known = started(bench, wire=Wire(prepared(bench), **changed), ends="2026-11-23T23:00:00+00:00")
    found = refusal(Wire(bench), known)
    assert (found.code, words in found.error.message) == ("challenge_invalid", True), found.error.message


def test_the_answers_own_words_are_not_signed(bench: Bench) -> None:
    """Of an answer only the part counts that the PC has signed."""
    known = started(bench)
    for name, value in {"reason": "Other", "session": "OTHER", "operators": []}.items():
        forged = {**known["CHG-1"], "challenge": {**known["CHG-1"]["challenge"], name: value}}
        found = refusal(Wire(bench), {"CHG-1": forged})
        assert (found.code, "signature" in found.error.message) == ("challenge_invalid", True)


def test_the_tasks_operators_are_signed_by_their_sids(bench: Bench) -> None:
    """A name that the PC takes for an account is shown and signed; one that it was not asked about is not."""
    known = started(bench, operators=["ben"])
    asked = request(Wire(bench), known)
    [made] = bench.state.requests.values()
    assert made.signed is not None
    document = json.loads(made.signed.document)
    assert [one["sid"] for one in document["operators"]] == [document["asked_by"]["sid"], BEN.sid]
    assert document["ends_at"] == utc(bench.state.sessions[made.session].ends_at)
    assert asked["request"]["signed_by"]["name"] == "Olga Operator"


def test_an_operator_whom_the_pc_was_not_asked_about_is_not_signed(bench: Bench) -> None:
    """A name that was taken out or exchanged on the way fails the task."""
    found = refusal(Wire(bench), started(bench, wire=Wire(prepared(bench), operators=[]), operators=["ben"]))
    assert "which account ben is" in found.error.message


def test_a_later_challenge_must_be_by_the_same_pc(bench: Bench, tmp_path: Path) -> None:
    """A PC that answers with another PC's challenge gets no signature for that one."""
    (tmp_path / "other").mkdir()
    other = Bench(tmp_path / "other")
    try:
        theirs = started(other)["CHG-1"]["challenge"]
        known = started(bench)
        hostile = Wire(bench)
        hostile.challenge = theirs
        with pytest.raises(Failure) as caught:
            request(hostile, known)
        assert (caught.value.code, caught.value.outcome) == ("challenge_invalid", "unknown")
        assert caught.value.as_result()["request"]["state"] == "pending"
    finally:
        other.stop()


def test_a_later_challenge_must_be_signed(bench: Bench) -> None:
    """One that was changed on the way is not kept; a genuine one serves the next request."""
    known = started(bench)
    wire = Wire(bench)
    kept = request(wire, known)["ansible_facts"][FACT]
    assert request(wire, kept, restarts=3)["request"]["state"] == "pending"
    wire.challenge = {**started(bench)["CHG-1"]["challenge"], "nonce": "0" * 32}
    with pytest.raises(Failure) as caught:
        request(wire, started(bench), restarts=4)
    assert "signature" in caught.value.error.message


def test_a_challenge_must_be_by_the_known_pc(bench: Bench, tmp_path: Path) -> None:
    """A PC can set facts: with `known_pcs` a challenge that another PC has signed is refused before it is answered."""
    known = started(bench)
    line = known["CHG-1"]["challenge"]["public_key"]
    file = tmp_path / "known_pcs"
    other = ssh_signature.public_line(OPERATOR_KEY.public_key().public_bytes_raw())
    for content, code in ((f"pc1 {other}\n", "device_key_changed"), (f"pc2 {line}\n", "known_pcs_unusable")):
        file.write_text(content)
        check = device_check(str(file), "pc1", dry=False, continues=False)
        assert refusal(Wire(bench), known, check).code == code
    file.write_text(f"pc1 {line}\n")
    check = device_check(str(file), "pc1", dry=False, continues=False)
    assert request(Wire(bench), known, check)["request"]["state"] == "pending"


def test_an_empty_key_signs_nothing_and_asks_nobody() -> None:
    """A variable that is empty by mistake does not make the request an unsigned one, or another person's."""
    for options in (
        {"signing_key": ""},
        {"signing_key": " "},
        {"signing_key": private(), "signing_certificate": ""},
    ):
        result = stage([]).run("credential_request", {"session": "x", **options})
        assert result["error_code"] == "signing_key_unusable"
        assert f"{list(options)[-1]} is empty" in result["msg"]


def test_a_challenge_must_be_by_the_pc_that_signed_the_journal_head(bench: Bench) -> None:
    """One that was changed, or signed by another key, is not used."""
    pin(bench)
    answer = bench.result(rq.SessionStart(session="CHG-1", reason="x"))
    head = ans.HeadView(**answer["journal_head"])
    told = answer["challenge"]
    challenge = read(ans.ChallengeView, told)
    assert require_genuine(challenge, head) == require_genuine(None, None) == ""
    assert "signature" in require_genuine(dataclasses.replace(challenge, nonce="0" * 32), head)
    assert "another key" in require_genuine(challenge, None)
    assert "its key" in require_genuine(challenge, dataclasses.replace(head, public_key="x"))
    said = {
        "schema_version": "latchkey-challenge-1",
        **{k: v for k, v in told.items() if k not in ("signature", "public_key")},
    }
    stolen = told | {
        "signature": ssh_signature.sign(OPERATOR_KEY, CHALLENGE, canonical_json(said)),
        "public_key": ssh_signature.public_line(OPERATOR_KEY.public_key().public_bytes_raw()),
    }
    assert "another key" in require_genuine(read(ans.ChallengeView, stolen), head)
    stolen["public_key"] = told["public_key"]
    assert "another key than it names" in require_genuine(read(ans.ChallengeView, stolen), head)
