# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package on a Wine PC: installed, upgraded, refused, undone and removed by msiexec."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.native import provider_registration
from agent.packaging import database, product, product_identity
from agent.packaging.database import Table
from agent.packaging.system_tools import WINE
from agent.packaging.workshop import WorkError, run
from lab.wine.wine_package import PackagePC, for_wine
from lab.wine.wine_pc import WinePC
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.signed_json import RECEIPT
from latchkey_agent.windows import names
from tests.canary import canary, search
from tests.needs import require
from tests.wine.test_service import lend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from latchkey_agent.domain.model import Account

__all__ = ["canary"]
pytestmark = pytest.mark.timeout(900)

PACKAGE = r"C:\package.msi"
RUN_KEY = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run"
SERVICE_KEY = r"HKLM\SYSTEM\CurrentControlSet\Services\LatchkeyAgent"
FAILED = 1603 & 0xFF
"""ERROR_INSTALL_FAILURE; Linux keeps the low byte of an exit code."""
REFUSED = 1627 & 0xFF
"""Wine's exit code after a failed and undone installation; Windows returns 1603."""
IMPORT_ALL = """
import importlib, pkgutil, sys, latchkey_agent
failed = []
for module in pkgutil.walk_packages(latchkey_agent.__path__, "latchkey_agent."):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except Exception as fault:
            failed.append(f"{module.name}: {fault!r}")
sys.stdout.write("\\n".join(failed) or "all")
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackagePC]:
    """A PC, initially without the agent."""
    require(WINE)
    with PackagePC(tmp_path_factory.mktemp("office") / "pc") as made:
        yield made


@pytest.fixture(scope="module")
def for_office(package: Path, office: PackagePC) -> Path:
    """The package with replacements for the functions that Wine fakes."""
    return for_wine(package, package.with_name("office.msi"))


@pytest.fixture
def installed(office: PackagePC, for_office: Path) -> Iterator[PackagePC]:
    """The PC with the installed agent; the agent stays for the next test unless this one removes it."""
    if not office.pc.program_files.exists():
        office.pc.put(for_office, PACKAGE)
        assert office.msiexec("/i", PACKAGE) == 0, office.log
    yield office
    office.close_clients()


@pytest.fixture
def bare(office: PackagePC) -> PackagePC:
    """The PC without the agent."""
    if office.pc.program_files.exists():
        assert office.msiexec("/x", PACKAGE) == 0
    return office


def installed_files(pc: WinePC) -> dict[str, bytes]:
    """Return every file of the installed folder."""
    return files_of(pc.program_files)


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"


def registry(office: PackagePC, key: str) -> str:
    """Return a key with its values, as reg.exe prints it."""
    return office.pc.run("query", key, program="reg")


def status(office: PackagePC) -> str:
    """Return the output of `latchkeyctl status`."""
    done = office.ctl("status")
    assert done.returncode == 0, done
    return done.stdout.decode()


def of_version(version: str, folder: Path, target: Path) -> Path:
    """Make a package of another version, for Wine."""
    made = target.with_suffix(".made.msi")
    database.make(made, folder, version)
    return for_wine(made, target)


def test_installed_agent_answers_and_writes_no_byte_code(installed: PackagePC, product_folder: Path) -> None:
    """The installation has exactly the package's files, also after the service and latchkeyctl have run."""
    assert "ready" in status(installed)
    assert installed_files(installed.pc) == files_of(product_folder)


def test_latchkeyctl_passes_input_output_and_exit_code_through(installed: PackagePC) -> None:
    """latchkeyctl answers one JSON request with one JSON answer, and returns 2 for wrong usage."""
    answered = installed.ctl("request", stdin=b'{"verb":"info"}\n')
    assert answered.returncode == 0
    assert json.loads(answered.stdout)["outcome"] == "done"
    refused = installed.ctl("no-such-command")
    assert refused.returncode == 2
    assert b"no-such-command" in refused.stderr


def test_every_module_of_the_agent_imports(installed: PackagePC) -> None:
    """Every module of the agent can be imported in the delivered runtime."""
    done = installed.python("-c", IMPORT_ALL)
    assert done.stdout.decode() == "all", done


def test_service_is_quoted_and_known_to_the_event_log(installed: PackagePC) -> None:
    r"""The service's command line has a quoted program, so Windows never tries `C:\Program.exe`."""
    assert r'REG_SZ    "C:\Program Files\Latchkey\pythonw.exe" -I -B' in registry(installed, SERVICE_KEY)
    source = registry(installed, r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\Latchkey")
    assert r"EventMessageFile    REG_EXPAND_SZ    %SystemRoot%\System32\EventCreate.exe" in source


def test_the_companion_starts_with_every_sign_in(installed: PackagePC) -> None:
    """The companion starts for every account of the PC, by a quoted program in isolated mode."""
    command = rf'"C:\Program Files\Latchkey\pythonw.exe" -I -B -m {names.COMPANION_MODULE}'
    assert f"Latchkey    REG_SZ    {command}" in registry(installed, RUN_KEY)


def test_provider_is_registered_with_its_path(installed: PackagePC) -> None:
    """The provider is registered with its class and the path of its DLL."""
    assert "Latchkey" in registry(installed, rf"HKLM\{provider_registration.PROVIDER_KEY}")
    server = registry(installed, rf"HKLM\{provider_registration.CLASS_KEY}\InprocServer32")
    assert r"C:\Program Files\Latchkey\latchkey_credential_provider.dll" in server
    assert "Apartment" in server


def test_an_upgrade_keeps_the_journal(
    installed: PackagePC, product_folder: Path, tmp_path: Path, anna: Account, canary: bytearray
) -> None:
    """An upgrade replaces the old version and keeps the active grant with its sealed record."""
    operator, customer = lend(installed, anna, canary, "CHG-1")  # type: ignore[arg-type]
    del operator, customer
    installed.close_clients()
    before = json.loads(installed.ctl("--json", "journal", "verify").stdout)["result"]["events"]
    newer = of_version("9.0.0", product_folder, tmp_path / "newer.msi")
    installed.pc.put(newer, PACKAGE)
    assert installed.upgrade(PACKAGE) == 0
    assert "9.0.0" in registry(installed, r"HKLM\SOFTWARE\Latchkey\Package")
    verified = json.loads(installed.ctl("--json", "journal", "verify").stdout)["result"]
    assert verified["intact"]
    assert verified["events"] >= before
    grants = json.loads(installed.ctl("request", stdin=b'{"verb":"info"}').stdout)["result"]["grants"]
    assert [grant["state"] for grant in grants] == ["active"]
    assert installed.msiexec("/x", PACKAGE) == 0


def test_another_build_of_the_version_replaces_it(
    installed: PackagePC, product_folder: Path, tmp_path: Path
) -> None:
    """Another build of the same version replaces the installed one and its files."""
    other = tmp_path / "product"
    shutil.copytree(product_folder, other)
    (other / "licences" / "notices.txt").rename(other / "licences" / "notes.txt")
    installed.pc.put(of_version(product_identity.version(), other, tmp_path / "other.msi"), PACKAGE)
    assert installed.upgrade(PACKAGE) == 0
    assert installed_files(installed.pc) == files_of(other)
    assert "ready" in status(installed)
    programs = installed.pc.run("query", UNINSTALL, "/s", program="reg")
    assert len(re.findall(r"DisplayName +REG_SZ +Latchkey", programs)) == 1, programs
    assert installed.msiexec("/x", PACKAGE) == 0


@pytest.fixture
def anna(installed: PackagePC, canary: bytearray) -> Account:
    """A customer, signed in at the console; the canary is the password."""
    with installed.windows.lock:
        record = installed.model.accounts.find("anna") or installed.model.accounts.add("anna", canary)
        record.set_password(canary)
        installed.model.sessions.sign_in(record.account)
    return record.account


def test_an_older_version_is_refused(installed: PackagePC, product_folder: Path, tmp_path: Path) -> None:
    """An older version is refused, and the installed one stays unchanged and running."""
    older = of_version("0.0.9", product_folder, tmp_path / "older.msi")
    installed.pc.put(older, r"C:\older.msi")
    before = installed_files(installed.pc)
    assert installed.msiexec("/i", r"C:\older.msi") in {FAILED, REFUSED}
    assert installed_files(installed.pc) == before
    assert "ready" in status(installed)
    assert product_identity.version() in registry(installed, r"HKLM\SOFTWARE\Latchkey\Package")


def test_a_damaged_installation_is_repaired(installed: PackagePC, product_folder: Path) -> None:
    """A repair restores missing and changed files."""
    (installed.pc.program_files / product.AGENT_ARCHIVE).unlink()
    (installed.pc.program_files / "licences" / "Latchkey.txt").write_text("changed")
    assert installed.msiexec("/i", PACKAGE, "REINSTALL=ALL") == 0
    assert installed_files(installed.pc) == files_of(product_folder)


def test_a_service_that_does_not_start_undoes_the_installation(
    bare: PackagePC, for_office: Path, tmp_path: Path
) -> None:
    """If the service does not start, the installation is undone without leftover files or service."""
    broken = tmp_path / "broken.msi"
    shutil.copyfile(for_office, broken)
    services = Table.exported(broken, "ServiceInstall")
    for row in services.rows:
        services.put(row, "Arguments", "-I -B -m no_such_module")
    run(["msibuild", broken, "-i", services.write(tmp_path)])
    bare.pc.put(broken, r"C:\broken.msi")
    assert bare.msiexec("/i", r"C:\broken.msi") == REFUSED
    assert not bare.pc.program_files.exists()
    assert "LatchkeyAgent" not in registry(bare, r"HKLM\SYSTEM\CurrentControlSet\Services")
    # Wine undoes a step after the step's file is gone; Windows goes in reverse order.
    shutil.rmtree(bare.pc.program_data, ignore_errors=True)


def test_removal_erases_and_leaves_nothing(office: PackagePC, anna_grants: None, canary: bytearray) -> None:
    """The removal first erases the sealed record and checks the erasure, and then leaves no file and no key behind."""
    del anna_grants
    sealed = list(office.pc.program_data.rglob("journal.db*"))
    assert sealed
    assert office.msiexec("/x", PACKAGE) == 0
    assert not office.pc.program_files.exists()
    assert not office.pc.program_data.exists()
    assert not search([office.pc.path(r"C:\users"), office.pc.path(r"C:\ProgramData")], canary)
    office.pc.run("/c", "exit", program="cmd")
    assert "LatchkeyAgent" not in registry(office, r"HKLM\SYSTEM\CurrentControlSet\Services")
    assert "Latchkey" not in registry(office, r"HKLM\SOFTWARE")
    # The key disappears with its last value.
    with suppress(WorkError):
        assert "Latchkey" not in registry(office, RUN_KEY)
    assert provider_registration.CLASS_ID not in registry(office, r"HKLM\SOFTWARE\Classes\CLSID")
    assert "journal" not in registry(office, rf"HKLM\{names.BACKUP_KEY}\FilesNotToSnapshot")


@pytest.fixture
def anna_grants(installed: PackagePC, anna: Account, canary: bytearray) -> None:
    """Makes an active grant of the customer."""
    lend(installed, anna, canary, "CHG-2")  # type: ignore[arg-type]
    installed.close_clients()


def test_receipts_are_kept_on_request(installed: PackagePC, anna_grants: None) -> None:
    """Only the receipts stay on request, and they confirm the erasure."""
    del anna_grants
    assert installed.msiexec("/x", PACKAGE, "KEEPRECEIPTS=1") == 0
    left = sorted(path.name for path in installed.pc.program_data.iterdir())
    assert left == ["receipts"]
    documents = list((installed.pc.program_data / "receipts").glob("*.json"))
    assert documents
    signed = documents[0].read_bytes()
    key = ssh_signature.verify(documents[0].with_suffix(".json.sig").read_text("ascii"), RECEIPT, signed)
    document = json.loads(signed)
    assert document["device_key"] == ssh_signature.fingerprint(key)
    assert "erased" in json.dumps(document)
    assert documents[0].with_suffix(".txt").read_text(encoding="utf-8").strip()
    shutil.rmtree(installed.pc.program_data)
