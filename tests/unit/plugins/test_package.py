# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's package from the controller: what is run on the PC, and what comes of it."""

from __future__ import annotations

import hashlib
import http.server
import json
import ntpath
import re
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import requests
from ansible.errors import AnsibleError, AnsibleFileNotFound
from ansible_collections.latchkey.consent.plugins.action import agent_package
from ansible_collections.latchkey.consent.plugins.plugin_utils import _package_installer as installer
from ansible_collections.latchkey.consent.plugins.plugin_utils._agent_client import SILENCE_SECONDS
from winrm.exceptions import InvalidCredentialsError

from agent.packaging import product_identity
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import codec
from latchkey_agent.protocol.errors import error
from latchkey_agent.protocol.setup_messages import SetupAnswer
from tests.unit.plugins.package_pc import INFO, KEY, PC, PRODUCT, TEMPORARY, TOP, VENDOR
from tests.unit.plugins.ssh_keys import DeviceKey

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = b"an installer"
DIGEST = hashlib.sha256(PACKAGE).hexdigest()
NAME = "latchkey-agent-0.2.0-x64.msi"

NEVER = 10_000
"""More requests than a task makes: the agent never answers."""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package on the controller."""
    file = tmp_path / NAME
    file.write_bytes(PACKAGE)
    return file


def run(pc: PC, monkeypatch: pytest.MonkeyPatch, *, check: bool = False, **options: Any) -> dict[str, Any]:
    """Run a task of the module."""
    task = SimpleNamespace(
        action="agent_package",
        args=options,
        check_mode=check,
        async_val=0,
        become=False,
        no_log=False,
        get_ds=dict,
    )
    plugin: Any = agent_package.ActionModule
    action = plugin(
        task=task, connection=pc, play_context=SimpleNamespace(become=False, remote_addr="192.0.2.7", no_log=False),
        loader=None, templar=SimpleNamespace(template=lambda value: value), shared_loader_obj=None,
    )  # fmt: skip
    removed: list[str] = []
    monkeypatch.setattr(action, "_make_tmp_path", lambda: TEMPORARY)
    monkeypatch.setattr(action, "_remove_tmp_path", lambda path, force: removed.append(path))
    monkeypatch.setattr(action, "_find_needle", find)
    action._latchkey_clock = pc.time.clock()
    result: dict[str, Any] = action.run(task_vars={"inventory_hostname": "pc1"})
    json.dumps(result)
    assert removed == ([TEMPORARY] if pc.files or pc.ran else removed)
    return result


def find(_kind: str, name: str) -> str:
    """Find a file as Ansible does."""
    if not Path(name).is_file():
        raise AnsibleFileNotFound(file_name=name)
    return name


def refused(result: dict[str, Any]) -> str:
    """Return the code of a failure in which nothing was said twice."""
    assert result["failed"]
    assert not re.search(r"\.\.|\. \.| {2}", result["msg"]), result["msg"]
    return str(result["error_code"])


def test_a_pc_without_the_agent_gets_it(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is sent, installed without questions or restart, set up, and the agent answers."""
    pc = PC()
    settings: dict[str, Any] = {"organization": {"name": "Example IT"}, "policy": {"max_restarts": 5}}
    result = run(pc, monkeypatch, path=str(package), checksum=DIGEST, **settings, operators=["anna"])
    sent = ntpath.join(TEMPORARY, NAME)
    assert pc.files == {sent: PACKAGE}
    log = ntpath.join(TEMPORARY, "installer.log")
    assert pc.ran == [("/i", sent, "/l*v", log, "/qn", "/norestart")]
    assert pc.asked[0] == {
        "command": "setup", "verb": "setup", "protocol": 1, "settings": settings, "operators": ["anna"],
    }  # fmt: skip
    assert result == {
        "changed": True, "failed": False, "restart_required": False, "version_before": None, "version": "0.2.0",
        "settings_changed": True, "operators_added": ["PC\\anna"], "operators_removed": [],
        "agent": result["agent"], "device_key": None, "enrolled": False,
    }  # fmt: skip
    assert result["agent"]["version"] == "0.2.0"


def signing(key: DeviceKey, **pc: Any) -> PC:
    """Return a PC whose agent signs its journal's head with a key."""
    told = msgspec.structs.replace(INFO, journal_head=ans.HeadView(**key.head()))
    return PC(answers={"info": codec.done(told, changed=False)}, **pc)


def test_an_installed_agent_enrols_its_pc(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new agent's key is added once and counts as a change; another key of the PC fails after the installation."""
    known, key = tmp_path / "known_pcs", DeviceKey()
    options: dict[str, Any] = {"path": str(package), "known_pcs": str(known)}
    first = run(signing(key), monkeypatch, **options)
    assert (first["failed"], first["enrolled"], first["device_key"]) == (False, True, key.line)
    assert known.read_text().endswith(f"{key.line}\n")
    again = run(signing(key, installed="0.2.0"), monkeypatch, **options)
    assert (again["failed"], again["enrolled"], again["changed"]) == (False, False, False)
    # A new installation begins a new journal: no head is sent or kept.
    assert [path.name for path in tmp_path.glob("known_pcs.heads/*.json")] == []
    other = run(signing(DeviceKey()), monkeypatch, **options)
    assert (other["error_code"], other["outcome"], other["changed"]) == (
        "device_key_changed",
        "unknown",
        True,
    )
    assert len(known.read_text().splitlines()) == 1


def test_the_same_version_that_answers_is_left_alone(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent."""
    pc = PC(installed="0.2.0")
    result = run(pc, monkeypatch, path=str(package))
    assert (result["changed"], result["version_before"], pc.files, pc.ran) == (False, "0.2.0", {}, [])


def test_settings_that_are_in_place_change_nothing(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent says so."""
    same = SetupAnswer(settings_changed=False, operators_added=[], operators_removed=[])
    pc = PC(installed="0.2.0", answers={"setup": codec.done(same, changed=False)})
    assert run(pc, monkeypatch, path=str(package), policy={})["changed"] is False


def test_an_older_version_is_upgraded(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.10 is newer than 0.9, whatever the letters say."""
    pc = PC(installed="0.1.9")
    result = run(pc, monkeypatch, path=str(package))
    assert (result["changed"], result["version_before"], pc.installed) == (True, "0.1.9", "0.2.0")


@pytest.mark.parametrize("newer", ["0.2.1", "0.10.0", "1.0.0"])
def test_a_newer_version_is_kept(newer: str, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Going back would lose the journal; whoever wants it removes first."""
    pc = PC(installed=newer)
    assert refused(run(pc, monkeypatch, path=str(package))) == "package_older"
    assert pc.ran == []


def test_an_agent_that_does_not_answer_is_repaired(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, with all its files put back; then it has a moment to start."""
    pc = PC(installed="0.2.0", silent=NEVER, starts=3)
    result = run(pc, monkeypatch, path=str(package))
    assert result["changed"]
    assert pc.ran[0][2] == "REINSTALL=ALL"
    assert pc.silent == 0
    assert SILENCE_SECONDS < pc.time.seconds < SILENCE_SECONDS + 3


def test_an_agent_that_starts_just_now_is_not_repaired(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During a boot WinRM may answer before the agent."""
    pc = PC(installed="0.2.0", silent=3)
    assert not run(pc, monkeypatch, path=str(package))["changed"]
    assert pc.ran == []


def test_a_service_that_never_answers_fails_the_task(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed is not enough."""
    pc = PC(starts=NEVER)
    result = run(pc, monkeypatch, path=str(package))
    assert refused(result) == "agent_not_running"
    assert "within 60 s" in result["msg"]
    assert pc.time.seconds == pytest.approx(SILENCE_SECONDS)


def test_wrong_settings_fail_the_task(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent's own judgement is what the operator reads."""
    said = error("settings_invalid", detail="Object contains unknown field `max` - at `$.policy`")
    pc = PC(installed="0.2.0", answers={"setup": codec.refused(said)})
    result = run(pc, monkeypatch, path=str(package), policy={"max": 1})
    assert refused(result) == "settings_invalid"
    assert result["changed"] is False
    assert "unknown field `max`" in result["msg"]


def test_another_installation_is_waited_for(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """1618 is no failure until the time is over."""
    pc = PC(codes=[1618, 1618])
    assert run(pc, monkeypatch, path=str(package))["changed"]
    assert (len(pc.ran), pc.time.seconds) == (3, 10)
    busy = PC(codes=[1618] * 1000)
    assert refused(run(busy, monkeypatch, path=str(package), timeout=60)) == "package_busy"


def test_a_restart_that_is_needed_is_said_and_not_done(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """3010 is success."""
    result = run(PC(codes=[3010]), monkeypatch, path=str(package))
    assert (result["restart_required"], result["failed"]) == (True, False)


@pytest.mark.parametrize("code", [*installer.SENTENCES, 9999])
def test_each_refusal_is_a_sentence_with_its_reason(
    code: int, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number stays for who looks it up, and the log's own reason is added."""
    log = "MSI (s) (A8:20) Product: Latchkey agent -- A newer version is installed.\r\nEnd\r\n".encode(
        "utf-16"
    )
    result = run(PC(codes=[code], log=log), monkeypatch, path=str(package))
    assert refused(result) == "package_refused"
    assert result["msg"].startswith(f"Windows Installer ended with {code}: ")
    assert result["msg"].endswith("It says: A newer version is installed.")
    assert result["outcome"] == "refused"


def test_an_installer_that_was_not_started_is_told_in_the_words_of_the_pc(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PowerShell ends well and has no exit code to print: that is neither success nor a refusal of the installer."""
    result = run(PC(installed="0.2.0", silent=NEVER, codes=[None]), monkeypatch, path=str(package))
    assert (refused(result), result["changed"], result["outcome"]) == ("package_not_run", False, "unknown")
    assert "The term 'msiexec.exe' is not recognized" in result["msg"]


ACCESS = (1, b"", b"FEHLER: Zugriff verweigert\r\n")
UNKNOWN = {
    "reg.exe may not read the key": {KEY: ACCESS},
    "reg.exe may not list the keys above": {KEY: ACCESS, TOP: ACCESS},
    "reg.exe may not list the vendor's key": {KEY: ACCESS, VENDOR: ACCESS},
    "PowerShell found no reg.exe and ends well": dict.fromkeys(
        (KEY, TOP), (0, b"", b"The term 'reg.exe' is not recognized\r\n")
    ),
    "a program prints nothing and ends well": dict.fromkeys((KEY, TOP), (0, b"", b"")),
    "the key has no values": {KEY: (0, b"\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Latchkey\\Package\r\n", b"")},
}


@pytest.mark.parametrize("case", UNKNOWN)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_only_windows_says_that_the_agent_is_absent(
    case: str, state: str, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure to find out is neither absence nor presence: nothing is done, and the PC's own words are told.

    reg.exe ends with 1 for a missing key and for every fault alike.
    """
    pc = PC(installed="0.2.0", registry=UNKNOWN[case])
    result = run(pc, monkeypatch, state=state, path=str(package))
    assert (refused(result), result["outcome"], result["changed"]) == ("package_unknown", "refused", False)
    assert (pc.ran, pc.files, pc.asked) == ([], {}, [])
    said = next(iter(UNKNOWN[case].values()))[2].decode().strip() or "no answer, exit code 0"
    assert said in result["msg"]


def test_a_key_that_other_parts_left_is_not_the_package(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vendor's key without the package's means absent, whether it has other keys or none."""
    there = PC()._listings()[TOP]
    top = (0, "\r\n".join([*there, r"HKEY_LOCAL_MACHINE\SOFTWARE\LATCHKEY"]).encode(), b"")
    for below in (b"", b"\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Latchkey\\Other\r\n"):
        pc = PC(registry={TOP: top, VENDOR: (0, below, b"")})
        result = run(pc, monkeypatch, state="absent")
        assert (result["failed"], result["changed"]) == (False, False)
        # After the installation the whole registry is asked anew.
        pc.registry.clear()
        assert run(pc, monkeypatch, path=str(package))["version_before"] is None


def test_an_installation_that_cannot_be_checked_is_a_change(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the installer has run, the outcome is unknown until Windows tells the version."""
    pc = PC(codes=[3010])
    msiexec = pc._msiexec

    def run_and_forbid(call: Any) -> Any:
        pc.registry = dict.fromkeys((KEY, TOP), ACCESS)
        return msiexec(call)

    monkeypatch.setattr(pc, "_msiexec", run_and_forbid)
    result = run(pc, monkeypatch, path=str(package))
    assert (refused(result), result["outcome"], result["changed"]) == ("package_unknown", "unknown", True)


def test_a_32_bit_powershell_on_another_drive_sees_the_same_pc(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Places and the view of the registry do not depend on the drive, the language or the bits of PowerShell."""
    places = {
        "SystemRoot": "D:\\WINNT", "ProgramFiles": "E:\\Programme (x86)", "ProgramW6432": "E:\\Programme",
        "PROCESSOR_ARCHITEW6432": "AMD64",
    }  # fmt: skip
    pc = PC(variables=places)
    assert run(pc, monkeypatch, path=str(package))["version"] == "0.2.0"
    assert run(pc, monkeypatch, state="absent")["changed"]
    assert pc.installed is None


ENGLISH = """\
Error 1925. You do not have sufficient privileges.
MSI (s) (A8:20) [10:11:12:131]: Product: Latchkey agent -- Error 1925. You do not have sufficient privileges.

Action ended 10:11:12: InstallFinalize. Return value 3.
MSI (s) (A8:20) [10:11:12:133]: Note: 1: 1708
MSI (s) (A8:20) [10:11:12:133]: Product: Latchkey agent -- Installation failed.

MSI (s) (A8:20) [10:11:12:134]: Windows Installer installed the product. Product Name: Latchkey agent. Product \
Version: 0.2.0. Product Language: 1033. Manufacturer: Latchkey. Installation success or error status: 1603.
"""
GERMAN = """\
MSI (s) (A8:20) [10:11:12:130]: PROPERTY CHANGE: Adding ProductName property. Its value is 'Latchkey agent'.
MSI (s) (A8:20) [10:11:12:131]: Produkt: Latchkey agent -- Fehler 1925. Sie haben nicht gen\u00fcgend Rechte.
MSI (s) (A8:20) [10:11:12:132]: PROPERTY CHANGE: Adding ProductName property. Its value is 'Latchkey agent'.

MSI (s) (A8:20) [10:11:12:133]: Produkt: Latchkey agent -- Die Installation ist fehlgeschlagen.

MSI (s) (A8:20) [10:11:12:134]: Das Produkt wurde durch Windows Installer installiert. Produktname: Latchkey \
agent. Produktversion: 0.2.0. Erfolg- bzw. Fehlerstatus der Installation: 1603.
"""
FRENCH = """\
MSI (s) (A8:20) [10:11:12:131]: Produit : Latchkey agent -- Erreur 1925. Vos privil\u00e8ges sont insuffisants.
MSI (s) (A8:20) [10:11:12:131]: Produit : Latchkey agent -- Le service n\u2019a pas d\u00e9marr\u00e9.
MSI (s) (A8:20) [10:11:12:133]: Note: 1: 1708
MSI (s) (A8:20) [10:11:12:133]: Produit : Latchkey agent -- \u00c9chec de l\u2019installation.
"""


@pytest.mark.parametrize(("log", "reason"), [
    (ENGLISH, "Error 1925. You do not have sufficient privileges."),
    (GERMAN, "Fehler 1925. Sie haben nicht gen\u00fcgend Rechte."),
    (FRENCH, "Erreur 1925. Vos privil\u00e8ges sont insuffisants. Le service n\u2019a pas d\u00e9marr\u00e9."),
])  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_reason_is_found_in_a_log_of_any_language(log: str, reason: str, end: str) -> None:
    """Each line with the product's name and a reason counts; the line that says how all ended does not.

    Only the product's name and numbers are the same in every language of Windows.
    """
    assert installer.reason_in(log.replace("\n", end).encode("utf-16")) == f" It says: {reason}"


def test_the_package_and_the_collection_name_the_product_alike() -> None:
    """The log of Windows Installer is searched for the name that the package gives to the product."""
    assert installer.PRODUCT == product_identity.NAME


def test_a_package_that_is_of_another_version_is_found_out(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's name lied."""
    result = run(PC(gives="0.1.0"), monkeypatch, path=str(package))
    assert refused(result) == "package_other_version"
    assert (result["changed"], result["version_before"]) == (True, None)
    assert "0.1.0 instead of 0.2.0" in result["msg"]


def test_a_wrong_checksum_sends_nothing(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a byte of it reaches the PC."""
    pc = PC()
    assert refused(run(pc, monkeypatch, path=str(package), checksum="0" * 64)) == "package_checksum_wrong"
    assert pc.files == {}


def test_a_package_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the name that was looked for."""
    result = run(PC(), monkeypatch, path=str(tmp_path / NAME))
    assert refused(result) == "package_unreadable"
    assert NAME in result["msg"]


@pytest.mark.parametrize(
    "fault", [AnsibleError("failed to transfer file"), requests.ConnectionError("reset")]
)
def test_a_package_that_does_not_arrive_is_said(
    fault: Exception, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, a connection that breaks: nothing was installed."""
    pc = PC(full=fault)
    assert refused(run(pc, monkeypatch, path=str(package))) == "package_not_sent"
    assert pc.ran == []


def test_check_mode_changes_nothing(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that it would install; only the agent can check settings."""
    pc = PC()
    result = run(pc, monkeypatch, check=True, path=str(package), policy={"max": 1})
    assert (result["changed"], pc.files, pc.ran, pc.asked) == (True, {}, [], [])
    there = PC(installed="0.2.0")
    assert run(there, monkeypatch, check=True, path=str(package), policy={})["changed"]
    assert [said["check"] for said in there.asked] == [True, True, True]
    removed = PC(installed="0.2.0")
    assert run(removed, monkeypatch, check=True, state="absent")["changed"]
    assert (removed.ran, [said["check"] for said in removed.asked]) == ([], [True])


def test_absent_erases_first_and_returns_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the product is removed by its code."""
    pc = PC(installed="0.1.0")
    result = run(pc, monkeypatch, state="absent", keep_receipts=True)
    assert [said["verb"] for said in pc.asked] == ["erase_all"]
    assert pc.ran[0][:3] == ("/x", PRODUCT, "KEEPRECEIPTS=1")
    assert (result["changed"], result["version"], pc.installed) == (True, None, None)
    assert result["erasure"]["confirmed"]


def test_an_erasure_that_is_not_confirmed_keeps_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only it can go on trying."""
    unconfirmed = ans.ErasureView(
        grant="G-1", confirmed=False, checked_at="2026-11-23T10:00:00+01:00", checks=[]
    )
    answer = codec.done(ans.RevokeAnswer(grants=[], erasure=[unconfirmed]), changed=True)
    pc = PC(installed="0.1.0", answers={"erase_all": answer})
    assert refused(run(pc, monkeypatch, state="absent")) == "erasure_unconfirmed"
    assert pc.ran == []


def test_an_agent_that_does_not_answer_is_removed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no checks then; the package overwrites what it finds."""
    result = run(PC(installed="0.1.0", silent=NEVER), monkeypatch, state="absent")
    assert (result["changed"], result["erasure"]) == (True, None)


def test_absent_where_nothing_is_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No agent, no change."""
    pc = PC()
    assert (run(pc, monkeypatch, state="absent")["changed"], pc.ran) == (False, [])


def test_a_password_that_changes_before_the_transfer_is_told_as_such(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transfer counts as a try of the credentials, as each request does."""
    pc = PC(full=InvalidCredentialsError("the specified credentials were rejected by the server"))
    assert refused(run(pc, monkeypatch, path=str(package))) == "credentials_rejected"


def test_a_lost_connection_is_taken_up_again(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking what is installed may be done twice."""
    assert run(PC(lost=True, installed="0.2.0"), monkeypatch, path=str(package))["changed"] is False


@pytest.mark.parametrize(("options", "part"), [
    ({}, "requires either path or url"),
    ({"path": NAME, "url": "https://example.com/x"}, "either path or url"),
    ({"url": f"https://example.com/{NAME}"}, "url requires checksum"),
    ({"path": NAME, "checksum": "md5:1"}, "64 hexadecimal digits"),
    ({"path": "agent.msi"}, "version is required"),
    ({"path": "agent.msi", "version": "1.2"}, "of the form 1.2.3"),
    ({"path": NAME, "colour": "red"}, "unsupported option colour"),
])  # fmt: skip
def test_options_that_do_not_go_together_are_refused(
    options: dict[str, Any], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is sent."""
    result = run(PC(), monkeypatch, **options)
    assert refused(result) == "bad_option"
    assert part in result["msg"]


@pytest.fixture
def server(package: Path) -> Iterator[str]:
    """A web server on the loopback interface that has the package; its address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(package.parent))

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        listening.shutdown()


def test_the_controller_downloads_and_checks(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The PC needs no way to the server."""
    pc = PC()
    assert run(pc, monkeypatch, url=f"{server}/{NAME}", checksum=f"sha256:{DIGEST.upper()}")["changed"]
    assert list(pc.files.values()) == [PACKAGE]


def test_a_download_that_fails_is_said(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the address."""
    result = run(PC(), monkeypatch, url=f"{server}/none/{NAME}", checksum=DIGEST)
    assert refused(result) == "package_unreadable"
    assert "404" in result["msg"]


def test_a_failure_tells_what_was_done_before(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed and then not set up is a change; so is erased and then not removed; undone is none."""
    said = codec.refused(error("settings_invalid", detail="wrong"))
    not_set_up = run(PC(answers={"setup": said}), monkeypatch, path=str(package), policy={"max": 1})
    assert (refused(not_set_up), not_set_up["changed"]) == ("settings_invalid", True)
    not_removed = run(PC(installed="0.2.0", codes=[1603]), monkeypatch, state="absent")
    assert (refused(not_removed), not_removed["changed"]) == ("package_refused", True)
    assert not_removed["erasure"]["confirmed"]
    undone = run(PC(codes=[1603]), monkeypatch, path=str(package))
    assert (refused(undone), undone["changed"]) == ("package_refused", False)
