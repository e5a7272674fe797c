# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's real windows on a real screen, answered with real keys, with the real service."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from agent.packaging.system_tools import SCREEN, WINE
from agent.packaging.workshop import ROOT
from lab.canary import make
from lab.wine import ui_driver
from lab.wine.agent_pc import AgentPC, PipeClient
from lab.wine.display import Display
from lab.wine.prefix import SCREEN as SCREEN_SIZE
from lab.wine.ui_driver import UiDriver
from latchkey_agent.companion.texts import ENGLISH, LANGUAGES
from latchkey_agent.windows import names
from tests.canary import canary, search, search_processes
from tests.needs import require
from tests.wine import scene

__all__ = ["canary"]
# The first test waits until a disk with Wine is made; other programs can keep the processors busy.
pytestmark = pytest.mark.timeout(600)
PICTURES = ROOT / "build" / "screenshots"


class Office(NamedTuple):
    """A PC with a screen, and the operator's client."""

    pc: AgentPC
    display: Display
    operator: PipeClient


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A PC with a running service; the tests of this file use it one after the other."""
    require(WINE, SCREEN)
    place = tmp_path_factory.mktemp("companion")
    with Display(place / "screen") as display, AgentPC(place / "pc", display.name) as pc:
        yield Office(pc, display, pc.pipe_client("LatchkeyControl"))


@pytest.fixture
def office(shared: Office) -> Office:
    """The PC, with an operator of its own for each test: a no to one operator does not concern the next one."""
    accounts = shared.pc.model.accounts
    with shared.pc.windows.lock:
        number = next(n for n in itertools.count() if accounts.find(f"operator{n}") is None)
        record = accounts.add(f"operator{number}", make())
        record.administrator = True
    return shared._replace(operator=shared.pc.pipe_client("LatchkeyControl", record.account.sid))


@pytest.fixture
def anna(office: Office, canary: bytearray, request: pytest.FixtureRequest) -> Iterator[UiDriver]:
    """The customer, signed in at the console; the canary is the password. Each test leaves a picture."""
    with office.pc.windows.lock:
        record = office.pc.model.accounts.find("anna") or office.pc.model.accounts.add("anna", canary)
        record.set_password(canary)
        office.pc.model.sessions.sign_in(record.account)
    close_old_notices(office, record.account.sid)
    with UiDriver(office.pc, office.display, record.account.sid, password=canary) as ui_driver:
        ui_driver.seat.play()
        yield ui_driver
        office.display.screenshot(PICTURES / f"{request.node.name}.png")
        office.operator.ask(verb="session_end", session=request.node.name)


def close_old_notices(office: Office, sid: str) -> None:
    """Close the notices of earlier tests."""
    speaker = office.pc.pipe_client("LatchkeyCustomer", sid, 1)
    notices = speaker.ask(verb="watch").body["snapshot"].get("notices", [])
    speaker.ask(verb="notices_closed", notices=[notice["notice"] for notice in notices])


@pytest.fixture
def session(office: Office, anna: UiDriver, request: pytest.FixtureRequest) -> str:
    """A support session for one test."""
    name: str = request.node.name
    requester = {"name": "Kim", "organization": "Fabrikam", "role": "helpdesk"}
    ask(
        office,
        verb="session_start",
        session=name,
        reason="Monthly updates",
        ticket="CHG-1",
        requester=requester,
    )
    return name


def ask(office: Office, **message: object) -> dict[str, Any]:
    """Send a request on the control pipe, and return the result."""
    return scene.ask(office.operator, **message)


def request(office: Office, session: str) -> str:
    """Send a request to the customer; return its id."""
    asked = ask(office, verb="credential_request", session=session, restarts=2, unlocks=1)
    number: str = asked["request"]["id"]
    return number


def state(office: Office, session: str) -> dict[str, Any]:
    """Return the session's only request."""
    found: dict[str, Any] = ask(office, verb="info", session=session)["requests"][0]
    return found


def answered(office: Office, session: str, number: str) -> str:
    """Wait until the request is no longer open, and return its state."""
    for _ in range(50):
        said = office.operator.ask(verb="request_wait", session=session, request=number, wait=1).body
        found: str = said["result"]["request"]["state"]
        if found not in {"pending", "shown"}:
            return found
    return "open"


def everywhere(office: Office) -> list[Path]:
    """Return every file that the PC has written, and the picture of its screen."""
    return [*office.pc.pc.written(), office.display.picture]


def test_allowed_with_the_password_is_granted(
    office: Office, anna: UiDriver, session: str, canary: bytearray
) -> None:
    """The window shows requester, terms and reason; allow opens Windows' dialog; a notice confirms the grant."""
    number = request(office, session)
    text = anna.request().text
    code = state(office, session)["code"]
    for part in (
        "“Kim”, “helpdesk”",
        "Reason: “Monthly updates”",
        "at most 2.",
        code,
    ):
        assert part in text
    assert text.index("Asked by: the Windows account") < text.index("at most 2.") < text.index("Kim")
    assert anna.allow() == ""
    assert answered(office, session, number) == "granted"
    assert "Allowed until" in anna.notices()[-1]
    assert not search(everywhere(office), canary)
    assert not search_processes(canary)
    grants = ask(office, verb="info", session=session)["grants"]
    assert [grant["state"] for grant in grants] == ["active"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_longest_request_leaves_every_term_and_button_on_the_screen(
    office: Office, anna: UiDriver, language: str
) -> None:
    """With the longest texts of an operator the window shows its whole content above its buttons, on 1024 x 768."""
    program = anna.seat.start("lab.wine.guest.longest_request", language)
    try:
        assert program.stdout is not None
        report = json.loads(program.stdout.readline())
        office.display.screenshot(PICTURES / f"longest_request.{language}.png")
        width, height = map(int, SCREEN_SIZE.split("x"))
        places = {text: place for _, text, place in report["parts"]}
        assert all(
            left >= 0 and top >= 0 and right <= width and bottom <= height
            for left, top, right, bottom in places.values()
        ), places
        buttons = [places[LANGUAGES[language][name]] for name in ("allow", "later", "decline", "report")]
        assert report["content"] in places
        assert places[report["content"]][3] <= min(top for _, top, _, _ in buttons)
        assert len({(right - left, bottom - top) for left, top, right, bottom in buttons}) == 1
    finally:
        anna.seat.end(program)


def test_a_wrong_password_can_be_corrected_once(
    office: Office, anna: UiDriver, session: str, canary: bytearray
) -> None:
    """After a wrong password the window reports it and the remaining tries, and accepts the right one."""
    number = request(office, session)
    wrong = canary[2:-2][::-1]
    wrong[::2], wrong[1::2] = wrong[1::2], wrong[::2]
    assert "1 try left" in anna.allow(wrong)
    assert anna.allow() == ""
    assert answered(office, session, number) == "granted"
    assert state(office, session)["entries_refused"] == 1
    assert not search(everywhere(office), wrong)


@contextmanager
def slowed(program: subprocess.Popen[bytes]) -> Iterator[None]:
    """Let a program run only in short moments, as on a busy computer."""
    over = threading.Event()

    def hold_up() -> None:
        while not over.is_set():
            program.send_signal(signal.SIGSTOP)
            time.sleep(0.3)
            program.send_signal(signal.SIGCONT)
            time.sleep(0.01)

    holding = threading.Thread(target=hold_up)
    holding.start()
    try:
        yield
    finally:
        over.set()
        holding.join()


def test_a_password_typed_into_a_slow_dialog_arrives_whole(
    office: Office, anna: UiDriver, session: str, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password typed on a busy computer arrives with every letter."""
    monkeypatch.setattr(ui_driver, "SOON", 1.0)
    monkeypatch.setattr(ui_driver, "TRIES", 10)
    number = request(office, session)
    dialog = anna.open_password()
    with slowed(anna.seat.companion):
        anna.type_password(dialog, canary)
    assert anna.enter_password() == ""
    assert answered(office, session, number) == "granted"


def test_two_wrong_passwords_end_the_request(office: Office, anna: UiDriver, session: str) -> None:
    """The second wrong password ends the request, and the message says that no password was stored."""
    number = request(office, session)
    wrong = bytearray("nonsense".encode("utf-16-le"))
    anna.allow(wrong)
    assert ENGLISH["last_try"] in anna.allow(wrong)
    assert answered(office, session, number) == "denied"


def test_the_reason_of_a_declined_request_is_passed_on(office: Office, anna: UiDriver, session: str) -> None:
    """The operator gets the reason, and the customer reads that no password was stored."""
    number = request(office, session)
    anna.decline("Still working")
    assert answered(office, session, number) == "denied"
    assert state(office, session)["why"] == "Still working"
    anna.wait_for("the notice", lambda: ENGLISH["declined"] in anna.notices())


def test_a_reported_request_is_denied(office: Office, anna: UiDriver, session: str) -> None:
    """A reported request is denied, and the operator reads that it was reported."""
    number = request(office, session)
    anna.report()
    assert answered(office, session, number) == "denied"
    assert state(office, session)["why"] == "reported"


def test_the_customer_can_postpone_a_request(office: Office, anna: UiDriver, session: str) -> None:
    """The customer chooses the time of the next request, and the window closes."""
    number = request(office, session)
    anna.later(3600)
    assert answered(office, session, number) == "later"
    assert anna.screen() == ""


def test_closing_the_window_means_later(office: Office, anna: UiDriver, session: str) -> None:
    """Esc postpones the request by 15 minutes."""
    number = request(office, session)
    anna.close_window()
    assert answered(office, session, number) == "later"


def test_keys_that_were_meant_for_another_window_do_nothing(
    office: Office, anna: UiDriver, session: str
) -> None:
    """Enter and Space, pressed at once or later, do not answer the request."""
    request(office, session)
    anna.press(ENGLISH["title"], "Return", "space", "Return")
    anna.request()
    anna.press(ENGLISH["title"], "Return", "space", "a", "Return", "space")
    time.sleep(1)
    assert anna.screen()
    assert state(office, session)["state"] == "shown"
    anna.close_window()


def test_cancelling_the_password_dialog_brings_the_window_back(
    office: Office, anna: UiDriver, session: str
) -> None:
    """Cancelling the password dialog and an empty password cost no try, and the window returns."""
    request(office, session)
    anna.open_password()
    anna.press(ENGLISH["password_title"], "Escape")
    anna.open_password()
    assert ENGLISH["blank_entry"] in anna.enter_password()
    anna.close_window()
    assert state(office, session).get("entries_refused", 0) == 0


def test_the_menu_revokes_a_grant(office: Office, anna: UiDriver, session: str, canary: bytearray) -> None:
    """A click on the icon and one choice revoke the grant, without a password."""
    request(office, session)
    assert anna.allow() == ""
    anna.revoke()
    anna.wait_for("the end", lambda: grants(office, session) == ["erased"])
    anna.wait_for("the notice", lambda: any("Taken back" in text for text in anna.notices()))
    assert not search(everywhere(office), canary)


def grants(office: Office, session: str) -> list[str]:
    """Return the states of the session's grants."""
    return [grant["state"] for grant in ask(office, verb="info", session=session)["grants"]]


def test_the_menu_pauses_and_resumes_a_grant(office: Office, anna: UiDriver, session: str) -> None:
    """A paused grant cannot be used until the customer resumes it."""
    request(office, session)
    assert anna.allow() == ""
    anna.pause()
    anna.wait_for("the pause", lambda: grants(office, session) == ["paused"])
    anna.resume()
    anna.wait_for("the end of the pause", lambda: grants(office, session) == ["active"])


def test_a_request_waits_while_others_look_on(office: Office, anna: UiDriver, session: str) -> None:
    """A request waits while others see the screen; the operator reads the reason, and the window opens afterwards."""
    anna.seat.play("viewed")
    request(office, session)
    anna.wait_for("the reason", lambda: "remote view" in state(office, session)["waiting_for"])
    assert anna.screen() == ""
    anna.seat.play()
    anna.request()
    assert state(office, session)["state"] == "shown"


def test_a_locked_screen_hides_the_request(office: Office, anna: UiDriver, session: str) -> None:
    """The request window closes when the screen is locked, and returns with the customer."""
    request(office, session)
    anna.request()
    anna.lock()
    anna.wait_for("the window to close", lambda: not anna.screen())
    anna.wait_for("the reason", lambda: "unlock the screen" in state(office, session)["waiting_for"])
    anna.sign_in()
    anna.request()


def test_an_answer_reaches_a_restarted_service(office: Office, anna: UiDriver, session: str) -> None:
    """The customer's answer in an old window reaches the restarted service."""
    number = request(office, session)
    anna.request()
    office.pc.stop_service()
    office.pc.start_service()
    assert anna.allow() == ""
    assert answered(office, session, number) == "granted"


def test_a_companion_whose_files_are_replaced_starts_the_new_one(
    office: Office, anna: UiDriver, session: str
) -> None:
    """After an upgrade the old companion ends by itself; a service that only restarts leaves it alone.

    It could no longer load a part of itself from the new archive, and until the customer's next sign-in no other
    companion could start in the session.
    """
    request(office, session)
    anna.request()
    package, launched = (office.pc.pc.lab / name for name in ("package", "launched"))
    office.pc.stop_service()
    package.write_text("9.0.0", encoding="ascii")
    assert anna.seat.companion.poll() is None
    office.pc.start_service()
    anna.wait_for("the end of the old companion", lambda: anna.seat.companion.poll() is not None)
    assert anna.seat.companion.returncode == 0
    assert launched.exists()
    anna.seat.companion.communicate(timeout=10)
    anna.sit_down()
    anna.request()


def test_a_silent_service_grants_nothing(office: Office, anna: UiDriver, session: str) -> None:
    """A customer who allows a request while the service is away reads that the result is not known yet."""
    request(office, session)
    dialog = anna.open_password()
    office.pc.stop_service()
    anna.type_password(dialog, bytearray("nonsense".encode("utf-16-le")))
    assert ENGLISH["entry_lost"] in anna.enter_password()
    office.pc.start_service()
    anna.request()
    assert grants(office, session) == []


def test_what_happened_while_away_is_shown_until_it_is_closed(
    office: Office, anna: UiDriver, session: str
) -> None:
    """Notices of an absence stay until the customer closes them."""
    request(office, session)
    assert anna.allow() == ""
    anna.lock()
    ask(office, verb="session_end", session=session)
    anna.sign_in()
    anna.wait_for("the news", lambda: any("IT has finished" in text for text in anna.notices()))
    speaker = office.pc.pipe_client("LatchkeyCustomer", anna._sid, anna._session().id)

    def all_read() -> bool:
        # A later event, such as the result of the erasure's checks, opens another window.
        anna.close_notices()
        return not away(speaker)

    anna.wait_for("their end", all_read)


def away(speaker: PipeClient) -> list[dict[str, Any]]:
    """Return the notices that the customer has not closed."""
    notices = speaker.ask(verb="watch").body["snapshot"].get("notices", [])
    return [notice for notice in notices if notice.get("while_away")]


def test_a_second_companion_ends_at_once(office: Office, anna: UiDriver, session: str) -> None:
    """A second companion in a session ends at once; the first keeps running."""
    request(office, session)
    anna.request()
    again = anna.seat.start("lab.wine.guest.guest_companion", anna._sid, str(anna._session().id), "en")
    anna.wait_for("its end", lambda: again.poll() is not None)
    assert again.returncode == 0
    anna.seat.end(again)
    assert anna.seat.companion.poll() is None
    assert anna.screen()


def test_the_products_own_companion_runs_once(office: Office, anna: UiDriver) -> None:
    """Of two companions started like the Run key does, one ends at once without a message."""
    two = [office.pc.pc.start("-I", "-B", "-m", names.COMPANION_MODULE) for _ in range(2)]
    try:
        ended = anna.wait_for("the end of one", lambda: [one for one in two if one.poll() is not None])
        assert [one.returncode for one in ended] == [0]
        assert ended[0].stderr is not None
        assert ended[0].stderr.read() == b""
    finally:
        for one in two:
            anna.seat.end(one)


def test_a_killed_companion_grants_nothing(office: Office, anna: UiDriver, session: str) -> None:
    """After the companion was killed the request is still open, and the next companion shows it."""
    request(office, session)
    anna.request()
    anna.seat.companion.kill()
    anna.seat.companion.communicate(timeout=10)
    assert grants(office, session) == []
    anna.sit_down()
    anna.request()
