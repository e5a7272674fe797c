# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grants of two parties: the PC opens the password only with the operator's half, delivered for each use."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from latchkey_agent.companion import receipt_text
from latchkey_agent.core.halves import HOLD_SECONDS, WAIT_SECONDS
from latchkey_agent.domain import GrantState, PermitState, Refused, Terms, canonical, owed_effects
from latchkey_agent.domain import commands as c
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import fields
from latchkey_agent.protocol import logon_messages as lm
from latchkey_agent.storage import key_slots
from latchkey_agent.storage.ssh_signature import fingerprint, verify
from latchkey_agent.storage.vault import MAGIC
from tests.unit.agent.bench import Bench, Cut, cuts
from tests.unit.agent.second_party import SUITE, SecondParty, info
from tests.unit.agent.world import ANNA, SECOND_OPERATOR

PASSWORD = "canary".encode("utf-16-le")


@pytest.fixture
def second(bench: Bench) -> SecondParty:
    """The operator with a key for one grant."""
    return SecondParty(bench)


def wait(permit: str, half: fields.DeliveredHalf | None = None) -> rq.ApplyWait:
    """Return the long poll for a permit."""
    return rq.ApplyWait(session="CHG-1", permit=permit, half=half)


def is_at_hand(bench: Bench) -> bool:
    """Tell whether the logon screen is offered a permit."""
    return bench.logon(lm.Peek())[0].done


class TestTheMainJob:
    """From the request to the locked desktop."""

    def test_a_use_needs_the_operators_half(self, bench: Bench, second: SecondParty) -> None:
        """Without the half the use is refused, Windows is not asked, and no use is counted."""
        grant = second.lend(PASSWORD)
        checks = len(bench.world.checks)
        second.wanted()
        assert (len(bench.world.checks), bench.world.restarts) == (checks, [])
        assert bench.state.grants[grant].left.restarts == 2
        second.apply()
        assert (len(bench.world.checks), len(bench.world.restarts)) == (checks + 1, 1)

    def test_a_restart_with_two_deliveries(self, bench: Bench, second: SecondParty) -> None:
        """After the restart the permit is announced once the half has come again; the desktop ends locked."""
        permit = second.at_logon_screen(PASSWORD)
        announced = bench.world.announced
        assert not is_at_hand(bench)
        second.deliver(permit)
        assert bench.world.announced > announced
        assert bench.sign_in_with_permit() == PASSWORD
        use = bench.result(wait(permit))["use"]
        assert (use["state"], use["locked_at"] is not None) == ("logged_on", True)
        assert not second.wanted_for(permit)

    def test_an_unlock_with_two_deliveries(self, bench: Bench, second: SecondParty) -> None:
        """An unlock is announced once the half has come for the logon, too."""
        second.lend(PASSWORD, unlocks=1)
        bench.world.sign_in(ANNA, locked=True)
        permit = second.apply("unlock")
        assert (bench.world.announced, is_at_hand(bench)) == (0, False)
        second.deliver(permit)
        assert bench.sign_in_with_permit() == PASSWORD

    def test_the_agent_forgets_the_half_after_the_check(self, bench: Bench, second: SecondParty) -> None:
        """The half of the check does not serve for the logon: the unlock's permit waits for a new one."""
        second.lend(PASSWORD, unlocks=1)
        bench.world.sign_in(ANNA, locked=True)
        permit = second.apply("unlock")
        assert permit not in bench.agent.core.halves.held
        assert second.wanted_for(permit)["permit"] == permit

    def test_a_crash_forgets_the_half(self, bench: Bench, second: SecondParty) -> None:
        """After a kill between delivery and logon the same permit waits for the half again, and serves once."""
        permit = second.at_logon_screen(PASSWORD)
        second.deliver(permit)
        bench.crash()
        assert not is_at_hand(bench)
        second.deliver(permit)
        assert bench.sign_in_with_permit() == PASSWORD
        assert bench.state.permits[permit].state is PermitState.LOGGED_ON

    def test_without_a_delivery_the_permit_lapses(self, bench: Bench, second: SecondParty) -> None:
        """If nobody delivers the half, the permit lapses; the grant, its record and all its uses stay."""
        permit = second.at_logon_screen(PASSWORD)
        bench.world.now += timedelta(minutes=16)
        bench.wake()
        grant = bench.state.grants[bench.state.permits[permit].grant]
        assert bench.state.permits[permit].state is PermitState.LAPSED
        assert (grant.state, grant.left.restarts, bench.sealed()) == (GrantState.ACTIVE, 2, {grant.id})
        assert not second.wanted_for(permit)

    def test_the_last_restart_is_given_back_once(self, bench: Bench, second: SecondParty) -> None:
        """A person who keeps the second half away burns no use; the restarts of the PC come to an end all the same."""
        permit = second.at_logon_screen(PASSWORD, restarts=1)
        bench.world.now += timedelta(minutes=16)
        bench.wake()
        grant = bench.state.grants[bench.state.permits[permit].grant]
        assert (grant.state, grant.left.restarts, bench.sealed()) == (GrantState.ACTIVE, 1, {grant.id})
        second.apply()
        bench.reboot()
        bench.world.now += timedelta(minutes=16)
        bench.wake()
        assert bench.state.grants[grant.id].ended is GrantState.USED_UP

    def test_an_unlock_that_waits_in_vain_is_given_back(self, bench: Bench, second: SecondParty) -> None:
        """The permit of an unlock lapses without the half, and the unlock is there again."""
        grant = second.lend(PASSWORD, unlocks=1)
        bench.world.sign_in(ANNA, locked=True)
        second.apply("unlock")
        bench.world.now += timedelta(minutes=16)
        bench.wake()
        assert (bench.state.grants[grant].state, bench.state.grants[grant].left.unlocks) == (
            GrantState.ACTIVE,
            1,
        )

    def test_a_job_that_is_launched_again_delivers_for_the_same_permit(
        self, bench: Bench, second: SecondParty
    ) -> None:
        """The same step asked again joins the use, and its answer says which half the logon waits for."""
        second.lend(PASSWORD)
        permit = second.apply(step="updates")
        bench.reboot()
        answer = bench.result(second.use(step="updates"))
        assert (answer["use"]["permit"], answer["half"]["permit"]) == (permit, permit)
        second.deliver(permit)
        assert bench.sign_in_with_permit() == PASSWORD

    def test_a_step_that_restarts_when_pending_goes_on_after_its_restart(
        self, bench: Bench, second: SecondParty
    ) -> None:
        """Launched again after the restart, the last step joins its use, though Windows has no pending restart."""
        second.lend(PASSWORD, restarts=1)
        bench.world.pending = ["updates"]
        permit = second.apply(step="updates", when_pending=True, done=True)
        bench.reboot()
        bench.world.pending = []
        answer = bench.result(second.use(step="updates", when_pending=True, done=True))
        assert (answer["use"]["permit"], answer["half"]["permit"]) == (permit, permit)
        second.deliver(permit)
        assert bench.sign_in_with_permit() == PASSWORD
        assert "use" not in bench.result(second.use(step="updates", when_pending=True, done=True))

    def test_two_jobs_deliver_at_once(self, bench: Bench, second: SecondParty) -> None:
        """Of two deliveries of one permit the second is refused, and the first one serves."""
        permit = second.at_logon_screen(PASSWORD)
        wanted = second.wanted_for(permit)
        bench.result(wait(permit, second.delivered(wanted)))
        assert bench.code(wait(permit, second.delivered(wanted))) == "half_not_awaited"
        assert bench.sign_in_with_permit() == PASSWORD

    def test_revoked_between_the_deliveries(self, bench: Bench, second: SecondParty) -> None:
        """A revocation between check and logon wins: the half is refused, nobody is signed in, all is erased."""
        permit = second.at_logon_screen(PASSWORD)
        delivered = second.delivered(second.wanted_for(permit))
        assert bench.revoke()
        bench.effects()
        assert bench.code(wait(permit, delivered)) == "half_not_awaited"
        assert not is_at_hand(bench)
        assert bench.seal_tags() == 0

    def test_revoked_after_the_delivery(self, bench: Bench, second: SecondParty) -> None:
        """A revocation overwrites a half that was delivered for a logon."""
        permit = second.at_logon_screen(PASSWORD)
        second.deliver(permit)
        half = bench.agent.core.halves._held[permit][0]
        assert bytes(half) != bytes(32)
        bench.revoke()
        assert not any(half)
        assert not is_at_hand(bench)

    def test_a_half_does_not_wait_while_no_grant_can_be_used(self, bench: Bench, second: SecondParty) -> None:
        """Broken settings overwrite a half that was delivered; afterwards it is wanted anew."""
        permit = second.at_logon_screen(PASSWORD)
        second.deliver(permit)
        half = bench.agent.core.halves._held[permit][0]
        settings = bench.settings.read_text()
        bench.settings.write_text("schema_version = ")
        bench.wake()
        assert (any(half), permit in bench.agent.core.halves.held) == (False, False)
        bench.settings.write_text(settings)
        bench.wake()
        assert not is_at_hand(bench)
        second.deliver(permit)
        assert bench.sign_in_with_permit() == PASSWORD

    def test_a_pause_overwrites_a_half(self, bench: Bench, second: SecondParty) -> None:
        """A pause ends the wait of a half that was delivered; resuming brings neither the half nor the permit back."""
        permit = second.at_logon_screen(PASSWORD)
        second.deliver(permit)
        half = bench.agent.core.halves._held[permit][0]
        grant = bench.state.permits[permit].grant
        assert bench.customer(cm.GrantPause(grant=grant)).done
        assert not any(half)
        assert bench.customer(cm.GrantPause(grant=grant, pause=False)).done
        assert not is_at_hand(bench)

    def test_the_key_of_a_delivery_ends_with_its_time(self, bench: Bench, second: SecondParty) -> None:
        """Two minutes after the agent's question the key of a delivery that did not come is gone."""
        second.lend(PASSWORD)
        second.wanted()
        assert bench.agent.core.halves._awaited
        bench.world.now += timedelta(seconds=WAIT_SECONDS)
        bench.wake()
        assert not bench.agent.core.halves._awaited

    def test_any_fault_of_a_delivery_overwrites_the_half(
        self, bench: Bench, second: SecondParty, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also a fault that nobody expected leaves no half behind."""
        permit = second.at_logon_screen(PASSWORD)
        halves: list[bytearray] = []

        def failing(_grant: object, half: bytearray) -> bytearray:
            halves.append(half)
            raise MemoryError

        delivered = second.delivered(second.wanted_for(permit))
        monkeypatch.setattr(bench.agent.core, "unseal", failing)
        with suppress(MemoryError):
            bench.ask(wait(permit, delivered))
        assert [bytes(half) for half in halves] == [bytes(32)]

    def test_the_logon_screen_is_not_reached(self, bench: Bench, second: SecondParty) -> None:
        """If the permit cannot be announced, the half is overwritten and is wanted again."""
        permit = second.at_logon_screen(PASSWORD)
        delivered = second.delivered(second.wanted_for(permit))
        bench.world.broken.add("notifier")
        failed = bench.error(wait(permit, delivered))
        # The controller tries a failure with a time again.
        assert (failed.code, failed.retry_after) == ("agent_failed", 5.0)
        bench.world.broken.clear()
        assert not is_at_hand(bench)
        second.deliver(permit)
        assert bench.sign_in_with_permit() == PASSWORD

    def test_a_device_key_that_cannot_be_used_yet_passes(self, bench: Bench, second: SecondParty) -> None:
        """Right after the boot the long poll is refused for a while, and not for good."""
        permit = second.at_logon_screen(PASSWORD)
        bench.world.broken.add("unprotect")
        bench.crash()
        failed = bench.error(wait(permit))
        bench.world.broken.clear()
        assert (failed.code, failed.retry_after) == ("device_key_unusable", 5.0)
        second.deliver(permit)
        assert bench.sign_in_with_permit() == PASSWORD

    def test_a_redeeming_without_the_half_redeems_nothing(self, bench: Bench, second: SecondParty) -> None:
        """A provider that names the permit by itself gets no password, and the permit goes on waiting."""
        permit = second.at_logon_screen(PASSWORD)
        answer, secret = bench.logon(lm.Redeem(permit=permit))
        assert not answer.done
        assert not secret
        assert bench.state.permits[permit].state is PermitState.ISSUED

    def test_a_record_that_is_gone_ends_the_grant(self, bench: Bench, second: SecondParty) -> None:
        """A lost key slot is found at the logon: the grant ends, as one of one party does."""
        permit = second.at_logon_screen(PASSWORD)
        wanted = second.wanted_for(permit)
        bench.agent.core.slots.overwrite_all()
        bench.result(wait(permit, second.delivered(wanted)))
        answer, secret = bench.logon(lm.Redeem(permit=permit))
        assert not answer.done
        assert not secret
        assert bench.state.grants[bench.state.permits[permit].grant].rejection == "record_unreadable"

    def test_the_window_and_the_receipt_say_the_kind(self, bench: Bench, second: SecondParty) -> None:
        """The customer snapshot, the grant's view and the receipt say that the grant is of two parties."""
        second.lend(PASSWORD)
        info = bench.result(rq.Info(receipts=True))
        assert info["grants"][0]["terms"]["two_parties"]
        assert info["grants"][0]["sealing"]["nonce"] == second.nonce
        document = info["receipts"][0]["document"]
        assert (document["terms"]["two_parties"], "operator's half" in document["storage_location"]) == (
            True,
            True,
        )
        assert "opens with the operator's half of the key only" in info["receipts"][0]["text"]


def test_a_receipt_says_by_whom_the_password_could_be_opened(bench: Bench, second: SecondParty) -> None:
    """The customer reads in both languages whether one party or two could open the password."""
    second.lend(PASSWORD)
    view = msgspec.convert(bench.result(rq.Info(receipts=True))["receipts"][0], ans.ReceiptView)
    document = {**view.document, "terms": {**view.document["terms"], "two_parties": False}}
    one = msgspec.structs.replace(view, document=document)
    for language, words_one, words_two in (
        ("en", "One party: this PC alone", "Two parties: "),
        ("de", "Eine Partei: Dieser PC allein", "Zwei Parteien: "),
    ):
        said_two, said_one = (receipt_text.render(v, bench.world.now, language) for v in (view, one))
        assert (words_two in said_two, words_one in said_two) == (True, False)
        assert (words_two in said_one, words_one in said_one) == (False, True)


# --- what a thief of the disk can open


def opener(bench: Bench, half: bytes = b"") -> bytes:
    """Open the sealed record with all that is on the disk and the PC's keys, as the vault's documentation says.

    Raises:
        InvalidTag: it does not open.
    """
    core = bench.agent.core
    (grant,) = bench.state.grants.values()
    content = bench.content()
    (record,) = {
        content[at : at + int.from_bytes(content[at + 8 : at + 10], "little")] for at in found(content)
    }
    version, halves, protected = record[6], record[7], int.from_bytes(record[38:40], "little")
    tag, nonce, end = record[10:26], record[26:38], 40 + protected
    pc_half = bench.world.computer().keys.unprotect(record[40:end], grant.id.encode())
    slot = next(
        block[16:48]
        for block in blocks((bench.folder / key_slots.NAME).read_bytes())
        if block.startswith(tag)
    )
    sealed = record[end : end + 80] if halves & 4 else b""
    info = f"latchkey seal {version} {grant.id}".encode()
    key = HKDF(SHA256(), 32, tag, info).derive(bytes(pc_half) + slot + half)
    terms = canonical(grant.terms, grant.account, grant.id, core.computer.device)
    associated = MAGIC + bytes((version, halves)) + tag + sealed + terms
    padded = AESGCM(key).decrypt(nonce, record[end + len(sealed) : -16], associated)
    return padded[2 : 2 + int.from_bytes(padded[:2], "little")]


def found(content: bytes) -> list[int]:
    """Return the places of sealed records."""
    return [at for at in range(len(content)) if content.startswith(MAGIC, at)]


def blocks(content: bytes) -> list[bytes]:
    """Return the slots of a file of key slots."""
    size = key_slots.SLOT_BYTES
    return [content[at : at + size] for at in range(0, len(content), size)]


def half_of(second: SecondParty, bench: Bench) -> bytes:
    """Return the operator's half from the record on the disk, with the operator's key."""
    (grant,) = bench.state.grants.values()
    sealing = second.sealing()
    stored = info(
        "latchkey-stored-half-1",
        device=sealing.device,
        session="CHG-1",
        nonce=sealing.nonce,
        grant=grant.id,
    )
    return bytes(SUITE.decrypt(bench.agent.core.sealed_half(grant), second.key, stored))


# Rule 2 against the PC itself: neither the disk with the PC's keys nor the operator's key has the password.


def test_rule_02_the_opener_opens_a_record_of_one_party(bench: Bench) -> None:
    """The opener of these tests opens a grant of one party with the disk and the PC's keys."""
    bench.lend(PASSWORD)
    assert opener(bench) == PASSWORD


@pytest.mark.parametrize("moment", ["asleep", "at the logon screen"])
def test_rule_02_the_disk_and_the_keys_of_the_pc_do_not_open_a_record_of_two_parties(
    bench: Bench, second: SecondParty, moment: str
) -> None:
    """Neither the PC alone nor the operator's key alone opens the password; both together do."""
    if moment == "asleep":
        second.lend(PASSWORD)
    else:
        second.at_logon_screen(PASSWORD)
    for guess in (b"", bytes(32), os.urandom(32)):
        with pytest.raises(InvalidTag):
            opener(bench, guess)
    assert opener(bench, half_of(second, bench)) == PASSWORD
    keys, bench.world.machine_key = bench.world.machine_key, os.urandom(32)
    with pytest.raises(InvalidTag):
        opener(bench, half_of(second, bench))
    bench.world.machine_key = keys


@pytest.mark.parametrize("moment", ["asleep", "at the logon screen"])
def test_rule_02_no_memory_and_no_file_has_the_half(bench: Bench, second: SecondParty, moment: str) -> None:
    """Neither the process's memory nor a file has the clear half of a grant that is not being used."""
    # The test learns the half after the copies were taken, so the search cannot find the test's own copy.
    if moment == "asleep":
        second.lend(PASSWORD)
        memory = own_memory()
    else:
        second.at_logon_screen(PASSWORD)
        memory = b""
    content = bench.content()
    half = half_of(second, bench)
    assert half not in content
    assert half.hex().encode() not in content
    assert half not in memory


def own_memory() -> bytes:
    """Return the writable memory of this process, in which the agent runs."""
    copied = bytearray()
    with suppress(OSError), Path("/proc/self/mem").open("rb", buffering=0) as content:
        for line in Path("/proc/self/maps").read_text().splitlines():
            place, rights, *_ = line.split()
            if rights.startswith("rw") and "[v" not in line:
                begin, end = (int(address, 16) for address in place.split("-"))
                content.seek(begin)
                copied += content.read(end - begin)
    return bytes(copied)


# --- bad input


def other_key(second: SecondParty, wanted: dict[str, Any]) -> fields.DeliveredHalf:
    """Seal the half to a key that the PC does not have."""
    other = SecondParty(second.bench).key.public_key().public_bytes_raw().hex()
    return second.delivered({**wanted, "key": other}, second.half(wanted))


BAD: dict[str, tuple[str, Callable[[SecondParty, dict[str, Any]], fields.DeliveredHalf]]] = {
    "of another grant": ("wrong_half", lambda s, w: s.delivered(w, os.urandom(32))),
    "sealed to another key": ("half_unreadable", other_key),
    "for another PC": (
        "half_unreadable",
        lambda s, w: s.delivered({**w, "sealing": {**w["sealing"], "device": "SHA256:x"}}, s.half(w)),
    ),
    "for another permit": ("half_unreadable", lambda s, w: s.delivered({**w, "permit": "x"}, s.half(w))),
    "with another nonce": (
        "half_not_awaited",
        lambda s, w: fields.DeliveredHalf(nonce="ff" * 16, sealed=s.delivered(w).sealed),
    ),
}


@pytest.mark.parametrize("crash", [False, True])
def test_a_wrong_half_erases_nothing_on_a_full_disk(
    bench: Bench, second: SecondParty, monkeypatch: pytest.MonkeyPatch, *, crash: bool
) -> None:
    """A wrong half begins no trial, so neither a full disk nor a crash after it ends the grant."""
    grant = second.lend(PASSWORD)
    half = second.delivered(second.wanted(), os.urandom(32))
    real = bench.agent.core.execute

    def execute(command: Any, **options: Any) -> Any:
        if isinstance(command, c.EndTrial):
            raise Refused("storage_failed", detail="the disk is full")
        return real(command, **options)

    with monkeypatch.context() as full:
        full.setattr(bench.agent.core, "execute", execute)
        assert bench.code(second.use(half=half)) == "wrong_half"
    if crash:
        bench.crash()
    assert (bench.state.grants[grant].state, bench.sealed()) == (GrantState.ACTIVE, {grant})
    second.apply()


@pytest.mark.parametrize("bad", BAD)
class TestBadHalves:
    """A half that does not serve changes nothing: no use, no erasure, and the right half serves after it."""

    def test_before_the_use(self, bench: Bench, second: SecondParty, bad: str) -> None:
        """A bad half begins no use, and Windows is not asked."""
        code, made = BAD[bad]
        grant = second.lend(PASSWORD)
        checks = list(bench.world.checks)
        assert bench.code(second.use(half=made(second, second.wanted()))) == code
        assert (bench.world.checks, bench.world.restarts) == (checks, [])
        assert (bench.state.grants[grant].state, bench.sealed()) == (GrantState.ACTIVE, {grant})
        assert not bench.state.grants[grant].on_trial
        second.apply()

    def test_for_the_logon(self, bench: Bench, second: SecondParty, bad: str) -> None:
        """A bad half announces nothing, and the permit goes on waiting."""
        code, made = BAD[bad]
        permit = second.at_logon_screen(PASSWORD)
        announced = bench.world.announced
        assert bench.code(wait(permit, made(second, second.wanted_for(permit)))) == code
        assert (bench.world.announced, is_at_hand(bench)) == (announced, False)
        assert len(bench.sealed()) == 1
        second.deliver(permit)
        assert bench.sign_in_with_permit() == PASSWORD


class TestMoreBadInput:
    """Other keys, other PCs, other times."""

    def test_a_half_after_its_time(self, bench: Bench, second: SecondParty) -> None:
        """A half that comes minutes after the agent's question is refused, and a new question succeeds."""
        second.lend(PASSWORD)
        half = second.delivered(second.wanted())
        bench.world.now += timedelta(seconds=WAIT_SECONDS)
        assert bench.code(second.use(half=half)) == "half_not_awaited"
        second.apply()

    def test_a_half_after_the_lapse(self, bench: Bench, second: SecondParty) -> None:
        """A half for a permit that has lapsed is refused, and erases nothing."""
        permit = second.at_logon_screen(PASSWORD)
        bench.world.now += timedelta(minutes=14, seconds=30)
        half = second.delivered(second.wanted_for(permit))
        bench.world.now += timedelta(minutes=1)
        assert bench.code(wait(permit, half)) == "half_not_awaited"
        assert len(bench.sealed()) == 1

    def test_a_half_twice_before_a_use(self, bench: Bench, second: SecondParty) -> None:
        """A half that has served once is refused for another step."""
        second.lend(PASSWORD)
        half = second.delivered(second.wanted())
        bench.result(second.use(half=half))
        bench.reboot()
        assert bench.code(second.use(step="another", half=half)) in {
            "restart_in_progress",
            "half_not_awaited",
        }

    def test_another_operator_delivers_nothing(self, bench: Bench, second: SecondParty) -> None:
        """An account that the session does not name cannot deliver."""
        permit = second.at_logon_screen(PASSWORD)
        half = second.delivered(second.wanted_for(permit))
        assert bench.code(wait(permit, half), SECOND_OPERATOR) == "not_owner"
        assert not is_at_hand(bench)

    def test_truncated_messages_are_no_messages(self, bench: Bench, second: SecondParty) -> None:
        """A shorter half, nonce or key is no message of the protocol."""
        whole = fields.DeliveredHalf(nonce="00", sealed="00" * 80)
        sealing = second.sealing()
        bench.start_session()
        for body in (
            rq.ApplyWait(session="CHG-1", permit="p", half=whole.__replace__(sealed="00" * 79)),
            rq.CredentialApply(session="CHG-1", action="restart", half=whole.__replace__(nonce="")),
            rq.CredentialRequest(
                session="CHG-1", restarts=1, sealing=sealing.__replace__(public_key=sealing.public_key[:-2])
            ),
            rq.CredentialRequest(session="CHG-1", restarts=1, sealing=sealing.__replace__(device="SHA256:x")),
        ):
            assert bench.code(body) == "bad_message"

    def test_a_request_for_another_pc(self, bench: Bench, second: SecondParty) -> None:
        """A sealing key that was derived for another device key is refused before the customer is asked."""
        bench.start_session()
        sealing = second.sealing().__replace__(device="SHA256:" + "A" * 43)
        asked = rq.CredentialRequest(session="CHG-1", restarts=1, sealing=sealing)
        assert bench.code(asked) == "other_device_key"
        assert not bench.state.requests

    def test_a_key_to_which_nothing_can_be_sealed(self, bench: Bench, second: SecondParty) -> None:
        """A public key of low order is refused before the customer is asked."""
        bench.start_session()
        sealing = second.sealing().__replace__(public_key="00" * 32)
        asked = rq.CredentialRequest(session="CHG-1", restarts=1, sealing=sealing)
        assert bench.code(asked) == "bad_terms"

    def test_a_device_key_that_was_replaced(self, bench: Bench, second: SecondParty) -> None:
        """After a new device key the half is not asked for; the grant stays until it is revoked."""
        grant = second.lend(PASSWORD)
        bench.result(rq.DeviceKeyReplace())
        assert bench.code(second.use()) == "other_device_key"
        assert bench.state.grants[grant].state is GrantState.ACTIVE

    def test_a_record_that_cannot_be_read_ends_the_grant(self, bench: Bench, second: SecondParty) -> None:
        """A record that is gone cannot serve with any half, so the grant ends before one is asked for."""
        grant = second.lend(PASSWORD)
        bench.database.execute("DELETE FROM sealed")
        assert bench.code(second.use()) == "grant_rejected"
        assert bench.state.grants[grant].rejection == "record_unreadable"

    def test_refused_halves_are_journalled(self, bench: Bench, second: SecondParty) -> None:
        """The journal notes a half that was refused, once a minute for each reason."""
        permit = second.at_logon_screen(PASSWORD)
        bench.code(wait(permit, second.delivered(second.wanted_for(permit), os.urandom(32))))
        assert bench.events()[-1] == "command_refused"


# --- policy and terms


class TestPolicyAndTerms:
    """Which kind of grant is asked for."""

    def test_the_policy_may_require_two_parties(self, place: Path) -> None:
        """With `require_two_parties` a request without a sealing key is refused; Windows' own sign-in is not."""
        folder = place / "strict"
        folder.mkdir()
        strict = Bench(folder, policy="require_two_parties = true\nmin_restart_interval = 0.0")
        strict.start_session()
        assert strict.code(rq.CredentialRequest(session="CHG-1", restarts=1)) == "policy_refuses"
        sealing = SecondParty(strict).sealing()
        strict.result(rq.CredentialRequest(session="CHG-1", restarts=1, sealing=sealing))
        strict.stop()

    def test_windows_own_sign_in_has_one_party(self, bench: Bench, second: SecondParty) -> None:
        """Under the means `arso` there is no password, so a sealing key makes no difference."""
        bench.agree_to_sign_on(sealing=second.sealing())
        (grant,) = bench.state.grants.values()
        assert (grant.terms.two_parties, bench.state.requests[grant.request].sealing) == (False, None)

    @pytest.mark.parametrize("has_key", [True, False])
    def test_no_kind_of_grant_covers_the_other(
        self, bench: Bench, second: SecondParty, *, has_key: bool
    ) -> None:
        """A request of the other kind asks the customer; one of the same kind finds the grant."""
        if has_key:
            second.lend(PASSWORD)
        else:
            bench.lend(PASSWORD)
        key, other = second.sealing(), None
        same, different = (key, other) if has_key else (other, key)
        assert "request" not in bench.result(rq.CredentialRequest(session="CHG-1", restarts=1, sealing=same))
        asked = bench.result(rq.CredentialRequest(session="CHG-1", restarts=1, sealing=different))
        assert asked["request"]["state"] == "pending"

    @pytest.mark.parametrize("two", [True, False])
    def test_the_pc_signs_to_which_key_a_half_is_sealed(
        self, bench: Bench, second: SecondParty, *, two: bool
    ) -> None:
        """The answer with a grant of two parties has the PC's signed word about its key; one of one party has none."""
        if not two:
            bench.lend(PASSWORD)
            assert "statement" not in bench.result(rq.CredentialRequest(session="CHG-1", restarts=1))
            return
        grant = second.lend(PASSWORD)
        asked = rq.CredentialRequest(session="CHG-1", restarts=1, sealing=second.sealing())
        said = bench.result(asked)["statement"]
        told = {k: v for k, v in said.items() if k not in {"signature", "public_key"}}
        body = {"schema_version": "latchkey-grant-1", **told}
        text = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
        signer = verify(said["signature"], "latchkey-half", text)
        assert fingerprint(signer) == bench.agent.core.device_key.fingerprint == told["sealing"]["device"]
        assert (told["grant"], told["sealing"]) == (grant, msgspec.to_builtins(second.sealing()))

    def test_auto_means_find_a_grant_of_two_parties(self, bench: Bench, second: SecondParty) -> None:
        """A job that is launched again with `auto` finds its grant of two parties."""
        second.lend(PASSWORD)
        asked = rq.CredentialRequest(session="CHG-1", restarts=1, means="auto", sealing=second.sealing())
        assert bench.result(asked)["grant"]["terms"]["two_parties"]

    def test_records_are_bound_to_the_kind(self, bench: Bench) -> None:
        """The data that a record is bound to differs with the kind; that of one party is the earlier one."""
        bench.lend(PASSWORD)
        (grant,) = bench.state.grants.values()
        two = Terms(**{**{f: getattr(grant.terms, f) for f in Terms.__struct_fields__}, "two_parties": True})
        one = canonical(grant.terms, grant.account, grant.id, "PC")
        assert canonical(two, grant.account, grant.id, "PC") == one + b"\ntwo parties"


# --- restarts by others


class TestRestartsByOthers:
    """The sign-in after a restart by others waits for the operator, too."""

    def lend(self, bench: Bench, second: SecondParty) -> str:
        """Lend for restarts by others, and restart; return the permit's id."""
        second.lend(PASSWORD, foreign_restarts=True)
        bench.reboot()
        (permit,) = bench.state.permits.values()
        assert permit.foreign
        return permit.id

    def test_it_is_announced_with_the_half(self, bench: Bench, second: SecondParty) -> None:
        """The permit is announced once a job has delivered the half; it uses one of the restarts."""
        permit = self.lend(bench, second)
        assert (bench.world.announced, is_at_hand(bench)) == (0, False)
        second.deliver(permit)
        assert bench.sign_in_with_permit() == PASSWORD
        assert next(iter(bench.state.grants.values())).left.restarts == 1

    def test_it_waits_for_a_job_that_comes_late(self, bench: Bench, second: SecondParty) -> None:
        """A step may take hours after the restart: the job delivers after it, and the customer is signed in."""
        permit = self.lend(bench, second)
        bench.world.now += timedelta(hours=2)
        bench.wake()
        assert bench.state.permits[permit].state is PermitState.ISSUED
        second.deliver(permit)
        assert bench.sign_in_with_permit() == PASSWORD

    def test_without_a_job_it_ends_with_the_agreed_time(self, bench: Bench, second: SecondParty) -> None:
        """Where no job runs, nobody is signed in; permit and record end with the agreed time."""
        permit = self.lend(bench, second)
        (grant,) = bench.state.grants.values()
        bench.world.now = grant.terms.not_after
        bench.wake()
        assert bench.state.permits[permit].state in {PermitState.LAPSED, PermitState.CANCELLED}
        assert not bench.sealed()
        assert not any(n.kind == "restarted" for n in bench.state.notices.values())

    def test_the_customer_who_signs_in_by_hand_ends_the_wait(self, bench: Bench, second: SecondParty) -> None:
        """A grant whose only restart waited for the operator gets it back when the customer is there."""
        second.lend(PASSWORD, foreign_restarts=True, restarts=1)
        bench.reboot()
        bench.world.sign_in(ANNA)
        bench.agent.sessions_changed()
        (grant,) = bench.state.grants.values()
        assert (grant.state, grant.left.restarts) == (GrantState.ACTIVE, 1)

    def test_a_half_waits_a_quarter_of_an_hour_for_the_logon_screen(
        self, bench: Bench, second: SecondParty
    ) -> None:
        """A half that the logon screen does not take is overwritten, and wanted anew."""
        permit = self.lend(bench, second)
        second.deliver(permit)
        halves = bench.agent.core.halves
        assert halves.seconds_left(bench.agent.core.computer.clock.uptime()) == pytest.approx(HOLD_SECONDS)
        bench.world.now += timedelta(seconds=HOLD_SECONDS)
        bench.wake()
        assert (bench.state.permits[permit].state, [*halves.held]) == (PermitState.ISSUED, [])
        assert second.wanted_for(permit)["permit"] == permit

    def test_a_job_that_restarts_is_told_of_it(self, bench: Bench, second: SecondParty) -> None:
        """The refusal of a further use has the half that the sign-in before it waits for."""
        permit = self.lend(bench, second)
        answer = bench.ask(second.use())
        assert isinstance(answer.error, ans.ErrorView)
        assert isinstance(answer.result, dict)
        assert (answer.error.code, answer.result["half"]["permit"]) == ("restart_in_progress", permit)
        check = bench.ask(rq.CredentialApply(session="CHG-1", action="restart", check=True))
        assert check.outcome == "refused"


# --- power cuts


def is_sound(cut: Cut[Any]) -> None:
    """Check that a cut has left one of the allowed states: the grant lives with its record, or has ended without it."""
    state = cut.bench.state
    (grant,) = state.grants.values()
    lives = grant.ended is None
    assert cut.bench.sealed() == ({grant.id} if lives else set())
    assert not cut.bench.agent.core.halves.held
    assert lives or grant.rejection == "agent_stopped"
    assert not owed_effects(state) or not lives


def test_a_cut_at_any_touch_of_the_check_loses_nothing_but_the_trial(place: Path) -> None:
    """A power cut while a use begins leaves the grant alone, begun, or ended by a trial in doubt (rule 6)."""
    parties: dict[int, SecondParty] = {}

    def prepare(bench: Bench) -> None:
        parties[id(bench)] = SecondParty(bench)
        parties[id(bench)].lend(PASSWORD)

    for cut in cuts(place, prepare, lambda bench: parties[id(bench)].apply(step="s")):
        is_sound(cut)
        (grant,) = cut.bench.state.grants.values()
        if grant.ended is None and not cut.bench.state.permits:
            parties[id(cut.bench)].apply(step="s")


def test_a_cut_at_any_touch_of_the_second_delivery_signs_in_once_at_most(place: Path) -> None:
    """After a power cut between delivery and logon the permit waits again, or counts as used; never both."""
    parties: dict[int, SecondParty] = {}
    permits: dict[int, str] = {}

    def prepare(bench: Bench) -> None:
        parties[id(bench)] = SecondParty(bench)
        permits[id(bench)] = parties[id(bench)].at_logon_screen(PASSWORD)

    def act(bench: Bench) -> None:
        parties[id(bench)].deliver(permits[id(bench)])
        bench.redeem()

    for cut in cuts(place, prepare, act):
        bench, second, permit = cut.bench, parties[id(cut.bench)], permits[id(cut.bench)]
        assert not bench.agent.core.halves.held
        assert not is_at_hand(bench)
        if bench.state.permits[permit].state is PermitState.ISSUED:
            second.deliver(permit)
            assert bench.redeem()[1] == PASSWORD
        else:
            assert bench.state.permits[permit].state is PermitState.REDEEMED
            assert not second.wanted_for(permit)
