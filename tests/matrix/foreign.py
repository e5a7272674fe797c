# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What software of other origin says about the lab's WinRM server: recordings of a real Windows, and clients' tests."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.matrix import distributions, suites
from tests.matrix.replay import Outcome, replay

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Foreign:
    """The results; `failures` has a line for each test that failed.

    `versions` are those of the source distributions, by package.
    """

    versions: Mapping[str, str]
    recordings: Outcome
    failures: list[str]

    @property
    def faults(self) -> list[str]:
        """What is not as it should be, a line each."""
        return [*(f"recorded exchange: {text}" for text in self.recordings.different), *self.failures]


def run(folder: Path) -> Foreign:
    """Replay the recordings and run the tests; `folder` gets the servers' files.

    Raises:
        distributions.Missing: the source distributions could not be downloaded.
    """
    sources = distributions.unpacked()
    # The server tells of each script that it does not run, and recordings have many.
    logging.getLogger("lab.wsman").addHandler(logging.NullHandler())
    recordings = replay(sources["pypsrp"], folder / "recordings")
    failures = [
        failure
        for suite in suites.SUITES
        for failure in suites.run(suite, sources[suite.library], folder / suite.library)
    ]
    versions = {name: source.name.removeprefix(f"{name}-") for name, source in sources.items()}
    return Foreign(versions, recordings, failures)
