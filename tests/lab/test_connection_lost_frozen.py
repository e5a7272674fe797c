# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A frozen PC and a PC that is down have different error codes, on every connection plugin."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from agent.packaging.system_tools import SSH
from lab.canary import make
from lab.simulated.connections import CONNECTIONS
from lab.simulated.customer_script import Grant
from lab.simulated.simulated_pc import SimulatedComputer
from tests.lab.job import Job, Operator, apply, end, request, start
from tests.lab.kinds import pc
from tests.lab.provoked import by_code
from tests.needs import have, require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)

PLUGINS = {"winrm": "winrm, basic, HTTP", "psrp": "psrp, negotiate, HTTP", "ssh": "ssh, PowerShell"}
PATIENCE = {
    "winrm": {"ansible_winrm_connection_timeout": 2},
    "psrp": {
        "ansible_psrp_connection_timeout": 2,
        "ansible_psrp_operation_timeout": 2,
        "ansible_psrp_read_timeout": 4,
    },
    # A connection that tasks share ends after 20 s of silence.
    "ssh": {"ansible_ssh_timeout": 2, "patience": 30},
}
CODES = {"frozen": "pc_frozen", "down": "pc_unreachable"}
PCS = {f"{plugin}-{state}": code for plugin in PLUGINS for state, code in CODES.items()}

LATER = {name: "pc_not_back" if code == "pc_unreachable" else code for name, code in PCS.items()}


@dataclass
class Evening:
    """The results of a first task against such a PC, and of a restart during which the PC freezes or stays down."""

    first: Job
    later: Job
    again: Job
    computers: dict[str, SimulatedComputer]


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    """Let PCs freeze or go down before a task, and during a restart; bring them back and launch again."""
    folder = tmp_path_factory.mktemp("frozen")
    names = [name for name in PCS if have(SSH) or not name.startswith("ssh")]
    with ExitStack() as stack:
        computers = {name: stack.enter_context(_computer(folder, name)) for name in names}
        variables: dict[str, dict[str, Any]] = {
            name: {**computers[name].inventory(PLUGINS[_plugin(name)]), **PATIENCE[_plugin(name)]}
            for name in names
        }
        operator = Operator(folder / "operator", computers, host_variables=variables)
        stack.callback(operator.stop)
        operator.run(start(), request(restarts=2, grace=4, timeout=60)).succeed()
        for name, computer in computers.items():
            computer.freeze() if _frozen(name) else computer.shut_down()
        first = operator.run(start(timeout="{{ patience | default(3) }}"))
        for name, computer in computers.items():
            computer.thaw() if _frozen(name) else computer.power_on()
            computer.wait_until_up()
            computer.faults.hangs_on_restart = _frozen(name)
            computer.faults.never_comes_back = not _frozen(name)
        restart = apply(step="a", timeout=30)
        later = operator.run(restart)
        for computer in computers.values():
            computer.faults.hangs_on_restart = computer.faults.never_comes_back = False
            # A person at the PC holds the power button down.
            computer.power_cut()
            computer.power_on()
        for computer in computers.values():
            computer.wait_until_up()
        yield Evening(first, later, operator.run(apply(step="a", timeout=60), end()), computers)


def _plugin(name: str) -> str:
    return name.partition("-")[0]


def _frozen(name: str) -> bool:
    return name.endswith("-frozen")


def _computer(folder: Path, name: str) -> AbstractContextManager[SimulatedComputer]:
    listener = CONNECTIONS[PLUGINS[_plugin(name)]].listener
    return pc(folder / name, password=make(), script=[Grant()], listeners=(listener,))


def _of(evening: Evening, name: str) -> None:
    if name not in evening.computers:
        require(SSH)


@pytest.mark.parametrize("name", by_code(PCS))
def test_a_first_task_tells_frozen_from_lost(evening: Evening, name: str) -> None:
    """A PC that accepts connections without answering is frozen; one that accepts none is not reached.

    Nothing was sent, except that ssh may have sent the command to a PC that froze.
    """
    _of(evening, name)
    result = evening.first.result("start", name)
    assert result["error_code"] == PCS[name], result
    may_be_sent = name == "ssh-frozen"
    assert (result["status"], result["outcome"]) == ("unreachable", "unknown" if may_be_sent else "refused")
    assert result["hint"]
    assert result["connection_error"]


@pytest.mark.parametrize("name", by_code(LATER))
def test_a_restart_tells_frozen_from_not_back(evening: Evening, name: str) -> None:
    """A PC that hangs during a restart is frozen; one that stays down is not back."""
    _of(evening, name)
    result = evening.later.result("apply", name)
    assert (result["error_code"], result["outcome"]) == (LATER[name], "unknown"), result


@pytest.mark.parametrize("name", PCS)
def test_a_second_launch_finishes_the_step(evening: Evening, name: str) -> None:
    """Once the PC is back the same step finishes, and no permit was redeemed twice."""
    _of(evening, name)
    computer = evening.computers[name]
    assert evening.again.result("apply", name)["status"] == "ok"
    assert evening.again.result("end", name)["erasure"]["confirmed"]
    assert computer.events.count("permit_redeemed") == 1
    assert computer.events.count("request_shown") == 1
