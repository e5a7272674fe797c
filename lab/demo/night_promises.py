# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The promises of a night, and the demo's checks of each over all PCs."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lab.demo import promises as p
from lab.demo.promises import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.demo.story import Story

    NightPromise = Callable[["NightStory"], Verdict]

PROGRAMS = {"Windows updates": "updates_begun", "Accounting software": "accounting_upgraded"}
"""The steps that run a program on the PC, each with the event of a run."""
DONE_BY = PROGRAMS | {"Windows updates": "updates_installed"}
"""The same steps, each with the event after which it is done."""
ORPHANED = timedelta(seconds=5)
"""A program whose job was killed may still report its event for this long."""
REPORT = (".html", ".json", ".csv")


@dataclass
class NightStory:
    """All facts about a night: the PCs' stories by their names, and those of the job and its report."""

    agreed: dict[str, Story]
    declined: dict[str, Story]
    why: str
    steps: list[str]
    killed: int
    killed_at: datetime
    report: Path

    @property
    def pcs(self) -> dict[str, Story]:
        """The stories of all PCs."""
        return self.agreed | self.declined

    def report_files(self) -> list[Path]:
        """Return the paths of the report's files."""
        return [self.report.with_suffix(suffix) for suffix in REPORT]


def on_agreed(check: Callable[[Story], Verdict]) -> NightPromise:
    """Return a promise to each customer who agreed."""
    return lambda night: _joined({name: check(story) for name, story in night.agreed.items()})


def on_all(check: Callable[[Story], Verdict]) -> NightPromise:
    """Return a promise to each customer."""
    return lambda night: _joined({name: check(story) for name, story in night.pcs.items()})


def _joined(verdicts: dict[str, Verdict]) -> Verdict:
    """Merge the verdicts of several PCs."""
    promise = next(iter(verdicts.values())).promise
    kept = all(verdict.kept for verdict in verdicts.values())
    how = _by_pc({name: verdict.how for name, verdict in verdicts.items()}, "\n")
    briefs = {name: verdict.brief for name, verdict in verdicts.items()}
    brief = _by_pc(briefs, " ") if len(set(briefs.values())) > 1 else next(iter(briefs.values()))
    return Verdict(kept, promise, how, brief)


def _by_pc(texts: dict[str, str], separator: str) -> str:
    """Join the texts of several PCs; PCs with the same text share one."""
    names = defaultdict(list)
    for name, text in texts.items():
        names[text].append(name)
    return separator.join(f"{', '.join(pcs)}: {text}" for text, pcs in names.items())


def a_killed_job_continues(night: NightStory) -> Verdict:
    """Check that the first job was killed, and that the second one succeeded."""
    codes = {story.exit_code for story in night.pcs.values()}
    last = ", ".join(map(str, codes))
    how = f"the first job ended with {night.killed}, expected a kill (negative); the second with {last}, expected 0"
    brief = "The first job was killed, the second one succeeded."
    return Verdict(night.killed < 0 and codes == {0}, "A killed job continues.", how, brief)


def each_step_done(night: NightStory) -> Verdict:
    """Check that each step was done, and begun again after an interruption only."""
    kept, lines, again = True, [], 0
    for name, story in night.agreed.items():
        runs = {step: [event.at for event in story.events(what)] for step, what in PROGRAMS.items()}
        undone = [step for step in night.steps if step not in _done(story)]
        kept &= not undone and all(_follows_interruptions(night, story, times) for times in runs.values())
        counts = ", ".join(f"{step} {len(times)}" for step, times in runs.items())
        again += sum(len(times) - 1 for times in runs.values())
        missing = "".join(f"; not done: {step}" for step in undone)
        by_others = len(_restarts(story)[0])
        lines.append(f"{name}: runs: {counts}; restarts by Windows Update: {by_others}{missing}")
    promise = "Every step was done, none twice without an interruption."
    return Verdict(kept, promise, "\n".join(lines), f"Interrupted and repeated: {again}.")


def _done(story: Story) -> set[str]:
    """Return the steps whose checkpoint says done, without those whose program did not report its end."""
    checkpoints = [item for session in story.info.sessions for item in session.checkpoints.items()]
    done = {name for name, checkpoint in checkpoints if checkpoint.state == "done"}
    return {step for step in done if step not in DONE_BY or story.count(DONE_BY[step])}


def _follows_interruptions(night: NightStory, story: Story, runs: list[datetime]) -> bool:
    """Return whether between each two runs of a step lies an interruption, and no restart after the finished step."""
    by_others, ordered = _restarts(story)
    return all(
        (any(before < at < after for at in by_others) or before - ORPHANED < night.killed_at < after)
        and not any(before < at < after for at in ordered)
        for before, after in pairwise(runs)
    )


def _restarts(story: Story) -> tuple[list[datetime], list[datetime]]:
    """Return the moments at which Windows Update announced a restart, and those at which the agent did."""
    announced = story.events("restart_announced")
    by_others = [event.at for event in announced if event.text.startswith("Windows Update")]
    return by_others, [event.at for event in announced if event.at not in by_others]


def no_is_respected(night: NightStory) -> Verdict:
    """Check that the PC of a customer who declined has only booted once, and that no step was begun on it."""
    verdicts = {}
    for name, story in night.declined.items():
        asked = p.no_means_no(story)
        runs = sum(map(story.count, PROGRAMS.values()))
        begun = [step for session in story.info.sessions for step in session.checkpoints]
        kept = asked.kept and story.count("boot") == 1 and not (runs or begun or story.info.grants)
        how = f"{asked.how} {story.count('boot')} boot, {runs + len(begun)} steps, {len(story.info.grants)} grants"
        verdicts[name] = Verdict(kept, asked.promise, how, f"{asked.brief} No step began.")
    return _joined(verdicts)


def the_report_is_true(night: NightStory) -> Verdict:
    """Compare the report's rows with the events of the PCs."""
    rows = {row["name"]: row for row in json.loads(night.report.with_suffix(".json").read_bytes())["pcs"]}
    wrong = [
        f"{name}: {fact} is {tells[fact]}, expected {seen[fact]}"
        for name, story in night.pcs.items()
        for tells, seen in [(_told(rows.get(name, {})), _seen(night, story))]
        for fact in seen
        if tells[fact] != seen[fact]
    ]
    missing = [str(path.name) for path in night.report_files() if not path.is_file()]
    kept = not wrong and not missing and set(rows) == set(night.pcs)
    how = "each PC's answer, steps and restarts, and their causes, were compared with its events"
    brief = "Its rows were compared with the events on each PC."
    return Verdict(kept, "The report says what happened.", "\n".join([how, *wrong, *missing]), brief)


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the report says of a PC."""
    uses = [use for use in row.get("uses", []) if use["action"] == "restart"]
    return {
        "the answer": [(asked["state"], asked["why"]) for asked in row.get("requests", [])],
        "the list of steps": {step["name"] for step in row.get("steps", []) if step["state"] == "done"},
        "the number of ordered restarts": sum(not use["foreign"] for use in uses),
        "the number of restarts by others": sum(use["foreign"] for use in uses),
        "the number of locked sign-ins": sum(use["closing"] == "locked" for use in uses),
    }


def _seen(night: NightStory, story: Story) -> dict[str, Any]:
    """Return the same as the PC's events show it."""
    by_others, ordered = _restarts(story)
    said = [("granted", "")] * story.count("typed") + [("denied", night.why)] * story.count("declined")
    return {
        "the answer": said,
        "the list of steps": _done(story),
        "the number of ordered restarts": len(ordered),
        "the number of restarts by others": len(by_others),
        "the number of locked sign-ins": story.count("locked"),
    }


NIGHT_PROMISES: tuple[NightPromise, ...] = (
    a_killed_job_continues,
    each_step_done,
    on_agreed(p.locked_at_once),
    no_is_respected,
    on_all(p.password_stayed_secret),
    on_agreed(p.erased),
    on_all(p.journal_intact),
    on_all(p.receipt_signed),
    the_report_is_true,
    on_agreed(p.customer_was_notified),
)
