# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of installing and removing that Windows Installer has no table for.

The MSI runs `pythonw.exe -I -B -m latchkey_agent.windows.installation VERB` as
LocalSystem. Exit code 0: done; 1: not done, the reason stands in the event
log, and Windows Installer undoes the whole change.
"""

from __future__ import annotations

import argparse
import logging
import sys
import winreg
from pathlib import Path
from typing import TYPE_CHECKING, Any

import win32api
import win32security
import win32service
import winerror

from latchkey_agent.cli import removal
from latchkey_agent.ports import PortError

from . import folders, names, operators, registration
from .eventlog import EventLogHandler
from .pipes import client_stream
from .win32 import access
from .win32.failures import doing
from .win32.security import descriptor

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)
_HKLM: Any = winreg.HKEY_LOCAL_MACHINE
_KEY = rf"MACHINE\{names.REGISTRY_KEY}"


def configure() -> None:
    """Get ready what the service finds at its first start.

    Raises:
        PortError: Windows refuses, or somebody else's folder lies in the way.
    """
    folders.prepare(folders.data_folder())
    operators.make()
    quote_image_path()


def harden() -> None:
    """Close what is the agent's to everybody else, and take from the service what it does not need.

    Raises:
        PortError: Windows refuses.
    """
    _close_registry_key()
    registration.harden()


def _close_registry_key() -> None:
    """Keep users from the agent's key, which the installer may have made before the agent."""
    dacl: Any = descriptor(access.REGISTRY_KEY).GetSecurityDescriptorDacl()
    flags = win32security.DACL_SECURITY_INFORMATION | win32security.PROTECTED_DACL_SECURITY_INFORMATION
    unchanged: Any = None
    with doing(f"closing the registry key {names.REGISTRY_KEY} to others"):
        win32security.SetNamedSecurityInfo(
            _KEY, win32security.SE_REGISTRY_KEY, flags, unchanged, unchanged, dacl, unchanged
        )


def quote_image_path() -> None:
    r"""Quote the program in the service's command line, if the installer has not.

    Unquoted, `C:\Program.exe` would be started first where it exists ("CreateProcessW", Microsoft Learn).

    Raises:
        PortError: there is no such service, or Windows refuses.
    """
    same = win32service.SERVICE_NO_CHANGE
    rights = win32service.SERVICE_QUERY_CONFIG | win32service.SERVICE_CHANGE_CONFIG
    unchanged: Any = None
    with doing(f"setting the command line of the service {names.SERVICE}"):
        manager = win32service.OpenSCManager(unchanged, unchanged, win32service.SC_MANAGER_CONNECT)
        service = win32service.OpenService(manager, names.SERVICE, rights)
        line = quoted(win32service.QueryServiceConfig(service)[3], _host())
        win32service.ChangeServiceConfig(
            service, same, same, same, line, unchanged, False,  # noqa: FBT003 - positional in Windows
            unchanged, unchanged, unchanged, unchanged,
        )  # fmt: skip


def _host() -> str:
    return str(Path(sys.executable).with_name("pythonw.exe"))


def quoted(line: str, program: str) -> str:
    """Return a command line with its program in quotes."""
    return f'"{program}"{line[len(program) :]}' if line.lower().startswith(program.lower()) else line


def erase(*, keep_receipts: bool) -> None:
    """Let the service erase everything sealed, and prove it; keep the receipts if told to.

    A service that does not answer is no obstacle to the erasure: `remove` overwrites what it kept. The
    receipts, which only it can write, would be lost.

    Raises:
        PortError: the service cannot confirm the erasure, or a receipt could not be written.
    """
    try:
        removal.erase_all(client_stream.connect_control)
        if keep_receipts:
            # After it, so that they carry the proof of erasure.
            removal.keep_receipts(client_stream.connect_control, folders.data_folder())
    except removal.NoAnswer as silence:
        if keep_receipts:
            msg = (
                f"the receipts cannot be kept, since the service does not answer ({silence}): start the service "
                f"{names.SERVICE} and remove again, or remove without KEEPRECEIPTS=1"
            )
            raise PortError(msg) from None
        log.warning("the service did not erase: %s; what it kept is overwritten instead", silence)


def remove() -> None:
    """Remove what the agent kept, except receipts, once its service is gone.

    Raises:
        PortError: something could not be overwritten or removed.
    """
    folder = folders.data_folder()
    if folder.exists():
        folders.prepare(folder)
        with doing(f"removing {folder}"):
            removal.wipe(folder)
    with doing(f"removing the registry key {names.REGISTRY_KEY}"):
        _remove_registry_key()
    operators.remove()


def _remove_registry_key() -> None:
    try:
        win32api.RegDeleteTree(_HKLM, names.REGISTRY_KEY)
        winreg.DeleteKeyEx(winreg.HKEY_LOCAL_MACHINE, names.REGISTRY_KEY, winreg.KEY_WOW64_64KEY)
    except (win32api.error, OSError) as fault:
        if fault.winerror != winerror.ERROR_FILE_NOT_FOUND:
            raise


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="installation", description="Steps of the Latchkey agent's installer."
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("configure", "harden", "remove"):
        verbs.add_parser(verb)
    erasing = verbs.add_parser("erase")
    # Windows Installer fills in a property, which may be empty.
    erasing.add_argument("--keep-receipts", choices=["", "0", "1"], default="")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; return the exit code."""
    options = _parser().parse_args(arguments)
    logging.getLogger().addHandler(EventLogHandler())
    try:
        match options.verb:
            case "configure":
                configure()
            case "harden":
                harden()
            case "erase":
                erase(keep_receipts=options.keep_receipts == "1")
            case _:
                remove()
    except PortError as fault:
        log.critical("the installer's step %s failed: %s", options.verb, fault)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
