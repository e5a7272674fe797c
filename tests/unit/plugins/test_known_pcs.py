# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`known_pcs`: lines are read as OpenSSH reads them, added without a change of others, and errors are sentences."""

from __future__ import annotations

import base64
import contextlib
import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils import _known_pcs
from ansible_collections.latchkey.consent.plugins.plugin_utils._failure import Failure
from ansible_collections.latchkey.consent.plugins.plugin_utils._kept_files import locked
from ansible_collections.latchkey.consent.plugins.plugin_utils._known_pcs import (
    JOURNAL,
    NAMESPACES,
    RECEIPTS,
    enroll,
    line_for,
    read_existing,
    read_known,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.packaging.system_tools import SSH_KEYGEN
from tests.needs import require
from tests.unit.plugins.ssh_keys import DeviceKey, ssh_keygen

KEY, OTHER = DeviceKey(), DeviceKey()
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC).timestamp()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a file `known_pcs` that is not there yet."""
    return tmp_path / "known_pcs"


def added(path: Path, pc: str = "pc1", key: DeviceKey = KEY) -> bool:
    """Enrol a PC; return whether a line was added."""
    return enroll(path, path.with_name("known_pcs.heads") / ".lock", pc, key.blob)[0]


def refusal(path: Path, pc: str = "pc1") -> str:
    """Return the sentence of a file that cannot be used."""
    with pytest.raises(Failure) as caught:
        read_known(path).of(pc)
    assert caught.value.code == "known_pcs_unusable"
    return str(caught.value)


# --- adding lines


def test_a_line_is_added_and_found(path: Path) -> None:
    """A PC is enrolled once, for the purposes of an agent, in a file that everybody may read."""
    assert read_known(path).of("pc1") == ()
    assert added(path)
    assert not added(path)
    assert not added(path, key=OTHER)
    assert path.read_text() == (
        f'pc1 namespaces="latchkey-receipt,latchkey-journal,latchkey-device-key,latchkey-half" {KEY.line}\n'
    )
    assert path.stat().st_mode & 0o777 == 0o644
    known = read_known(path)
    assert enroll(path, path.with_name("lock"), "pc1", KEY.blob) == (False, known)
    assert {known.keys_of("pc1", purpose, NOW) for purpose in NAMESPACES} == {(KEY.blob,)}
    assert known.keys_of("pc1", "git", NOW) == ()
    assert known.of("PC1") == known.of("pc") == known.of("pc11") == ()


@pytest.mark.parametrize("names", ["pc2", "pc2,pc3", "PC1", "pc2,!pc9"])
def test_a_key_of_another_pc_is_not_added(path: Path, names: str) -> None:
    """A new PC whose key is on another PC's line is refused with both names, and the file stays as it was."""
    path.write_text(f"{names} {KEY.line}\n")
    with pytest.raises(Failure, match="pc1 was not added") as caught:
        added(path)
    assert caught.value.code == "device_key_shared"
    assert names.split(",", maxsplit=1)[0] in str(caught.value)
    assert KEY.fingerprint in str(caught.value)
    assert "latchkeyctl device-key --replace" in caught.value.error.hint
    assert path.read_text() == f"{names} {KEY.line}\n"
    assert added(path, key=OTHER)


def test_a_shared_key_that_a_person_wrote_counts(path: Path) -> None:
    """One line with two names, and two lines of one key, are the person's choice."""
    path.write_text(f"pc1,pc2 {KEY.line}\npc3 {KEY.line}\n")
    for pc in ("pc1", "pc2", "pc3"):
        assert not added(path, pc)
        assert read_known(path).keys_of(pc, JOURNAL, NOW) == (KEY.blob,)


def test_other_lines_stay_as_they_are(path: Path) -> None:
    """Comments, empty lines, other signers and a missing end of line survive byte for byte, and so does the mode."""
    signer = f'ada@example.com namespaces="git" {OTHER.line} Ada \u00e4'
    before = f"# The PCs\r\n\n  # more\n{signer}\nb {OTHER.line}".encode()
    path.write_bytes(before)
    path.chmod(0o640)
    assert added(path)
    assert path.read_bytes() == before + b"\n" + line_for("pc1", KEY.blob).encode() + b"\n"
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_new_file_is_readable_whatever_the_umask(path: Path) -> None:
    """File, lock and kept heads hold no secret: a new file has the mode 0644, also under a strict umask."""
    before = os.umask(0o077)
    try:
        assert added(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644


def test_an_earlier_file_keeps_its_owner(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new content gets owner and group of the earlier file; without the right for it at least the group."""
    path.write_text("# mine\n")
    asked: list[tuple[int, int]] = []

    def refuse(_number: int, owner: int, group: int) -> None:
        asked.append((owner, group))
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    assert added(path)
    state = path.stat()
    assert asked == [(state.st_uid, state.st_gid), (-1, state.st_gid)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_job_of_root_leaves_the_file_to_its_owner(path: Path) -> None:
    """After a job of root the file belongs to its former owner and group, with its former mode."""
    path.write_text("# mine\n")
    path.chmod(0o640)
    os.chown(path, 12345, 23456)
    assert added(path)
    state = path.stat()
    assert (state.st_uid, state.st_gid, state.st_mode & 0o777) == (12345, 23456, 0o640)


def test_a_lock_that_stays_is_told(path: Path) -> None:
    """A task waits for a limited time for another one; then it fails with the lock's path, and writes nothing."""
    lock = path.with_name("known_pcs.heads") / ".lock"
    with locked(lock):
        with pytest.raises(Failure, match="another program has locked") as caught, locked(lock, 0.0):
            pass
        assert (caught.value.code, str(lock) in str(caught.value)) == ("known_pcs_unusable", True)
    assert not path.exists()
    assert added(path)


def test_a_link_leads_to_the_file(path: Path, tmp_path: Path) -> None:
    """A link stays a link, and the file that it leads to gets the line."""
    target = tmp_path / "real"
    target.write_text("# real\n")
    path.symlink_to(target)
    assert added(path)
    assert path.is_symlink()
    assert "pc1" in target.read_text()


def test_many_tasks_at_once_lose_no_line(path: Path) -> None:
    """Tasks that enrol at the same moment write one line each, and none twice."""
    names = [f"pc{number}" for number in range(20)]
    keys = {name: DeviceKey() for name in names}
    results: list[bool] = []
    tasks = [
        threading.Thread(target=lambda name=name: results.append(added(path, name, keys[name])))
        for name in names * 2
    ]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    assert results.count(True) == len(names)
    assert sorted(line.split()[0] for line in path.read_text().splitlines()) == sorted(names)


def test_a_full_disk_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that cannot be written whole is not written, and no other file is left."""
    assert added(path)
    before = path.read_bytes()

    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Failure, match="No space left on device"):
        added(path, "pc2", OTHER)
    assert path.read_bytes() == before
    assert sorted(one.name for one in path.parent.iterdir()) == ["known_pcs", "known_pcs.heads"]


@pytest.mark.parametrize(
    "pc", ["pc 1", "pc1,pc2", "pc*", "p?1", "!pc1", '"pc1"', "#pc1", "pc\n1", "", "pc\u00a01"]
)
def test_a_name_that_the_file_cannot_hold_is_refused(path: Path, pc: str) -> None:
    """A name with a meaning of its own in the format is refused, so no line can speak for another PC."""
    with pytest.raises(Failure, match="cannot stand in it"):
        added(path, pc)
    assert not path.exists()


# --- reading lines


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("pc1 {key}", True),
        ("pc1,pc2 {key}", True),
        ('"pc1" {key}', True),
        ('"pc2,pc1" {key} a comment', True),
        ("  \tpc1\t{key}\r", True),
        ("pc2 {key}", False),
        ("pc1,!pc1 {key}", False),
        ("PC1 {key}", False),
        ("# pc1 {key}", False),
        ("#pc1 {key}", False),
    ],
)
def test_a_line_names_a_pc_exactly_or_not_at_all(path: Path, line: str, *, named: bool) -> None:
    """Several names, quotes and comments are read; a pattern names no PC."""
    path.write_text(line.format(key=KEY.line) + "\n")
    assert read_known(path).keys_of("pc1", RECEIPTS, NOW) == ((KEY.blob,) if named else ())


@pytest.mark.parametrize("names", ["pc*", "*", "p?1", "pc?,!pc2"])
def test_a_pc_that_a_pattern_covers_is_not_new(path: Path, names: str) -> None:
    """ssh-keygen accepts such a line, so another key is not added beside it."""
    path.write_text(f"{names} {OTHER.line}\n")
    for ask in (
        lambda: read_known(path).of("pc1"),
        lambda: enroll(path, path.parent / "lock", "pc1", KEY.blob),
    ):
        with pytest.raises(Failure, match="a line with a pattern covers pc1"):
            ask()
    assert path.read_text() == f"{names} {OTHER.line}\n"


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ('namespaces="latchkey-receipt"', True),
        ('namespaces="git,latchkey-*"', True),
        ('NAMESPACES="latchkey-receip?"', True),
        ('namespaces="*,!latchkey-receipt"', False),
        ('namespaces="git"', False),
        ('namespaces=""', False),
        ('namespaces="latchkey.receipt"', False),
        ('valid-after="20261130Z"', True),
        ('valid-after="202611301200Z"', True),
        ('valid-after="20261130120001Z"', False),
        ('valid-before="20261130120000Z"', True),
        ('valid-before="202611301159Z"', False),
        ('valid-after="20250101",valid-before="20280101",namespaces="latchkey-receipt"', True),
        ('valid-after="20270101"', False),
    ],
)
def test_purpose_and_time_limit_a_key(path: Path, options: str, *, counts: bool) -> None:
    """A key counts for its namespaces and between its times; its line names the PC in any case."""
    path.write_text(f"pc1 {options} {KEY.line}\n")
    known = read_known(path)
    assert bool(known.keys_of("pc1", RECEIPTS, NOW)) is counts
    assert len(known.of("pc1")) == 1
    assert not added(path, key=OTHER)


def test_a_time_without_a_zone_is_the_controllers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A time without Z is in the controller's time zone, as for ssh-keygen."""
    monkeypatch.setenv("TZ", "UTC-2")
    time.tzset()
    try:
        path.write_text(f'pc1 valid-after="202611301400" {KEY.line}\n')
        known = read_known(path)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert known.of("pc1")[0].valid_after == NOW


def test_several_lines_of_a_pc_count(path: Path) -> None:
    """An old and a new key of a PC may stand in two lines."""
    path.write_text(f'pc1 valid-before="20261101" {OTHER.line}\npc1 {KEY.line}\n')
    known = read_known(path)
    assert known.keys_of("pc1", JOURNAL, NOW) == (KEY.blob,)
    assert known.fingerprints_of("pc1") == f"{OTHER.fingerprint}, {KEY.fingerprint}"


def test_another_type_of_key_is_a_line_of_the_pc(path: Path) -> None:
    """A line with a key of another type is read: it keeps the PC from being enrolled anew."""
    blob = b"\0\0\0\x07ssh-rsa" + bytes(40)
    path.write_text(f"pc1 ssh-rsa {base64.b64encode(blob).decode()}\n")
    assert [one.key for one in read_known(path).of("pc1")] == [blob]
    assert not added(path)


def test_a_certificate_authority_is_refused_for_its_own_names_only(path: Path) -> None:
    """A line with cert-authority that names the PC is refused with a sentence; others of that kind are passed over."""
    path.write_text(f"pc2 cert-authority {OTHER.line}\npc1 {KEY.line}\n")
    assert read_known(path).keys_of("pc1", RECEIPTS, NOW) == (KEY.blob,)
    assert "pc2 has the option cert-authority" in refusal(path, "pc2")


# --- what cannot be used


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("pc1", "it has no key"),
        ("pc1 ssh-ed25519", "it has no key"),
        ("pc1 ssh-ed25519 AAAA!", "the base64 of its key is damaged"),
        ("pc1 ssh-ed25519 \u00e4", "the base64 of its key is damaged"),
        ("pc1 ssh-ed25519 AAAA", "its key is not of the type ssh-ed25519"),
        ("pc1 namespaces=git {key}", "it has neither known options"),
        ("pc1 namespaces {key}", "the value of the option namespaces is wrong"),
        ('pc1 cert-authority="x" {key}', "the value of the option cert-authority is wrong"),
        ('pc1 namespaces="a",namespaces="b" {key}', "the option namespaces twice"),
        ("pc1 no-touch-required {key}", "it has neither known options"),
        ('pc1 valid-after="2026" {key}', "2026 is no time"),
        ('pc1 valid-after="20261330" {key}', "20261330 is no time"),
        ('pc1 valid-after="2026113012" {key}', "2026113012 is no time"),
        (", {key}", "it has an empty name"),
        ('"pc1 {key}', "it does not begin with a name"),
    ],
)
def test_a_damaged_line_is_named_by_its_number(path: Path, line: str, reason: str) -> None:
    """A line that is not of the format stops the task with its number: it could be the PC's line."""
    path.write_text(f"# first\n{line.format(key=KEY.line)}\n", encoding="utf-8")
    sentence = refusal(path)
    assert f"{path}, line 2: " in sentence
    assert reason in sentence


def test_a_path_that_is_no_file_is_told(path: Path, tmp_path: Path) -> None:
    """A folder, a pipe, bytes that are no text and a missing folder each have a sentence."""
    assert "known_pcs is a folder" in refusal(_made(path, "folder"))
    os.mkfifo(tmp_path / "pipe")
    assert "pipe is no regular file" in refusal(tmp_path / "pipe")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    assert "is no text in UTF-8" in refusal(tmp_path / "bytes")
    with pytest.raises(Failure, match="there is no folder"):
        added(tmp_path / "nowhere/known_pcs")
    with pytest.raises(Failure, match="there is no file"):
        read_existing(tmp_path / "missing")


def _made(path: Path, kind: str) -> Path:
    assert kind == "folder"
    path.mkdir()
    return path


def test_a_file_that_may_not_be_read_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's reason is in the sentence."""
    path.write_text("")

    def denied(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    assert refusal(path).endswith("known_pcs: Permission denied.")


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.binary(max_size=200), st.text(alphabet='pc1,*!?"=# \t-ansedr', max_size=60).map(str.encode))
)
def test_any_content_leaves_by_the_one_failure(content: bytes) -> None:
    """A file of any content is read, or refused by `Failure`."""
    with contextlib.suppress(Failure):
        _known_pcs._parsed(Path("known_pcs"), content)


# --- the real OpenSSH


def test_openssh_verifies_with_the_file(path: Path, tmp_path: Path) -> None:
    """The real `ssh-keygen -Y verify` accepts a receipt by the line that was written, for its PC and purpose only."""
    require(SSH_KEYGEN)
    assert added(path)
    assert added(path, "pc2", OTHER)
    message = b'{"request":"r1"}'
    signature = tmp_path / "receipt.json.sig"
    signature.write_text(KEY.sign(message, RECEIPTS))

    def verifies(pc: str, namespace: str = RECEIPTS, content: bytes = message) -> bool:
        arguments = ("-f", path, "-I", pc, "-n", namespace, "-s", signature)
        return ssh_keygen("-Y", "verify", *arguments, given=content).returncode == 0

    assert verifies("pc1")
    assert not verifies("pc2")
    assert not verifies("pc1", content=message + b" ")
    signature.write_text(KEY.sign(message, "git"))
    assert not verifies("pc1", "git")


@pytest.mark.parametrize(
    ("line", "accepted"),
    [
        ('pc1 namespaces="latchkey-*" {key}', True),
        ('"pc1,pc2" {key} comment', True),
        ('pc2,pc1 valid-after="20200101Z",valid-before="20990101" {key}', True),
        ('pc1 valid-before="20200101" {key}', False),
        ('pc1 namespaces="git" {key}', False),
        ("pc1,!pc1 {key}", False),
    ],
)
def test_openssh_reads_the_lines_in_the_same_way(
    path: Path, tmp_path: Path, line: str, *, accepted: bool
) -> None:
    """`ssh-keygen -Y verify` and the collection agree about names, purposes and times of a line."""
    require(SSH_KEYGEN)
    path.write_text(line.format(key=KEY.line) + "\n")
    (tmp_path / "s").write_text(KEY.sign(b"x", RECEIPTS))
    ran = ssh_keygen(
        "-Y", "verify", "-f", path, "-I", "pc1", "-n", RECEIPTS, "-s", tmp_path / "s", given=b"x"
    )
    assert (ran.returncode == 0) is accepted, ran.stderr
    assert bool(read_known(path).keys_of("pc1", RECEIPTS)) is accepted
