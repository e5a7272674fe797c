# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small fleet through two execution nodes. `make fleet` plays a thousand PCs."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.figures import fleet_of, page, with_fleet
from tests.fleet.__main__ import main
from tests.fleet.figures_of_fleet import figures
from tests.fleet.fleet_night import Plan, Told, Work, play, waves

if TYPE_CHECKING:
    from pathlib import Path

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


def test_the_figures_compare_one_node_with_all_and_a_hundred_pcs_with_the_fleet() -> None:
    """The goals are missed where a node adds too little, and where each PC costs more in a large fleet."""
    plan = Plan(pcs=200, workers=2, piece=10, wave=100, forks=10)
    told = Told(waves=[work(100, 100.0), work(100, 140.0)], alone=work(10, 10.0), together=work(20, 30.0))
    found = {figure.name: figure for figure in figures(told, plan)}
    adding = next(figure for name, figure in found.items() if "at once" in name)
    growth = next(figure for name, figure in found.items() if "processor time for each PC" in name)
    assert (adding.value, adding.holds) == (1.0, True)
    assert growth.value == pytest.approx(1.2)
    assert growth.holds is False

    slower = figures(Told([work(20, 10.0)], work(10, 10.0), work(14, 30.0)), plan)
    assert [figure.holds for figure in slower if "at once" in figure.name] == [False]
    full = figures(Told([work(20, 10.0)], work(10, 10.0), work(14, 1e6)), plan)
    assert [figure.holds for figure in full if "at once" in figure.name] == [None]


def test_the_section_of_the_page_is_replaced_and_kept() -> None:
    """`make fleet` replaces its own section, and `make bench` keeps it."""
    first = with_fleet("# Page\n\n| a |\n", "## A fleet\n\nold")
    assert fleet_of(first) == "## A fleet\n\nold"
    second = with_fleet(first, "## A fleet\n\nnew")
    assert (second.count("## A fleet"), fleet_of(second)) == (1, "## A fleet\n\nnew")
    assert fleet_of(page([], "this", fleet_of(second))) == "## A fleet\n\nnew"
    assert fleet_of(page([], "this")) == ""


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
    monkeypatch.setattr("tests.fleet.__main__.play", lambda *_: Told([work(pcs, 10.0)], None, None))

    assert main(["--pcs", str(pcs)]) == 0

    after = benchmarks.read_text(encoding="utf-8")
    assert after.startswith(before.rstrip())
    assert ("\n## A fleet\n" in after, f"| fleet of {pcs} PCs, PCs an hour on 4 nodes |" in after) == (
        written,
        written,
    )


@pytest.mark.parametrize(
    "wrong", [["--pcs", "0"], ["--workers", "two"], ["--kills", "-1"], ["--mode", "later"]]
)
def test_a_wrong_size_is_named(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Before any PC is switched on."""
    with pytest.raises(SystemExit):
        main(wrong)
    assert wrong[0] in capsys.readouterr().err
