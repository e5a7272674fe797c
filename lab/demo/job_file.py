# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of variables that the operator's job runs with: the demo shows it, and Ansible reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import yaml

HERE = Path(__file__).parent


class JobFile(NamedTuple):
    """A YAML file of the role's variables."""

    path: Path

    @property
    def variables(self) -> dict[str, Any]:
        """The variables with their values."""
        content: dict[str, Any] = yaml.safe_load(self.path.read_text(encoding="utf-8"))
        return content

    def excerpt(self) -> list[str]:
        """Return the lines of the file without comments and empty lines."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line and not line.startswith(("#", "---"))]


JOB = JobFile(HERE / "job.yml")
NIGHT_JOB = JobFile(HERE / "night.yml")
SESSION: str = JOB.variables["maintenance_session"]
RESTARTS: int = JOB.variables["maintenance_terms"]["restarts"]
