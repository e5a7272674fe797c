# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a PC's key and journal head: first use, another key, a forged head, an older head."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils import _answers as ans
from ansible_collections.latchkey.consent.plugins.plugin_utils import _known_pcs
from ansible_collections.latchkey.consent.plugins.plugin_utils._answer_reader import read
from ansible_collections.latchkey.consent.plugins.plugin_utils._device_check import DeviceCheck, device_check
from ansible_collections.latchkey.consent.plugins.plugin_utils._failure import Failure
from ansible_collections.latchkey.consent.plugins.plugin_utils._journal_heads import heads_of

from tests.unit.plugins.fakes import stage
from tests.unit.plugins.ssh_keys import DeviceKey

if TYPE_CHECKING:
    from pathlib import Path

KEY, OTHER = DeviceKey(), DeviceKey()
AGENT = {"version": "1", "protocol": 1, "device": "PC1", "boot_id": "b", "now": "", "ready": True}
EMPTY: dict[str, Any] = {"sessions": [], "requests": [], "grants": [], "erasure": []}
INFO = {"agent": AGENT, **EMPTY, "pending_restart": {"pending": False, "reasons": []}}
SESSION = {"id": "1", "name": "x", "state": "started", "reason": "", "ticket": "", "requester": {}, "owner": "",
           "operators": [], "started_at": "", "ends_at": ""}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a file `known_pcs` that is not there yet."""
    return tmp_path / "known_pcs"


def head(position: int = 5, key: DeviceKey = KEY) -> ans.HeadView:
    """Return a head as it is read from an answer."""
    return read(ans.HeadView, key.head(position))


def forged(**changed: Any) -> ans.HeadView:
    """Return a head that was changed after it was signed."""
    return read(ans.HeadView, {**KEY.head(), **changed})


def check_of(path: Path, **more: Any) -> DeviceCheck:
    """Return the check of a task that begins now."""
    return device_check(str(path), "pc1", **{"dry": False, **more})


def facts(path: Path, seen: ans.HeadView | None, **more: Any) -> dict[str, Any]:
    """Let a task check an answer."""
    return check_of(path, **more).facts(seen)


def refused(path: Path, seen: ans.HeadView | None, code: str, **more: Any) -> str:
    """Return the sentence of a refused answer; nothing was written."""
    before = path.read_bytes() if path.exists() else b""
    with pytest.raises(Failure) as caught:
        facts(path, seen, **more)
    assert caught.value.code == code
    assert (path.read_bytes() if path.exists() else b"") == before
    return str(caught.value)


def kept(path: Path) -> int | None:
    """Return the position of the kept head."""
    last = heads_of(path).last("pc1")
    return None if last is None else last.position


def test_the_first_use_enrols_and_the_second_compares(path: Path) -> None:
    """The first answer enrols the PC; the next one is compared, and its head is the one that is sent after that."""
    assert check_of(path).seen is None
    first = facts(path, head(5))
    assert (first["enrolled"], first["device_key"]) == (True, KEY.line)
    assert first["journal_head"]["position"] == 5
    assert facts(path, head(7))["enrolled"] is False
    told = KEY.head(7)
    assert check_of(path).seen == {"position": 7, "hash": told["hash"], "at": told["at"]}


def test_the_file_is_read_once_for_a_task(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task of an enrolled PC parses the file once; an enrolment parses it once more, under the lock."""
    parsed: list[Path] = []
    whole = _known_pcs._parsed

    def noted(file: Path, content: bytes) -> _known_pcs.KnownPcs:
        parsed.append(file)
        return whole(file, content)

    monkeypatch.setattr(_known_pcs, "_parsed", noted)
    facts(path, head(5))
    assert len(parsed) == 2
    facts(path, head(7))
    assert len(parsed) == 3


def test_another_key_is_refused_until_the_line_is_removed(path: Path) -> None:
    """Another key fails with both fingerprints; after the line's removal the new key is enrolled."""
    facts(path, head())
    sentence = refused(path, head(9, OTHER), "device_key_changed")
    assert KEY.fingerprint in sentence
    assert OTHER.fingerprint in sentence
    assert kept(path) == 5
    path.write_text("")
    assert facts(path, head(9, OTHER))["enrolled"] is True


@pytest.mark.parametrize("dry", [False, True])
def test_the_key_of_another_pc_enrols_no_second_one(path: Path, *, dry: bool) -> None:
    """A PC that signs with the enrolled key of another PC fails, also in check mode, and no head is kept for it."""
    facts(path, head(5))
    with pytest.raises(Failure) as caught:
        device_check(str(path), "pc2", dry=dry).facts(head(9))
    assert caught.value.code == "device_key_shared"
    assert len(path.read_text().splitlines()) == 1
    assert heads_of(path).last("pc2") is None


def test_a_line_that_does_not_allow_the_purpose_enrols_nothing(path: Path) -> None:
    """A PC whose line allows receipts only is known: its heads do not count, and no other key is added."""
    path.write_text(f'pc1 namespaces="latchkey-receipt" {KEY.line}\n')
    assert "no line of pc1 allows its key" in refused(path, head(), "known_pcs_unusable")
    refused(path, head(5, OTHER), "device_key_changed")


@pytest.mark.parametrize(
    "changed",
    [
        {"position": 6},
        {"hash": "0" * 64},
        {"at": "2026-11-24T22:00:00.000+01:00"},
        {"device": "PC2"},
        {"signature": "no signature"},
        {"signature": KEY.sign(b"x", "latchkey-journal")},
        {"signature": OTHER.head()["signature"]},
        {"public_key": OTHER.line},
        {"public_key": "ssh-rsa AAAA"},
    ],
)
def test_a_forged_head_is_refused(path: Path, changed: dict[str, Any]) -> None:
    """A head of which one field was changed is refused on the first use as well, and enrols nothing."""
    refused(path, forged(**changed), "journal_head_invalid")
    facts(path, head())
    refused(path, forged(**changed), "journal_head_invalid")


def test_a_receipt_is_no_head(path: Path) -> None:
    """A signature with the purpose of receipts does not count for a head."""
    told = KEY.head()
    covered = {name: told[name] for name in ("device", "position", "hash", "at")}
    content = json.dumps(
        {"schema_version": "latchkey-journal-1", **covered}, sort_keys=True, separators=(",", ":")
    )
    for purpose, counts in (("latchkey-journal", True), ("latchkey-receipt", False)):
        other = forged(signature=KEY.sign(content.encode(), purpose))
        if counts:
            assert facts(path, other)["enrolled"]
        else:
            assert "was not made for latchkey-journal" in refused(path, other, "journal_head_invalid")


def test_an_answer_without_a_head_is_refused(path: Path) -> None:
    """An agent of an earlier release, or one without a journal, sends no head."""
    assert "the answer has none" in refused(path, None, "journal_head_invalid")
    with pytest.raises(Failure, match="the agent has no journal: damaged"):
        check_of(path).facts(None, problem="damaged.")


@pytest.mark.parametrize(("position", "changed"), [(4, {}), (5, {"at": "x"})])
def test_an_older_head_is_refused(path: Path, position: int, changed: dict[str, str]) -> None:
    """A head before the last one, or another one of the same number, is refused whatever the agent answered."""
    facts(path, head(5))
    key = KEY.head(position, content="a" * 64)
    sentence = refused(path, read(ans.HeadView, key), "journal_head_invalid")
    assert f"it is entry {position}, and entry 5 was seen before" in sentence
    assert kept(path) == 5


def test_a_kept_head_never_moves_backwards(path: Path) -> None:
    """Of two tasks that run at once, the one that ends last keeps no older head."""
    facts(path, head(5))
    slow, fast = check_of(path), check_of(path)
    fast.facts(head(9))
    slow.facts(head(7))
    assert kept(path) == 9


def test_check_mode_writes_nothing(path: Path, tmp_path: Path) -> None:
    """In check mode the check predicts the enrolment and writes neither line nor head."""
    assert facts(path, head(), dry=True)["enrolled"] is True
    assert list(tmp_path.iterdir()) == []
    facts(path, head(5))
    facts(path, head(9), dry=True)
    assert kept(path) == 5
    refused(path, head(9, OTHER), "device_key_changed", dry=True)


def test_without_the_file_nothing_is_checked(tmp_path: Path) -> None:
    """Without `known_pcs` the head is passed on unchecked, and no file is written."""
    told = device_check(None, "pc1", dry=False).facts(forged(public_key=OTHER.line))
    assert (told["enrolled"], told["device_key"]) == (False, OTHER.line)
    assert device_check(None, "pc1", dry=False).facts(None)["journal_head"] is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"schema": "latchkey-kept-head-1"}', "\udcff", "[" * 100_000]
)
def test_a_damaged_kept_head_stops_the_task(path: Path, content: str) -> None:
    """A kept head that cannot be read fails with its path. It does not count as missing."""
    facts(path, head(5))
    file = heads_of(path).file_of("pc1")
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(Failure, match=r"known_pcs\.heads/pc1\.json") as caught:
        check_of(path)
    assert caught.value.code == "known_pcs_unusable"


def test_a_pcs_name_is_no_path(path: Path) -> None:
    """The name of a PC cannot lead out of the folder of the kept heads."""
    heads = heads_of(path)
    for name in ("../x", "..", "a/b", "\N{LATIN SMALL LETTER E WITH ACUTE}"):
        assert heads.file_of(name).parent == heads.folder
        assert "/" not in heads.file_of(name).name


# --- through the actions


def exchange(verb: str, result: dict[str, Any], **asked: Any) -> dict[str, Any]:
    """Return an exchange of a transcript."""
    return {"ask": {"verb": verb, **asked}, "answer": {"outcome": "done", "result": result}}


@pytest.mark.parametrize(
    ("module", "args", "verb", "answer"),
    [
        ("credential_info", {}, "info", INFO),
        ("support_session", {"session": "x"}, "session_start", {"session": SESSION}),
        (
            "support_session",
            {"session": "x", "state": "ended"},
            "session_end",
            {"session": SESSION, "erasure": [], "receipts": []},
        ),
    ],
)
def test_the_modules_check_the_pc(
    path: Path, module: str, args: dict[str, Any], verb: str, answer: dict[str, Any]
) -> None:
    """Both modules enrol a PC, send the last head, and refuse another key before they use the answer."""
    options = {**args, "known_pcs": str(path)}
    first = stage([exchange(verb, {**answer, "journal_head": KEY.head(5)})]).run(module, options)
    assert (first["failed"], first["enrolled"], first["changed"]) == (False, True, True)
    assert first["journal_head"]["signature"] == KEY.head(5)["signature"]
    seen = {"seen": check_of(path).seen} if verb != "session_end" else {}
    again = stage([exchange(verb, {**answer, "journal_head": KEY.head(6)}, **seen)]).run(module, options)
    assert (again["failed"], again["enrolled"]) == (False, False)
    foreign = stage([exchange(verb, {**answer, "journal_head": OTHER.head(7)})]).run(module, options)
    assert foreign["error_code"] == "device_key_changed"
    assert foreign["outcome"] == ("refused" if verb == "info" else "unknown")
    assert not {"sessions", "state", "journal_head"} & set(foreign)


UNKNOWN = {"code": "journal_head_unknown", "message": "Another journal.", "hint": ""}


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("module", "args", "verb"),
    [("credential_info", {}, "info"), ("support_session", {"session": "x", "reason": "y"}, "session_start")],
)
def test_a_new_installation_fails_for_its_key(
    path: Path, module: str, args: dict[str, Any], verb: str, *, check: bool
) -> None:
    """A PC with a new key and a new journal fails for its key; the hint names its line and its kept head."""
    facts(path, head(5))
    options = {**args, "known_pcs": str(path)}

    def told(key: DeviceKey | None) -> dict[str, Any]:
        refusal = {"ask": {"verb": verb}, "answer": {"outcome": "refused", "error": UNKNOWN}}
        answer = key and {"device": "PC1", "public_key": key.line, "fingerprint": key.fingerprint}
        silent = {
            "ask": {"verb": "device_key"},
            "answer": {"outcome": "refused", "error": {**UNKNOWN, "code": "x"}},
        }
        asked = exchange("device_key", answer) if answer else silent
        return stage([refusal, asked]).run(module, options, check_mode=check)

    changed = told(OTHER)
    assert (changed["error_code"], changed["outcome"]) == ("device_key_changed", "refused")
    assert OTHER.fingerprint in changed["msg"]
    assert str(heads_of(path).file_of("pc1")) in changed["hint"]
    for key in (KEY, None):
        restored = told(key)
        assert restored["error_code"] == "journal_head_unknown"
        assert "latchkeyctl erase --all" in restored["hint"]
    path.write_text("")
    assert told(OTHER)["error_code"] == "journal_head_unknown"


def test_a_broken_file_does_not_keep_a_session_alive(path: Path) -> None:
    """The end of a session is asked for before the files on the controller are read."""
    path.write_text("pc2 ssh-ed25519 damaged\n")
    answer = {"session": SESSION, "erasure": [], "receipts": [], "journal_head": KEY.head(5)}
    played = stage([exchange("session_end", answer)])
    ended = played.run("support_session", {"session": "x", "state": "ended", "known_pcs": str(path)})
    assert (ended["error_code"], ended["outcome"]) == ("known_pcs_unusable", "unknown")
    assert [asked["verb"] for asked in played.connection.asked] == ["session_end"]


def test_a_delegated_task_checks_the_pc_that_it_asks(path: Path) -> None:
    """A task with delegate_to compares the key of the other PC, and enrols that one."""
    answer = {**INFO, "journal_head": KEY.head(5)}
    played = stage([exchange("info", answer)])
    assert played.run("credential_info", {"known_pcs": str(path)}, delegate_to="pc2")["enrolled"]
    assert path.read_text().startswith("pc2 ")


def test_without_the_option_an_older_agent_is_asked_as_before(path: Path) -> None:
    """Without `known_pcs` no field is sent that an agent of an earlier release lacks."""
    played = stage([exchange("info", INFO)])
    result = played.run("credential_info", {})
    assert (result["failed"], result["journal_head"], result["enrolled"]) == (False, None, False)
    assert "seen" not in played.connection.asked[0]
