# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several workers of pytest-xdist leave together."""

from __future__ import annotations

from tests.sharing import together, turn

ALONE = "tests/lab/test_main_job.py::test_the_whole_job[simulated]"
ON_WINE = "tests/lab/test_main_job.py::test_the_whole_job[wine]"


def test_wine_pcs_take_turns() -> None:
    """Whichever file they are in; a simulated PC waits for nobody."""
    assert together(ON_WINE) == together("tests/lab/test_wine_pc.py::test_a_no_is_a_no[wine]")
    assert together(ALONE) == ALONE


def test_a_folder_and_a_file_with_something_shared_stay_whole() -> None:
    """Wine's prefix is made once; so is an evening of many PCs."""
    assert together("tests/wine/test_service.py::test_x") == "tests/wine"
    assert together("tests/lab/test_answers.py::test_x[a]") == "tests/lab/test_answers.py"


def test_what_takes_longest_is_begun_first() -> None:
    """Whole folders, Wine PCs, files, single tests."""
    order = ["tests/wine/test_service.py::x", ON_WINE, "tests/lab/test_answers.py::x", ALONE]
    mixed = [order[place] for place in (3, 1, 2, 0)]
    assert sorted(mixed, key=turn) == order
