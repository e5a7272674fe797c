# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The device key: made once, kept in a file of its own, changed only with an event."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from latchkey_agent.cli import removal
from latchkey_agent.domain import events as e
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.storage import atomic_file, ssh_signature
from latchkey_agent.storage.journal import BEGINNING
from latchkey_agent.storage.signed_json import DEVICE_KEY
from tests.unit.agent.bench import Bench, cuts
from tests.unit.agent.earlier import as_version_1
from tests.unit.agent.world import OPERATOR, SECOND_OPERATOR

REPLACE = rq.DeviceKeyReplace()


def key_of(bench: Bench) -> str:
    """Return the public key that signs for the PC."""
    return str(bench.result(rq.DeviceKey())["public_key"])


def changes(bench: Bench) -> list[e.DeviceKeyChanged]:
    """Return the events of all changes of the key, in order."""
    journal = bench.agent.core.journal
    return [event for _, event in journal.read(BEGINNING) if isinstance(event, e.DeviceKeyChanged)]


def endorsed_by(change: e.DeviceKeyChanged) -> str:
    """Return the key that signed a new key."""
    raw = ssh_signature.verify(change.endorsement, DEVICE_KEY, change.new.encode())
    return ssh_signature.public_line(raw)


def files(folder: Path) -> set[str]:
    """Return the names of the key's files."""
    return {file.name for file in folder.iterdir() if file.name.startswith("device.")}


# --- kept ---------------------------------------------------------------------------------------


def test_the_key_is_made_once_and_named_by_the_journal(bench: Bench) -> None:
    """The first start makes the key, the journal's first event names it, and every later start finds it."""
    key = key_of(bench)
    [(_, begun), *_] = bench.agent.core.journal.read(BEGINNING)
    assert isinstance(begun, e.JournalBegun)
    assert begun.device_key == key
    answer = bench.result(rq.DeviceKey())
    assert answer["fingerprint"] == ssh_signature.fingerprint(ssh_signature.public_key_of(key))
    for again in (bench.crash, bench.power_cut, bench.reboot):
        again()
        assert key_of(bench) == key
    assert changes(bench) == []
    assert files(bench.folder) == {"device.key"}


def test_a_journal_that_is_set_aside_does_not_change_the_key(bench: Bench) -> None:
    """A journal that begins anew names the same key."""
    key = key_of(bench)
    bench.start_session()
    bench.database.execute("DELETE FROM events WHERE seq = 2")
    bench.crash()
    assert bench.result(rq.JournalReset())
    assert key_of(bench) == key
    assert (bench.state.device_key, changes(bench)) == (key, [])


def test_the_private_key_is_nowhere_in_the_clear(bench: Bench) -> None:
    """The file holds what the PC protected; the seed is in none of the agent's files."""
    seeds: list[bytes] = []
    random = bench.world.random

    def noted(count: int) -> bytes:
        seeds.append(random(count))
        return seeds[-1]

    bench.world.random = noted
    bench.agent.core._key_file._random = noted
    bench.result(REPLACE)
    [seed] = [seed for seed in seeds if len(seed) == 32]
    assert seed not in bench.content()
    kept = json.loads((bench.folder / "device.key").read_bytes())
    assert kept["public_key"] == key_of(bench)


# --- replaced -----------------------------------------------------------------------------------


def test_a_key_of_another_pc_is_replaced(bench: Bench) -> None:
    """On another PC the key does not open: a new one signs, and the event names both."""
    key = key_of(bench)
    bench.world.broken.add("foreign")
    bench.crash()
    bench.world.broken.clear()
    new = key_of(bench)
    [change] = changes(bench)
    assert new != key
    assert (change.old, change.new, change.endorsement) == (key, new, "")
    assert change.actor.sid == ""
    bench.crash()
    assert (key_of(bench), changes(bench)) == (new, [change])


def test_a_key_that_does_not_open_now_stays(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """While Windows opens nothing the agent says so, signs nothing and keeps the key; later the key signs again."""
    key, content = key_of(bench), (bench.folder / "device.key").read_bytes()
    bench.start_session()
    bench.world.broken.add("unprotect")
    bench.crash()
    error = bench.error(rq.DeviceKey())
    assert error.code == "device_key_unusable"
    assert "the port unprotect is broken" in error.message
    assert bench.result(rq.Info()).get("journal_head") is None
    assert "the device key cannot be used" in caplog.text
    assert (bench.folder / "device.key").read_bytes() == content
    bench.world.broken.clear()
    bench.wake()
    assert (key_of(bench), changes(bench)) == (key, [])


def test_a_key_that_turns_out_to_be_another_pcs_is_journalled_when_it_is_replaced(bench: Bench) -> None:
    """The event is journalled when the new key is reported, not at the next tick."""
    key = key_of(bench)
    bench.world.broken.add("unprotect")
    bench.crash()
    bench.world.broken.remove("unprotect")
    bench.world.broken.add("foreign")
    new = key_of(bench)
    assert new != key
    assert [(change.old, change.new) for change in changes(bench)] == [(key, new)]


def test_an_administrator_replaces_a_key_that_never_opens(bench: Bench) -> None:
    """The new key signs without an endorsement; the event names the old one and the administrator."""
    key = key_of(bench)
    bench.world.broken.add("unprotect")
    bench.crash()
    replaced = bench.result(REPLACE)
    [change] = changes(bench)
    assert replaced["replaced"] == change.old == key
    assert (change.new, change.endorsement) == (key_of(bench), "")
    assert change.actor == OPERATOR.actor
    bench.world.broken.clear()
    bench.crash()
    assert (key_of(bench), changes(bench)) == (change.new, [change])


def test_a_damaged_journal_replaces_no_key(bench: Bench) -> None:
    """Without a journal the change could not be journalled, so the key stays."""
    key = key_of(bench)
    bench.start_session()
    bench.database.execute("DELETE FROM events WHERE seq = 2")
    bench.crash()
    assert bench.code(REPLACE) == "journal_damaged"
    assert bench.result(rq.JournalReset())
    assert key_of(bench) == key


@pytest.mark.parametrize("content", [b"", b"no key", b'{"public_key":"x"}'])
def test_a_damaged_file_is_replaced(bench: Bench, content: bytes) -> None:
    """A file that is no key leads to a new key, and the event names the one that the journal knew."""
    key = key_of(bench)
    bench.stop()
    (bench.folder / "device.key").write_bytes(content)
    bench.start()
    [change] = changes(bench)
    assert (change.old, change.new, change.endorsement) == (key, key_of(bench), "")


def test_an_administrator_replaces_the_key(bench: Bench) -> None:
    """The old key endorses the new one; the event names the administrator."""
    key = key_of(bench)
    checked = bench.ask(rq.DeviceKeyReplace(check=True))
    assert checked.changed
    assert key_of(bench) == key
    assert bench.code(REPLACE, SECOND_OPERATOR) == "administrators_only"
    replaced = bench.result(REPLACE)
    [change] = changes(bench)
    assert replaced["replaced"] == change.old == endorsed_by(change) == key
    assert replaced["public_key"] == change.new == key_of(bench) != key
    assert change.actor == OPERATOR.actor
    bench.power_cut()
    assert key_of(bench) == change.new
    bench.result(REPLACE)
    assert [endorsed_by(one) for one in changes(bench)] == [key, change.new]


def test_the_same_call_replaces_the_key_once(bench: Bench) -> None:
    """A call that is sent again after its answer was lost replaces no second key, and has the same answer."""
    call = rq.DeviceKeyReplace(idempotency_key="k1")
    first = bench.ask(call)
    bench.crash()
    again = bench.ask(call)
    assert (again.result, again.changed) == (first.result, first.changed)
    assert len(changes(bench)) == 1


def test_a_cut_while_the_key_is_replaced_leaves_one_key_and_its_event(place: Path) -> None:
    """A power cut at any touch leaves the old key, or the new one with its one event and endorsement."""
    seen = set[bool]()
    keys: list[str] = []
    for cut in cuts(place, lambda bench: keys.append(key_of(bench)), lambda bench: bench.result(REPLACE)):
        bench, old = cut.bench, keys[-1]
        new, made = key_of(bench), changes(bench)
        seen.add(new != old)
        assert bench.state.device_key == new
        assert len(made) == (new != old)
        assert all((one.old, one.new, endorsed_by(one)) == (old, new, old) for one in made)
        assert cut.result is None or cut.result["public_key"] == new
        bench.crash()
        assert changes(bench) == made
    assert seen == {False, True}


def test_a_full_disk_keeps_the_old_key(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """If event or file cannot be written, the old key goes on signing, also after the next start."""
    key = key_of(bench)
    bench.world.disk = "full"
    assert bench.code(REPLACE) == "storage_failed"
    assert key_of(bench) == key
    bench.world.disk = "well"

    def full(_path: Path, _content: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(atomic_file, "replace", full)
        assert bench.code(REPLACE) == "storage_failed"
    assert key_of(bench) == key
    bench.crash()
    assert (key_of(bench), changes(bench)) == (key, [])


def test_a_new_key_that_cannot_be_put_back_is_journalled_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the disk takes the new key and then nothing more, the new key stays and its event follows."""
    key, replace = key_of(bench), atomic_file.replace
    bench.world.disk = "full"

    def once(path: Path, content: bytes) -> None:
        if (bench.folder / "written").exists():
            raise OSError(28, "No space left on device")
        (bench.folder / "written").touch()
        replace(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(atomic_file, "replace", once)
        assert bench.code(REPLACE) == "storage_failed"
    new = key_of(bench)
    assert (new != key, changes(bench)) == (True, [])
    bench.world.disk = "well"
    bench.wake()
    [change] = changes(bench)
    assert (change.old, change.new, endorsed_by(change)) == (key, new, key)
    bench.crash()
    assert (key_of(bench), changes(bench)) == (new, [change])


def test_a_file_that_cannot_be_read_is_no_lost_key(bench: Bench) -> None:
    """While the disk does not give the file, the agent waits for it and makes no new key."""
    key, file = key_of(bench), bench.folder / "device.key"
    content = file.read_bytes()
    bench.stop()
    file.unlink()
    file.mkdir()
    bench.start()
    assert bench.code(rq.DeviceKey()) == "device_key_unusable"
    assert bench.code(REPLACE) == "storage_failed"
    file.rmdir()
    file.write_bytes(content)
    bench.wake()
    assert (key_of(bench), changes(bench)) == (key, [])


def test_rule_07_revoking_needs_no_device_key(bench: Bench, canary: bytearray) -> None:
    """While the disk does not give the key, the customer revokes, and the operator ends the session."""
    grant, file = bench.lend(canary), bench.folder / "device.key"
    bench.stop()
    file.unlink()
    file.mkdir()
    bench.start()
    bench.revoke()
    assert bench.state.grants[grant].revoked_by == "customer"
    ended = bench.result(rq.SessionEnd(session="CHG-1"))
    assert (ended["receipts"], ended.get("journal_head")) == ([], None)
    assert all(view["confirmed"] for view in ended["erasure"])


# --- of an earlier agent ------------------------------------------------------------------------


def test_the_key_of_an_earlier_agent_moves_into_its_file(bench: Bench) -> None:
    """The key that an earlier agent kept in its journal signs on; the journal names it, and keeps it no longer."""
    bench.start_session()
    key = as_version_1(bench)
    bench.start()
    assert key_of(bench) == key
    [change] = changes(bench)
    assert (change.old, change.new, change.endorsement) == ("", key, "")
    assert bench.agent.core.journal.key("receipts") is None
    bench.power_cut()
    assert (key_of(bench), len(changes(bench))) == (key, 1)


def test_a_cut_while_the_key_moves_changes_nothing(place: Path) -> None:
    """A power cut at any touch of the first start after an upgrade leaves the same key, named once."""
    keys: list[str] = []

    def prepare(bench: Bench) -> None:
        bench.start_session()
        keys.append(as_version_1(bench))

    for cut in cuts(place, prepare, lambda bench: bench.start()):
        bench = cut.bench
        assert key_of(bench) == keys[-1]
        assert [change.new for change in changes(bench)] == [keys[-1]]
        assert bench.agent.core.journal.key("receipts") is None
        assert bench.result(rq.JournalVerify())["intact"]


def test_an_earlier_key_that_does_not_open_is_replaced(bench: Bench) -> None:
    """An earlier agent's key from another PC does not open: a new one signs, and nobody knows the old one."""
    bench.start_session()
    key = as_version_1(bench)
    bench.world.broken.add("unprotect")
    bench.start()
    assert bench.code(rq.DeviceKey()) == "device_key_unusable"
    bench.world.broken.add("foreign")
    bench.world.broken.remove("unprotect")
    bench.wake()
    bench.world.broken.clear()
    [change] = changes(bench)
    assert (change.old, change.new) == ("", key_of(bench))
    assert change.new != key


def test_an_upgrade_on_a_full_disk_can_revoke(bench: Bench, canary: bytearray) -> None:
    """On a full disk an upgrade changes the tables with the reserve, keeps the key, and a grant can be revoked."""
    bench.lend(canary)
    key = as_version_1(bench)
    bench.world.disk = "full"
    bench.start()
    assert bench.revoke()
    assert bench.sealed() == set()
    assert key_of(bench) == key
    bench.world.disk = "well"
    bench.crash()
    assert [change.new for change in changes(bench)] == [key]
    assert bench.agent.core.journal.key("receipts") is None


# --- removed ------------------------------------------------------------------------------------


def test_a_removal_overwrites_and_deletes_the_key(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A removal overwrites the file before it deletes it."""
    bench.stop()
    overwritten: dict[str, int] = {}
    overwrite = removal._overwrite

    def noted(file: Path) -> None:
        overwrite(file)
        overwritten[file.name] = len(file.read_bytes().strip(b"\0"))

    monkeypatch.setattr(removal, "_overwrite", noted)
    removal.wipe(bench.folder)
    assert overwritten["device.key"] == 0
    assert not bench.folder.exists()
    bench.folder.mkdir()
