# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils._error_table import ERRORS

from latchkey_agent.protocol import frames
from tests.unit.plugins.fakes import entries_of, stage

SESSION = {"id": "1", "name": "x", "state": "started", "reason": "", "ticket": "", "requester": {}, "owner": "",
           "operators": [], "started_at": "", "ends_at": ""}  # fmt: skip
STARTED = {"ask": {"verb": "session_start"}, "answer": {"outcome": "done", "result": {"session": SESSION}}}
ELSEWHERE = {
    *(
        f"kerberos_{name}"
        for name in ("clock_skew", "kdc_unreachable", "no_ticket", "not_configured", "spn_missing")
    ),
    *("answer_too_large", "pc_frozen", "bad_option", "not_windows"),
    *("device_key_changed", "journal_head_invalid", "known_pcs_unusable"),
    *(
        "sealing_key_unusable",
        "sealing_key_missing",
        "sealing_key_other",
        "two_parties_unconfirmed",
        "half_request_invalid",
        "hpke_missing",
    ),
    *("device_key_changed", "device_key_shared", "journal_head_invalid", "known_pcs_unusable"),
    *("signing_key_unusable", "challenge_missing", "challenge_invalid"),
    *("become_unsupported", "async_unsupported", "environment_unsupported"),
}


@pytest.mark.parametrize(("keyword", "code"), [
    ({"become": True}, "become_unsupported"), ({"async_val": 60}, "async_unsupported"),
    ({"written": {"environment": {"A": "b"}}}, "environment_unsupported"),
])  # fmt: skip
def test_what_does_not_reach_the_agent_is_refused(keyword: dict[str, Any], code: str) -> None:
    """become, async and environment live in Ansible's module wrapper, which is not used here."""
    result = stage([]).run("support_session", {"session": "x"}, **keyword)
    assert (result["failed"], result["error_code"], result["outcome"]) == (True, code, "refused")


@pytest.mark.parametrize(
    "keywords", [{"environment": [{"HTTP_PROXY": "x"}]}, {"written": {"environment": {}}}]
)
def test_the_environment_of_a_play_does_no_harm(keywords: dict[str, Any]) -> None:
    """It is meant for other tasks, and a task cannot switch it off."""
    assert stage([STARTED]).run("support_session", {"session": "x"}, **keywords)["failed"] is False


@pytest.mark.parametrize("quiet", ["no_log", "ansible.posix.json", "jsonl"])
def test_no_line_is_shown_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch, quiet: str) -> None:
    """A task with `no_log` and a callback for programs show no waiting lines."""
    path = Path(__file__).parent / "transcripts/apply_restart.jsonl"
    task, *middle, _end = entries_of(path)
    played = stage(middle)
    if quiet == "no_log":
        played.run(task["module"], task["args"], no_log=True)
    else:
        monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", quiet)
        played.run(task["module"], task["args"])
    assert played.shown == []


@pytest.mark.parametrize("connection", [
    {"transport": "local", "windows": False}, {"transport": "local"}, {"transport": "ssh", "windows": False},
    {"transport": "ansible.netcommon.network_cli", "windows": False},
])  # fmt: skip
def test_a_host_that_is_no_windows_is_not_touched(connection: dict[str, Any]) -> None:
    """The connection and its shell tell it before anything is sent."""
    result = stage([], **connection).run("credential_info", {})
    assert (result["error_code"], result["outcome"]) == ("not_windows", "refused")


@pytest.mark.parametrize("transport", ["winrm", "psrp", "ssh", "amazon.aws.aws_ssm"])
def test_every_connection_to_windows_will_do(transport: str) -> None:
    """What counts is a Windows shell, not the plugin's name."""
    options = {"ssh_extra_args": ""} if transport == "ssh" else {}
    played = stage([STARTED], transport=transport, options=options)
    assert played.run("support_session", {"session": "x"})["state"] == "started"


@pytest.mark.parametrize(("args", "part"), [
    ({}, "missing required arguments: session"),
    ({"session": "x", "colour": "red"}, "unsupported option colour"),
    ({"session": "x", "state": "open"}, "value of state must be one of"),
    ({"session": "x", "ends": 79200}, "it must be a time as a text"),
    ({"session": "x", "timeout": 0}, "above 0"),
    ({"session": "x", "timeout": "soon"}, "above 0"),
    ({"session": "x", "timeout": 700_000}, "at most 604800"),
    ({"session": "x", "requester": {"nick": "A"}}, "nick"),
])  # fmt: skip
def test_a_wrong_option_is_named(args: dict[str, Any], part: str) -> None:
    """All that is wrong is said in one sentence, before anything is sent."""
    result = stage([]).run("support_session", args)
    assert (result["error_code"], result["outcome"]) == ("bad_option", "refused")
    assert part in result["msg"]


def test_all_faults_of_a_task_are_told_at_once() -> None:
    """Nobody wants to be told one mistake a run."""
    message = stage([]).run("support_session", {"ends": 1, "state": "x"})["msg"]
    assert [part in message for part in ("session", "ends", "22:00", "state")] == [True] * 4


def test_where_the_agent_lies_is_an_option_or_a_variable() -> None:
    """The option comes before the variable, the variable before the package's own place, which Windows names."""
    path = "D:\\Latchkey\\ctl.exe"
    by_variable = stage([STARTED], agent_path=path)
    assert (
        by_variable.run("support_session", {"session": "x"}, {"latchkey_agent_path": path})["failed"] is False
    )
    by_option = stage([STARTED], agent_path=path)
    options = {"session": "x", "agent_path": path}
    assert (
        by_option.run("support_session", options, {"latchkey_agent_path": "C:\\other.exe"})["failed"] is False
    )
    assert stage([STARTED], agent_path=None).run("support_session", {"session": "x"})["failed"] is False


def test_a_use_without_a_step_is_one_of_its_own() -> None:
    """The task keeps its key when it asks again: so a lost answer restarts nothing twice."""
    refused = {"code": "restart_too_soon", "message": "m", "hint": "h", "retry_after": 1.0}
    asked = {"verb": "credential_apply"}
    done = {"session": "x", "left": {"restarts": 0, "unlocks": 0}, "boot_id": "b", "finished": True}
    keys = set()
    for _task in range(2):
        played = stage([
            {"ask": asked, "answer": {"outcome": "refused", "error": refused}},
            {"ask": asked, "lost": "reset"},
            {"ask": asked, "answer": {"outcome": "done", "result": done}},
        ])  # fmt: skip
        played.run("credential_apply", {"session": "x", "action": "restart"})
        # The customer reads the step: without the operator's there is none.
        [(step, key)] = {(said.get("step"), said["idempotency_key"]) for said in played.connection.asked}
        assert step is None
        keys.add(key)
    assert len(keys) == 2


def test_an_answer_that_is_too_large_is_not_read() -> None:
    """More than any agent says; the largest that one says, in letters that ASCII writes longest, is read."""
    flood = {"ask": {"verb": "session_start"}, "output": "x" * (4 * 1024 * 1024 + 1)}
    result = stage([flood]).run("support_session", {"session": "x"})
    assert (result["error_code"], result["outcome"]) == ("answer_too_large", "unknown")
    umlauts = {**SESSION, "reason": "\u00e4" * (frames.MAX_BODY // 2)}
    largest = {**STARTED, "answer": {"outcome": "done", "result": {"session": umlauts}}}
    assert stage([largest]).run("support_session", {"session": "x"})["reason"] == umlauts["reason"]


def frozen(port: int, **options: Any) -> dict[str, Any]:
    """Return what a task comes to where a PC accepts connections on this port and says nothing."""
    silent: list[dict[str, Any]] = [
        {"ask": {"verb": "session_start"}, "lost": "frozen"},
        {"down": 1000, "lost": "frozen"},
    ]
    played = stage(silent, options={"remote_addr": "127.0.0.1", "port": port})
    return played.run("support_session", {"session": "x", **options})


def test_a_pc_that_accepts_and_says_nothing_is_frozen() -> None:
    """It is told apart from one that is away by a TCP connection of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = frozen(port, timeout=20)
    assert (result["error_code"], result["outcome"], result["failed"]) == ("pc_frozen", "unknown", True)
    assert frozen(port, timeout=20)["error_code"] == "connection_lost"


def test_every_error_of_the_collection_has_a_transcript() -> None:
    """Each code of the collection is provoked by a transcript, or by a test here, of the package or of the report."""
    ends = [entries_of(path)[-1] for path in (Path(__file__).parent / "transcripts").glob("*.jsonl")]
    provoked = {end["result"].get("error_code") for end in ends}
    tests = (Path(__file__).parent / f"test_{name}.py" for name in ("package", "report"))
    others = {code for test in tests for code in re.findall(r'"((?:package|report)_\w+)"', test.read_text())}
    assert set(ERRORS) - provoked - ELSEWHERE - others == set()
