# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installation and removal steps for which Windows Installer has no table.

The MSI runs `pythonw.exe -I -B -m latchkey_agent.windows.installation VERB` as
LocalSystem. Exit code 0 means success. Exit code 1 means failure: the event
log has the reason, and Windows Installer rolls the whole change back.
"""

from __future__ import annotations

import argparse
import logging
import sys
import winreg
from contextlib import suppress
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
    """Create the data folder and the group of operators, keep the journal out of backups, and quote the command line.

    Raises:
        PortError: Windows refuses, or the data folder belongs to another account.
    """
    folder = folders.data_folder()
    folders.prepare(folder)
    exclude_from_backups(folder)
    operators.make()
    quote_image_path()


def harden() -> None:
    """Restrict access to the agent's registry key, and the privileges of the service.

    Raises:
        PortError: Windows refuses.
    """
    _restrict_registry_key()
    registration.harden()


def _restrict_registry_key() -> None:
    """Restrict access to the agent's key, which the installer may have created before the agent."""
    dacl: Any = descriptor(access.REGISTRY_KEY).GetSecurityDescriptorDacl()
    flags = win32security.DACL_SECURITY_INFORMATION | win32security.PROTECTED_DACL_SECURITY_INFORMATION
    unchanged: Any = None
    with doing(f"setting the access rights of the registry key {names.REGISTRY_KEY}"):
        win32security.SetNamedSecurityInfo(
            _KEY, win32security.SE_REGISTRY_KEY, flags, unchanged, unchanged, dacl, unchanged
        )


def exclude_from_backups(folder: Path) -> None:
    """Ask backup programs and shadow copies to leave out the journal, the key slots and the device key.

    "Registry Keys and Values for Backup and Restore", Microsoft Learn: a program may ignore
    FilesNotToBackup, and Windows deletes the files of FilesNotToSnapshot from a shadow copy as far as it can.

    Args:
        folder: the data folder.

    Raises:
        PortError: Windows refuses.
    """
    files = [str(folder / pattern) for pattern in names.KEPT_FROM_BACKUPS]
    for list_name in names.BACKUP_LISTS:
        path = rf"{names.BACKUP_KEY}\{list_name}"
        with doing(f"writing to the registry key {path}"), _open_list(path) as key:
            winreg.SetValueEx(key, names.BACKUP_VALUE, 0, winreg.REG_MULTI_SZ, files)


def _include_in_backups() -> None:
    for list_name in names.BACKUP_LISTS:
        path = rf"{names.BACKUP_KEY}\{list_name}"
        with (
            doing(f"writing to the registry key {path}"),
            _open_list(path) as key,
            suppress(FileNotFoundError),
        ):
            winreg.DeleteValue(key, names.BACKUP_VALUE)


def _open_list(path: str) -> winreg.HKEYType:
    rights = winreg.KEY_SET_VALUE | winreg.KEY_WOW64_64KEY
    return winreg.CreateKeyEx(winreg.HKEY_LOCAL_MACHINE, path, access=rights)


def quote_image_path() -> None:
    r"""Quote the program in the service's command line, if the installer has not.

    Without quotes Windows would first try `C:\Program.exe` ("CreateProcessW", Microsoft Learn).

    Raises:
        PortError: the service does not exist, or Windows refuses.
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
    """Return a command line with its program in quotes.

    Args:
        line: the command line.
        program: the program at its start; a line with another program is returned unchanged.
    """
    return f'"{program}"{line[len(program) :]}' if line.lower().startswith(program.lower()) else line


def erase(*, keep_receipts: bool) -> None:
    """Have the service erase all sealed passwords and check the erasure.

    If the service does not answer, `remove` overwrites its files later. Only
    the service can write receipts.

    Args:
        keep_receipts: whether to write the receipts to the data folder.

    Raises:
        PortError: the service cannot confirm the erasure, or a receipt could not be written.
    """
    try:
        removal.erase_all(client_stream.connect_control)
        if keep_receipts:
            # After the erasure, so that the receipts contain its checks.
            removal.keep_receipts(client_stream.connect_control, folders.data_folder())
    except removal.NoAnswer as no_answer:
        if keep_receipts:
            msg = (
                f"cannot keep the receipts, because the service does not answer ({no_answer}): start the service "
                f"{names.SERVICE} and remove again, or remove without KEEPRECEIPTS=1"
            )
            raise PortError(msg) from None
        log.warning(
            "the service did not erase the passwords: %s; its files are overwritten instead", no_answer
        )


def remove() -> None:
    """Remove the agent's data except receipts, after its service has been removed.

    Raises:
        PortError: a file or key cannot be overwritten or removed.
    """
    folder = folders.data_folder()
    if folder.exists():
        folders.prepare(folder)
        with doing(f"removing {folder}"):
            removal.wipe(folder)
    with doing(f"removing the registry key {names.REGISTRY_KEY}"):
        _remove_registry_key()
    _include_in_backups()
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
    # Windows Installer inserts a property here, which may be empty.
    erasing.add_argument("--keep-receipts", choices=["", "0", "1"], default="")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step.

    Args:
        arguments: the command line; None for the process's own.

    Returns:
        The exit code: 0 for success, 1 for failure.
    """
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
        log.critical("the installer step %s failed: %s", options.verb, fault)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
