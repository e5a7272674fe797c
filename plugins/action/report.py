# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""latchkey.consent.report: write the report of a support session on the controller."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible_collections.latchkey.consent.plugins.plugin_utils._answer_reader import AnswerError
from ansible_collections.latchkey.consent.plugins.plugin_utils._failure import Failure, failure
from ansible_collections.latchkey.consent.plugins.plugin_utils._known_pcs import read_known
from ansible_collections.latchkey.consent.plugins.plugin_utils._options import Spec, validated
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_csv import as_csv
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_facts import row_of
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_files import (
    SUFFIXES,
    alone,
    base_of,
    file_of,
    kept,
    write,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_html import as_html
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_merge import run_of, with_run
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_model import SCHEMA, Report
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_result import (
    as_json,
    results_of,
    totals,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_texts import LANGUAGES
from ansible_collections.latchkey.consent.plugins.plugin_utils._written_values import name_text, plain_text

if TYPE_CHECKING:
    from ansible_collections.latchkey.consent.plugins.plugin_utils._report_result import PcResult


class ActionModule(ActionBase):
    """Write the report. It runs on the controller alone and uses no connection."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    _latchkey_spec: ClassVar[Spec] = {
        "session": {"type": name_text, "required": True},
        "path": {"type": "path", "required": True},
        "language": {"type": "str", "choices": list(LANGUAGES), "default": "en"},
        "title": {"type": plain_text, "default": ""},
        "organization": {"type": plain_text, "default": ""},
        "known_pcs": {"type": "path"},
        "lost": {"type": "list", "elements": "str", "default": []},
        "pcs": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "info": {"type": "dict"},
                "summary": {"type": "dict"},
                "failure": {
                    "type": "dict",
                    "options": {name: {"type": "str"} for name in ("step", "error_code", "msg", "hint")},
                },
            },
        },
    }

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write the files, and return a result for success and failure alike."""
        del tmp
        super().run(None, task_vars)
        try:
            options = validated(self._latchkey_spec, self._task.args)
            return {"failed": False, **self._latchkey_write(options)}
        except Failure as fault:
            return {"session": self._task.args.get("session"), **fault.as_result()}

    def _latchkey_write(self, options: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC).astimezone().isoformat(timespec="milliseconds")
        new = self._latchkey_report(options, now)
        base = base_of(options["path"])
        known = read_known(Path(options["known_pcs"])) if options["known_pcs"] else None
        with alone(base):
            report = with_run(kept(base, new.session), new)
            pcs = results_of(report, known)
            if not self._task.check_mode:
                _write(base, report, pcs)
        return {
            "changed": True,
            "session": report.session,
            "files": {suffix[1:]: str(file_of(base, suffix)) for suffix in SUFFIXES},
            "summary": totals(pcs),
            "results": {pc.row.name: pc.outcome for pc in pcs},
        }

    @staticmethod
    def _latchkey_report(options: dict[str, Any], now: str) -> Report:
        entries = [*options["pcs"], *({"name": name} for name in options["lost"])]
        if not entries:
            raise failure("bad_option", detail="pcs has no PC")
        try:
            rows = [row_of(entry, options["session"], now) for entry in entries]
        except AnswerError as fault:
            raise failure("bad_option", detail=f"pcs: {fault}") from None
        if len({row.name for row in rows}) < len(rows):
            raise failure("bad_option", detail="pcs has a PC twice")
        return Report(
            schema=SCHEMA,
            session=str(options["session"]),
            written_at=now,
            language=options["language"],
            title=options["title"],
            organization=options["organization"],
            runs=[run_of(rows, now)],
            pcs=rows,
        )


def _write(base: Path, report: Report, pcs: list[PcResult]) -> None:
    contents = {
        ".json": json.dumps(as_json(report, pcs), indent=2, ensure_ascii=False).encode(),
        ".csv": as_csv(report, pcs),
        ".html": as_html(report, pcs).encode(),
    }
    write(base, contents)
