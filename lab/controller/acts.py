# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's verbs: launch, cancel, approve, survey, associations, roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lab.controller.awx_resources import resources
from lab.controller.bodies import BadRequestError
from lab.controller.checking import checked
from lab.controller.flow import JOBS, children
from lab.controller.launching import ACTIVE, launch, questions
from lab.controller.showing import shown
from lab.controller.survey import hidden, spec_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.controller.awx_access import Access
    from lab.controller.bodies import Json
    from lab.controller.engine import Engine
    from lab.controller.store import Row, Store

Answer = tuple[int, Any]


class Act(NamedTuple):
    """One verb: its function, and the roles that allow it beside administration.

    `roles` is None for a verb that everybody may use who sees the object.
    """

    run: Callable[[Row, Any, Row], Answer]
    roles: tuple[str, ...] | None


class Acts:
    """The verbs of one controller."""

    def __init__(self, store: Store, engine: Engine, access: Access) -> None:
        self._store = store
        self.engine = engine
        self._access = access
        templates = ("job_templates", "workflow_job_templates")
        self._table: dict[tuple[str, str, str], Act] = {
            **{(name, "survey_spec", "GET"): Act(self._survey, None) for name in templates},
            **{(name, "survey_spec", "POST"): Act(self._set_survey, ()) for name in templates},
            **{(name, "survey_spec", "DELETE"): Act(self._drop_survey, ()) for name in templates},
            **{(name, "launch", "GET"): Act(self._needed, None) for name in templates},
            **{(name, "launch", "POST"): Act(self._launch, ("execute",)) for name in templates},
            **{(name, "cancel", "POST"): Act(self._cancel, None) for name in JOBS[:2]},
            ("jobs", "relaunch", "POST"): Act(self._relaunch, None),
            ("jobs", "stdout", "GET"): Act(self._stdout, None),
            ("jobs", "job_events", "GET"): Act(self._events, None),
            ("projects", "update", "POST"): Act(self._update, ("update",)),
            ("projects", "playbooks", "GET"): Act(
                lambda row, _sent, _user: (200, row.get("playbook_files", [])), None
            ),
            ("workflow_approvals", "approve", "POST"): Act(self._approve, None),
            ("workflow_approvals", "deny", "POST"): Act(self._deny, None),
            ("workflow_job_template_nodes", "create_approval_template", "POST"): Act(
                self._approval_template, ()
            ),
        }

    def find(self, resource: str, sub: str, method: str) -> Act | None:
        """Return the verb of an address; None if it is a list."""
        return self._table.get((resource, sub, method))

    # --- associations

    def members(self, row: Row, sub: str) -> list[Row] | None:
        """Return the members of a sub-list; None if there is no such list."""
        if row["resource"] == "roles" and sub in {"users", "teams"}:
            return [self._store.get(sub, number) for number in row[sub]]
        if sub == "workflow_nodes" and row["resource"] == "workflow_jobs":
            return list(self._store.where("workflow_job_nodes", workflow_job=row["id"]))
        if sub == "workflow_nodes":
            return list(self._store.where("workflow_job_template_nodes", workflow_job_template=row["id"]))
        target = self._target(row["resource"], sub)
        return target and [self._store.get(target, number) for number in row["links"].get(sub, [])]

    def _target(self, resource: str, sub: str) -> Json:
        described = resources().get(resource)
        return described.links.get(sub) if described else None

    def linkable(self, resource: str, sub: str) -> bool:
        """Tell whether a sub-list takes and gives members."""
        return self._target(resource, sub) is not None or (resource == "roles" and sub in {"users", "teams"})

    def link(self, row: Row, sub: str, sent: Json) -> Answer:
        """Associate or disassociate a member."""
        target = sub if row["resource"] == "roles" else self._target(row["resource"], sub)
        number = sent.get("id")
        if not isinstance(number, int) or self._store.find(target, number) is None:
            raise BadRequestError({"msg": f"{target} with id {number} does not exist."})
        members: list[int] = row[sub] if row["resource"] == "roles" else row["links"].setdefault(sub, [])
        if sent.get("disassociate"):
            if number in members:
                members.remove(number)
        elif number not in members:
            self._require_allowed(row, sub, number)
            members.append(number)
        self._store.save()
        self._drop_labels()
        return 204, None

    def _require_allowed(self, row: Row, sub: str, number: int) -> None:
        """Refuse a link that AWX refuses: a cycle, or two credentials of a type."""
        if sub.endswith("_nodes") and self._reaches(number, row["id"]):
            raise BadRequestError({"Error": "Cycle detected."})
        if sub == "credentials":
            kind = self._store.get("credentials", number)["credential_type"]
            others = [self._store.get("credentials", one) for one in row["links"].get(sub, [])]
            if any(other["credential_type"] == kind for other in others):
                raise BadRequestError({"error": "Cannot assign multiple credentials of a type."})

    def _reaches(self, start: int, wanted: int) -> bool:
        node = self._store.get("workflow_job_template_nodes", start)
        return start == wanted or any(self._reaches(one, wanted) for one in children(node))

    def _drop_labels(self) -> None:
        """Delete the labels that no object has, as AWX does."""
        used = {
            number
            for name, described in resources().items()
            if "labels" in described.links
            for row in self._store.all(name)
            for number in row["links"].get("labels", [])
        }
        for label in self._store.all("labels"):
            if label["id"] not in used and label.get("was_used"):
                self._store.remove(label)
            elif label["id"] in used:
                label["was_used"] = True

    def delete(self, row: Row) -> None:
        """Delete an object; refuse while a job of it runs."""
        active = [
            job
            for name in JOBS[:2]
            for job in self._store.all(name)
            if job["status"] in ACTIVE
            and row["id"] in {job["unified_job_template"], job.get("inventory"), job.get("project")}
        ]
        if active:
            raise BadRequestError({"error": "Resource is being used by running jobs."})
        # An approval goes with its node (awx/main/signals.py).
        nodes = [*self._store.where("workflow_job_template_nodes", workflow_job_template=row["id"]), row]
        for node in nodes:
            template = self._store.find("workflow_approval_templates", node.get("unified_job_template"))
            if template is not None:
                self._store.remove(template)
        self._access.remove_roles(row)
        self._store.remove(row)
        self._drop_labels()

    # --- surveys and launches

    def _survey(self, row: Row, _sent: Json, _user: Row) -> Answer:
        return 200, hidden(row.get("survey", {}))

    def _set_survey(self, row: Row, sent: Json, _user: Row) -> Answer:
        if error := spec_error(sent):
            raise BadRequestError({"error": error})
        self._store.change(row, survey=sent)
        return 200, {}

    def _drop_survey(self, row: Row, _sent: Json, _user: Row) -> Answer:
        self._store.change(row, survey={})
        return 200, {}

    def _needed(self, row: Row, _sent: Json, _user: Row) -> Answer:
        needed = [one["variable"] for one in questions(row) if one["required"]]
        return 200, {"survey_enabled": row["survey_enabled"], "variables_needed_to_start": needed}

    def _launch(self, row: Row, sent: Json, user: Row) -> Answer:
        job = launch(self._store, row, sent, user=user, how="manual")
        return 201, shown(self._store, job) | {
            job["resource"].removesuffix("s"): job["id"],
            "ignored_fields": {},
        }

    def _relaunch(self, row: Row, _sent: Json, user: Row) -> Answer:
        kept = {
            name: value
            for name, value in row.items()
            if name not in {"id", "resource", "created", "modified"}
        }
        fresh: Row = {
            "status": "pending",
            "started": None,
            "finished": None,
            "failed": False,
            "job_explanation": "",
        }
        fresh |= {"launch_type": "relaunch", "user": user["id"], "workflow_job": None, "links": {}}
        job = self._store.add("jobs", kept | fresh)
        return 201, shown(self._store, job) | {"job": job["id"]}

    def _cancel(self, row: Row, _sent: Json, _user: Row) -> Answer:
        if row["status"] not in ACTIVE:
            raise BadRequestError({"detail": "The job has ended."})
        self.engine.cancel(row)
        return 202, {}

    def _output(self, row: Row) -> Json:
        return self.engine.running.get(row["id"]) or self.engine.ended.get(row["id"])

    def _stdout(self, row: Row, _sent: Json, _user: Row) -> Answer:
        run = self._output(row)
        return 200, run.output if run else ""

    def _events(self, row: Row, _sent: Json, _user: Row) -> Answer:
        run = self._output(row)
        found = run.events() if run else []
        return 200, {"count": len(found), "next": None, "previous": None, "results": found}

    def _update(self, row: Row, _sent: Json, _user: Row) -> Answer:
        self.engine.update_project(row)
        updates = list(self._store.where("project_updates", project=row["id"]))
        return 202, shown(self._store, updates[-1])

    # --- approvals

    def _approval_template(self, row: Row, sent: Json, _user: Row) -> Answer:
        described = resources()["workflow_approval_templates"]
        known = {name: value for name, value in sent.items() if name in described.fields}
        template = self._store.add("workflow_approval_templates", checked(self._store, described, known))
        self._store.change(row, unified_job_template=template["id"])
        return 201, shown(self._store, template)

    def _approve(self, row: Row, _sent: Json, user: Row) -> Answer:
        return self._decide(row, user, "successful")

    def _deny(self, row: Row, _sent: Json, user: Row) -> Answer:
        return self._decide(row, user, "failed")

    def _decide(self, row: Row, user: Row, status: str) -> Answer:
        workflow = self._store.get("workflow_jobs", row["workflow_job"])
        template = self._store.get("workflow_job_templates", workflow["workflow_job_template"])
        if not self._access.may(user, template, "approval"):
            raise BadRequestError(
                {"detail": "User does not have permission to approve or deny this workflow."}
            )
        if row["status"] != "pending":
            raise BadRequestError({"error": "This workflow step has already been approved or denied."})
        self._store.change(row, status=status, failed=status == "failed", approved_by=user["id"])
        return 204, None
