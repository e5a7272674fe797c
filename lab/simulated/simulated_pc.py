# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole simulated Windows PC: `with pc(folder) as computer: ...`."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from lab.computer import EventLog, Faults, LabError, Reach
from lab.simulated import wire
from lab.simulated.auto_logon import AutoLogon
from lab.simulated.connections import CONNECTIONS, inventory
from lab.simulated.domain_membership import DOMAIN_CONNECTIONS, domain_inventory
from lab.simulated.fault_injection import Incidents
from lab.simulated.listeners import Listeners
from lab.simulated.logon_screen import LogonScreen
from lab.simulated.loop import lab_loop
from lab.simulated.machine import Machine
from lab.simulated.pc_services import SETTINGS_FILE, START_SECONDS, Services
from lab.simulated.pc_settings import OPERATOR, Settings
from lab.simulated.power_model import Power
from lab.simulated.programs.windows_installer import DISK_NOTE
from lab.simulated.session_model import NUMBERS
from lab.simulated.simulated_companion import Companions
from lab.simulated.simulated_customer import Customer, SimulatedActions
from lab.simulated.windows_model import Windows
from lab.simulated.windows_server import PortServer
from lab.wsman.listener import ADDRESS
from lab.wsman.tlsfiles import TlsFiles
from latchkey_agent.protocol import codec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from lab.computer import CustomerActions
    from lab.simulated.account_model import WindowsAccount
    from lab.simulated.connections import ListenerName
    from lab.simulated.power_model import State
    from lab.simulated.session_model import Change, Session
    from latchkey_agent.companion.wording import RequestWindow
    from latchkey_agent.protocol.answers import Answer
    from latchkey_agent.protocol.control_requests import ControlRequest
    from latchkey_agent.protocol.customer_messages import AskedItem

T = TypeVar("T")
SOCKET_PATH_LIMIT = 107
"""Bytes of a Unix socket's path (unix(7): sun_path has 108, the last one is zero)."""


class SimulatedComputer(Incidents):
    """`lab.computer.Computer` as a model. Several PCs share one thread.

    Beyond that protocol, `windows` is the model itself; touch it through `on_loop`.
    """

    patience: ClassVar[float] = 30.0
    """The most seconds that any action on it may take."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.settings = settings
        self.faults = Faults()
        self.events = EventLog(self.patience)
        self.disk = folder / "disk"
        self._pipes = _pipes_folder()
        self._operator_password = settings.operator_password or secrets.token_urlsafe(12)
        lab_loop.acquire()
        try:
            lab_loop.call(self._build)
        except BaseException:
            lab_loop.release()
            shutil.rmtree(self._pipes)
            raise

    # --- parts ----------------------------------------------------------------------------

    def _build(self) -> None:
        settings = self.settings
        self.windows = Windows(
            settings.name,
            settings.zone,
            settings.lockout,
            self._session_changed,
            NUMBERS[settings.session_numbers],
        )
        password = bytearray(settings.password or b"") or bytearray(
            secrets.token_urlsafe(12).encode("utf-16-le")
        )
        self._machine = Machine(
            settings=settings,
            disk=self.disk,
            pipes=self._pipes,
            windows=self.windows,
            events=self.events,
            faults=self.faults,
            customer=self._add_customer(password),
            operator=self._add_operator(),
        )
        self._services = self._make_services()
        self._power = Power(self._machine, self._services)
        self._ports = self._make_ports()
        self._services.notify = self._ports.notify
        self._logon = self._make_logon_screen()
        self._auto_logon = AutoLogon(self._machine, self._power)
        self._companions = self._make_companions()
        self._customer = Customer(self._machine, self._companions, password)
        self._machine.customer.set_pin(self._customer.pin)
        self._power.on_boot.append(self._booted)
        self.customer = self._make_driver()
        self._make_disk()
        # Programs of the PC get the socket of its Windows alone, and some need its files.
        (self._pipes / DISK_NOTE).write_text(str(self.disk), encoding="utf-8")

    def _make_services(self) -> Services:
        return Services(self._machine, Listeners(self._machine, self._operator_password))

    def _make_ports(self) -> PortServer:
        return PortServer(self._machine, self._power)

    def _make_logon_screen(self) -> LogonScreen:
        return LogonScreen(self._machine)

    def _make_companions(self) -> Companions:
        return Companions(self._machine)

    def _make_driver(self) -> CustomerActions:
        return SimulatedActions(self._customer)

    def _add_customer(self, password: bytearray) -> WindowsAccount:
        settings, accounts = self.settings, self.windows.accounts
        if not settings.domain:
            return accounts.add(settings.user, password)
        customer = accounts.add(settings.user, password, domain=settings.domain, kind="domain")
        customer.cached = customer.password
        return customer

    def _add_operator(self) -> WindowsAccount:
        password = bytearray(self._operator_password.encode("utf-16-le"))
        operator = self.windows.accounts.add(OPERATOR, password)
        operator.administrator = self.settings.operator_permitted
        return operator

    def _make_disk(self) -> None:
        folder = self._machine.drive() / "ProgramData" / "Latchkey"
        for place in (
            folder,
            self.disk / "registry",
            *(self._users_folder / user for user in (self.settings.user, OPERATOR)),
        ):
            place.mkdir(parents=True, exist_ok=True)
        if self.settings.policy is not None:
            (folder / SETTINGS_FILE).write_text(self.settings.policy, encoding="utf-8")

    def _session_changed(self, change: Change, session: Session) -> None:
        self._machine.session_changed(change, session)
        if self.settings.notice_seconds:
            self._machine.boot_tasks.start(self._notify_late(), "late-notice")
        else:
            self._ports.notify("sessions_changed")

    async def _notify_late(self) -> None:
        await asyncio.sleep(self.settings.notice_seconds)
        self._ports.notify("sessions_changed")

    def _booted(self) -> None:
        self._companions.clear()
        self._auto_logon.booted()
        self._machine.boot_tasks.start(self._logon.run(), "logon-screen")

    # --- lab.computer.Computer --------------------------------------------------------------

    @property
    def name(self) -> str:
        """The computer's name."""
        return self.settings.name

    @property
    def reach(self) -> Reach:
        """The connection data for Ansible."""
        return self._reach(self._services.listeners.names[0])

    def _reach(self, listener: ListenerName) -> Reach:
        return Reach(ADDRESS, self._services.listeners.port(listener), OPERATOR, self._operator_password)

    def inventory(self, connection: str) -> dict[str, Any]:
        """Return Ansible's host variables for a name of `connections.CONNECTIONS`; its listener must exist."""
        chosen, listeners = CONNECTIONS[connection], self._services.listeners
        files = listeners.ssh_files(chosen.listener)
        return inventory(chosen, self._reach(chosen.listener), listeners.trust, files)

    @property
    def tls_files(self) -> TlsFiles:
        """The certificate of the TLS listener and its key, which also sign clients' certificates."""
        certificate = self._services.listeners.trust.server
        return TlsFiles(certificate, certificate.with_suffix(".key"))

    def domain_inventory(self, connection: str, user: str, password: str = "") -> dict[str, Any]:
        """Return Ansible's host variables for a name of `domain_membership.DOMAIN_CONNECTIONS` and a domain's user."""
        listeners = self._services.listeners
        reach = self._reach(DOMAIN_CONNECTIONS[connection].listener)._replace(user=user, password=password)
        return domain_inventory(connection, self.name, reach, listeners.trust.server)

    def ssh_log(self, connection: str) -> Path:
        """Return the log of the SSH server of a name of `connections.CONNECTIONS`."""
        return self._services.listeners.ssh_files(CONNECTIONS[connection].listener).log

    @property
    def request_log(self) -> Path:
        """The file in which the WinRM listener records requests and bytes."""
        return self.disk.parent / "requests.log"

    @property
    def listener_faults(self) -> Path:
        """The file in which `lab.wsman.faults.Faults.write` sets the listener's faults."""
        return self.disk.parent / "listener-faults.json"

    @property
    def agent_folder(self) -> Path:
        """The folder of the agent's journal."""
        return self._machine.drive() / "ProgramData" / "Latchkey"

    @property
    def operator_folder(self) -> Path:
        """The folder of the operator's own files."""
        return self._users_folder / OPERATOR

    @property
    def _users_folder(self) -> Path:
        return self._machine.drive() / "Users"

    @property
    def log(self) -> str:
        """The agent's log."""
        return (self.disk.parent / "agent.log").read_text(encoding="utf-8")

    @property
    def power_state(self) -> State:
        """Its power state."""
        return self._power.state

    def on_console(self) -> Session | None:
        """Return the session on the console; None if no user is signed in there."""
        return self.on_loop(self.windows.sessions.on_console)

    def request_shown(self) -> tuple[RequestWindow, AskedItem] | None:
        """Return the request window that the model of its customer looks at, and its request."""
        return lab_loop.call(self._customer.request_shown)

    def menu_lines(self) -> list[str]:
        """Return the line of each grant in the menu of the model of its customer."""
        return lab_loop.call(self._customer.menu_lines)

    def power_on(self) -> None:
        """Switch it on; return before it is up."""
        lab_loop.run(self._power.on())

    def power_cut(self) -> None:
        """Cut its power."""
        lab_loop.run(self._power.cut())

    def shut_down(self) -> None:
        """Shut it down in an orderly way; return when it is off."""
        lab_loop.run(self._power.shut_down())

    def wait_until_up(self, timeout: float | None = None) -> None:
        """Wait until both the agent and the listener answer; raises LabError if they do not."""
        timeout = self.patience if timeout is None else timeout
        try:
            lab_loop.run(self._power.up.wait(), timeout)
        except TimeoutError:
            self._raise_failure()
            msg = f"{self.name} is {self._power.state}, not up, after {timeout} s"
            raise LabError(msg) from None

    # --- beyond lab.computer.Computer ----------------------------------------------------------

    def ask_agent(self, request: ControlRequest, user: str = OPERATOR) -> Answer:
        """Send a request to the agent as the operator, or another administrator, without WinRM and latchkeyctl.

        Raises:
            OSError: the agent does not run.
        """
        token = wire.Token(self.on_loop(lambda: self._administrator(user)).account.sid)
        with wire.open_pipe(self._machine.pipe("control"), token) as pipe:
            wire.send(pipe, codec.encode(request))
            frame = wire.receive(pipe)
        if frame is None:
            raise ConnectionResetError
        return codec.decode_answer(frame.body)

    def _administrator(self, user: str) -> WindowsAccount:
        accounts = self.windows.accounts
        if (found := accounts.find(user)) is None:
            found = accounts.add(user, bytearray(secrets.token_urlsafe(12).encode("utf-16-le")))
            found.administrator = True
        return found

    def on_loop(self, change: Callable[[], T]) -> T:
        """Call `change` on the lab's thread; only there the model may be touched."""
        return lab_loop.call(change)

    @property
    def account(self) -> WindowsAccount:
        """The customer's account in the model; change it through `on_loop`."""
        return self._machine.customer

    def wait_for_logon_screen(self, boot: int) -> None:
        """Wait until the logon screen of the `boot`-th boot has asked the agent for a permit."""
        self.events.wait_for("up", boot)
        lab_loop.run(self._logon.looked.wait(), self.patience)
        self.settle()

    @property
    def disk_files(self) -> list[Path]:
        """All files of the disk."""
        return [path for path in self.disk.rglob("*") if path.is_file()]

    def settle(self) -> None:
        """Wait until the agent has handled every notification of Windows so far."""

        async def settled() -> None:
            await self._ports.notify_and_wait("sessions_changed")

        lab_loop.run(settled())

    def __enter__(self) -> Self:
        """Switch it on, sign the customer in, and start their script."""
        try:
            lab_loop.call(self._open)
            self.power_on()
            self.wait_until_up()
            lab_loop.run(self._logon.looked.wait(), START_SECONDS)
            lab_loop.call(self._begin)
            self.settle()
        except BaseException:
            self._clean_up()
            raise
        return self

    def _open(self) -> None:
        self._ports.open()

    def _close(self) -> None:
        self._ports.close()
        self._services.close()

    def _begin(self) -> None:
        if self.settings.signed_in:
            self.windows.sessions.sign_in(self._machine.customer.account)
        self._machine.tasks.start(self._customer.play(self.settings.script), "customer")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Switch it off and clean up everything but the disk."""
        self._clean_up()
        if error is None:
            self._raise_failure()

    def _clean_up(self) -> None:
        async def end() -> None:
            await self._power.scrap()
            await self._machine.tasks.cancel()
            self._close()

        try:
            lab_loop.run(end())
        finally:
            self._customer.forget()
            lab_loop.release()
            shutil.rmtree(self._pipes, ignore_errors=True)

    def _raise_failure(self) -> None:
        failures = [*self._machine.tasks.failures, *self._machine.boot_tasks.failures]
        if failures:
            msg = f"something failed inside {self.name}: {failures[0]!r}"
            raise LabError(msg) from failures[0]


def _pipes_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="latchkey-"))
    if len(str(folder / "customer").encode()) > SOCKET_PATH_LIMIT:
        folder.rmdir()
        msg = f"the path {folder} is too long for a Unix socket; set TMPDIR to a shorter one"
        raise LabError(msg)
    return folder


@contextmanager
def pc(folder: Path, **settings: Any) -> Iterator[SimulatedComputer]:
    """Run a simulated PC in `folder`, with the given `Settings`.

    The PC's files stay in `folder`: its disk in `disk`, the logs of its services
    and of the listener's requests beside it.

    Raises:
        LabError: it did not come up, or something in the lab failed meanwhile.
    """
    chosen = replace(Settings(), **settings)
    folder.mkdir(parents=True, exist_ok=True)
    with SimulatedComputer(folder, chosen) as computer:
        yield computer
