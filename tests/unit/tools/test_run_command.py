# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import run_command, setup


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The source of a module that a command runs, in a checkout of its own."""
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "argv", ["pytest"])
    return tmp_path / "tried_command.py"


def test_the_module_gets_its_arguments_and_gives_its_exit_code(module: Path) -> None:
    """As with `python -m`."""
    module.write_text("import sys; assert __name__ == '__main__'; sys.exit(sys.argv[1:] == ['a b'] and 7)")
    with pytest.raises(SystemExit) as ended:
        run_command.main(["demo", "tried_command", "a b"])
    assert ended.value.code == 7


def test_ctrl_c_is_no_traceback(module: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An interrupted command says so in a sentence."""
    module.write_text("raise KeyboardInterrupt")
    assert run_command.main(["demo", "tried_command"]) == 130
    assert capsys.readouterr().err == "demo: interrupted\n"


def test_a_full_disk_is_said(module: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that cannot write names what to do."""
    module.write_text("with open('/dev/full', 'w') as file: file.write('x')")
    assert run_command.main(["demo", "tried_command"]) == 1
    assert capsys.readouterr().err.startswith("demo: a disk is full. Find it with df -h ")


def test_other_errors_keep_their_traceback(module: Path) -> None:
    """A fault of the program is not hidden."""
    module.write_text("open('/no/such/file')")
    with pytest.raises(FileNotFoundError):
        run_command.main(["demo", "tried_command"])


def test_the_same_command_runs_once_at_a_time(module: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second one with equal arguments is refused; one with others runs, and so does a later one."""
    module.write_text("")
    with run_command.alone(["demo", "tried_command", "grant"]):
        assert run_command.main(["demo", "tried_command", "grant"]) == 1
        assert capsys.readouterr().err.startswith("demo: the same command already runs in this checkout.")
        assert run_command.main(["demo", "tried_command", "deny"]) == 0
    assert run_command.main(["demo", "tried_command", "grant"]) == 0


def test_ctrl_c_while_the_fork_server_starts_is_left_to_its_starter() -> None:
    """The fork server shows no traceback of its own, and afterwards minds Ctrl-C as before."""
    source = """
import importlib, os, signal
former = signal.getsignal(signal.SIGINT)
importlib.import_module = lambda name: os.kill(os.getpid(), signal.SIGINT)
import lab.simulated.preload
assert signal.getsignal(signal.SIGINT) is former
"""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
