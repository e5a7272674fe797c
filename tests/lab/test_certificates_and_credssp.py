# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job over client certificates and CredSSP, and the settings with which no connection can be made."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from lab.canary import make
from lab.simulated.connections import CONNECTIONS, certificate_variables
from lab.simulated.customer_script import Grant
from lab.simulated.simulated_pc import SimulatedComputer
from lab.wsman.requestlog import read_log
from lab.wsman.tlsfiles import TlsFiles
from tests.lab.job import Job, Operator, apply, end, request, start
from tests.lab.kinds import pcs_for
from tests.lab.provoked import by_code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)

ON_BOTH = [name for name in CONNECTIONS if "certificate" in name or "credssp" in name]
BASIC_ALONE = "winrm, basic, HTTP"
PASSWORD = "operators-canary-4711"
SETTINGS = {
    "winrm, credssp, HTTP": "authentication_not_offered",
    "psrp, credssp, HTTP": "authentication_not_offered",
    "winrm, certificate, HTTPS": "client_certificate_unusable",
    "psrp, certificate, HTTPS": "client_certificate_unusable",
}
"""The error of each connection to a PC without its scheme, or without the certificate's file."""


@dataclass
class Night:
    """The PCs by connection, the job on all of them, and the job with settings that cannot work."""

    computers: dict[str, SimulatedComputer]
    job: Job
    wrong: Job


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Run the main job on a PC for each connection; then start a session with settings that cannot work."""
    folder = tmp_path_factory.mktemp("logons")
    with ExitStack() as stack:
        settings = {"password": make(), "script": [Grant()], "operator_password": PASSWORD}
        computers = pcs_for(stack, folder, [*ON_BOTH, BASIC_ALONE], **settings)
        chosen = {name: computers[name] for name in ON_BOTH}
        variables = {name: computer.inventory(name) for name, computer in chosen.items()}
        operator = Operator(folder / "operator", chosen, host_variables=variables)
        stack.callback(operator.stop)
        job = operator.run(start(), request(), apply(), end())
        job.wait()
        wrong = {name: {**one, **_wrong(name, folder, computers)} for name, one in variables.items()}
        other = Operator(folder / "other", chosen, host_variables=wrong)
        stack.callback(other.stop)
        refused = other.run(start(timeout=20))
        refused.wait()
        yield Night(computers, job, refused)


def _wrong(name: str, folder: Path, computers: dict[str, SimulatedComputer]) -> dict[str, Any]:
    """Return the variables with which a connection cannot be made."""
    if "certificate" in name:
        missing = TlsFiles(folder / "missing.crt", folder / "missing.key")
        return certificate_variables(missing, psrp=name.startswith("psrp"))
    return {"ansible_port": computers[BASIC_ALONE].reach.port}


@pytest.mark.parametrize("name", ON_BOTH)
def test_the_main_job_runs_over_certificates_and_credssp(night: Night, name: str) -> None:
    """Request, grant, one restart with the sign-in, and a confirmed erasure; the PC refuses no logon on the way."""
    results = night.job.results("", name)
    assert [result["status"] for result in results] == ["ok"] * 4, night.job.output
    applied = night.job.result("apply", name)
    assert applied["boot"]["before"] != applied["boot"]["after"]
    assert applied["signed_in"]["account"] == night.computers[name].account.account.qualified
    assert night.job.result("end", name)["erasure"]["confirmed"]
    assert not any(entry.rejected for entry in read_log(night.computers[name].request_log))


@pytest.mark.parametrize("name", ON_BOTH)
def test_the_pc_keeps_no_password_of_the_operator(night: Night, name: str) -> None:
    """CredSSP hands the operator's password to the PC; no file of the lab's server or disk holds it."""
    files = [file for file in night.computers[name].disk.parent.rglob("*") if file.is_file()]
    assert files
    forms = [PASSWORD.encode(), PASSWORD.encode("utf-16-le")]
    assert [file for file in files for form in forms if form in file.read_bytes()] == []


@pytest.mark.parametrize("name", by_code(SETTINGS))
def test_settings_that_cannot_work_have_their_own_errors(night: Night, name: str) -> None:
    """Nothing was sent, no logon was tried, and the task does not wait for a PC that is there."""
    result: dict[str, Any] = night.wrong.result("start", name)
    assert (result["status"], result["error_code"], result["outcome"]) == (
        "unreachable",
        SETTINGS[name],
        "refused",
    )
    assert "Nothing was sent" in result["msg"]
    assert result["connection_error"]
    refused = [entry.rejected for entry in read_log(night.computers[BASIC_ALONE].request_log)]
    assert len(refused) < 20
    assert not any(refused)
