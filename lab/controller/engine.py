# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs pending jobs, workflows, approvals and schedules in a thread of its own."""

from __future__ import annotations

import shutil
import subprocess
import threading
from datetime import datetime
from typing import TYPE_CHECKING

from lab.controller.bodies import BadRequestError
from lab.controller.flow import JOBS, advance
from lab.controller.launching import ACTIVE, launch
from lab.controller.running_job import RunningJob
from lab.controller.timetable import next_time

if TYPE_CHECKING:
    from pathlib import Path

    from lab.controller.store import Row, Store

TICK = 0.1
"""Seconds between two looks."""
LOST = (
    "Task was marked as running at system start up. The system must have"
    " not shut down properly, so it has been marked as failed."
)
"""AWX's explanation of a job that ran while its controller went away (awx/main/dispatch/reaper.py)."""
_PLAYBOOK = ("hosts:", "import_playbook:", "ansible.builtin.import_playbook:")


class Engine:
    """Starts, watches and ends jobs.

    Args:
        store: the objects.
        folder: the folder for projects and jobs.
        capacity: the most jobs at a time.
    """

    def __init__(self, store: Store, folder: Path, capacity: int = 4) -> None:
        self._store = store
        self._folder = folder
        self._capacity = capacity
        self.running: dict[int, RunningJob] = {}
        self.ended: dict[int, RunningJob] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lab-controller", daemon=True)

    def start(self) -> None:
        """Begin; a job that an earlier controller left behind has failed."""
        for name in JOBS[:2]:
            for row in self._store.where(name, status="running"):
                if name == "jobs":
                    self._store.change(row, status="failed", failed=True, job_explanation=LOST)
        self._thread.start()

    def stop(self) -> None:
        """End: every job is killed, as when the controller's computer dies."""
        self._end()
        for job in self.running.values():
            job.kill()

    def lose(self) -> None:
        """End as a killed process does: no job gets a result, and each one keeps its workers alone."""
        self._end()
        for job in self.running.values():
            job.lose()

    def _end(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(TICK):
            with self._store.lock:
                self._collect()
                self._schedules()
                self._approvals()
                for row in list(self._store.where("workflow_jobs", status="running")):
                    advance(self._store, row)
                self._begin()

    # --- jobs

    def _collect(self) -> None:
        for number, running in list(self.running.items()):
            if (result := running.result()) is not None:
                running.forget_secrets()
                self.ended[number] = self.running.pop(number)
                self._store.change(self._store.get("jobs", number), **result, finished=self._now())

    def _begin(self) -> None:
        for name in ("workflow_jobs", "jobs"):
            for row in list(self._store.where(name, status="pending")):
                if self._blocked(name, row):
                    continue
                if name == "jobs":
                    self._begin_job(row)
                else:
                    self._store.change(row, status="running", started=self._now())

    def _blocked(self, name: str, row: Row) -> bool:
        """Tell whether AWX lets it wait: two launches of a template at once, unless the template allows them."""
        if name == "jobs" and len(self.running) >= self._capacity:
            return True
        if row["allow_simultaneous"] or row.get("slice"):
            return False
        others = self._store.where(name, unified_job_template=row["unified_job_template"], status="running")
        return any(not other.get("slice") for other in others)

    def _begin_job(self, row: Row) -> None:
        folder = self._folder / "jobs" / str(row["id"])
        try:
            self.running[row["id"]] = RunningJob(self._store, row, folder)
        except (OSError, KeyError) as fault:
            self._store.change(
                row, status="error", failed=True, job_explanation=str(fault), finished=self._now()
            )
        else:
            self._store.change(row, status="running", started=self._now())

    def cancel(self, row: Row) -> None:
        """Cancel a job, or a workflow with all its jobs."""
        if row["resource"] == "workflow_jobs":
            self._store.change(row, cancelled=True)
            for node in self._store.where("workflow_job_nodes", workflow_job=row["id"]):
                if node["job"] is None:
                    self._store.change(node, do_not_run=True)
            for name in JOBS:
                for job in list(self._store.where(name, workflow_job=row["id"])):
                    if job["status"] in ACTIVE:
                        self.cancel(job)
        if (running := self.running.get(row["id"])) is not None:
            running.cancel()
        elif row["status"] == "pending":
            self._store.change(row, status="canceled", failed=True, finished=self._now())

    # --- approvals, schedules, projects

    def _approvals(self) -> None:
        for row in list(self._store.where("workflow_approvals", status="pending")):
            if row["timeout"] and self._store.now().timestamp() >= row["began"] + row["timeout"]:
                why = "The approval node has expired."
                self._store.change(row, status="failed", failed=True, timed_out=True, job_explanation=why)

    def _schedules(self) -> None:
        now = self._store.now()
        for row in list(self._store.where("schedules", enabled=True)):
            due = row.get("next_run") and datetime.fromisoformat(row["next_run"])
            if due and due <= now:
                after = next_time(row["rrule"], now)
                self._store.change(row, next_run=after and after.isoformat())
                template = self._store.get("unified_job_templates", row["unified_job_template"])
                try:
                    sent = {name: row[name] for name in ("inventory", "limit", "job_type", "verbosity")}
                    job = launch(
                        self._store,
                        template,
                        sent | {"extra_vars": row["extra_data"]},
                        user=None,
                        how="scheduled",
                        schedule=row["id"],
                    )
                    self._store.change(row, last_error="", last_job=job["id"])
                except BadRequestError as refused:
                    # AWX creates a failed job; here the schedule keeps the reason.
                    self._store.change(row, last_error=str(refused))

    def update_project(self, project: Row) -> None:
        """Fetch a project and list its playbooks, as AWX's project update does."""
        with self._store.lock:
            update = self._store.add(
                "project_updates",
                {"name": project["name"], "project": project["id"], "status": "running", "failed": False}
                | {"finished": None, "scm_revision": "", "unified_job_template": project["id"]},
            )
            self._store.change(project, current_update=update["id"])
        folder = self._folder / "projects" / str(update["id"])
        revision = ""
        try:
            if project["scm_type"]:
                branch = ["--branch", project["scm_branch"]] if project["scm_branch"] else []
                _git("clone", "-q", *branch, "--", project["scm_url"], str(folder))
                revision = _git("-C", str(folder), "rev-parse", "HEAD").strip()
            else:
                shutil.copytree(project["local_path"], folder)
            status, files = "successful", _playbooks(folder)
        except (subprocess.CalledProcessError, OSError):
            status, files = "failed", []
        with self._store.lock:
            finished = {"status": status, "finished": self._now(), "scm_revision": revision}
            self._store.change(update, failed=status == "failed", **finished)
            self._store.change(
                project,
                status=status,
                scm_revision=revision,
                folder=str(folder),
                playbook_files=files,
                last_job_failed=status == "failed",
                current_update=None,
            )

    def _now(self) -> str:
        return self._store.now().isoformat()


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True, timeout=60).stdout


def _playbooks(folder: Path) -> list[str]:
    """Return the files that AWX takes for playbooks: YAML at the top with plays or imported playbooks."""
    found = (*folder.rglob("*.yml"), *folder.rglob("*.yaml"))
    return sorted(
        str(file.relative_to(folder))
        for file in found
        if not {"tasks", "roles", "collections"} & set(file.relative_to(folder).parts[:-1])
        and any(
            line.strip().removeprefix("- ").startswith(_PLAYBOOK)
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines()
        )
    )
