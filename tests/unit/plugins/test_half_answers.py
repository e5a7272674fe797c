# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's side of a grant of two parties: the sealing key, the key of each grant, and what a PC is given."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils import _answers as ans
from ansible_collections.latchkey.consent.plugins.plugin_utils import _sealing_key
from ansible_collections.latchkey.consent.plugins.plugin_utils._answer_reader import read
from ansible_collections.latchkey.consent.plugins.plugin_utils._armored_signature import verified
from ansible_collections.latchkey.consent.plugins.plugin_utils._failure import Failure
from ansible_collections.latchkey.consent.plugins.plugin_utils._half_answers import HalfAnswers, Meant
from ansible_collections.latchkey.consent.plugins.plugin_utils._known_pcs import line_for
from ansible_collections.latchkey.consent.plugins.plugin_utils._operator_certificate import Signer
from ansible_collections.latchkey.consent.plugins.plugin_utils._sealing_key import (
    SealingKey,
    UnopenedError,
    sealing_key,
)
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from tests.unit.plugins.fakes import stage
from tests.unit.plugins.ssh_keys import DeviceKey

if TYPE_CHECKING:
    from pathlib import Path

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
LEFT = {"restarts": 1, "unlocks": 0}
PERMIT = {"permit": "p1", "action": "restart", "state": "issued", "issued_at": "", "account": "PC\\anna",
          "boot_before": "b1"}  # fmt: skip


def pem(
    key: Any, encryption: KeySerializationEncryption | None = None, form: PrivateFormat = PrivateFormat.PKCS8
) -> str:
    """Return a private key in PEM, or in the form of ssh-keygen."""
    text: bytes = key.private_bytes(Encoding.PEM, form, encryption or NoEncryption())
    return text.decode()


def info(purpose: str, **told: str) -> bytes:
    """Return the purpose of a sealed half."""
    return json.dumps({"purpose": purpose, **told}, sort_keys=True, separators=(",", ":")).encode()


@dataclass
class Pc:
    """A PC with a grant of two parties."""

    text: str
    device: DeviceKey = field(default_factory=DeviceKey)
    half: bytes = field(default_factory=lambda: os.urandom(32))
    nonce: str = field(default_factory=lambda: os.urandom(32).hex())
    key: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    signer: str = ""
    asked: int = 0

    def wanted(self, *, permit: str = "", signer: DeviceKey | None = None) -> dict[str, Any]:
        """Return what it wants."""
        operator = sealing_key(self.text)
        assert operator is not None
        self.asked += 1
        name = self.device.fingerprint
        public = operator.grant_key(name, "CHG-1", self.nonce).public_key
        told = info("latchkey-stored-half-1", device=name, session="CHG-1", nonce=self.nonce, grant="g1")
        sealed = SUITE.encrypt(self.half, X25519PublicKey.from_public_bytes(bytes.fromhex(public)), told)
        view: dict[str, Any] = {
            "grant": "g1", "permit": permit, "session": "CHG-1", "action": "restart", "step": "",
            "sealing": {"device": name, "nonce": self.nonce, "public_key": public},
            "sealed": sealed.hex(), "key": self.key.public_key().public_bytes_raw().hex(), "nonce": f"n{self.asked}",
            "signer": self.signer, "expires_at": "2026-11-30T18:02:00+00:00",
        }  # fmt: skip
        signed = {"schema_version": "latchkey-half-1", **view}
        body = json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()
        by = signer or self.device
        return {**view, "signature": by.sign(body, "latchkey-half"), "public_key": by.line}

    def opened(self, given: dict[str, str], permit: str = "") -> bytes:
        """Open what the operator has given."""
        told = info(
            "latchkey-delivered-half-1",
            device=self.device.fingerprint,
            grant="g1",
            permit=permit,
            nonce=given["nonce"],
        )
        return bytes(SUITE.decrypt(bytes.fromhex(given["sealed"]), self.key, told))


@pytest.fixture
def text() -> str:
    """A sealing key."""
    return pem(X25519PrivateKey.generate())


@pytest.fixture
def pc(text: str) -> Pc:
    """A PC whose grant was requested with that key."""
    return Pc(text)


def answers(text: str | None, known: Path | None = None, session: str = "CHG-1") -> HalfAnswers:
    """Return the operator's side."""
    return HalfAnswers(sealing_key(text), "pc1", session, known)


def meant(wanted: dict[str, Any]) -> Meant:
    """Return the use for which a PC wants a half as the task's own."""
    return Meant(wanted["action"], wanted["step"], wanted["permit"])


def signed_again(pc: Pc, **changes: Any) -> dict[str, Any]:
    """Return what the honest PC wants for another use, signed with its device key."""
    told = {k: v for k, v in pc.wanted().items() if k not in {"signature", "public_key"}} | changes
    body = json.dumps({"schema_version": "latchkey-half-1", **told}, sort_keys=True, separators=(",", ":"))
    signature = pc.device.sign(body.encode(), "latchkey-half")
    return {**told, "signature": signature, "public_key": pc.device.line}


def refused(side: HalfAnswers, wanted: dict[str, Any]) -> str:
    """Return the code of a refusal."""
    with pytest.raises(Failure) as caught:
        side.answer(read(ans.HalfView, wanted), meant(wanted))
    return caught.value.code


# --- the sealing key


def kept(path: Path, text: str) -> None:
    """Write a key into a file of its owner's alone."""
    path.touch(mode=0o600)
    path.write_text(text, encoding="ascii")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o601])
def test_a_key_that_others_may_use_is_refused(tmp_path: Path, text: str, mode: int) -> None:
    """The file of a sealing key must be for its owner alone, as that of a signing key."""
    kept(tmp_path / "key", text)
    (tmp_path / "key").chmod(mode)
    with pytest.raises(Failure) as caught:
        sealing_key(str(tmp_path / "key"))
    assert caught.value.code == "sealing_key_unusable"
    assert f"mode {mode:04o}; chmod 600 ends that" in caught.value.error.message


def test_a_key_is_read_from_its_path_and_from_its_text(tmp_path: Path, text: str) -> None:
    """A path and the text of the file are the same key; without the option there is none."""
    kept(tmp_path / "key", text)
    keys = [sealing_key(text), sealing_key(str(tmp_path / "key"))]
    assert len({key.grant_key("d", "s", "00").public_key for key in keys if key is not None}) == 1
    assert sealing_key(None) is None


def test_a_key_of_ssh_keygen_is_one(tmp_path: Path) -> None:
    """An Ed25519 key as ssh-keygen writes it serves, from its path and as a value without the last line end."""
    text = pem(Ed25519PrivateKey.generate(), form=PrivateFormat.OpenSSH)
    kept(tmp_path / "sealing", text)
    keys = [sealing_key(text.strip()), sealing_key(str(tmp_path / "sealing"))]
    assert len({key.grant_key("d", "s", "00").public_key for key in keys if key is not None}) == 1
    assert None not in keys


def test_a_key_is_in_no_text_of_it(text: str) -> None:
    """Neither the sealing key nor a grant's private key is in what Python prints of it."""
    key = sealing_key(text)
    assert key is not None
    assert repr(key) == "SealingKey()"
    assert "_private" not in repr(key.grant_key("d", "s", "00"))


@pytest.mark.parametrize(("given", "said"), [
    ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key in PEM"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "or of ssh-keygen"),
    (pem(ec.generate_private_key(ec.SECP256R1()), form=PrivateFormat.OpenSSH), "another kind than X25519"),
    (pem(Ed25519PrivateKey.generate()), "another kind than X25519"),
    (pem(X25519PrivateKey.generate(), BestAvailableEncryption(b"x")), "protected with a passphrase"),
    ("/no/such/file", "there is no such file"),
    ("", "it is empty"),
    ("x" * 5000, "file"),
    ("a\0b", "file"),
])  # fmt: skip
def test_what_is_no_key_is_named_and_not_quoted(given: str, said: str) -> None:
    """A key that cannot serve is refused with the reason, and without its text."""
    with pytest.raises(Failure) as caught:
        sealing_key(given)
    assert caught.value.code == "sealing_key_unusable"
    assert said in str(caught.value)
    assert "AAAA" not in str(caught.value)
    assert "xxx" not in str(caught.value)


def test_without_hpke_the_task_says_so(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """An older cryptography is an error of the controller; without a sealing key it is none."""
    monkeypatch.setattr(_sealing_key, "HAS_HPKE", False)
    with pytest.raises(Failure) as caught:
        sealing_key(text)
    assert caught.value.code == "hpke_missing"
    assert sealing_key(None) is None


def test_each_grant_has_a_key_of_its_own(text: str) -> None:
    """Another device, session or nonce has another key pair; a composed name is the same name."""
    key = sealing_key(text)
    assert key is not None
    keys = {key.grant_key(*one).public_key for one in [
        ("d", "s", "n"), ("e", "s", "n"), ("d", "t", "n"), ("d", "s", "m"),
    ]}  # fmt: skip
    assert len(keys) == 4
    composed, apart = (key.grant_key("d", name, "n").public_key for name in ("\u00fc", "u\u0308"))
    assert composed == apart
    with pytest.raises(UnopenedError):
        key.grant_key("d", "s", "n").open(bytes(80), b"")
    with pytest.raises(UnopenedError):
        _sealing_key.sealed_to(bytes(32), bytes(32), b"")


# --- what a PC is given


def test_the_pc_gets_the_half_for_one_delivery(pc: Pc) -> None:
    """The PC opens what it is given with the key of this delivery, for this grant and permit."""
    for permit in ("", "p1"):
        given = answers(pc.text).answer(
            read(ans.HalfView, pc.wanted(permit=permit)), Meant("restart", permit=permit)
        )
        assert given["nonce"] == f"n{pc.asked}"
        assert pc.opened(given, permit) == pc.half


@pytest.mark.parametrize("changed", [
    {"key": "11" * 32}, {"nonce": "n9"}, {"permit": "p2"}, {"grant": "g2"}, {"sealed": "00" * 80}, {"step": "x"},
    {"signature": "x"}, {"session": "CHG-2"}, {"signer": "Olga"}, {"expires_at": "2027-01-01T00:00:00+00:00"},
])  # fmt: skip
def test_what_was_changed_on_the_way_gets_nothing(pc: Pc, changed: dict[str, str]) -> None:
    """A field that was changed after the PC signed it, such as the key of a man in the middle, gets nothing."""
    assert refused(answers(pc.text), {**pc.wanted(), **changed}) == "half_request_invalid"


def test_another_pc_gets_nothing(pc: Pc) -> None:
    """A PC that has the sealed half of another one, and signs with its own key, gets nothing."""
    assert refused(answers(pc.text), pc.wanted(signer=DeviceKey())) == "half_request_invalid"


@pytest.mark.parametrize("sealed", ["zz", "00" * 79, ""])
def test_a_damaged_half_gets_nothing(pc: Pc, sealed: str) -> None:
    """A half that does not open, though the PC has signed it, gets nothing."""
    wanted = {**pc.wanted(), "sealed": sealed}
    told = {k: v for k, v in wanted.items() if k not in {"signature", "public_key"}}
    body = json.dumps({"schema_version": "latchkey-half-1", **told}, sort_keys=True, separators=(",", ":"))
    wanted["signature"] = pc.device.sign(body.encode(), "latchkey-half")
    assert refused(answers(pc.text), wanted) == "half_request_invalid"


def test_the_wrong_sealing_key_gives_nothing(pc: Pc) -> None:
    """Another sealing key, another name of the session, and no key each have a code of their own."""
    other = pem(X25519PrivateKey.generate())
    assert refused(answers(other), pc.wanted()) == "sealing_key_other"
    assert refused(answers(pc.text, session="CHG-2"), pc.wanted()) == "sealing_key_other"
    assert refused(answers(None), pc.wanted()) == "sealing_key_missing"


def test_the_operator_signs_the_use_where_the_request_was_signed(pc: Pc) -> None:
    """The signed text has the use and the hash of the delivery, and no part of the half."""
    key = Ed25519PrivateKey.generate()
    line = "ssh-ed25519-cert-v01@openssh.com AAAA"
    olga = Signer(
        key=key, certificate=line, sha256="ab", name="Olga", organization="Contoso IT", role="helpdesk"
    )
    side = replace(answers(pc.text), signer=lambda: olga)
    pc.signer = "Olga"
    for permit in ("", "p1"):
        wanted = pc.wanted(permit=permit)
        use = Meant("restart", permit=permit) if permit else Meant("restart", message="now", within=890.0)
        given = side.answer(read(ans.HalfView, wanted), use)
        assert pc.opened(given, permit) == pc.half
        signature = given["signature"]
        text = signature["document"].encode()
        assert verified(signature["signature"], text, "latchkey-apply") == DeviceKey(key).blob
        names = ("session", "grant", "permit", "action", "step", "nonce", "expires_at")
        assert json.loads(text) == {
            "schema_version": "latchkey-apply-1",
            "device_key": pc.device.fingerprint,
            "certificate_sha256": "ab",
            "message": "now" if not permit else "",
            "within": None if permit else 890.0,
            "half_sha256": hashlib.sha256(bytes.fromhex(given["sealed"])).hexdigest(),
            **{name: wanted[name] for name in names},
        }
        assert signature["certificate"] == line


def test_the_sealing_key_is_not_the_signing_key(pc: Pc) -> None:
    """One file for both is refused, before the half is given."""
    key = Ed25519PrivateKey.generate()
    pc.text = pem(key, form=PrivateFormat.OpenSSH)
    olga = Signer(key=key, certificate="", sha256="", name="Olga", organization="Contoso IT", role="helpdesk")
    pc.signer = "Olga"
    side = replace(answers(pc.text), signer=lambda: olga)
    assert refused(side, pc.wanted()) == "sealing_key_unusable"
    other = replace(olga, key=Ed25519PrivateKey.generate())
    assert replace(side, signer=lambda: other).answer(read(ans.HalfView, pc.wanted()), Meant("restart"))


def test_what_needs_no_signature_reads_no_key(pc: Pc) -> None:
    """A grant whose request was not signed gets a half without a signature; so does each PC without a signing key."""

    def unread() -> Signer:
        raise AssertionError

    view = read(ans.HalfView, pc.wanted())
    assert set(replace(answers(pc.text), signer=unread).answer(view, Meant("restart"))) == {"nonce", "sealed"}
    pc.signer = "Olga"
    view = read(ans.HalfView, pc.wanted())
    assert set(answers(pc.text).answer(view, Meant("restart"))) == {"nonce", "sealed"}


def test_the_signed_request_names_the_pc_that_signed_the_challenge(pc: Pc, tmp_path: Path) -> None:
    """The key of a grant is derived for the PC of the challenge, which must be the known one; no call is needed."""
    known = tmp_path / "known_pcs"
    known.write_text(line_for("pc1", pc.device.blob) + "\n", encoding="utf-8")
    sealing = answers(pc.text, known).sealing_for(pc.device.line)
    assert sealing is not None
    assert sealing["device"] == pc.device.fingerprint
    with pytest.raises(Failure) as caught:
        answers(pc.text, known).sealing_for(DeviceKey().line)
    assert caught.value.code == "device_key_changed"
    assert answers(None).sealing_for(pc.device.line) is None
    with pytest.raises(Failure) as caught:
        answers(pc.text).sealing_for("no key")
    assert caught.value.code == "bad_answer"


def test_the_pc_is_compared_with_the_known_ones(pc: Pc, tmp_path: Path) -> None:
    """With `known_pcs` only the enrolled key gets a half; an unknown PC and a line for other purposes do not."""
    known = tmp_path / "known_pcs"
    known.write_text(line_for("pc1", pc.device.blob) + "\n", encoding="utf-8")
    side = answers(pc.text, known)
    assert pc.opened(side.answer(read(ans.HalfView, pc.wanted()), Meant("restart"))) == pc.half
    codes = {
        f"pc1 {DeviceKey().line}": "device_key_changed",
        f"pc2 {pc.device.line}": "known_pcs_unusable",
        f'pc1 namespaces="latchkey-receipt" {pc.device.line}': "known_pcs_unusable",
    }
    for line, code in codes.items():
        known.write_text(line + "\n", encoding="utf-8")
        assert refused(side, pc.wanted()) == code


TERMS = {"restarts": 1, "unlocks": 0, "foreign_restarts": False, "programs": False, "not_before": "",
         "not_after": ""}  # fmt: skip


def granted(pc: Pc, *, statement: bool = True, **stated: Any) -> dict[str, Any]:
    """Return the answer with a grant of two parties, and the PC's word about it, which `stated` may alter."""
    sealing = pc.wanted()["sealing"]
    grant = {"id": "g", "state": "active", "account": "a", "terms": {**TERMS, "two_parties": True}, "left": LEFT,
             "granted_at": "", "request": "r", "sealing": sealing}  # fmt: skip
    told = {"grant": "g", "request": "r", "session": "CHG-1", "sealing": sealing} | stated
    body = json.dumps({"schema_version": "latchkey-grant-1", **told}, sort_keys=True, separators=(",", ":"))
    said = {**told, "signature": pc.device.sign(body.encode(), "latchkey-half"), "public_key": pc.device.line}
    return {"session": "CHG-1", "grant": grant, **({"statement": said} if statement else {})}


def unconfirmed(side: HalfAnswers, answer: dict[str, Any], means: str = "grant") -> str:
    """Return the code of a refusal of a grant."""
    with pytest.raises(Failure) as caught:
        side.require_ours(read(ans.RequestAnswer, answer), means)
    return caught.value.code


def test_a_grant_of_another_key_is_seen_at_the_request(pc: Pc, text: str) -> None:
    """A grant that this key does not open is refused when it is found; a task without a key compares nothing."""
    answer = granted(pc)
    answers(text).require_ours(read(ans.RequestAnswer, answer))
    answers(None).require_ours(read(ans.RequestAnswer, answer))
    assert unconfirmed(answers(pem(X25519PrivateKey.generate())), answer) == "sealing_key_other"


def test_a_request_of_another_key_is_seen_before_the_customer_answers(pc: Pc, text: str) -> None:
    """A job that joins the open request of a job with another key fails at once: the customer types in vain else."""
    asked = {"id": "r", "state": "shown", "code": "0000", "asked_by": "o", "account": "a", "asked_at": "",
             "answer_by": "", "terms": {**TERMS, "two_parties": True}, "sealing": pc.wanted()["sealing"]}  # fmt: skip
    answer = {"session": "CHG-1", "request": asked}
    answers(text).require_ours(read(ans.RequestAnswer, answer))
    answers(None).require_ours(read(ans.RequestAnswer, answer))
    assert unconfirmed(answers(pem(X25519PrivateKey.generate())), answer) == "sealing_key_other"


def test_the_pc_must_have_signed_the_kind_of_the_grant(pc: Pc, text: str, tmp_path: Path) -> None:
    """A word that is missing, about another grant or key, changed, or of another PC confirms nothing."""
    other = {**pc.wanted()["sealing"], "public_key": "11" * 32}
    changed = granted(pc)
    changed["statement"]["request"] = "r2"
    for answer in (
        granted(pc, statement=False),
        granted(pc, grant="h"),
        granted(pc, sealing=other),
        changed,
    ):
        assert unconfirmed(answers(text), answer) == "two_parties_unconfirmed"
    stranger = granted(pc)
    own = DeviceKey()
    told = {k: v for k, v in stranger["statement"].items() if k not in {"signature", "public_key"}}
    body = json.dumps({"schema_version": "latchkey-grant-1", **told}, sort_keys=True, separators=(",", ":"))
    stranger["statement"]["signature"] = own.sign(body.encode(), "latchkey-half")
    assert unconfirmed(answers(text), stranger) == "two_parties_unconfirmed"
    known = tmp_path / "known_pcs"
    known.write_text(line_for("pc1", pc.device.blob) + "\n", encoding="utf-8")
    answers(text, known).require_ours(read(ans.RequestAnswer, granted(pc)))
    assert unconfirmed(answers(text, known), stranger) == "device_key_changed"


def test_windows_own_sign_in_is_taken_where_it_was_asked_for(pc: Pc, text: str) -> None:
    """A grant without a password has no key to confirm; a task that asked for a password does not take it for one."""
    answer = granted(pc, statement=False)
    answer["grant"] = {**answer["grant"], "terms": {**TERMS, "means": "arso"}, "sealing": None}
    answers(text).require_ours(read(ans.RequestAnswer, answer), "auto")
    assert unconfirmed(answers(text), answer) == "two_parties_unconfirmed"


@pytest.mark.parametrize("waits", [False, True])
def test_a_grant_of_one_party_is_refused_where_two_were_asked_for(
    pc: Pc, tmp_path: Path, *, waits: bool
) -> None:
    """A request whose key was taken out on the way leads to a failure, at once or after the customer's answer."""
    known = tmp_path / "known_pcs"
    known.write_text(line_for("pc1", pc.device.blob) + "\n", encoding="utf-8")
    one = granted(pc, statement=False)
    one["grant"] = {**one["grant"], "terms": TERMS, "sealing": None}
    told = {"outcome": "done", "changed": True, "result": one}
    asked = {"id": "r", "state": "shown", "account": "a", "asked_by": "o", "code": "1234", "terms": TERMS,
             "asked_at": "", "answer_by": "2027-01-01T00:00:00+00:00"}  # fmt: skip
    pending = {"outcome": "done", "changed": True, "result": {"session": "CHG-1", "request": asked}}
    entries = [{"ask": {"verb": "credential_request"}, "answer": pending if waits else told}]
    if waits:
        entries.append({"ask": {"verb": "request_wait"}, "answer": told})
    args = {"session": "CHG-1", "restarts": 1, "sealing_key": pc.text, "known_pcs": str(known)}
    result = stage(entries).run("credential_request", args)
    assert (result["failed"], result["error_code"]) == (True, "two_parties_unconfirmed")


def test_an_unsigned_request_of_two_parties_needs_the_known_pcs(pc: Pc) -> None:
    """Without them a program in the middle could answer with its own device key, and be the second party."""
    scene = stage([])
    result = scene.run("credential_request", {"session": "CHG-1", "restarts": 1, "sealing_key": pc.text})
    assert (result["error_code"], "known_pcs" in result["msg"]) == ("bad_option", True)
    assert not scene.connection.asked


# --- the tasks


def refusal(code: str, result: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return an answer that refuses."""
    error = {"code": code, "message": "m", "hint": "h", **more}
    return {"outcome": "refused", "error": error, **({"result": result} if result else {})}


def state(pc: Pc, permit: str = "", *, half: bool = True, **more: Any) -> dict[str, Any]:
    """Return the answer about a use."""
    plain = {"session": "CHG-1", "left": LEFT, "boot_id": "b1", "finished": False, **more}
    return {**plain, "half": pc.wanted(permit=permit)} if half else plain


DONE = {**PERMIT, "state": "logged_on", "logged_on_at": "t", "locked_at": "t", "boot_after": "b2"}
OVER = {"session": "CHG-1", "left": LEFT, "boot_id": "b2", "finished": True, "use": DONE}


def test_a_task_delivers_twice(pc: Pc) -> None:
    """The half goes with the second call, and once more with the long poll after the restart; results lack it."""
    scene = stage([
        {"ask": {"verb": "credential_apply"}, "answer": refusal("half_missing", state(pc))},
        {"ask": {"verb": "credential_apply"}, "answer": {"outcome": "done", "changed": True,
         "result": state(pc, half=False, use=PERMIT)}},
        {"ask": {"verb": "apply_wait"}, "answer": {"outcome": "done",
         "result": state(pc, "p1", use=PERMIT, boot_id="b2")}},
        {"ask": {"verb": "apply_wait"}, "answer": {"outcome": "done", "changed": True, "result": OVER}},
    ])  # fmt: skip
    args = {"session": "CHG-1", "action": "restart", "sealing_key": pc.text}
    result = scene.run("credential_apply", args)
    assert result["signed_in"] is not None, result
    first, second, third, fourth = scene.connection.asked
    assert ["half" in call for call in (first, second, third, fourth)] == [False, True, False, True]
    assert first["idempotency_key"] == second["idempotency_key"]
    assert (pc.opened(second["half"]), pc.opened(fourth["half"], "p1")) == (pc.half, pc.half)
    shown = json.dumps([result, scene.shown])
    assert "sealed" not in shown
    assert pc.half.hex() not in shown
    assert pc.text.splitlines()[1] not in shown


def test_a_delivery_whose_answer_was_lost_is_not_repeated(pc: Pc) -> None:
    """A half that the PC has already is refused, and the task goes on with what the PC says then."""
    scene = stage([
        {"ask": {"verb": "credential_apply"}, "answer": {"outcome": "done", "result":
         state(pc, "p1", use=PERMIT, boot_id="b2")}},
        {"ask": {"verb": "apply_wait"}, "lost": "reset"},
        {"ask": {"verb": "apply_wait"}, "answer": refusal("half_not_awaited")},
        {"ask": {"verb": "apply_wait"}, "answer": {"outcome": "done", "result": OVER}},
    ])  # fmt: skip
    args = {"session": "CHG-1", "action": "restart", "sealing_key": pc.text}
    assert scene.run("credential_apply", args)["signed_in"] is not None
    assert "half" not in scene.connection.asked[-1]


def test_a_late_half_is_asked_for_anew(pc: Pc) -> None:
    """If the agent no longer waits for the half of a use, it is asked once more what it wants."""
    scene = stage([
        {"ask": {"verb": "credential_apply"}, "answer": refusal("half_missing", state(pc))},
        {"ask": {"verb": "credential_apply"}, "answer": refusal("half_not_awaited")},
        {"ask": {"verb": "credential_apply"}, "answer": refusal("half_missing", state(pc))},
        {"ask": {"verb": "credential_apply"}, "answer": {"outcome": "done", "changed": True, "result": OVER}},
    ])  # fmt: skip
    args = {"session": "CHG-1", "action": "restart", "sealing_key": pc.text}
    assert scene.run("credential_apply", args)["changed"]


def test_the_sign_in_after_a_restart_by_others_comes_first(pc: Pc) -> None:
    """A use that waits behind such a sign-in delivers its half, and then begins."""
    use = {**PERMIT, "foreign": True}
    busy = refusal("restart_in_progress", state(pc, "p1", use=use), retry_after=5.0)
    scene = stage([
        {"ask": {"verb": "credential_apply"}, "answer": busy},
        {"ask": {"verb": "apply_wait"}, "answer": {"outcome": "done", "changed": True, "result": OVER}},
        {"ask": {"verb": "credential_apply"}, "answer": {"outcome": "done", "changed": True, "result": OVER}},
    ])  # fmt: skip
    args = {"session": "CHG-1", "action": "restart", "sealing_key": pc.text}
    assert scene.run("credential_apply", args)["changed"]
    assert pc.opened(scene.connection.asked[1]["half"], "p1") == pc.half


@pytest.mark.parametrize("other", [{"action": "unlock"}, {"step": "evil"}, {"permit": "p9"}])
@pytest.mark.parametrize("moment", ["before the use", "for the logon"])
def test_an_honest_pc_gets_nothing_for_another_use(pc: Pc, other: dict[str, str], moment: str) -> None:
    """A task gives no half for another action, step or permit, though the PC itself has signed that it wants it.

    A program on the connection can ask the agent for an unlock, and show the task what the agent wants for that.
    """
    begun = {"outcome": "done", "changed": True, "result": state(pc, half=False, use=PERMIT)}
    first = refusal("half_missing", state(pc))
    if moment == "before the use":
        entries = [{"ask": {"verb": "credential_apply"}, "answer": refusal(
            "half_missing", {**state(pc), "half": signed_again(pc, **other)})}]  # fmt: skip
    else:
        relayed = {**state(pc, use=PERMIT), "half": signed_again(pc, **{"permit": "p1", **other})}
        entries = [
            {"ask": {"verb": "credential_apply"}, "answer": first},
            {"ask": {"verb": "credential_apply"}, "answer": begun},
            {"ask": {"verb": "apply_wait"}, "answer": {"outcome": "done", "result": relayed}},
        ]
    scene = stage(entries)
    result = scene.run("credential_apply", {"session": "CHG-1", "action": "restart", "sealing_key": pc.text})
    assert (result["failed"], result["error_code"]) == (True, "half_request_invalid")
    assert next(iter(other)) in result["msg"]
    assert sum("half" in call for call in scene.connection.asked) == (moment == "for the logon")


def test_the_use_that_comes_first_must_be_one_by_others(pc: Pc) -> None:
    """Behind a permit of another step a task waits, and gives that permit no half."""
    own = {
        "ask": {"verb": "credential_apply"},
        "answer": refusal("restart_in_progress", state(pc, "p1", use=PERMIT)),
    }
    scene = stage([own])
    result = scene.run("credential_apply", {"session": "CHG-1", "action": "restart", "sealing_key": pc.text})
    assert result["error_code"] == "restart_in_progress"
    assert not any("half" in call for call in scene.connection.asked)


def test_a_nonce_has_one_delivery(pc: Pc) -> None:
    """What is wanted again gets the same bytes; another question with the same nonce gets nothing."""
    side, wanted = answers(pc.text), pc.wanted()
    given = side.answer(read(ans.HalfView, wanted), Meant("restart"))
    assert side.answer(read(ans.HalfView, wanted), Meant("restart")) == given
    other = X25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    assert refused(side, signed_again(pc, key=other, nonce=wanted["nonce"])) == "half_request_invalid"


def test_without_a_key_the_use_goes_on_waiting(pc: Pc) -> None:
    """A task without the sealing key names the reason; the outcome of the use is unknown."""
    result = stage([
        {"ask": {"verb": "credential_apply"}, "answer": {"outcome": "done", "result":
         state(pc, "p1", use=PERMIT, boot_id="b2")}},
    ]).run("credential_apply", {"session": "CHG-1", "action": "restart"})  # fmt: skip
    assert (result["error_code"], result["outcome"]) == ("sealing_key_missing", "unknown")


def test_a_request_has_the_public_key_only(pc: Pc, tmp_path: Path) -> None:
    """The request of a two-party grant has a derived public key, for the known PC, and nothing of the sealing key."""
    known = tmp_path / "known_pcs"
    known.write_text(line_for("pc1", pc.device.blob) + "\n", encoding="utf-8")
    scene = stage([{"ask": {"verb": "credential_request"}, "answer": refusal("denied")}])
    args = {"session": "CHG-1", "restarts": 1, "sealing_key": pc.text, "known_pcs": str(known)}
    scene.run("credential_request", args)
    (asked,) = scene.connection.asked
    key = sealing_key(pc.text)
    assert isinstance(key, SealingKey)
    sealing = asked["sealing"]
    assert sealing["device"] == pc.device.fingerprint
    assert key.grant_key(sealing["device"], "CHG-1", sealing["nonce"]).public_key == sealing["public_key"]
