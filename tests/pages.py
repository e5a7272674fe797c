# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the YAML that the pages show, so that tests can run it as it is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent


def fenced_texts(name: str) -> list[str]:
    """Return the YAML texts of a page as they are written."""
    page = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def fenced(name: str) -> list[Any]:
    """Return the content of the YAML texts of a page."""
    return [yaml.safe_load(text) for text in fenced_texts(name)]
