# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The build backend that pip asks for the metadata of a source distribution which it only downloads.

A source distribution contains its metadata already (PKG-INFO). So nothing is built, none of its code runs, and
setuptools is not needed. Source: PEP 517, the hook `prepare_metadata_for_build_wheel`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["get_requires_for_build_wheel", "prepare_metadata_for_build_wheel"]


def get_requires_for_build_wheel(config_settings: object = None) -> list[str]:
    """Return what a build needs besides: nothing."""
    return []


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: object = None) -> str:
    """Copy the metadata of the source distribution in the working directory; return the folder's name."""
    name = "downloaded.dist-info"
    folder = Path(metadata_directory, name)
    folder.mkdir()
    shutil.copy("PKG-INFO", folder / "METADATA")
    return name
