# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecast: each fact that stops or pre-empts an unattended logon, and each one that is unknown."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.simulated.windows_model import READY
from latchkey_agent.domain import (
    NEVER,
    OF_ACCOUNT,
    Account,
    LogonFacts,
    forecast,
    forecast_sign_on,
    is_ready,
    obstacles,
)
from latchkey_agent.domain.forecast import ARSO, EVERY_ROW, OF_PASSWORD, OF_PEOPLE, ROWS, UNKNOWN, Row
from latchkey_agent.domain.logon_hours import ALWAYS
from latchkey_agent.ports import SignIn
from latchkey_agent.protocol import control_requests as rq
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA, BEN, START

HERE = SignIn(1, ANNA, console=True, active=True, locked=False)
ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/forecast.md").read_text()
SETTINGS = (ROOT / "agent/src/latchkey_agent/windows/ports/logon_policies.py").read_text()
FACTS = [name for name in LogonFacts._fields if name != "places"]
STOPS_OR_WARNS = {row.fact: row for row in EVERY_ROW}


def found(facts: LogonFacts, account: Account | None = ANNA, **more: Any) -> list[tuple[str, str]]:
    """Return severity and code of each finding while Anna is signed in."""
    return [(f.severity, f.code) for f in forecast(facts, account, more.pop("here", [HERE]), START, **more)]


def but(fact: str, *, value: bool | None = True) -> LogonFacts:
    """Return the facts of a PC without obstacles, one of them changed."""
    change: dict[str, Any] = {fact: value}
    return READY._replace(**change)


def test_a_pc_without_obstacles_is_ready() -> None:
    """Where each fact is known and harmless, there is no finding."""
    assert found(READY) == []
    assert is_ready([])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_each_obstacle_is_found(row: Row) -> None:
    """Each fact has its own finding with its code, severity, the setting that sets it, and advice."""
    place = r"HKLM\SOFTWARE\Key\Value"
    facts = but(row.fact)._replace(places=((row.fact, place),))
    (finding,) = forecast(facts, ANNA, [HERE], START)
    assert (finding.code, finding.severity, finding.advice) == (row.code, row.severity, row.advice)
    assert finding.evidence == f"{row.evidence} Found in {place}."


STOPS = {
    "auto_logon", "logon_banner", "users_hidden", "account_hidden", "smart_card_required", "passwordless",
    "provider_excluded", "other_processor", "blank_password", "account_closed", "logon_denied",
}  # fmt: skip


def test_what_stops_a_logon_is_no_mere_warning() -> None:
    """The severities are part of the promise: these stop, and these may stop."""
    assert {row.code for row in ROWS if row.severity == "stops"} == STOPS
    assert {row.code for row in ROWS if row.severity == "unknown"} == {"not_last_user", "credential_filter"}


@pytest.mark.parametrize("fact", FACTS)
def test_an_unknown_fact_is_a_finding(fact: str) -> None:
    """A fact that could not be found out is named, and a PC is not ready where it may stop the logon."""
    row = STOPS_OR_WARNS[fact]
    facts = but(fact, value=None)._replace(places=((fact, "this place"),))
    (finding,) = forecast(facts, ANNA, [HERE, HERE._replace(account=ANNA)], START)
    assert finding.code == row.code + UNKNOWN
    assert "ould not be found out" in finding.evidence
    assert row.evidence in finding.evidence
    assert finding.evidence.endswith(" Looked in this place.")
    may_stop = row.severity in {"stops", "unknown"} and not row.if_unknown
    assert is_ready([finding]) == (not may_stop)
    assert finding.severity != "stops"


def test_a_port_that_forgets_a_fact_claims_nothing() -> None:
    """The defaults are unknown, each of them, and never make a PC ready."""
    assert {getattr(LogonFacts(), fact) for fact in FACTS} == {None}
    findings = forecast(LogonFacts(), ANNA, [HERE], START)
    assert {f.code for f in findings} == {row.code + UNKNOWN for row in EVERY_ROW}
    assert not is_ready(findings)


def test_what_a_sign_in_is_checked_for_anyway_does_not_block_the_forecast() -> None:
    """Windows tells of a blank password and of a closed account when the customer grants."""
    assert {row.fact for row in EVERY_ROW if row.if_unknown} == {"blank_password", "account_closed"}


def test_without_an_account_its_facts_are_unknown() -> None:
    """Where nobody is signed in and nobody is named, the facts about the account are one unknown."""
    of_account: dict[str, Any] = dict.fromkeys(OF_ACCOUNT)
    facts = READY._replace(**of_account)
    assert found(facts, None, here=[]) == [("unknown", "nobody_signed_in")]
    assert not is_ready(forecast(facts, None, [], START))


@pytest.mark.parametrize(
    ("left", "asked", "codes"),
    [
        (0, 1, [("stops", "bitlocker_pin")]),
        (1, 1, []),
        (1, 2, [("stops", "bitlocker_resumes")]),
        (3, 3, []),
    ],
)
def test_bitlocker_must_stay_suspended_for_all_restarts(
    left: int, asked: int, codes: list[tuple[str, str]]
) -> None:
    """A suspension for fewer restarts than asked for ends in front of the PIN."""
    assert found(READY._replace(restarts_without_pin=left), restarts=asked) == codes


def test_the_advice_names_the_restarts() -> None:
    """The finding tells how many restarts are left and how many are needed."""
    (finding,) = forecast(READY._replace(restarts_without_pin=1), ANNA, [HERE], START, restarts=3)
    assert "for 1 more restarts, and 3 are asked for" in finding.evidence
    assert finding.advice.endswith("-RebootCount 3")


def test_the_restarts_are_those_that_are_asked_for_or_lent(bench: Bench, canary: bytearray) -> None:
    """The agent compares BitLocker's suspension with the open requests and grants of the account."""
    bench.world.facts = READY._replace(restarts_without_pin=1)
    bench.world.sign_in(ANNA)
    assert codes(bench) == []
    bench.lend(canary)
    assert codes(bench) == ["bitlocker_resumes"]


def test_the_restarts_of_another_account_and_of_an_ended_grant_do_not_count(
    bench: Bench, canary: bytearray
) -> None:
    """The forecast of an account looks at what that account lends now."""
    bench.world.facts = READY._replace(restarts_without_pin=1)
    bench.lend(canary)
    assert codes(bench, account="ben") == ["others_signed_in"]
    bench.revoke()
    assert codes(bench, account="anna") == []


def codes(bench: Bench, **request: Any) -> list[str]:
    """Return the codes of the agent's forecast, and compare `ready` with them."""
    answer = bench.result(rq.Info(forecast=True, **request))["forecast"]
    severities = {f["severity"] for f in answer["findings"]}
    assert answer["ready"] == severities.isdisjoint({"stops", "unknown"})
    return [f["code"] for f in answer["findings"]]


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (timedelta(days=30), []),
        (timedelta(days=3, seconds=1), []),
        (timedelta(days=3), [("warns", "password_expires")]),
        (timedelta(days=2), [("warns", "password_expires")]),
        (timedelta(0), [("stops", "password_expires")]),
    ],
)
def test_the_forecast_warns_of_a_password_that_expires(
    left: timedelta, expected: list[tuple[str, str]]
) -> None:
    """The forecast warns when the password expires soon, and stops once it has expired."""
    assert found(READY._replace(password_expires_at=START + left)) == expected


def test_a_password_that_never_expires_is_no_obstacle() -> None:
    """Never and unknown are two things."""
    assert READY.password_expires_at == NEVER
    assert READY.logon_hours == ALWAYS


def test_the_forecast_considers_who_is_signed_in(bench: Bench) -> None:
    """The forecast reports who is signed in and lists the findings that stop a logon first."""
    assert codes(bench) == ["nobody_signed_in"]
    bench.world.sign_in(ANNA)
    bench.world.sign_in(BEN, session_id=2)
    bench.world.facts = READY._replace(logon_banner=True)
    assert codes(bench) == ["logon_banner", "others_signed_in"]
    bench.world.signed_in = [SignIn(3, ANNA, console=False, active=True, locked=False)]
    bench.world.facts = READY
    assert codes(bench, account="anna") == ["remote_only"]


def test_windows_own_sign_on_matters_for_further_accounts_only() -> None:
    """ARSO signs in the last user, locked: harmless for the customer, in the way if it is another account."""
    facts = READY._replace(restart_sign_on=True)
    assert found(facts) == []
    both = [HERE, SignIn(2, BEN, console=False, active=False, locked=False)]
    assert found(facts, here=both) == [("warns", "others_signed_in"), ("warns", "restart_sign_on")]
    assert found(facts, None, here=both) == [("unknown", "nobody_signed_in")]


def test_the_page_lists_every_finding() -> None:
    """docs/forecast.md has each code once, with its severity, and no other code."""
    matters = PAGE.split("\n## What matters\n")[1].split("\n## ")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|", matters, re.MULTILINE))
    expected = {row.code: row.severity for row in EVERY_ROW}
    assert {code: listed.get(code, "").split(",")[0] for code in expected} == expected
    assert set(listed) == set(expected) | set(OF_PEOPLE) | {"bitlocker_resumes"}


SIGNS_ON = READY._replace(restart_sign_on=True)


@pytest.mark.parametrize("row", EVERY_ROW, ids=[row.code for row in EVERY_ROW])
def test_a_sign_in_without_a_password_has_its_own_obstacles(row: Row) -> None:
    """What concerns passwords, tiles and providers does not stop Windows' own sign-in; the rest does as before."""
    change: dict[str, Any] = {row.fact: None}
    unknown = SIGNS_ON._replace(**change)
    findings = forecast(unknown, ANNA, [HERE], START)
    left = forecast_sign_on(findings, obstacles(SIGNS_ON, ANNA, [HERE]))
    kept = {one.code.removesuffix(UNKNOWN) for one in findings} - OF_PASSWORD
    assert {one.code.removesuffix(UNKNOWN) for one in left} == kept


@pytest.mark.parametrize(("allowed", "severity"), [(False, "stops"), (None, "unknown"), (True, "")])
def test_the_forecast_for_arso_names_what_forbids_it(
    bench: Bench, severity: str, *, allowed: bool | None
) -> None:
    """`arso` is about Windows' own sign-in, and `auto` only where nothing speaks against it."""
    bench.world.facts = READY._replace(restart_sign_on=allowed, users_hidden=True)
    bench.start_session()
    asked = {means: rq.Info(forecast=True, means=means) for means in ("grant", "arso", "auto")}
    found = {
        means: {one["code"]: one["severity"] for one in bench.result(info)["forecast"]["findings"]}
        for means, info in asked.items()
    }
    assert found["grant"]["users_hidden"] == "stops"
    assert "users_hidden" not in found["arso"]
    assert found["arso"].get(ARSO, "") == severity
    assert found["auto"] == found["arso" if allowed else "grant"]


def test_auto_is_foreseen_as_it_would_ask(bench: Bench) -> None:
    """Where the policy forbids Windows' own sign-in, `auto` asks for the password: its obstacles count."""
    bench.settings.write_text("[policy]\nallow_arso = false\n")
    bench.world.facts = READY._replace(restart_sign_on=True, smart_card_required=True)
    bench.start_session()
    found = bench.result(rq.Info(forecast=True, means="auto"))["forecast"]["findings"]
    assert "smart_card_required" in [one["code"] for one in found]


@pytest.mark.parametrize("means", ["grant", "arso"])
def test_a_session_that_goes_on_is_found_whatever_the_forecast_says(bench: Bench, means: str) -> None:
    """A job that is launched again at night is not stopped by what kept nobody from agreeing."""
    bench.world.facts = READY._replace(restart_sign_on=True)
    bench.start_session()
    bench.world.signed_in = []
    bench.world.facts = READY._replace(restart_sign_on=False, logon_banner=True)
    wanted: dict[str, Any] = {"session": "CHG-1", "reason": "Monthly updates", "ticket": "CHG-1"}
    wanted |= {"forecast": "stop", "account": "anna", "means": means}
    start = rq.SessionStart(**wanted)
    assert bench.result(start)["session"]["state"] == "started"
    other = rq.SessionStart(**{**wanted, "session": "CHG-2"})
    assert bench.result(other).get("session") is None


def test_the_page_names_every_setting() -> None:
    """docs/forecast.md names each setting that the agent reads from the registry."""
    names = re.findall(r'(?:_Switch|read)\(\s*"\w+", [^"]+?, "(\w+)"', SETTINGS)
    assert len(names) > 20
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_a_session_starts_only_where_the_forecast_allows(bench: Bench) -> None:
    """In one call: with `stop` a finding that stops the sign-in starts nothing, with `warn` it is returned, too."""
    bench.world.sign_in(ANNA)
    start = rq.SessionStart(session="CHG-1", reason="Monthly updates", account="anna")
    assert bench.result(start).get("forecast") is None

    bench.world.facts = READY._replace(logon_banner=True)
    stopped = bench.ask(msgspec.structs.replace(start, session="CHG-2", forecast="stop"))
    assert isinstance(stopped.result, dict)
    assert (stopped.changed, stopped.result.get("session")) == (False, None)
    assert [f["code"] for f in stopped.result["forecast"]["findings"] if f["severity"] == "stops"] == [
        "logon_banner"
    ]
    warned = bench.ask(msgspec.structs.replace(start, session="CHG-2", forecast="warn"))
    assert isinstance(warned.result, dict)
    assert (warned.changed, warned.result["session"]["state"]) == (True, "started")
    assert not warned.result["forecast"]["ready"]


def test_a_start_that_is_sent_again_is_the_same_call(bench: Bench) -> None:
    """Also where the forecast has become worse meanwhile: the session has started."""
    bench.world.sign_in(ANNA)
    key = "7e9ccf8a-2a9b-4a53-8be2-c83d55cbe92c"
    start = rq.SessionStart(session="CHG-1", reason="Updates", forecast="stop", idempotency_key=key)
    first = bench.result(start)
    bench.world.facts = READY._replace(logon_banner=True)
    assert bench.result(start)["session"] == first["session"]
