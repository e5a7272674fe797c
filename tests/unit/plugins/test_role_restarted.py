# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's delivery after a restart by others: the failures with which the work goes on."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from jinja2 import Environment

from latchkey_agent.protocol.errors import ERRORS
from tests.collection import COLLECTIONS

ROLE = COLLECTIONS / "ansible_collections/latchkey/consent/roles/maintenance"
CODES = yaml.safe_load((ROLE / "vars/main.yml").read_text(encoding="utf-8"))["maintenance_passing_codes"]


def fails(result: dict[str, Any]) -> bool:
    """Tell whether the task fails with this result of its module, by the conditions in the file."""
    (task, *_) = yaml.safe_load((ROLE / "tasks/restarted.yml").read_text(encoding="utf-8"))
    jinja = Environment(autoescape=True)
    jinja.tests["failed"] = lambda one: bool(one.get("failed"))
    known = {task["register"]: result, "maintenance_passing_codes": CODES}
    return all(jinja.compile_expression(one)(**known) for one in task["failed_when"])


@pytest.mark.parametrize("code", [
    "device_key_changed", "half_request_invalid", "sealing_key_other", "known_pcs_unusable", "other_device_key",
    "apply_differs", "certificate_untrusted", "signature_invalid", "wrong_half", "bad_answer",
    "two_parties_unconfirmed",
])  # fmt: skip
def test_a_sign_of_an_attack_ends_the_job(code: str) -> None:
    """A PC that is another one, or wants the half for something else, is no reason to go on."""
    assert fails({"failed": True, "error_code": code})


def test_what_the_state_tells_next_does_not_end_the_job() -> None:
    """The work goes on after a sign-in that failed, which the next task reports, and after one that succeeded."""
    assert not fails({"changed": True})
    assert not any(fails({"failed": True, "error_code": code}) for code in CODES)


def test_a_failure_without_a_code_ends_the_job() -> None:
    """An exception of the module is no harmless failure."""
    assert fails({"failed": True, "msg": "Unexpected"})


def test_no_code_of_a_signature_or_a_key_passes() -> None:
    """The list has no code of the families that tell of a wrong key."""
    families = (
        "signature_",
        "certificate_",
        "apply_",
        "device_",
        "half_",
        "other_",
        "wrong_",
        "sealing_",
        "known_",
    )
    found = {code for code in CODES if code.startswith(families)}
    assert found == {"apply_timeout", "half_not_awaited"}
    assert "agent_failed" in ERRORS
