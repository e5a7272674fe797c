# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names with awkward characters stay unchanged from the task to the PC's journal and back."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.customer_script import Grant
from latchkey_agent.plain_text import quotable
from latchkey_agent.protocol import control_requests as rq
from tests.lab.job import apply, end, request, start, task
from tests.lab.scenes import Fails, Played, Scene, each, played

if TYPE_CHECKING:
    from collections.abc import Iterator

ANY = {
    "punctuation": string.punctuation,
    "PowerShell": "'; exit 1 #' \"$(exit 2)\" `$env:TEMP \u2018\u2019\u201a\u201b @{a=1} & {exit 3} | Out-Null",
    "cmd": "%PATH% !PATH! ^& echo > C:\\x \\\\?\\C:\\ C:\\ends\\with\\",
    "JSON": '{"verb": "erase_all"}, \\u0000 \\n </script>',
    "letters": "O'Brien & S\u00f6hne \u00e4\u00f6\u00fc\u00df \u00e9 \u0142 \u0416 \u05d0 \u0639 \u4e2d \u201cx\u201d",
    "80 characters": "\U00020000" * 80,
    "a dash": "-",
    "words of YAML": "null",
}
NEVER = {
    "a line break": "two\nlines",
    "a line break at the end": "CHG-4711\n",
    "a carriage return": "two\rlines",
    "a null": "a\0b",
    "a tab": "a\tb",
    "an escape": "\x1b[2Jgone",
    "turned text": "CHG-\u202e1174",
    "an invisible letter": "\u3164",
    "a joiner": "a\u200db",
    "four marks on a letter": "a\u0301\u0302\u0303\u0304\u0305",
    "a Cyrillic letter in a Latin word": "p\u0430ypal",
    "a lock": "\U0001f512 Signed",
    "two spaces": "has  two",
    "81 characters": "x" * 81,
    "200 characters": "x" * 200,
}
EMPTY = ("", "   ")


def unsafe(name: str) -> str:
    """Return a text that Ansible does not treat as a template."""
    return name.replace("{", "{{ '{' }}")


def job(name: str) -> list[dict[str, Any]]:
    """Return tasks that use a name for a session, a step and a reason, and end that session."""
    session = {"session": unsafe(name)}
    return [
        start(**session, reason=unsafe(name), ticket=unsafe(name)),
        task("session_checkpoint", "checkpoint", **session, step=unsafe(name), state="done"),
        {**end(), "latchkey.consent.support_session": {**session, "state": "ended"}},
    ]


SCENES = {
    "names": Scene("All are names.", [one for name in ANY.values() for one in job(name)]),
    "lent": Scene(
        "A whole job accepts these names.",
        [
            start(session=unsafe(ANY["punctuation"]), ticket=unsafe(ANY["punctuation"])),
            request(session=unsafe(ANY["punctuation"])),
            apply(
                session=unsafe(ANY["punctuation"]), step=unsafe(ANY["PowerShell"]), message=unsafe(ANY["cmd"])
            ),
            job(ANY["punctuation"])[-1],
        ],
        {"script": [Grant()]},
    ),
    "no names": Scene(
        "The agent or the task refuses these names, and the agent keeps running. Spaces around are no part of a name.",
        [
            *(Fails(start(session=unsafe(name)), "bad_message") for name in NEVER.values()),
            *(Fails(start(session=name), "bad_option") for name in EMPTY),
            start(session=" CHG-4711 "),
            end(),
        ],
    ),
}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Use all names in one run."""
    with played(tmp_path_factory.mktemp("names"), SCENES) as all_played:
        yield all_played


@pytest.mark.parametrize("name", each(SCENES))
def test_each_task_ends_as_expected(named: Played, name: str) -> None:
    """Each task of the scene ends with its expected error code or succeeds."""
    assert named.ends(name) == SCENES[name].ends, named.job.output


def test_names_come_back_unchanged(named: Played) -> None:
    """Session, step, reason and ticket have the same characters in the results and in the PC's journal."""
    names = list(ANY.values())
    started = named.job.results("start", "names")
    assert [(result["session"], result["reason"], result["ticket"]) for result in started] == [
        (n, n, n) for n in names
    ]
    marked = named.job.results("checkpoint", "names")
    assert [list(result["checkpoints"]) for result in marked] == [[n] for n in names]
    assert [result["session"] for result in named.job.results("end", "names")] == names
    info = named.computers["names"].ask_agent(rq.Info()).result
    assert isinstance(info, dict)
    assert [session["name"] for session in info["sessions"]] == names


def test_the_customer_reads_them(named: Played) -> None:
    """The restart warning, the notice of the step and the receipt show the operator's own words."""
    assert named.job.result("apply", "lent")["use"]["step"] == ANY["PowerShell"]
    (warning,) = (e.text for e in named.computers["lent"].events.all() if e.what == "restart_announced")
    assert warning.endswith(f": IT: \u201c{ANY['cmd']}\u201d")
    (receipt,) = named.job.result("end", "lent")["receipts"]
    assert quotable(ANY["punctuation"]) in receipt["text"]
