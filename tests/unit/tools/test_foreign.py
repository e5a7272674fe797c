# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make matrix` makes of recordings and of other software's tests."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.matrix import distributions, recorded, suites

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAMESPACES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell" '
    'xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"'
)


def message(body: str) -> str:
    """Return an answer with this body."""
    return f"<s:Envelope {NAMESPACES}><a:MessageID>uuid:1</a:MessageID><s:Body>{body}</s:Body></s:Envelope>"


def stream(name: str, data: bytes) -> str:
    """Return a piece of a stream."""
    return f'<rsp:Stream Name="{name}" CommandId="1">{base64.b64encode(data).decode()}</rsp:Stream>'


OUTPUT = message(
    f"<rsp:ReceiveResponse>{stream('stdout', b'ab')}{stream('stderr', b'c')}</rsp:ReceiveResponse>"
)
FAULT = message('<f:WSManFault Code="87" Machine="A"><f:Message>no</f:Message></f:WSManFault>')


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (OUTPUT, OUTPUT.replace("uuid:1", "uuid:2").replace('CommandId="1"', 'CommandId="2"'), True),
        (
            OUTPUT,
            OUTPUT.replace(stream("stdout", b"ab"), stream("stdout", b"a") + stream("stdout", b"b")),
            True,
        ),
        (OUTPUT, OUTPUT.replace(stream("stdout", b"ab"), stream("stdout", b"a")), False),
        (OUTPUT, OUTPUT.replace(stream("stderr", b"c"), ""), False),
        (OUTPUT, OUTPUT.replace("</rsp:Rec", '<rsp:Stream Name="stdout" End="true"/></rsp:Rec'), False),
        (FAULT, FAULT.replace('Machine="A"', 'Machine="B"'), True),
        (FAULT, FAULT.replace('Code="87"', 'Code="5"'), False),
        (FAULT, FAULT.replace("no", "never"), False),
        (FAULT, FAULT.replace("/wsmanfault", "/else"), False),
    ],
)
def test_answers_are_alike_but_for_what_differs_by_its_nature(one: str, other: str, *, alike: bool) -> None:
    """Ids, names and the cuts of a stream do not count; contents, elements, namespaces, codes and texts do."""
    assert (recorded.lines(one) == recorded.lines(other)) == alike


def test_without_a_package_index_the_part_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source distribution that cannot be downloaded is a reason in a sentence, and leaves no half-made cache."""
    monkeypatch.setattr(distributions, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(distributions.Missing, match=r"could not be downloaded .*; connect this computer"):
        distributions.unpacked()
    assert not [
        one
        for one in (tmp_path / "cache").iterdir()
        if one.name.startswith("sources-") and "." not in one.name
    ]


GOOD = dict.fromkeys(suites.SUITES[0].chosen, "passed")
KNOWN = {*suites.SUITES[0].chosen, *suites.SUITES[0].left_out}


@pytest.mark.parametrize(
    ("talking", "outcomes", "failures"),
    [
        (KNOWN, GOOD, []),
        (KNOWN | {"test_new"}, GOOD, ["test_new: neither chosen nor left out"]),
        (KNOWN - {"test_set_locale"}, GOOD, ["test_set_locale: left out, but there is no such test"]),
        (KNOWN, GOOD | {"test_get_command_output": "failed why"}, ["test_get_command_output: failed why"]),
        (KNOWN, GOOD | {"test_get_command_output": "skipped why"}, ["test_get_command_output: skipped why"]),
        (KNOWN, {}, [f"{name}: it did not run" for name in suites.SUITES[0].chosen]),
    ],
)
def test_every_test_that_talks_to_a_server_is_decided(
    talking: set[str], outcomes: Mapping[str, str], failures: list[str]
) -> None:
    """A chosen test that does not pass is a failure; so is one without a decision, and a decision without a test."""
    assert suites.failures(suites.SUITES[0], suites.Found(talking, dict(outcomes))) == failures
