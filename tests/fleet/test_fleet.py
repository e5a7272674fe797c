# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small fleet through two execution nodes. `make fleet` plays a thousand PCs."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.figures import FLEET, NODES, page, section_of, with_section
from tests.fleet.__main__ import main
from tests.fleet.figures_of_fleet import figures, figures_of_nodes
from tests.fleet.fleet_night import Compared, Plan, Told, Work, play, waves

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmarks.figures import Figure

pytestmark = pytest.mark.timeout(300)


def test_a_slice_of_a_node_that_died_goes_on_elsewhere(tmp_path: Path) -> None:
    """Each step is done once on each PC, each restart made once, and each customer asked once."""
    said: list[str] = []
    plan = Plan(pcs=6, workers=2, piece=3, wave=6, forks=3, kills=1, restart_seconds=1.0)

    told = play(tmp_path, plan, random.Random(1), said.append)  # noqa: S311 - no secret

    assert told.deaths == 1, said
    assert sum("goes to another node" in line for line in said) == 1, said
    assert [work.pcs for work in told.waves] == [6]


@pytest.mark.timeout(600)
def test_slices_at_once_begin_restarts_and_later_launches_collect_them(tmp_path: Path) -> None:
    """With one fork for each slice; the PCs themselves tell one question, each step and two restarts."""
    said: list[str] = []
    plan = Plan(pcs=4, workers=2, piece=2, wave=4, forks=1, mode="begin", kills=0, restart_seconds=4.0)

    told = play(tmp_path, plan, random.Random(1), said.append)  # noqa: S311 - no secret

    assert sum("the job is launched again" in line for line in said) >= 2, said
    assert [work.pcs for work in told.waves] == [4]


def test_the_first_wave_is_a_hundred_pcs_and_the_others_are_full() -> None:
    """All PCs are in a wave, also in the smallest fleet and in one that fits at once."""
    sizes = {(1000, 450): [100, 450, 450], (200, 200): [100, 100], (100, 700): [100], (7, 3): [3, 3, 1]}
    for (pcs, wave), expected in sizes.items():
        assert waves(Plan(pcs=pcs, workers=2, piece=2, wave=wave, forks=2)) == expected


def work(pcs: int, processor: float) -> Work:
    """Return the cost of some PCs in 100 s."""
    return Work(pcs, 100.0, processor, processor)


def test_the_figures_compare_one_node_with_all() -> None:
    """The goal is missed where a node adds too little; full processors have none."""

    def adding(together: Work) -> Figure:
        [found] = figures_of_nodes(Compared(work(10, 10.0), together), workers=2)
        return found

    assert (adding(work(20, 30.0)).value, adding(work(20, 30.0)).holds) == (1.0, True)
    assert adding(work(14, 30.0)).holds is False
    assert adding(work(14, 1e6)).holds is None


def test_the_figures_compare_a_hundred_pcs_with_the_fleet() -> None:
    """The goal is missed where each PC costs more in a large fleet; a fleet of one wave has no comparison."""
    plan = Plan(pcs=200, workers=2, piece=10, wave=100, forks=10)
    told = Told(waves=[work(100, 100.0), work(100, 140.0)])
    growth = next(figure for figure in figures(told, plan) if "processor time for each PC" in figure.name)
    assert growth.value == pytest.approx(1.2)
    assert growth.holds is False
    assert all(figure.goal is None for figure in figures(Told([work(100, 100.0)]), plan))


def test_each_command_replaces_its_own_section_and_keeps_the_others() -> None:
    """`make fleet` and `make fleet PART=nodes` in either order, and `make bench` keeps both."""
    empty = "# Page\n\n| a |\n"
    first = with_section(empty, FLEET, "## A fleet\n\nold")
    assert section_of(first, FLEET) == "## A fleet\n\nold"
    both = with_section(first, NODES, "## Further nodes\n\none")
    second = with_section(both, FLEET, "## A fleet\n\nnew")
    assert (second.count("## A fleet"), second.count("## Further nodes"), second.count("| a |")) == (1, 1, 1)
    assert section_of(second, FLEET) == "## A fleet\n\nnew"
    assert section_of(second, NODES) == "## Further nodes\n\none"
    assert with_section(second, NODES, "## Further nodes\n\none") == second
    kept = page([], "this", second)
    assert [section_of(kept, mark) for mark in (FLEET, NODES)] == [
        section_of(second, mark) for mark in (FLEET, NODES)
    ]
    assert section_of(page([], "this"), FLEET) == ""


@pytest.mark.parametrize(("pcs", "written"), [(100, True), (99, False)])
def test_make_fleet_writes_its_section_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, pcs: int, written: bool
) -> None:
    """Into a page that has only the figures of `make bench`; a small fleet is no figure, and leaves the page alone."""
    benchmarks = tmp_path / "docs/benchmarks.md"
    benchmarks.parent.mkdir()
    (tmp_path / "build").mkdir()
    before = page([], "this")
    benchmarks.write_text(before, encoding="utf-8")
    monkeypatch.setattr("tests.fleet.__main__.PAGE", benchmarks)
    monkeypatch.setattr("tests.fleet.__main__.setup.ROOT", tmp_path)
    monkeypatch.setattr("tests.fleet.__main__.play", lambda *_: Told([work(pcs, 10.0)]))

    assert main(["--pcs", str(pcs)]) == 0

    after = benchmarks.read_text(encoding="utf-8")
    assert after.startswith(before.rstrip())
    assert ("\n## A fleet\n" in after, f"| fleet of {pcs} PCs, PCs an hour on 4 nodes |" in after) == (
        written,
        written,
    )


@pytest.mark.parametrize(
    "wrong", [["--pcs", "0"], ["--workers", "two"], ["--kills", "-1"], ["--mode", "later"], ["--part", "x"]]
)
def test_a_wrong_size_is_named(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Before any PC is switched on."""
    with pytest.raises(SystemExit):
        main(wrong)
    assert wrong[0] in capsys.readouterr().err
