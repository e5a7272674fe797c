# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent with the product's own parts starts and answers. Only the data folder belongs to the test."""

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
from .test_service_controls import RecordingService


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> compose.Parts:
    """Return the parts of the product."""
    needs_system("serve the logon pipe, whose label is the system's")
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folders, "data_folder", lambda: folder)
        # The test's account, not the system, owns the folder; test_service_parts tests the refusal.
        patch.setattr(folders, "prepare", lambda _folder: None)
        return compose.product()


@contextmanager
def running(parts: compose.Parts) -> Iterator[None]:
    """Run the product's agent in this process."""
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
    """An administrator gets an answer. There is no permit for the logon screen."""
    with running(parts):
        answer = ask(names.PIPE_CONTROL, verb="info", forecast=True)
        assert answer["outcome"] == "done", answer
        assert ask(names.PIPE_LOGON, verb="peek") == {"done": False}
        assert "done" in ask(names.PIPE_CUSTOMER, verb="watch")


def test_a_second_start_loads_the_journal_of_the_first(parts: compose.Parts) -> None:
    """The journal matches its head in the registry."""
    for _ in range(2):
        with running(parts):
            answer = ask(names.PIPE_CONTROL, verb="journal_verify")
            assert answer["outcome"] == "done", answer


def test_a_service_whose_pipe_is_taken_stops_its_agent_again(
    parts: compose.Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It logs the reason and ends with an error, and never reports "running". The next start can use the journal."""
    recording_service = RecordingService()
    # If the service starts after all, it stops at once.
    recording_service.SvcStop()
    with monkeypatch.context() as taken, caplog.at_level(logging.CRITICAL):
        taken.setattr(RecordingService, "parts", staticmethod(lambda: parts))
        refuse_first(taken, names.PIPE_CONTROL, winerror.ERROR_ACCESS_DENIED)
        recording_service.SvcRun()
    assert recording_service.reported[1:] == [
        win32service.SERVICE_START_PENDING,
        win32service.SERVICE_STOPPED,
    ]
    assert recording_service.exit_codes == (winerror.ERROR_SERVICE_SPECIFIC_ERROR, 1)
    assert f"another program already serves {names.PIPE_CONTROL}" in caplog.text
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("latchkey-")]
    with running(parts):
        assert ask(names.PIPE_CONTROL, verb="info")["outcome"] == "done"
