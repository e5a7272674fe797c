# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import os
import re
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.packaging.announcing import announce
from agent.packaging.system_tools import SSH_KEYGEN
from lab.computer import Event
from lab.demo import __main__ as demo
from lab.demo import condenser
from lab.demo.__main__ import TITLES, advise, main
from lab.demo.computers import KINDS
from lab.demo.condenser import Condenser
from lab.demo.endings import ENDINGS
from lab.demo.evidence import FILE, write_receipts
from lab.demo.lanes import WIDTH, Lanes
from lab.demo.night import NIGHT
from lab.demo.operator import ROOT
from lab.demo.pace import paced
from lab.demo.promises import Verdict
from lab.demo.telling import Teller
from lab.simulated.customer_script import Grant, Revoke
from latchkey_agent.protocol.answers import ReceiptView
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.signed_json import RECEIPT, canonical_json
from tests.needs import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.demo.endings import Ending

OUTPUT = r"""
PLAY [Maintain PCs in a support session] ***************************************

TASK [latchkey.consent.maintenance : Validating arguments against arg spec 'main'] ***
ok: [PC-ANNA]

TASK [latchkey.consent.maintenance : Start the support session, or find it started] ***
changed: [PC-ANNA]
[PC-ANNA] waiting: the window to open; since 08:10:02, until 08:20:02; code 7758
[PC-ANNA] waiting: the customer to answer; since 08:10:02, until 08:20:02; code 7758
[PC-ANNA] waiting: the PC to go down; for 60 s at most
[PC-ANNA] PC-ANNA\anna agreed

TASK [latchkey.consent.maintenance : Ask the customer for a grant] *******
[ERROR]: Task failed: Action failed: The customer declined.
Origin: roles/maintenance/tasks/request.yml:12:3

12 - name: Ask the customer for a grant
     ^ column 3

fatal: [PC-ANNA]: FAILED! => {"error_code": "denied", "hint": "Respect it.", "msg": "The customer declined."}

TASK [latchkey.consent.maintenance : Show the summary] *************************
ok: [PC-ANNA] => {
    "msg": [
        "PC-ANNA, support session CHG-4711",
        "answered: denied",
        "done: -",
        "left over: Windows updates",
        "receipts: 5a3a6d44-0c0e-4b0e-8a2a-97a3f4a3a7a5",
        "erasure: not yet"
    ]
}

TASK [latchkey.consent.maintenance : A task that breaks] ***********************
fatal: [PC-ANNA]: UNREACHABLE! => no JSON at all

TASK [latchkey.consent.maintenance : Fail unless the failure is a no that counts as an answer] ***
fatal: [PC-ANNA]: FAILED! => {"msg": "Not finished: The customer declined. Respect it. Launch the job again."}

PLAY RECAP *********************************************************************
PC-ANNA                    : ok=7    changed=2    unreachable=0    failed=1
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        """Return that it is a terminal."""
        return True


def condensed(output: str, told: set[tuple[str, str]] | None = None) -> list[str]:
    """Return the sentences that the demo tells of an output, each with its PC."""
    lines: list[str] = []
    condenser = Condenser(lambda host, text: lines.append(f"{host}| {text}"), told)
    for line in output.splitlines():
        condenser.feed(line)
    return lines


def test_ansibles_output_becomes_one_sentence_for_each_fact() -> None:
    """The check code, an answer, a step, a failure with its reason, and the summary are told once and without codes."""
    assert condensed(OUTPUT) == [
        "PC-ANNA| Waits for the customer's answer. Check code: 7758.",
        "PC-ANNA| PC-ANNA\\anna agreed.",
        "PC-ANNA| Ask the customer for a grant: failed. The customer declined.",
        "PC-ANNA| Done: none. Left over: Windows updates. Erasure: not yet.",
        "PC-ANNA| A task that breaks: failed.",
        "PC-ANNA| Not finished: Respect it. Launch the job again.",
    ]


def test_each_task_that_the_demo_looks_for_exists() -> None:
    """A task that was given another name would no longer be told, or be told twice."""
    files = (path for folder in ("roles", "playbooks") for path in (ROOT / folder).rglob("*.yml"))
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    names = (condenser.SHOWS, condenser.OVERVIEW, condenser.LAST_FAILURE, *condenser.UNTOLD)
    assert [name for name in names if f"- name: {name}" not in text] == []


CROWD = r"""
TASK [latchkey.consent.maintenance : Start the support session, or find it started] ***
changed: [PC-ANNA]
ok: [PC-BEN]

TASK [latchkey.consent.maintenance : Set the checkpoint "started" of Windows updates] ***
changed: [PC-ANNA]
[PC-ANNA] waiting: the PC to go down; since 22:00:12, until 22:15:12

TASK [latchkey.consent.maintenance : Ask the customer for a grant] *******
fatal: [PC-BEN]: FAILED! => {"error_code": "denied", "hint": "Respect it.", "msg": "The customer declined."}

TASK [Install the updates] *****************************************************
fatal: [PC-ANNA]: FAILED! => {"msg": "Task failed: the connection is lost, with many words"}

TASK [latchkey.consent.maintenance : Show the summary] *************************
ok: [PC-BEN] => {
    "msg": [
        "PC-BEN, support session CHG-4711",
        "answered: denied, I am busy",
        "done: -",
        "left over: -",
        "receipts: q1"
    ]
}

TASK [Show the answer and the request's code] **********************************
ok: [PC-ANNA] => {
    "msg": "pending, code 7758"
}

TASK [latchkey.consent.maintenance : Show the state] ***************************
ok: [PC-ANNA] => {
    "msg": [
        "PC-ANNA: support session CHG-4711, started"
    ]
}

TASK [latchkey.consent.maintenance : Show the overview of all PCs] *************
ok: [PC-ANNA] => {
    "msg": [
        "support session CHG-4711, 2 PCs",
        "agreed: 1, PC-ANNA"
    ]
}

TASK [latchkey.consent.maintenance : Show the report's files] ******************
ok: [PC-ANNA] => {
    "msg": [
        "/home/kim/night.json"
    ]
}
"""


def test_the_job_of_many_pcs_is_told_by_its_overview() -> None:
    """Each PC's own state, answer and files are left out; what an earlier job has told is not told again."""
    told: set[tuple[str, str]] = set()
    assert condensed(CROWD, told) == [
        "PC-BEN| Ask the customer for a grant: failed. The customer declined.",
        "PC-ANNA| Install the updates: failed.",
        "PC-BEN| Done: none. Left over: none.",
        "| Support session CHG-4711, 2 PCs.\nAgreed: 1, PC-ANNA.",
    ]
    assert condensed(CROWD, told) == [
        "PC-ANNA| Install the updates: failed.",
        "| Support session CHG-4711, 2 PCs.\nAgreed: 1, PC-ANNA.",
    ]


def happened(what: str, text: str = "", seconds: float = 0.0) -> Event:
    """Return an event."""
    return Event(datetime.fromtimestamp(1e9 + seconds, UTC), "pc", what, text)


def test_each_notice_is_told_once_and_a_sign_in_with_its_lock() -> None:
    """A repeated notice is left out whatever its time; events that another one tells are left out; new ones are not."""
    events: list[Event] = []
    teller = Teller(events.append)
    for event in (
        happened("going_down", "Windows shuts down."),
        happened("signed_in", "anna signed in (console)"),
        happened("locked", "anna locked (console)", 0.25),
        happened("notice_used", "Today 08:10: You were signed in. Ticket: \u201cCHG-4711\u201d"),
        happened("notice_used", "1 May 2026, 09:15: You were signed in. Ticket: \u201cCHG-4711\u201d"),
        happened("asteroid", "The PC is gone."),
        happened("signed_in", "bob signed in (console)"),
    ):
        teller.tell(event)
    told = [event.text for event in events]
    teller.end()
    assert told == [
        "anna signed in; the screen is locked 0.25 s later.",
        "Notice: You were signed in.",
        "The PC is gone.",
    ]
    assert events[-1].text == "bob signed in"


def test_the_pace_slows_answers_and_restarts_but_no_revocation() -> None:
    """A pace is a lower limit; a step that waits for an event of the PC keeps its moment."""
    script = (Grant(after=0.5), Revoke(when="restart_announced", after=0.3))
    assert paced(script, 4.0) == {
        "script": (Grant(after=4.0), Revoke(when="restart_announced", after=0.3)),
        "restart_seconds": 4.0,
    }
    assert paced(script, 0.0) == {"script": script, "restart_seconds": 1.0}


def test_lanes_are_plain_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output to a pipe or with NO_COLOR has no escape sequences; a terminal gets colours."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    texts = []
    for stream in (io.StringIO(), Terminal()):
        Lanes(stream).say("customer", "Declines.")
        texts.append(stream.getvalue())
    assert "customer | Declines." in texts[0]
    assert "\x1b[33mcustomer |\x1b[0m Declines." in texts[1]
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    Lanes(stream).say("customer", "Declines.")
    assert "\x1b" not in stream.getvalue()


def test_the_request_window_is_drawn_as_a_box() -> None:
    """Title and buttons are in the edges, the text is between them; all lines are as wide as the widest may be."""
    stream = io.StringIO()
    text = "\n".join(("Title", "long " * 40, "Field", "Allow | Later"))
    Lanes(stream).show(Event(datetime.now(UTC), "customer", "request_shown", text))
    rows = stream.getvalue().splitlines()[1:]
    assert rows[0].startswith("  +- Title ---")
    assert rows[-1].startswith("  +- Allow | Later ---")
    assert {len(row) for row in rows} == {WIDTH}


def test_a_broken_promise_ends_with_1_and_is_shown_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken promise is shown with all its evidence, a kept one in a line; so is the work before the first event."""
    evidence = "\n".join(f"fact {number}" for number in range(5))
    kept = Verdict(kept=True, promise="It holds.", how="all facts", brief="Few words.")
    broken = Verdict(kept=False, promise="It breaks.", how=evidence, brief="Not shown.")
    ending = replace(ENDINGS["grant"], promises=(lambda _story: kept, lambda _story: broken))
    stream = io.StringIO()
    monkeypatch.setitem(ENDINGS, "grant", ending)
    monkeypatch.setattr(demo, "Stage", StandIn)
    monkeypatch.setattr(demo, "Lanes", lambda: Lanes(stream))
    monkeypatch.setattr(demo, "ROOT", tmp_path)

    assert main(["grant", "simulated"]) == 1

    shown = stream.getvalue()
    assert "1 of 2 promises kept\n  kept   It holds. Few words.\n  BROKEN It breaks.\n" in shown
    assert "Not shown" not in shown
    assert "\n  ... making a Windows (the first time only, about 30 s)\n" in shown
    written = (tmp_path / "build/demo/grant" / FILE).read_text("utf-8")
    for fact in evidence.splitlines():
        assert shown.count(fact) == written.count(fact) == 1
    assert "all facts" in written


class StandIn:
    """A stage without a PC: its story has no receipt and no erasure."""

    def __init__(self, _ending: Ending, folder: Path, *_more: object, pace: float) -> None:
        folder.mkdir(parents=True)

    @contextmanager
    def played(self) -> Iterator[SimpleNamespace]:
        """Announce the work of a PC's first start, and yield the story."""
        announce("making a Windows", 30)
        info = SimpleNamespace(receipts=[], erasure=[])
        yield SimpleNamespace(computer=SimpleNamespace(name="PC-ANNA"), info=info)


def signed_story(purpose: str) -> SimpleNamespace:
    """Return the story of a PC with one receipt."""
    key = Ed25519PrivateKey.generate()
    document = {"purpose": purpose, "terms": {"grace": 5.0}}
    signature = ssh_signature.sign(key, RECEIPT, canonical_json(document))
    line = ssh_signature.public_line(key.public_key().public_bytes_raw())
    receipt = ReceiptView(request="R-1", document=document, signature=signature, public_key=line, text="")
    return SimpleNamespace(info=SimpleNamespace(receipts=[receipt]))


def verified(command: str, folder: Path) -> bool:
    """Type a command of the demo in its folder; tell whether it succeeded."""
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, check=False)  # noqa: S602 - as a person types it
    return done.returncode == 0


def test_the_demos_receipt_is_checked_by_ssh_keygen(tmp_path: Path) -> None:
    """The command that the demo prints accepts the receipt that it leaves, and not a changed one."""
    require(SSH_KEYGEN)
    stories: Any = {"PC-ANNA": signed_story("Updates")}
    command = write_receipts(tmp_path, stories)
    assert command is not None
    assert len(command) <= WIDTH
    assert verified(command, tmp_path)
    (tmp_path / "receipt.json").write_bytes((tmp_path / "receipt.json").read_bytes() + b" ")
    assert not verified(command, tmp_path)


def test_the_receipts_of_a_night_have_the_names_of_their_pcs(tmp_path: Path) -> None:
    """Each PC's receipt is a file of its own, known PCs have a line for each; a PC without a receipt has neither."""
    require(SSH_KEYGEN)
    none = SimpleNamespace(info=SimpleNamespace(receipts=[]))
    stories: Any = {"PC-1": signed_story("One"), "PC-2": none, "PC-3": signed_story("Three")}
    command = write_receipts(tmp_path, stories)
    assert command is not None
    assert {file.name for file in tmp_path.glob("*.json")} == {"receipt-PC-1.json", "receipt-PC-3.json"}
    assert verified(command, tmp_path)
    assert verified(command.replace("PC-1", "PC-3"), tmp_path)
    assert not verified(command.replace("-I PC-1", "-I PC-3"), tmp_path)
    assert write_receipts(tmp_path, {"PC-2": stories["PC-2"]}) is None


def test_the_demo_advises_commands_that_exist() -> None:
    """Each command to go on with is a target of the Makefile, each page exists, and no demo advises itself."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for name in TITLES:
        stream = io.StringIO()
        advise(Lanes(stream), name, ROOT / "build/demo" / f"wine-{name}")
        told = stream.getvalue()
        assert max(map(len, told.splitlines())) <= WIDTH
        assert "Next:" in told
        assert set(re.findall(r"make (\w+)", told)) <= targets
        assert all((ROOT / page).is_file() for page in re.findall(r"docs/\S+", told))
        assert re.findall(r"DEMO=(\S+)", told)[0] in TITLES.keys() - {name}
        assert f"build/demo/wine-{name}/{FILE}" in told


def test_an_unknown_ending_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong name ends with 2 and an error that lists the right names, without any output."""
    assert main(["grnat"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "'grnat'" in output.err
    assert all(name in output.err for name in (*ENDINGS, NIGHT))


def test_an_unknown_pc_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong PC in argument or environment ends with 2 and an error that lists the right ones."""
    assert main(["grant", "bogus"]) == 2
    monkeypatch.setenv("PC", "bogus")
    assert main([]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("There is no PC 'bogus'") == 2
    assert all(kind.title in output.err for kind in KINDS.values())


def test_the_night_is_for_simulated_pcs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The night on a Wine PC is a wrong choice: one sentence says so, before anything is looked for or played."""
    monkeypatch.setenv("PATH", "")
    assert main([NIGHT, "wine"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == "The demo 'night' runs on simulated PCs only.\n"


def test_a_pc_without_its_requirements_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the command that installs the missing packages, and the demo fails."""
    monkeypatch.setenv("PATH", "")
    assert main(["grant", "wine"]) == 1
    assert (
        "install --no-install-recommends maven openjdk-17-jre-headless wine wine64" in capsys.readouterr().err
    )


def test_too_many_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The demo refuses a third argument and names it."""
    assert main(["grant", "simulated", "twice"]) == 2
    assert "twice" in capsys.readouterr().err


def test_the_endings_can_be_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`list` names every ending and the night with its title, and every PC, by argument and by environment."""
    monkeypatch.setenv("DEMO", "list")
    assert main([]) == 0
    assert main(["list"]) == 0
    output = capsys.readouterr().out
    assert output.count(NIGHT) > 1
    titles = [*TITLES.values(), *(kind.title for kind in KINDS.values())]
    assert all(output.count(title) == 2 for title in titles)


@pytest.mark.parametrize(
    ("words", "shown"), [((), "grant simulated"), (("DEMO=deny", "PC=wine"), "deny wine")]
)
def test_make_passes_ending_and_pc_on(words: tuple[str, ...], shown: str) -> None:
    """Make's own variable PC does not disturb the option PC."""
    # Without the variables of an outer make, which would change the output.
    environment = {"PATH": os.environ["PATH"]}
    command = ["make", "--dry-run", "demo", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith(f" lab.demo {shown}")
