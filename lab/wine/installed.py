# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Wine PC with the installed MSI of the product; every such PC is a copy of one installation."""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
import time
from enum import IntEnum
from pathlib import Path

from agent.packaging import database, product, product_identity
from agent.packaging.announcing import announce
from agent.packaging.provider_build import build_provider
from agent.packaging.runtime import runtime
from agent.packaging.workshop import ROOT, WorkError, fingerprint, made_once
from latchkey_agent.windows import names

from .prefix import CACHE, template
from .program_builder import logon_screen
from .wine_calls import MACHINE_KEY_FILE
from .wine_package import PackagePC, for_wine
from .wine_pc import WinePC, copy_disk, hosts_service

_PARTS = (
    "agent/native", "agent/packaging", "agent/src", "lab/simulated", "lab/wine/guest", "lab/wine/harness",
)  # fmt: skip
_FILES = ("agent_pc", "installed", "prefix", "program_builder", "wine_calls", "wine_package", "wine_pc")
"""The sources of the installed disk's contents."""
_KEPT = {"settings.toml"}
# In the form of Wine's registry files.
_SERVICE_KEY = f"[System\\\\CurrentControlSet\\\\Services\\\\{names.SERVICE}]"
_START = re.compile(r'^"Start"=dword:[0-9a-f]{8}$', re.MULTILINE)


class ServiceStart(IntEnum):
    """How a service starts: SERVICE_AUTO_START, SERVICE_DEMAND_START and SERVICE_DISABLED (winsvc.h)."""

    AUTOMATIC = 2
    ON_DEMAND = 3
    DISABLED = 4


def installed() -> Path:
    """Return the prefix that every such PC is a copy of; make it if necessary. It includes the lab's LogonUI.

    The agent has run there, as after every installation, but has kept no state:
    each copy starts with its own keys and journal.

    Raises:
        WorkError: the package could not be made, or Wine could not install it.
    """
    files = [path for part in _PARTS for path in (ROOT / part).rglob("*") if path.is_file()]
    files += [Path(__file__).with_name(f"{name}.py") for name in _FILES]
    files.append(ROOT / "requirements.txt")
    sources = sorted(path for path in files if "__pycache__" not in path.parts)
    return made_once("installed", fingerprint(template().name, runtime().name, *sources), _install, CACHE)


def _install(target: Path) -> None:
    announce("starting a Wine PC to install the agent on", 5)
    with PackagePC(target, keep=True) as office:
        _package(office.pc.lab)
        announce("installing the agent with Wine's Windows Installer", 10)
        if code := office.msiexec("/i", r"C:\lab\agent.msi"):
            msg = f"Wine's installer ended with {code}: {office.log}"
            raise WorkError(msg)
        office.pc.run("stop", names.SERVICE, program="net")
        office.pc.power_off()
        for file in office.pc.program_data.iterdir():
            if file.name not in _KEPT:
                file.unlink()
        for name in ("anchor", MACHINE_KEY_FILE, "service.log", "agent.msi"):
            (office.pc.lab / name).unlink(missing_ok=True)
        shutil.copyfile(logon_screen(), office.pc.lab / "logon_screen.exe")


def _package(folder: Path) -> Path:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        work = Path(name)
        provider = build_provider()
        announce("building the agent's MSI", 5)
        product.lay_out(work / "product", product_identity.version(), provider)
        database.make(work / "made.msi", work / "product", product_identity.version())
        return for_wine(work / "made.msi", folder / "agent.msi")


class InstalledPC(WinePC):
    """A Wine PC with the agent; its disk stays when it is switched off."""

    def make(self) -> None:
        """Copy the prefix."""
        copy_disk(installed(), self.folder)

    def set_service_start(self, start: ServiceStart) -> None:
        """Set how the agent's service starts; the PC must be off."""
        registry = self.folder / "system.reg"
        before, key, after = registry.read_text(encoding="utf-8").partition(_SERVICE_KEY)
        changed = _START.sub(f'"Start"=dword:{start:08x}', after, count=1)
        if changed != after:
            registry.write_text(before + key + changed, encoding="utf-8")

    def kill_service(self) -> None:
        """Kill the service's process; return when it is gone."""
        if (process := self.service()) is not None:
            os.kill(int(process.name), signal.SIGKILL)
            while hosts_service(process):
                time.sleep(0.01)

    def start_service(self) -> None:
        """Start the agent's service; return when net.exe does; under Wine the service may answer later."""
        self.run("start", names.SERVICE, program="net")

    def stop_service(self) -> None:
        """Stop the agent's service, if it runs; return when it has stopped."""
        process = self.start("stop", names.SERVICE, program="net")
        process.communicate(timeout=30)
