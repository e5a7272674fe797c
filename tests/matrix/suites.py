# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""pywinrm's and pypsrp's own tests against the lab's WinRM server: those that can apply, and why the others cannot.

Only tests that talk to a server count; the libraries' other tests play the server themselves. A test that is neither
chosen nor left out with a reason is an error, so a new release of a library brings none unseen.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.wsman.host import LocalHost
from lab.wsman.listener import Listener, ListenerConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent
RUNNER = HERE / "suite_runner.py"
PROGRAM = HERE / "windows_program.py"
STAND_INS = HERE / "stand_ins"
USER = "operator"
LIMIT_SECONDS = 120.0

POWERSHELL = "it runs a script of PowerShell's, and the lab runs no PowerShell"
CMD = "it needs cmd.exe: its built-in commands, its variables or its operators"
RUNSPACES = "it changes the number of runspaces, which psrpcore, the lab's half of PSRP, cannot read"
UNWRITTEN = "it has no content yet (pywinrm marks it as failing)"

_PSRP_SCRIPTS = (
    *("test_client_copy_file", "test_client_copy_file_empty", "test_client_copy_file_failure"),
    *("test_client_execute_ps", "test_client_execute_ps_environment", "test_client_execute_ps_failure"),
    *("test_client_fetch_file_fail_dir", "test_client_fetch_file_fail_missing"),
    *(
        "test_psrp_pshost_methods",
        "test_psrp_pshost_ui_mocked_methods",
        "test_psrp_pshost_raw_ui_mocked_methods",
    ),
    *("test_psrp_application_args", "test_psrp_no_profile", "test_psrp_multiple_commands"),
    *("test_psrp_multiple_invocations", "test_psrp_nested_command", "test_psrp_error_failed"),
    *(
        "test_psrp_with_history",
        "test_psrp_with_no_history",
        "test_psrp_with_input",
        "test_psrp_clear_command",
    ),
    *("test_winrs_send", "test_winrs_extra_opts", "test_winrs_unicode"),
    *("test_psrp", "test_psrp_jea"),
)
_PSRP_CMD = (
    *("test_client_execute_cmd", "test_client_execute_cmd_environment"),
    *("test_winrs_stderr_rc", "test_winrs_environment", "test_winrs"),
)


@dataclass(frozen=True)
class Suite:
    """A library's tests that talk to a server.

    Attributes:
        library: the package's name.
        folder: the folder of its tests in its source distribution.
        chosen: the tests that run.
        left_out: the reason for each test that cannot apply.
        authentications: what they run with, one after the other.
        tls: whether over TLS.
    """

    library: str
    folder: str
    chosen: tuple[str, ...]
    left_out: Mapping[str, str]
    authentications: tuple[str, ...]
    tls: bool

    def environment(self, authentication: str, port: int, password: str) -> dict[str, str]:
        """Return the variables from which the library's tests take the server."""
        if self.library == "pywinrm":
            return {
                "WINRM_ENDPOINT": f"http://127.0.0.1:{port}/wsman",
                "WINRM_TRANSPORT": authentication,
                "WINRM_USERNAME": USER,
                "WINRM_PASSWORD": password,
            }
        return {
            "PYPSRP_SERVER": "127.0.0.1",
            "PYPSRP_PORT": str(port),
            "PYPSRP_AUTH": authentication,
            "PYPSRP_USERNAME": USER,
            "PYPSRP_PASSWORD": password,
        }


SUITES = (
    Suite(
        "pywinrm",
        "winrm/tests",
        (
            "test_open_shell_and_close_shell",
            "test_run_command_with_arguments_and_cleanup_command",
            "test_run_command_without_arguments_and_cleanup_command",
            "test_get_command_output",
        ),
        {
            "test_unicode_roundtrip": POWERSHELL,
            "test_run_command_taking_more_than_operation_timeout_sec": POWERSHELL,
            "test_run_command_with_env": CMD,
            **dict.fromkeys(("test_set_timeout", "test_set_max_env_size", "test_set_locale"), UNWRITTEN),
        },
        ("ntlm", "credssp", "plaintext"),
        tls=False,
    ),
    Suite(
        "pypsrp",
        "tests/tests_pypsrp",
        (
            "test_winrs_standard",
            "test_winrs_open_already_opened",
            "test_winrs_fail_poll_process",
            "test_psrp_open_runspace",
            "test_psrp_is_alive_other_wsman_error",
            "test_psrp_receive_failure",
        ),
        {
            **dict.fromkeys(_PSRP_SCRIPTS, POWERSHELL),
            **dict.fromkeys(_PSRP_CMD, CMD),
            "test_psrp_set_runspaces": RUNSPACES,
        },
        ("negotiate", "ntlm", "credssp", "basic"),
        tls=True,
    ),
)


def run(suite: Suite, source: Path, folder: Path) -> list[str]:
    """Run a library's chosen tests with each authentication; return the failures, in words.

    Args:
        suite: the tests.
        source: the unpacked source distribution.
        folder: for the files of the server.
    """
    from lab.wsman.tls import make_certificate  # noqa: PLC0415 - a listener without TLS loads no cryptography

    folder.mkdir(parents=True)
    password = secrets.token_hex(16)
    failed: list[str] = []
    for authentication in suite.authentications:
        config = ListenerConfig(
            host=_host(folder, password),
            authentication=("Negotiate", "NTLM", "CredSSP", "Basic"),
            tls=make_certificate(folder) if suite.tls else None,
            allow_unencrypted=authentication == "plaintext",
            powershell=True,
        )
        with Listener(config) as listener:
            environment = suite.environment(authentication, listener.port, password)
            found = _pytest(suite, source, environment)
        failed += [f"{suite.library}, {authentication}: {text}" for text in failures(suite, found)]
    return failed


def _host(folder: Path, password: str) -> LocalHost:
    def program(name: str) -> tuple[str, ...]:
        return (sys.executable, "-I", "-S", str(PROGRAM), name)

    programs = {"cmd.exe": program("cmd"), "hostname": program("hostname"), "ipconfig": program("ipconfig")}
    return LocalHost(root=folder, programs=programs, passwords={USER: password})


@dataclass(frozen=True)
class Found:
    """What a run told: the tests that can talk to a server, and the outcome of each that ran."""

    talking: set[str]
    outcomes: dict[str, str]


def _pytest(suite: Suite, source: Path, environment: Mapping[str, str]) -> Found:
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        f"--rootdir={source}",
        f"--confcutdir={source}",
        "--timeout=60",
    ]
    arguments = [*options, "-c", str(source / "pyproject.toml"), str(source / suite.folder)]
    asked = {"environment": environment, "arguments": arguments, "chosen": suite.chosen}
    done = subprocess.run(
        [sys.executable, str(RUNNER)],
        input=json.dumps(asked),
        env=os.environ | {"PYTHONPATH": str(STAND_INS), "NO_PROXY": "127.0.0.1"},
        cwd=source,
        text=True,
        capture_output=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    try:
        found = json.loads(done.stdout)
    except ValueError:
        return Found(set(), {"pytest": f"exit code {done.returncode}: {done.stderr.strip()[-500:]}"})
    return Found(set(found["talking"]), found["outcomes"])


def failures(suite: Suite, found: Found) -> list[str]:
    """Return what is not as decided: failed tests, tests without a decision, and decisions without a test."""
    decided = {*suite.chosen, *suite.left_out}
    failed = [f"{name}: {outcome}" for name, outcome in found.outcomes.items() if outcome != "passed"]
    missing = [f"{name}: it did not run" for name in suite.chosen if name not in found.outcomes]
    new = [f"{name}: neither chosen nor left out" for name in sorted(found.talking - decided)]
    gone = [
        f"{name}: left out, but there is no such test" for name in sorted(set(suite.left_out) - found.talking)
    ]
    return [*failed, *missing, *new, *gone]
