# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of the lab's controller: in memory, and in a file so that a controller that starts again knows them."""

from __future__ import annotations

import copy
import json
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lab.controller.awx_resources import TEMPLATES, resources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Row = dict[str, Any]


class Store:
    """Rows by resource and id. Hold `lock` while you read several rows or change one.

    A row has the fields of its resource, and `links`: the ids of the members of each sub-list. All rows share one
    sequence of ids, as AWX's templates do.
    """

    def __init__(self, file: Path) -> None:
        self.lock = threading.RLock()
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._file = file
        self._rows: dict[str, dict[int, Row]] = {}
        self._next = 1
        if file.exists():
            saved = json.loads(file.read_text(encoding="utf-8"))
            self._next = saved["next"]
            self._rows = {
                name: {int(number): row for number, row in rows.items()}
                for name, rows in saved["rows"].items()
            }

    def all(self, resource: str) -> list[Row]:
        """Return the rows of a resource; `unified_job_templates` are those of all templates."""
        if resource == "unified_job_templates":
            return [row for name in TEMPLATES for row in self.all(name)]
        return list(self._rows.get(resource, {}).values())

    def find(self, resource: str, number: int | None) -> Row | None:
        """Return a row; None if there is none."""
        if resource == "unified_job_templates":
            return next((row for row in self.all(resource) if row["id"] == number), None)
        return self._rows.get(resource, {}).get(number or 0)

    def get(self, resource: str, number: int) -> Row:
        """Return a row that must exist."""
        row = self.find(resource, number)
        if row is None:
            msg = f"{resource} {number}"
            raise KeyError(msg)
        return row

    def where(self, resource: str, **values: Any) -> Iterator[Row]:
        """Yield the rows with these values."""
        return (
            row for row in self.all(resource) if all(row.get(key) == value for key, value in values.items())
        )

    def add(self, resource: str, values: Row) -> Row:
        """Add a row with the next id; return it."""
        with self.lock:
            now = self.now().isoformat()
            row = {
                "id": self._next,
                "resource": resource,
                "created": now,
                "modified": now,
                "links": {},
                **values,
            }
            self._next += 1
            self._rows.setdefault(resource, {})[row["id"]] = row
            self.save()
            return row

    def change(self, row: Row, **values: Any) -> None:
        """Change values of a row."""
        with self.lock:
            row.update(values, modified=self.now().isoformat())
            self.save()

    def remove(self, row: Row) -> None:
        """Remove a row, the links to it, and the rows that cannot be without it, as AWX's database does."""
        with self.lock:
            del self._rows[row["resource"]][row["id"]]
            for name, described in resources().items():
                for other in self.all(name):
                    self._forget(row, described.links, other)
                    self._follow(row, name, other)
            self.save()

    def _forget(self, gone: Row, links: dict[str, str], other: Row) -> None:
        for link, target in links.items():
            members = other["links"].get(link, [])
            if target == gone["resource"] and gone["id"] in members:
                members.remove(gone["id"])

    def _follow(self, gone: Row, name: str, other: Row) -> None:
        for one in resources()[name].fields.values():
            target = one.facts.get("of")
            same = target == gone["resource"] or (
                target == "unified_job_templates" and gone["resource"] in TEMPLATES
            )
            if not same or other.get(one.name) != gone["id"] or other["id"] not in self._rows.get(name, {}):
                continue
            if one.required:
                self.remove(other)
            else:
                other[one.name] = None

    def save(self) -> None:
        """Write all rows to the file, at once."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps({"next": self._next, "rows": self._rows}), encoding="utf-8")
        fresh.replace(self._file)

    def copy(self) -> dict[str, dict[int, Row]]:
        """Return a copy of all rows, to compare with."""
        with self.lock:
            return copy.deepcopy(self._rows)
