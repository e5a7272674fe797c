# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product's own composition starts and answers; the test changes only its folder."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
import win32service
import winerror

from latchkey_agent import stream
from latchkey_agent.windows import compose, folders, names
from latchkey_agent.windows.pipes import client_stream

from .conftest import needs_system
from .pipe_bench import refuse_first
from .test_service_controls import Watched


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> compose.Parts:
    """The parts of the product."""
    needs_system("serve the logon pipe, whose label is the system's")
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folders, "data_folder", lambda: folder)
        # The folder belongs to the test's account, not to LocalSystem (see test_service_parts).
        patch.setattr(folders, "prepare", lambda _folder: None)
        return compose.product()


@contextmanager
def running(parts: compose.Parts) -> Iterator[None]:
    """The product's agent, in this process."""
    host = compose.Host(parts)
    host.start()
    try:
        yield
    finally:
        host.stop()


def ask(pipe: str, **message: object) -> dict[str, object]:
    """Return the agent's answer on a pipe."""
    with client_stream.connect(pipe, server=os.getpid) as client:
        stream.write_frame(client, msgspec.json.encode(message))
        answer = stream.read_frame(client)
    assert answer is not None
    decoded: dict[str, object] = msgspec.json.decode(answer.body)
    return decoded


def test_the_products_own_parts_answer_on_all_three_pipes(parts: compose.Parts) -> None:
    """All three pipes answer; an administrator gets info, the logon screen no permit."""
    with running(parts):
        answer = ask(names.PIPE_CONTROL, verb="info", forecast=True)
        assert answer["outcome"] == "done", answer
        assert ask(names.PIPE_LOGON, verb="peek") == {"done": False}
        assert "done" in ask(names.PIPE_CUSTOMER, verb="watch")


def test_a_second_start_finds_the_journal_that_the_first_one_left(parts: compose.Parts) -> None:
    """A second start accepts the first one's journal: the head in the registry matches."""
    for _ in range(2):
        with running(parts):
            answer = ask(names.PIPE_CONTROL, verb="journal_verify")
            assert answer["outcome"] == "done", answer


def test_a_service_whose_pipe_is_taken_stops_its_agent_again(
    parts: compose.Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A service with a taken pipe logs the reason, ends with an error, and never reports itself as running."""
    watched = Watched()
    # If it runs against expectation, it ends here.
    watched.SvcStop()
    with monkeypatch.context() as taken, caplog.at_level(logging.CRITICAL):
        taken.setattr(Watched, "parts", staticmethod(lambda: parts))
        refuse_first(taken, names.PIPE_CONTROL, winerror.ERROR_ACCESS_DENIED)
        watched.SvcRun()
    assert watched.reported[1:] == [win32service.SERVICE_START_PENDING, win32service.SERVICE_STOPPED]
    assert watched.exit_codes == (winerror.ERROR_SERVICE_SPECIFIC_ERROR, 1)
    assert f"another program already serves {names.PIPE_CONTROL}" in caplog.text
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("latchkey-")]
    with running(parts):
        assert ask(names.PIPE_CONTROL, verb="info")["outcome"] == "done"
