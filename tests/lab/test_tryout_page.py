# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's page over HTTP and WebSockets: it refuses strangers, and no input brings it down."""

from __future__ import annotations

import json
import logging
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab import page_noise
from tests.lab.tryout import Played, ask, played
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(200)

NOISE_SECONDS = 8.0
"""`python -m tests.lab.page_noise 600` makes noise for ten minutes."""


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """A lab of one PC with its page."""
    place = tmp_path_factory.mktemp("page")
    (place / "packages").mkdir()
    with played(place, place / "packages") as running:
        yield running


PLACES = [
    ("GET", ""),
    ("GET", "lab.json"),
    ("GET", "events"),
    ("GET", "page.css"),
    ("GET", "pcs/pc1/password"),
    ("POST", "pcs/pc1/deeds/lock"),
    ("POST", "pcs/pc1/answer"),
    ("GET", "terminal"),
    ("GET", "pcs/pc1/screen"),
]


def nearly(token: str) -> str:
    """Return `token` with another last character. Each character may be the last one of a random token."""
    return token[:-1] + ("-" if token[-1] != "-" else "_")


@pytest.mark.parametrize("token", ["abc-", "abc_", "abcx"])
def test_a_token_that_is_nearly_right_is_another_token(token: str) -> None:
    """The helper of the next test changes every token."""
    assert nearly(token) != token
    assert nearly(token)[:-1] == token[:-1]


@pytest.mark.parametrize(("method", "path"), PLACES)
@pytest.mark.parametrize("token", ["", "x", "x" * 32, "%00", "..", "TOKEN/.."])
def test_no_place_opens_without_the_token(game: Played, method: str, path: str, token: str) -> None:
    """Each address with another token, or without one, is refused before anything happens."""
    wrong = token.replace("TOKEN", nearly(game.page.token))
    before = len(game.lab.pcs[0].computer.events.all())
    status, text = game.ask(method, f"/{wrong}/{path}" if token else f"/{path}")
    assert (status, "token" in text) == (403, True)
    assert len(game.lab.pcs[0].computer.events.all()) == before


@pytest.mark.parametrize(("method", "path"), PLACES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": None},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:PORT"},
        {"Origin": "http://127.0.0.1:PORT.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_strangers_are_refused_even_with_the_token(
    game: Played, method: str, path: str, headers: dict[str, str | None]
) -> None:
    """Another host (DNS rebinding), another origin or another site is refused, and nothing happens."""
    sent = {name: value and value.replace("PORT", str(game.page.port)) for name, value in headers.items()}
    before = len(game.lab.pcs[0].computer.events.all())
    status, _ = game.ask(method, path, headers=sent)
    assert status in {400, 403}
    assert len(game.lab.pcs[0].computer.events.all()) == before


def test_a_change_needs_an_origin(game: Played) -> None:
    """A form of another page may send no origin: a POST without one is refused, a GET is answered."""
    assert game.ask("POST", "pcs/pc1/deeds/lock", headers={"Origin": None})[0] == 403
    assert game.ask("GET", "lab.json", headers={"Origin": None})[0] == 200


def test_a_link_from_elsewhere_opens_the_page(game: Played) -> None:
    """A reader may come from a file or a mail; a frame, a script or a picture of another site may not."""
    come = {"Origin": None, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert game.ask("GET", "", headers={**come, "Sec-Fetch-Dest": "document"})[0] == 200
    for other in ("iframe", "script", "image", "empty"):
        assert game.ask("GET", "", headers={**come, "Sec-Fetch-Dest": other})[0] == 403
    assert game.ask("GET", "", headers={**come, "Sec-Fetch-Mode": "no-cors"})[0] == 403


def test_a_websocket_of_another_origin_is_refused(game: Played) -> None:
    """The handshake ends with 403, so no shell starts for it."""
    handshake = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    for strange in ({"Origin": "http://evil.example"}, {"Origin": None}, {"Host": "evil.example"}):
        assert game.ask("GET", "terminal", headers={**handshake, **strange})[0] == 403
    assert ask(game.page.address, "GET", "/wrong/terminal", headers=handshake)[0] == 403


def test_each_answer_carries_the_policy(game: Played) -> None:
    """Also a refusal: no other origin's script runs, no other page frames this one, no address leaks."""
    import http.client  # noqa: PLC0415 - the helper hides headers

    for path in (f"/{game.page.token}/", f"/{game.page.token}/lab.json", f"/{game.page.token}/none", "/none"):
        connection = http.client.HTTPConnection("127.0.0.1", game.page.port, timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        policy = str(answer.getheader("Content-Security-Policy"))
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.getheader("Referrer-Policy") == "no-referrer"
        connection.close()


def test_the_page_listens_on_loopback_only(game: Played) -> None:
    """Its socket is bound to 127.0.0.1."""
    assert game.page._socket.getsockname() == ("127.0.0.1", game.page.port)


def test_no_answer_of_the_page_but_one_has_the_password(game: Played) -> None:
    """The play account's password stands in the answer to the one request for it, and nowhere else."""
    password = game.lab.pcs[0].password.decode("utf-16-le")
    assert json.loads(game.ask("GET", "pcs/pc1/password")[1]) == {"password": password}
    others = [game.ask("GET", path)[1] for path in ("", "lab.json", "none")]
    state = json.dumps([news.content for news in game.lab.feed.after(0)])
    assert all(password not in text for text in [*others, state])


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("pcs/pc9/deeds/lock", b"{}", "There is no PC 'pc9'"),
        ("pcs/pc1/deeds/fly", b"{}", "There is no deed 'fly'"),
        ("pcs/pc1/deeds/clock", b'{"argument": "soon"}', "'soon' is no time"),
        ("pcs/pc1/deeds/clock", b"{", "The request is no JSON object."),
        ("pcs/pc1/deeds/clock", b"[]", "The request is no JSON object."),
        ("pcs/pc1/deeds/clock", b"\xff\xfe", "The request is no JSON object."),
        ("pcs/pc1/deeds/clock", b'{"argument": "' + b"x" * 9000 + b'"}', "longer than 8192 bytes"),
        ("pcs/pc1/answer", b'{"answer": "allow", "password": "x"}', "no request window"),
        ("pcs/pc1/answer", b'{"answer": "perhaps"}', "'perhaps' is no answer"),
        ("pcs/pc1/answer", b'{"answer": "power-cut"}', "'power-cut' is no answer"),
        ("pcs/pc1/answer", b'{"answer": 1, "password": 2}', "'1' is no answer"),
    ],
)
def test_bad_input_gets_a_sentence(game: Played, path: str, body: bytes, sentence: str) -> None:
    """The error names the fault in a sentence."""
    status, text = game.ask("POST", path, body)
    assert status == 409
    assert sentence in json.loads(text)["error"]


def test_the_events_go_on_after_the_last_one_that_was_read(game: Played) -> None:
    """A reader who comes again with Last-Event-ID gets the later news only, each once and in order."""
    game.lab.feed.happened("pc1", "pc", "test", "one")
    game.lab.feed.happened("pc1", "pc", "test", "two")
    numbers = [news.number for news in game.lab.feed.after(0)]
    assert numbers == sorted(set(numbers))
    later = game.lab.feed.after(numbers[-2])
    assert [news.number for news in later] == numbers[-1:]


def test_a_closed_terminal_ends_its_programs(game: Played) -> None:
    """Also a program in a session of its own, such as a worker of ansible-playbook."""
    with page_noise.terminal(game.page.address) as shell:
        shell.sendall(page_noise.typed("sh -c 'setsid sleep 4321 & wait'\r"))
        eventually(lambda: running("sleep\x004321"), "the program")
    eventually(lambda: not running("sleep\x004321"), "the end of the program")


def running(words: str) -> bool:
    """Tell whether a process has these arguments, one behind the other."""
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and words in (folder / "cmdline").read_text(encoding="utf-8"):
                return True
    return False


def test_a_terminal_without_its_folder_says_so(game: Played) -> None:
    """The player may have removed the folder."""
    folder = game.workspace.folder.rename(game.workspace.folder.with_name("away"))
    try:
        with page_noise.terminal(game.page.address) as shell:
            assert b"The terminal cannot start: No such file or directory" in shell.recv(4096)
    finally:
        folder.rename(game.workspace.folder)


def test_the_address_without_its_last_slash_leads_to_the_page(game: Played) -> None:
    """Otherwise the page would look for its parts elsewhere."""
    assert game.ask("GET", f"/{game.page.token}")[0] == 307


def test_noise_crashes_nothing(game: Played, caplog: pytest.LogCaptureFixture) -> None:
    """Random requests, bodies, WebSocket messages and bytes: the page answers afterwards, and logs no fault."""
    caplog.set_level(logging.WARNING)
    sent = page_noise.make(game.page.address, NOISE_SECONDS, seed=7)
    assert sent.requests > 100
    assert sent.messages > 20
    faults = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not faults, faults[0].getMessage()
    assert game.ask("GET", "lab.json")[0] == 200
    computer = game.lab.pcs[0].computer
    if computer.power_state in {"off", "halted"}:
        computer.power_on()
    computer.wait_until_up()
    computer.customer.sign_in()
    eventually(lambda: game.lab.feed.last_state("pc1")["console"], "the state")
    assert re.search(r"PC-1", game.ask("GET", "lab.json")[1])
