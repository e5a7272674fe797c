# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole Wine PC: `with wine_pc(folder) as computer: ...`.

It is the simulated PC with the real product: the agent as its MSI has installed it,
run by Wine's service manager, the real latchkeyctl.exe, and the real credential
provider. The lab replaces the functions that Wine fakes (accounts, sessions, restarts:
`guest.adapters`). Without a display the customer uses the customer pipe as the companion
does; with a display the real companion runs, and `customer` is keyboard and mouse.
"""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from agent.packaging.announcing import announce
from lab.simulated.loop import lab_loop
from lab.simulated.pc_services import SETTINGS_FILE
from lab.simulated.pc_settings import Settings
from lab.simulated.simulated_pc import SimulatedComputer

from .agent_pc import SERVICE_LOG
from .installed import InstalledPC
from .pipe_sockets import Relays
from .ui_driver import UiDriver
from .wine_calls import PORT_FILE, PROTOCOL_FILE
from .wine_customer import Office, SeatedCompanions
from .wine_logon_screen import WineLogonScreen
from .wine_services import WineListeners, WineServices
from .wine_windows_server import WinePorts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.computer import CustomerActions
    from lab.simulated.logon_screen import LogonScreen
    from lab.simulated.pc_services import Services
    from lab.simulated.simulated_companion import Companions
    from lab.simulated.windows_server import PortServer

    from .display import Display
    from .ui_driver import WinePCWithAgent


def device_name() -> str:
    """Return the name of Wine's PCs: the host's name in the form of NetBIOS."""
    name = subprocess.run(["hostname"], capture_output=True, text=True, check=True).stdout
    return name.strip().partition(".")[0][:15].upper()


class WineComputer(SimulatedComputer):
    """`lab.computer.Computer`, with the delivered product."""

    patience: ClassVar[float] = 90.0

    def __init__(self, folder: Path, settings: Settings, display: Display | None = None) -> None:
        self._display = display
        self._hands: UiDriver | None = None
        self._pc = InstalledPC(folder / "disk", display.name if display else None)
        self._pc.make()
        super().__init__(folder, settings)

    # --- parts

    def _make_services(self) -> Services:
        listeners = WineListeners(self._machine, self._operator_password)
        return WineServices(self._machine, listeners, self._pc)

    def _make_ports(self) -> PortServer:
        ports = WinePorts(self._machine, self._power)
        self._relays = Relays(self._machine, self._pc)
        self._power.on_boot += [ports.clear, self._relays.clear]
        return ports

    def _make_logon_screen(self) -> LogonScreen:
        return WineLogonScreen(self._machine, cast("WinePorts", self._ports), self._pc)

    def _make_companions(self) -> Companions:
        if self._display is None:
            return super()._make_companions()
        self._office = Office(self._pc, self._machine)
        self._hands = UiDriver(
            cast("WinePCWithAgent", self._office),
            self._display,
            self._machine.customer.account.sid,
            password=self.settings.password,
            language=self.settings.language,
        )
        return SeatedCompanions(self._machine, self._hands.seat)

    def _make_driver(self) -> CustomerActions:
        return self._hands or super()._make_driver()

    def _make_disk(self) -> None:
        settings_file = self._pc.program_data / SETTINGS_FILE
        if self.settings.policy is not None:
            settings_file.write_text(self.settings.policy, encoding="utf-8")
        if self.settings.agent_protocol is not None:
            version = str(self.settings.agent_protocol)
            (self._pc.lab / PROTOCOL_FILE).write_text(version, encoding="ascii")
        for user in (self.settings.user, self._machine.operator.account.user):
            (self._users_folder / user).mkdir()
        (self.disk / "C").symlink_to("drive_c", target_is_directory=True)

    def _open(self) -> None:
        super()._open()
        port = cast("WinePorts", self._ports).port
        (self._pc.lab / PORT_FILE).write_text(str(port), encoding="ascii")
        self._relays.open()

    def _close(self) -> None:
        super()._close()
        self._relays.clear()
        if self._hands is not None:
            self._office.close_clients()
            self._hands.__exit__(None, None, None)

    @property
    def _users_folder(self) -> Path:
        return self._pc.path(r"C:\users")

    def _renew_keys(self) -> None:
        self._pc.renew_machine_key()

    # --- lab.computer.Computer

    @property
    def disk_files(self) -> list[Path]:
        """All files of the disk that this PC has written itself."""
        return self._pc.written()

    @property
    def log(self) -> str:
        """The service's log."""
        return self._pc.lab_file(SERVICE_LOG)

    def show_banner(self) -> None:
        """Let Windows show a text before each logon; a person has to confirm it."""
        policies = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
        self._pc.run("add", policies, "/v", "LegalNoticeText", "/d", "Authorised use only", program="reg")

    def rename(self) -> None:
        """Give the PC another name; it takes effect with the next restart."""
        key = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName"
        self._pc.run("add", key, "/v", "ComputerName", "/d", "RENAMED", "/f", program="reg")

    def registry(self, key: str) -> str:
        """Return a key with its subkeys, as reg.exe prints it; the PC must be on."""
        return self._pc.run("query", key, program="reg")

    def end_lab_programs(self) -> None:
        """End the lab's own programs on the PC until its next boot; the customer stops acting."""
        lab_loop.call(self._relays.end_programs)

    def wait_for_desktop(self) -> None:
        """Wait until the logon screen is closed and its process has ended."""
        lab_loop.run(cast("WineLogonScreen", self._logon).gone.wait(), self.patience)

    def scrap(self) -> None:
        """Remove the disk; the PC must be off."""
        shutil.rmtree(self.disk)

    def thin(self) -> None:
        """Remove all files from the disk that this PC has not written itself; it must be off."""
        own = set(self._pc.written())
        for path in [path for path in self.disk.rglob("*") if path.is_symlink() or path.is_file()]:
            if path not in own:
                path.unlink()


@contextmanager
def wine_pc(folder: Path, *, display: Display | None = None, **settings: Any) -> Iterator[WineComputer]:
    """Run a Wine PC in `folder`, with the given `Settings` and an optional display.

    Raises:
        LabError: it did not come up, or something in the lab failed meanwhile.
        WorkError: the package could not be made or installed.
    """
    chosen = replace(Settings(name=device_name()), **settings)
    folder.mkdir(parents=True, exist_ok=True)
    made = WineComputer(folder, chosen, display)
    announce("starting the Wine PC")
    with made as computer:
        yield computer
