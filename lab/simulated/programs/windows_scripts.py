# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""C:\Lab\scripts.exe: Windows' answers to the PowerShell of the ansible.windows collection.

The collection's actions send short scripts, which are known by their form. Its modules are known by their names. The
answers are those of the PC's Windows. A script of another form and another module are unsupported, so a release of
the collection with other scripts fails the tests. Seen in release 3.8.0.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lab.simulated import windows_calls
from lab.simulated.remote_ports import WindowsLink
from lab.wsman.ansible_actions import module_program
from lab.wsman.host import StandIn
from latchkey_agent.ports import PortError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAM = r"C:\Lab\scripts.exe"
MODULES = ("ansible.windows.win_ping", "ansible.windows.win_updates")
PROGRAMS = dict.fromkeys((PROGRAM, *map(module_program, MODULES)), __spec__.name)
_KEPT_CODE = r"; If \(-not \$\?\) \{ If \(Get-Variable LASTEXITCODE[^;]*"
_FORMS = (
    r"\((Get-CimInstance) -ClassName Win32_OperatingSystem -Property LastBootUpTime\)"
    r"\.LastBootUpTime\.ToFileTime\(\)" + _KEPT_CODE,
    r"\$ErrorActionPreference = 'Continue'\s*if \(\$(?:True|False)\).*"
    r"\. \{ C:\\Windows\\System32\\(shutdown\.exe) /r /t (\d+) /c '((?:[^']|'')*)'"
    r" \| Set-Variable stdout \}.*ConvertTo-Json -Compress -InputObject @\{[^}]*\}\s*" + _KEPT_CODE,
    r"C:\\Windows\\System32\\shutdown\.exe (/a)" + _KEPT_CODE,
    r"(Get-Item) -LiteralPath 'HKLM:[^']*\\AutoLogonChecked' -ErrorAction Stop; '(success-[0-9a-f-]{36})'" + _KEPT_CODE,
    r"\s*try \{.*Name = '(ServicingInProgress)'.*exit \$val.*\}\s*" + _KEPT_CODE,
)  # fmt: skip
STAND_INS = tuple(StandIn(form, PROGRAM) for form in _FORMS)
SERVICING = 2
"""The value of ServicingInProgress while Windows works on updates, as ansible.windows reads it."""
NO_PIPE = "Timed out waiting for server pipe to be available"
_CODE = re.compile(r"\(Windows error (\d+)\)")
_CATEGORIES = {
    "CriticalUpdates": "Critical Updates",
    "DefinitionUpdates": "Definition Updates",
    "SecurityUpdates": "Security Updates",
    "UpdateRollups": "Update Rollups",
}


def boot_time(link: WindowsLink) -> int:
    """Print LastBootUpTime as a file time."""
    print(link.ask(windows_calls.LastBootUp(), int))
    return 0


def restart(link: WindowsLink, seconds: str, message: str) -> int:
    """Schedule the restart, as shutdown.exe does; print its exit code and its error output."""
    link.ask(windows_calls.LogonScreenKey(remove=True), bool)
    call = windows_calls.Restart(
        message.replace("''", "'"), float(seconds), by_agent=False, by="shutdown.exe"
    )
    code, said = _asked(link, call)
    print(json.dumps({"rc": code, "stdout": "", "stderr": said}))
    return 0


def abort(link: WindowsLink) -> int:
    """Take a scheduled restart back, as shutdown.exe /a does."""
    code, said = _asked(link, windows_calls.AbortRestart())
    sys.stderr.write(said)
    return code


def _asked(link: WindowsLink, call: windows_calls.Call) -> tuple[int, str]:
    """Return Windows' error code and its sentence, as shutdown.exe prints them; 0 if there is none."""
    try:
        link.ask(call, None)
    except PortError as refusal:
        found = _CODE.search(str(refusal))
        code = int(found[1]) if found else 1
        return code, f"{_CODE.sub('', str(refusal)).strip()}({code})"
    return 0, ""


def logon_screen(link: WindowsLink, expected: str) -> int:
    """Print the expected text once LogonUI has started in this boot."""
    shown: bool = link.ask(windows_calls.LogonScreenKey(), bool)
    if not shown:
        sys.stderr.write("Get-Item : Cannot find path because it does not exist.\n")
        return 1
    print(expected)
    return 0


def servicing(link: WindowsLink) -> int:
    """Tell by the exit code whether Windows still works on updates."""
    works: bool = link.ask(windows_calls.ServicingInProgress(), bool)
    return SERVICING if works else 0


def module(link: WindowsLink, name: str) -> int:
    """Run a module with the options on standard input, and print its result."""
    options = json.load(sys.stdin)
    result = {"changed": False, **_MODULES[name](link, options)}
    given = {key: value for key, value in options.items() if not key.startswith("_ansible_")}
    print(json.dumps({**result, "invocation": {"module_args": given}}))
    return int(result.get("failed", False))


def _ping(_link: WindowsLink, _options: dict[str, Any]) -> dict[str, Any]:
    return {"ping": "pong"}


def _updates(link: WindowsLink, options: dict[str, Any]) -> dict[str, Any]:
    """Start, read or end the process of win_updates; its action calls the module once for each."""
    inner = options.get("_operation_options") or {}
    match options.get("_operation", "start"):
        case "start":
            pipe: str = link.ask(_search(options), str)
            return {
                "poll_options": {"pipe_name": pipe},
                "cancel_options": {"cancel_id": f"Global\\{pipe}", "task_pid": 4711},
            }
        case "poll":
            try:
                return {
                    "output": link.ask(windows_calls.ReadUpdates(inner["pipe_name"]), list[dict[str, Any]])
                }
            except PortError:
                return {"failed": True, "msg": NO_PIPE}
        case "cancel":
            link.ask(windows_calls.CancelUpdates(inner["cancel_id"].removeprefix("Global\\")), None)
            return {}
    return {"failed": True, "msg": "the lab does not know this operation"}


def _search(options: dict[str, Any]) -> windows_calls.SearchUpdates:
    usual = ["CriticalUpdates", "SecurityUpdates", "UpdateRollups"]
    return windows_calls.SearchUpdates(
        categories=[_CATEGORIES.get(name, name) for name in _list(options.get("category_names", usual))],
        accept=_list(options.get("accept_list")),
        reject=_list(options.get("reject_list")),
        until=options.get("state", "installed"),
        check=bool(options.get("_ansible_check_mode")),
    )


def _list(given: str | list[str] | None) -> list[str]:
    return given.split(",") if isinstance(given, str) else list(given or ())


_MODULES: dict[str, Callable[[WindowsLink, dict[str, Any]], dict[str, Any]]] = dict(
    zip(MODULES, (_ping, _updates), strict=True)
)
_ANSWERS: dict[str, Callable[..., int]] = {
    "Get-CimInstance": boot_time,
    "shutdown.exe": restart,
    "/a": abort,
    "Get-Item": logon_screen,
    "ServicingInProgress": servicing,
    "module": module,
}


@contextmanager
def _windows(address: str) -> Iterator[WindowsLink]:
    link = WindowsLink(address)
    try:
        yield link
    finally:
        link.close()


def main(windows: str, form: str, *arguments: str) -> int:
    """Answer a script of this form; return the exit code."""
    with _windows(windows) as link:
        return _ANSWERS[form](link, *arguments)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
