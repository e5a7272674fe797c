# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Latchkey's promises, and the demo's checks of each."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from lab import canary
from lab.demo.job_file import JOB, RESTARTS
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.signed_json import RECEIPT, canonical_json

if TYPE_CHECKING:
    from lab.demo.story import Story
    from latchkey_agent.protocol.answers import ReceiptView

LOCKED_WITHIN = 5.0
"""Seconds; the policy's own limit (`lock_within`), so that a busy machine does not break the promise."""
FAILED = 2
"""The exit code of ansible-playbook when a host failed (ansible-core, `TaskQueueManager.RUN_FAILED_HOSTS`)."""


_CHECKED, _UNCHECKED = "Signature checked:", "nobody has checked it"
_DELIVERED = "the operator's half of the key is delivered for the sign-in"
"""The operator's output at each delivery."""


class Verdict(NamedTuple):
    """The result of one check.

    Attributes:
        kept: whether the promise was kept.
        promise: one sentence.
        how: all evidence.
        brief: the evidence of a kept promise in a few words.
    """

    kept: bool
    promise: str
    how: str
    brief: str


def password_stayed_secret(story: Story) -> Verdict:
    """Search every file and process for the password, after proving that the search finds it."""
    planted = story.folder / "planted"
    planted.write_bytes(b"before" + story.password + b"after")
    finds_planted = bool(canary.search([planted], story.password))
    planted.unlink()
    files = story.files()
    finds = canary.search(files, story.password) + story.process_finds
    forms = len(canary.variants(story.password))
    how = (
        f"searched in {forms} encodings in {len(files)} files (the PC's disk, all logs, Ansible's "
        f"output) and {story.process_looks} times in every process's arguments and environment: "
        f"{len(finds)} finds; the search did find a planted copy"
    )
    where = "".join(f"; {find.encoding} in {find.place}" for find in finds)
    brief = f"The search of {len(files)} files and every process found nothing."
    return Verdict(finds_planted and not finds, "Only the customer saw the password.", how + where, brief)


def journal_intact(story: Story) -> Verdict:
    """Let the agent check its hash chain and the anchor outside of it."""
    journal = story.journal
    how = f"the chain of {journal.events} events was verified up to {journal.head[:12]}..."
    brief = f"The chain of its {journal.events} events is unbroken."
    return Verdict(journal.intact, "The journal is complete.", how + journal.problem, brief)


def erased(story: Story) -> Verdict:
    """Check that every grant's erasure is confirmed, and that the session is over unless the job failed."""
    erasure = story.info.erasure
    checks = [check for erased in erasure for check in erased.checks]
    kept = (
        [session.state for session in story.info.sessions] == [_session_state(story)]
        and len(erasure) == len(story.info.grants) > 0
        and all(erased.confirmed for erased in erasure)
        and all(check.passed for check in checks)
        and bool(checks)
    )
    how = f"the session is {_session_state(story)}, and {len(checks)} checks of the erasure passed"
    brief = f"{len(checks)} checks passed."
    return Verdict(kept, "The sealed password is erased, and the erasure is checked.", how, brief)


def _session_state(story: Story) -> str:
    """Return the state that the session should have: a failed job keeps it for the next one."""
    return "started" if story.exit_code else "ended"


def nothing_sealed(story: Story) -> Verdict:
    """Check that no grant ever existed."""
    kept = story.info.grants == [] and [s.state for s in story.info.sessions] == [_session_state(story)]
    how = f"the journal has {len(story.info.grants)} grants, and the session is {_session_state(story)}"
    return Verdict(kept, "No password was ever sealed.", how, "The journal has no grant.")


def receipt_signed(story: Story) -> Verdict:
    """Check that the receipt's signature is valid, and invalid for a changed receipt."""
    receipts = story.info.receipts
    kept = bool(receipts)
    for receipt in receipts:
        kept &= _is_signed(receipt, receipt.document)
        kept &= not _is_signed(receipt, receipt.document | {"device": "another"})
    how = f"{len(receipts)} Ed25519 signature is valid for the receipt, and invalid for a changed one"
    brief = "Its signature is valid, a changed receipt's is invalid."
    return Verdict(kept, "The customer has a signed receipt.", how, brief)


def _is_signed(receipt: ReceiptView, document: dict[str, Any]) -> bool:
    """Tell whether a receipt's signature by its key is valid for a document."""
    try:
        key = ssh_signature.verify(receipt.signature, RECEIPT, canonical_json(document))
    except ssh_signature.SignatureError:
        return False
    return ssh_signature.public_line(key) == receipt.public_key


def succeeded(story: Story) -> Verdict:
    """Check that the operator's job ended without a failure."""
    how = f"ansible-playbook ended with {story.exit_code}, expected 0"
    brief = "ansible-playbook ended without a failure."
    return Verdict(story.exit_code == 0, "The operator's job succeeded.", how, brief)


def reason_given(story: Story) -> Verdict:
    """Check that the operator's job failed, and that its last message says what the customer did."""
    reason = re.search(r'"msg": "Not finished: (The customer [^."]+\.)', _output(story))
    shown = reason[1] if reason else "no reason"
    how = f"ansible-playbook ended with {story.exit_code}, expected {FAILED}; its last message gives: {shown}"
    kept = story.exit_code == FAILED and reason is not None
    return Verdict(kept, "The operator's job reports the reason of its failure.", how, shown)


def _output(story: Story) -> str:
    return (story.folder / "operator" / "ansible.txt").read_text(encoding="utf-8")


def locked_at_once(story: Story) -> Verdict:
    """Check that a locked sign-in follows each restart, and that the customer's own screen is locked after the job."""
    sign_ins, locks = story.events("signed_in")[1:], story.events("locked")
    waits = [(lock.at - sign_in.at).total_seconds() for sign_in, lock in zip(sign_ins, locks, strict=False)]
    kept = (
        len(sign_ins) == len(locks) == story.count("going_down")
        and all(0 <= wait <= LOCKED_WITHIN for wait in waits)
        and story.console == (story.computer.account.account.user, True)
    )
    times = " and ".join(f"{wait:.2f} s" for wait in waits)
    screen = "locked" if story.console and story.console[1] else "not locked"
    how = f"{len(sign_ins)} sign-ins, locked after {times}; the screen was {screen} at the job's end"
    brief = f"{len(sign_ins)} sign-ins, locked after {times}."
    return Verdict(kept, "Every sign-in was locked at once.", how, brief)


def no_more_restarts(story: Story) -> Verdict:
    """Check that the PC did not restart more often than granted, apart from power cuts."""
    restarts = story.count("going_down")
    how = f"the PC went down {restarts} times, {RESTARTS} were granted"
    brief = f"The PC went down {restarts} times."
    return Verdict(restarts == RESTARTS, f"At most {RESTARTS} restarts.", how, brief)


def each_step_once(story: Story) -> Verdict:
    """Check that each step's program ran exactly once."""
    counts = [story.count(what) for what in ("updates_installed", "accounting_upgraded")]
    how = f"the programs on the PC ran {' and '.join(map(str, counts))} times"
    return Verdict(
        counts == [1, 1], "Every step was done, none twice.", how, "Each program on the PC ran once."
    )


def customer_was_notified(story: Story) -> Verdict:
    """Check that the returned customer read notices of the grant, each use, the end and the erasure."""
    restarts = story.count("going_down")
    wanted = {"granted": 1, "used": restarts, "locked": restarts, "ended": 1, "erased": 1}
    read = {kind: story.count(f"notice_{kind}") for kind in wanted}
    how = "notices read: " + ", ".join(f"{kind} {count}" for kind, count in read.items())
    brief = f"Notices: yes, {restarts} restarts, {restarts} locks, end, erasure."
    return Verdict(read == wanted, "The customer was notified of every event.", how, brief)


def no_means_no(story: Story) -> Verdict:
    """Check that nothing happened on the PC after the customer declined."""
    happened = [w for w in ("typed", "going_down", "tile_shown", "locked") if story.count(w)]
    brief = "No password was typed, no restart, no sign-in."
    how = brief + "".join(f" But: {w}." for w in happened)
    return Verdict(not happened and story.count("declined") == 1, "No means no.", how, brief)


def code_on_both_sides(story: Story) -> Verdict:
    """Check that the customer's window and the operator's output have the same code."""
    shown = {m for e in story.events("request_shown") for m in re.findall(r"code: (\d+)", e.text)}
    read = set(re.findall(r"; code (\d+)", _output(story)))
    how = f"the window showed {', '.join(shown)}, Ansible printed {', '.join(read)}"
    brief = f"{', '.join(shown)} in the window and in Ansible's output."
    return Verdict(len(shown) == 1 and shown == read, "Both sides see the same check code.", how, brief)


def signature_checked(story: Story) -> Verdict:
    """Check that the window showed the name of the operator's certificate as checked."""
    requester = JOB.variables["maintenance_requester"]
    checked = f"{_CHECKED} \u201c{requester['name']}\u201d"
    windows = [event.text for event in story.events("request_shown")]
    how = f"{sum(checked in text for text in windows)} of {len(windows)} windows said: {checked}"
    kept = bool(windows) and all(checked in text for text in windows)
    return Verdict(kept, "The PC checked the operator's signature before it asked.", how, f"{checked}.")


def name_unchecked(story: Story) -> Verdict:
    """Check that the window of an unsigned request says so."""
    windows = [event.text for event in story.events("request_shown")]
    unchecked = [text for text in windows if _UNCHECKED in text and _CHECKED not in text]
    how = f"{len(unchecked)} of {len(windows)} windows said of all words of IT: {_UNCHECKED}"
    kept = bool(windows) and len(unchecked) == len(windows)
    return Verdict(kept, "The window says that nobody has checked the operator's name.", how, "It does.")


def both_parties(story: Story) -> Verdict:
    """Check that the grant was one of two parties, and that each sign-in had a delivery of its own."""
    kinds = [receipt.document["terms"]["two_parties"] for receipt in story.info.receipts]
    deliveries, sign_ins = _output(story).count(_DELIVERED), story.count("permit_redeemed")
    kept = bool(kinds) and all(kinds) and 0 < sign_ins <= deliveries
    how = (
        f"the receipt says {'two parties' if kept else kinds}; after {sign_ins} restarts the operator's half of the "
        f"key was delivered {deliveries} times"
    )
    brief = f"The operator's half of the key came for each of {sign_ins} sign-ins."
    return Verdict(kept, "Each sign-in took both parties.", how, brief)


def revoked_wins(story: Story) -> Verdict:
    """Check that no user was signed in, and that the secret was erased before the PC went down."""
    erasures = [datetime.fromisoformat(erased.checked_at) for erased in story.info.erasure]
    gone_first = bool(erasures) and erasures[0] <= story.events("down")[0].at
    kept = (
        story.count("boot") == RESTARTS
        and story.console is None
        and story.count("permit_redeemed") == 0
        and gone_first
    )
    how = (
        "the secret was erased before the PC went down; after the restart its logon screen "
        f"redeemed {story.count('permit_redeemed')} permits and no user is signed in"
    )
    brief = "Erased first; after the restart no user is signed in."
    return Verdict(kept, "Revoking wins, even during a restart.", how, brief)


def survived_power_cut(story: Story) -> Verdict:
    """Check that the power failed once during a restart, and that the same job continued."""
    cuts = story.count("power_cut")
    kept = cuts == 1 and story.exit_code == 0 and story.journal.intact
    how = (
        f"agent and listener were killed {cuts} time; the job ended with {story.exit_code}, expected 0; "
        f"the journal is {'intact' if story.journal.intact else 'damaged'}"
    )
    brief = "Job and journal continued."
    return Verdict(kept, "A power cut during a restart changes nothing.", how, brief)
