# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job with real windows on a screen and real keys.

It uses the companion and the service from the MSI, the credential provider, and the real ansible-playbook over winrm.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, cast

import pytest

from agent.packaging.system_tools import PACKAGE, SCREEN, WINE
from lab.wine.display import Display
from lab.wine.ui_driver import UiDriver
from tests.canary import search
from tests.lab.job import Operator, apply, end, play, request, start
from tests.lab.kinds import scrapped_wine_pc
from tests.lab.maintenance import maintain, prepare, summary_of
from tests.needs import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.wine.wine_computer import WineComputer


class Seat(NamedTuple):
    """A PC with a screen, the customer in front of it, and a remote operator."""

    operator: Operator
    computer: WineComputer
    customer: UiDriver


@pytest.fixture
def seat(tmp_path: Path, canary: bytearray) -> Iterator[Seat]:
    """A PC with the customer signed in; the canary is the password."""
    require(WINE, PACKAGE, SCREEN)
    with ExitStack() as stack:
        display = stack.enter_context(Display(tmp_path / "screen"))
        computer = stack.enter_context(scrapped_wine_pc(tmp_path / "pc", display=display, password=canary))
        operator = Operator(tmp_path / "operator", {"pc1": computer})
        stack.callback(operator.stop)
        yield Seat(operator, computer, cast("UiDriver", computer.customer))


def test_the_whole_job(seat: Seat, canary: bytearray, tmp_path: Path) -> None:
    """The job succeeds after a wrong and a right password, with two restarts and notices for the returned customer."""
    prepare(seat.operator)
    job = maintain(seat.operator)
    window = seat.customer.request().text

    refused = seat.customer.allow(canary[2:])
    allowed = seat.customer.allow()
    job.succeed()

    assert f"Check code: {job.result('Ask the customer for a grant')['code']}" in window
    assert (refused != "", allowed) == (True, "")
    summary = summary_of(job)
    assert (summary["answer"], summary["left_over"], summary["erasure"]["confirmed"]) == ("granted", [], True)
    counted = [seat.computer.events.count(what) for what in ("boot", "permit_redeemed", "locked")]
    assert counted == [3, 2, 2]
    seat.customer.sign_in()
    seat.customer.wait_for("the news", lambda: "Password erased" in "".join(seat.customer.notices()))
    seat.customer.close_notices()
    assert (
        search([*seat.computer.disk_files, tmp_path / "operator", seat.customer.display.picture], canary)
        == []
    )


def test_declined_and_then_taken_back(seat: Seat) -> None:
    """A declined request is denied; a grant revoked at the tray icon prevents the restart."""
    asking = seat.operator.begin([play(start(), request())])
    seat.customer.decline()
    assert asking.fail().result("request")["error_code"] == "denied"

    # After a no the agent refuses further questions for a minute.
    seat.computer.let_pass(timedelta(minutes=2))
    again = seat.operator.begin([play(request(ask_again=True))])
    assert seat.customer.allow() == ""
    again.succeed()
    seat.customer.revoke()
    job = seat.operator.run(apply(), end())

    assert job.fail().result("apply")["error_code"] == "grant_revoked"
    assert seat.computer.events.count("boot") == 1
    assert seat.operator.run(end()).succeed().result("end")["erasure"]["confirmed"]


def test_one_click_without_a_password(seat: Seat) -> None:
    """A request under ARSO has no password dialog: one click allows it, and Windows signs the customer in again."""
    asking = seat.operator.begin([play(start(), request(means="arso", restarts=1, timeout=120))])
    # The agent reads Windows' facts before it asks, which takes long under Wine.
    seat.customer.wait_for("the request window", seat.customer.screen, 120)
    window = seat.customer.request().text
    seat.customer.choose("allow")
    asking.succeed()
    job = seat.operator.run(apply(timeout=90), end()).succeed()

    assert "You type no password" in window
    assert "Your Windows password" not in window
    assert job.result("apply")["signed_in"]["locked_at"] is not None
    assert [seat.computer.events.count(what) for what in ("boot", "permit_redeemed")] == [2, 0]
